//! `POST /people/rules/{id}/end`: ends a rule for all its License IDs, those to come included.

use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};

use super::{
    change::{self, From, Kind},
    db,
    grants::GrantError,
    model::role_label,
    plan::Plan,
    tell::tell,
};
use crate::{
    app::AppState,
    auth::proof::{Fresh, OnRule},
    error::{Error, Result},
    web::view::Address,
};

/// Ends it; whoever saved it may take that back for some minutes.
///
/// # Errors
/// [`Error::Conflict`] where a License ID would be left without Administrator, or the rule has changed since.
pub async fn post(proof: Fresh<OnRule>, State(state): State<AppState>) -> Result<Response> {
    let rule = &proof.rule;
    let me = proof.person().id;
    let words = format!("{} is no longer {} on {}.", rule.name, role_label(&rule.role), rule.place());
    let from = From { email: rule.email.clone(), ended: vec![rule.clone()], ..From::default() };
    let mut tx = proof.begin(&state).await?;
    let saved = match change::save(&mut tx, me, Kind::Take, &Plan::default(), &from, &words).await {
        Ok(saved) => saved,
        Err(GrantError::Database(fault)) => return Err(fault.into()),
        Err(GrantError::LastAdministrator) => {
            return Err(Error::Conflict(
                "This would leave License IDs without Administrator, so nothing was changed. Give somebody else the rule first, or hand over."
                    .to_owned(),
            ));
        }
        Err(other) => return Err(Error::Conflict(other.to_string())),
    };
    tell(&mut tx, proof.person(), saved.id, "saved", &saved.news).await?;
    proof.visitor().record_all(&state, &mut tx, saved.events).await?;
    let stays = proof.person().site_operator || db::manages_any(&mut tx).await?;
    tx.commit().await?;
    // Who ends his own can't take it back: it isn't his any more.
    let undo = if rule.person_id == me { String::new() } else { saved.id.to_string() };
    let next = Address::new("/people").with("notice", "saved").with("change", saved.id.to_string()).with("undo", undo);
    Ok(Redirect::to(if stays { next.href() } else { "/".to_owned() }.as_str()).into_response())
}
