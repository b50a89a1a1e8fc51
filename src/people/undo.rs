//! `POST /people/changes/{change}/undo`: takes back what one has just saved.

use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};

use super::{change, db, grants::GrantError, tell::tell};
use crate::{
    app::AppState,
    auth::proof::OnRoleChange,
    error::{Error, Result},
};

/// Takes it back, all of it or nothing.
///
/// # Errors
/// [`Error::Conflict`] when it is too late, was done already, or the roles have changed since.
pub async fn post(change: OnRoleChange, State(state): State<AppState>) -> Result<Response> {
    let mut tx = change.begin(&state).await?;
    let undone = match change::undo(&mut tx, change.person().id, change.change.id).await {
        Ok(undone) => undone,
        Err(GrantError::Database(fault)) => return Err(fault.into()),
        Err(GrantError::LastAdministrator) => {
            return Err(Error::Conflict(
                "Taking this back would leave a License ID without Administrator, so nothing was changed. Name another one first."
                    .to_owned(),
            ));
        }
        Err(_) => {
            return Err(Error::Conflict(format!(
                "This can’t be taken back any more: it was taken back already, more than {} minutes have passed, or the roles have changed since. Nothing was changed. Look at the list, and change there what is to be changed.",
                change::UNDO_FOR.whole_minutes()
            )));
        }
    };
    tell(&mut tx, change.person(), undone.id, "undone", &undone.news).await?;
    for event in undone.events {
        change.record(&state, &mut tx, event).await?;
    }
    let stays = change.person().site_operator || db::manages_any(&mut tx).await?;
    tx.commit().await?;
    let next = if stays { format!("/people?notice=undone&change={}", change.change.id) } else { "/".to_owned() };
    Ok(Redirect::to(&next).into_response())
}
