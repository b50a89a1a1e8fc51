//! Proofs about the files of products: who may have one, and who looks after them.

use axum::{extract::FromRequestParts, http::request::Parts};
use uuid::Uuid;

use super::{SignedIn, access, estate::OnProduct, path::named, signed_in_behind};
use crate::{
    app::AppState,
    error::{Error, Result},
    postgres::Scoped,
    products::{downloads::db, downloads::db::Download, model::Product},
    web::registry::{Access, Proof, Who},
};

signed_in_behind!(OnKeptProduct, OnDownload, OnKeptDownload);

/// Said where the product is known and its files are another's to look after.
const KEEPERS: &str =
    "Files of a product are looked after by Administrators of a License ID that covers it. Ask one of them.";

/// The product in the path (`{slug}`) is on a License ID that the person administers, who so looks after its files.
pub struct OnKeptProduct {
    signed_in: SignedIn,
    /// The product.
    pub product: Product,
}

impl Proof for OnKeptProduct {
    const ACCESS: Access = access(Who::OnKeptProduct);
}

impl FromRequestParts<AppState> for OnKeptProduct {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let (signed_in, product, mut tx) = OnProduct::from_request_parts(parts, state).await?.begun();
        if db::keeps(&mut tx, product.id).await? {
            return Ok(Self { signed_in, product });
        }
        Err(Error::Lacking(KEEPERS.to_owned()))
    }
}

/// The file in the path (`{id}`) is one that the person may have.
pub struct OnDownload {
    signed_in: SignedIn,
    /// The file.
    pub file: Download,
}

impl Proof for OnDownload {
    const ACCESS: Access = access(Who::OnDownload);
}

impl FromRequestParts<AppState> for OnDownload {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let (signed_in, file, _) = download(parts, state).await?;
        if file.removed_at.is_some() {
            return Err(Error::NotFound);
        }
        Ok(Self { signed_in, file })
    }
}

/// The file in the path (`{id}`), removed or not, is of a product whose files the person looks after.
pub struct OnKeptDownload {
    signed_in: SignedIn,
    /// The file.
    pub file: Download,
}

impl Proof for OnKeptDownload {
    const ACCESS: Access = access(Who::OnKeptDownload);
}

impl FromRequestParts<AppState> for OnKeptDownload {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let (signed_in, file, mut tx) = download(parts, state).await?;
        if db::keeps(&mut tx, file.product_id).await? {
            return Ok(Self { signed_in, file });
        }
        if file.removed_at.is_some() {
            return Err(Error::NotFound);
        }
        Err(Error::Lacking(KEEPERS.to_owned()))
    }
}

/// A file that is the person's to have: any other is as if it weren't there.
async fn download(parts: &mut Parts, state: &AppState) -> Result<(SignedIn, Download, Scoped)> {
    let signed_in = SignedIn::from_request_parts(parts, state).await?;
    let id: Uuid = named(parts, state, "id").await?;
    let mut tx = signed_in.begin(state).await?;
    let file = db::find(&mut tx, id).await?.ok_or(Error::NotFound)?;
    Ok((signed_in, file, tx))
}
