//! `POST /keys/{id}/reveal` and `/keys/{id}/copy`: one key, after its audit row.

use axum::{
    Json,
    extract::State,
    http::header,
    response::{IntoResponse, Redirect, Response},
};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    app::AppState,
    auth::proof::{Fresh, OnKey, ReadKeys},
    contracts,
    error::Result,
    hand, products,
    vault::gate::{self, Way},
    web::{
        form::Pairs,
        view::{contract_path, product_path},
    },
};

/// How long a page shows a key, in seconds.
pub const SHOWN_FOR: u32 = 30;

/// Shows a key.
///
/// # Errors
/// See [`gate::release`].
pub async fn reveal(proof: Fresh<OnKey<ReadKeys>>, State(state): State<AppState>, form: Pairs) -> Result<Response> {
    answer(&state, &proof, Way::Reveal, &form).await
}

/// Hands a key to the clipboard; without JavaScript it is shown for copying by hand.
///
/// # Errors
/// See [`gate::release`].
pub async fn copy(proof: Fresh<OnKey<ReadKeys>>, State(state): State<AppState>, form: Pairs) -> Result<Response> {
    answer(&state, &proof, Way::Copy, &form).await
}

async fn answer(state: &AppState, proof: &Fresh<OnKey<ReadKeys>>, way: Way, form: &Pairs) -> Result<Response> {
    let key = gate::release(state, proof, way).await?;
    if proof.visitor().wants_json() {
        let body = Json(serde_json::json!({ "key": key.expose_secret(), "hidden_after_seconds": SHOWN_FOR }));
        return Ok(([(header::CACHE_CONTROL, "no-store")], body).into_response());
    }
    page(state, proof, form.one("back"), key).await
}

/// The page it was asked from, with the key shown; else the product's Keys tab. The page that the
/// key isn't on any more leads there without it.
async fn page(state: &AppState, proof: &Fresh<OnKey<ReadKeys>>, back: &str, key: SecretString) -> Result<Response> {
    let own = [&product_path(&proof.key.slug), "?tab=keys"].concat();
    let contract = [&contract_path(&proof.key.license_id), "?tab=keys"].concat();
    for place in [back, &contract, &own] {
        if let Some(page) = products::with_revealed(state, proof, place, proof.key.id, key.clone()).await? {
            return Ok(page);
        }
        if let Some(page) = hand::with_revealed(state, proof, place, proof.key.id, key.clone()).await? {
            return Ok(page);
        }
        if let Some(page) = contracts::with_revealed(state, proof, place, proof.key.id, key.clone()).await? {
            return Ok(page);
        }
    }
    Ok(Redirect::to(&contract).into_response())
}
