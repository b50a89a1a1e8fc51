//! Posts that wait for a password: kept in the session until `/confirm` sends them again.

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::Request,
    middleware::Next,
    response::Response,
};

use super::db;
use crate::{
    app::AppState,
    error::{Error, Failure, Result},
    postgres::Scope,
    web::visitor::Visitor,
};

/// The largest post that may wait for a password: as large as a form may be.
const LARGEST: usize = 4 * 1024 * 1024;

/// A post that was refused for want of a recent password; travels in the response's extensions.
#[derive(Clone)]
struct Stale {
    path: String,
    body: Bytes,
}

/// Middleware of the routes that want a recent password: holds on to the form, in case.
///
/// # Errors
/// When the form is too large.
pub async fn keep_stale_post(request: Request, next: Next) -> Result<Response> {
    let path = request.uri().path().to_owned();
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, LARGEST)
        .await
        .map_err(|_| Error::TooLarge("A form may have at most 4 MiB. Select less, or export all.".to_owned()))?;
    let mut response = next.run(Request::from_parts(parts, Body::from(body.clone()))).await;
    if response.extensions().get::<Failure>().is_some_and(|failure| failure.code == "confirm") {
        response.extensions_mut().insert(Stale { path, body });
    }
    Ok(response)
}

/// Keeps a post that was refused as stale, until `/confirm` sends it again. A program that asked for
/// JSON sends it again itself.
///
/// # Errors
/// When the database fails.
pub async fn keep_pending(state: &AppState, visitor: &Visitor, response: &mut Response) -> Result<()> {
    let Some(stale) = response.extensions_mut().remove::<Stale>() else { return Ok(()) };
    let Some(person) = visitor.person().filter(|_| !visitor.wants_json()) else { return Ok(()) };
    let mut tx = state.db.begin(Scope::Person(person.id)).await?;
    db::keep_pending(&mut tx, person.session_id, &stale.path, &stale.body).await?;
    tx.commit().await?;
    Ok(())
}
