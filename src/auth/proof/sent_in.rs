//! Proofs that name what somebody sent in: imports, and requests with their files.

use axum::{extract::FromRequestParts, http::request::Parts};
use uuid::Uuid;

use super::{OperatorOrAdministrator, SignedIn, SiteRight, access, path::named, signed_in_behind};
use crate::{
    app::AppState,
    error::{Error, Result},
    imports::{self, head::ImportHead},
    requests::{self, model::Request},
    web::registry::{Access, Proof, Who},
};

signed_in_behind!(OnImport, OnRequest, OnRequestFile);

/// The import in the path (`{id}`) is the person's own, or the person is a site operator.
pub struct OnImport {
    signed_in: SignedIn,
    /// The import.
    pub import: ImportHead,
}

impl Proof for OnImport {
    const ACCESS: Access = access(Who::OnImport);
}

impl FromRequestParts<AppState> for OnImport {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let signed_in = SignedIn::from_request_parts(parts, state).await?;
        let id: Uuid = named(parts, state, "id").await?;
        // Rows of License IDs that one administered once are none of one's business any more.
        if !OperatorOrAdministrator::has(signed_in.person()) {
            return Err(Error::NotFound);
        }
        let mut tx = signed_in.begin(state).await?;
        let import = imports::head::head(&mut tx, id).await?.ok_or(Error::NotFound)?;
        Ok(Self { signed_in, import })
    }
}

/// The request in the path (`{number}`) is one that the person may see; what they may do with it, its
/// state machine says.
pub struct OnRequest {
    signed_in: SignedIn,
    /// The request, as it stood when the proof was made.
    pub request: Request,
}

impl Proof for OnRequest {
    const ACCESS: Access = access(Who::OnRequest);
}

impl FromRequestParts<AppState> for OnRequest {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let signed_in = SignedIn::from_request_parts(parts, state).await?;
        let number: i64 = named(parts, state, "number").await?;
        let mut tx = signed_in.begin(state).await?;
        let request = requests::db::by_number(&mut tx, number).await?.ok_or(Error::NotFound)?;
        Ok(Self { signed_in, request })
    }
}

/// The file in the path (`{id}`) is attached to the request in it (`{number}`), which the person may see.
pub struct OnRequestFile {
    signed_in: SignedIn,
    /// Its name, type and bytes.
    pub file: (String, String, Vec<u8>),
}

impl Proof for OnRequestFile {
    const ACCESS: Access = access(Who::OnRequest);
}

impl FromRequestParts<AppState> for OnRequestFile {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let OnRequest { signed_in, request } = OnRequest::from_request_parts(parts, state).await?;
        let id: Uuid = named(parts, state, "id").await?;
        let mut tx = signed_in.begin(state).await?;
        let file = requests::db::file(&mut tx, request.id, id).await?.ok_or(Error::NotFound)?;
        Ok(Self { signed_in, file })
    }
}
