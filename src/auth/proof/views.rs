//! The proof about saved views: each is one person's.

use axum::{extract::FromRequestParts, http::request::Parts};
use uuid::Uuid;

use super::{SignedIn, access, path::named, signed_in_behind};
use crate::{
    app::AppState,
    error::{Error, Result},
    views::{self, model::View},
    web::registry::{Access, Proof, Who},
};

/// The saved view in the path (`{id}`) is the person's own, deleted or not.
pub struct OnView {
    signed_in: SignedIn,
    /// The view.
    pub view: View,
}

impl Proof for OnView {
    const ACCESS: Access = access(Who::OnView);
}

impl FromRequestParts<AppState> for OnView {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let signed_in = SignedIn::from_request_parts(parts, state).await?;
        let id: Uuid = named(parts, state, "id").await?;
        let mut tx = signed_in.begin(state).await?;
        let view = views::db::own(&mut tx, id).await?.ok_or(Error::NotFound)?;
        Ok(Self { signed_in, view })
    }
}

signed_in_behind!(OnView);
