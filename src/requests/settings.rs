//! `POST /contracts/{license_id}/second-person`: whether vendor requests of a License ID are decided by
//! somebody other than the asker before they are sent.

use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use serde_json::json;

use crate::{
    app::AppState,
    audit::Event,
    auth::proof::{Administer, OnContract},
    error::{Error, Result},
    web::{form::Pairs, view::contract_path},
};

/// Switches it (`second_person` = `yes` or `no`); requests submitted before stay as they were.
///
/// # Errors
/// 400 for another value.
pub async fn post(contract: OnContract<Administer>, State(state): State<AppState>, form: Pairs) -> Result<Response> {
    let wanted = match form.one("second_person") {
        "yes" => true,
        "no" => false,
        _ => return Err(Error::Malformed("“second_person” is yes or no.".to_owned())),
    };
    let head = &contract.contract;
    let mut tx = contract.begin(&state).await?;
    let now = tx.now();
    sqlx::query(
        "INSERT INTO request_settings (contract_id, second_person, set_by, set_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (contract_id) DO UPDATE SET second_person = $2, set_by = $3, set_at = $4",
    )
    .bind(head.id)
    .bind(wanted)
    .bind(contract.person().id)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    let words =
        if wanted { "a second person decides vendor requests" } else { "vendor requests need no second person" };
    let event = Event::done("request.setting", format!("License ID {}: {words}", head.license_id))
        .on(head.id)
        .with(json!({ "second_person": i32::from(wanted) }));
    contract.record(&state, &mut tx, event).await?;
    tx.commit().await?;
    Ok(Redirect::to(&contract_path(&head.license_id)).into_response())
}
