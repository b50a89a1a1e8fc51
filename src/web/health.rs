//! `/healthz` says that the process runs, `/readyz` that database and vault do.

use axum::{extract::State, http::StatusCode};

use crate::{app::AppState, auth::proof::Anyone};

/// The process runs.
pub async fn process(_: Anyone) -> &'static str {
    "ok\n"
}

/// Database and vault are there to serve. A sealed vault is "ready": everything but secrets works.
pub async fn ready(_: Anyone, State(state): State<AppState>) -> (StatusCode, &'static str) {
    match (state.db.answers().await, state.vault.is_sealed()) {
        (false, _) => (StatusCode::SERVICE_UNAVAILABLE, "the database doesn't answer\n"),
        (true, true) => (StatusCode::OK, "ok, vault sealed\n"),
        (true, false) => (StatusCode::OK, "ok\n"),
    }
}
