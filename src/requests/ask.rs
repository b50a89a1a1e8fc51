//! `POST /contracts/{license_id}/ask`: access asked for with one click, where something of a License ID that one
//! sees is closed. The same request as by the form, checked by the same rules.

use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use uuid::Uuid;

use super::{db, form::Form, model, write};
use crate::{
    app::AppState,
    audit::Event,
    auth::{
        proof::{OnContract, See},
        roles::Role,
    },
    contracts,
    error::{Error, Result},
    postgres::Scoped,
    web::{
        form::Pairs,
        view::{Link, Locked, LockedPlace},
    },
};

/// Asks for the role in `role`. Asking twice shows the open request.
///
/// # Errors
/// 400 for another role, [`Error::Conflict`] when it is held already or too much is open.
pub async fn post(contract: OnContract<See>, State(state): State<AppState>, form: Pairs) -> Result<Response> {
    let role: Role = form.one("role").parse().map_err(Error::Malformed)?;
    let head = &contract.contract;
    let me = contract.person().id;
    let mut tx = contract.begin(&state).await?;
    // Two clicks at once: the second waits, and finds the request of the first.
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended($1::text, 0))").bind(me).execute(&mut *tx).await?;
    let (_, open) = db::open_access(&mut tx, &head.license_id, role.code()).await?;
    if let Some(number) = open {
        let subject = format!("Request {number}: {} on License ID {}", role.label(), head.license_id);
        contract.record(&state, &mut tx, Event::done("request.again", subject).on(head.id)).await?;
        tx.commit().await?;
        return Ok(Redirect::to(&format!("{}?notice=again", model::href(number))).into_response());
    }
    let held: Vec<&str> = head.roles.iter().map(|role| role.label()).collect();
    let why = format!(
        "Asked with one click on a page of License ID {} that wants the role {}. Holds there: {}.",
        head.license_id,
        role.label(),
        held.join(", ")
    );
    let fields = Pairs::of([
        ("kind", "access".to_owned()),
        ("license_id", head.license_id.clone()),
        ("role", role.code().to_owned()),
        ("justification", why),
    ]);
    let mut form = Form::read(&mut tx, &fields).await?;
    let Some(asked) = form.check(&mut tx, me).await? else {
        let why = form.first_error().unwrap_or("This can’t be asked for now.");
        return Err(Error::Conflict(why.to_owned()));
    };
    let (number, event) = write::add(&mut tx, me, &asked, false).await?;
    contract.record(&state, &mut tx, event).await?;
    tx.commit().await?;
    Ok(Redirect::to(&format!("{}?notice=submit", model::href(number))).into_response())
}

/// What stands where something is closed: the role that is missing, on which License IDs that the person sees, whom
/// to ask, and what was asked already.
///
/// # Errors
/// When the database fails.
pub async fn locked(tx: &mut Scoped, role: Role, places: Vec<(Uuid, String)>) -> sqlx::Result<Locked> {
    let ask = match places.first() {
        Some((first, _)) => contracts::db::administrator_names(tx, *first).await?,
        None => Vec::new(),
    };
    let numbers: Vec<&str> = places.iter().map(|(_, license_id)| license_id.as_str()).collect();
    let open = db::open_access_on(tx, &numbers, role.code()).await?;
    let place = |(_, license_id): (Uuid, String)| {
        let number = open.iter().find(|(known, _)| *known == license_id).map(|(_, number)| *number);
        let open =
            number.map(|number| Link::new(format!("Asked for {license_id}: request {number}"), model::href(number)));
        LockedPlace { license_id, open }
    };
    Ok(Locked { role: Some(role), places: places.into_iter().map(place).collect(), ask })
}
