//! What a path names, as every proof reads it.

use std::{collections::HashMap, str::FromStr};

use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::request::Parts,
};

use crate::{
    app::AppState,
    error::{Error, Result},
};

/// All parameters of the path by their names.
pub(super) async fn params(parts: &mut Parts, state: &AppState) -> Result<HashMap<String, String>> {
    let params = RawPathParams::from_request_parts(parts, state).await.map_err(|_| Error::NotFound)?;
    Ok(params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

/// The parameter `name`. What can't be one names nothing: 404, as for what is absent.
pub(super) async fn named<T: FromStr>(parts: &mut Parts, state: &AppState, name: &str) -> Result<T> {
    let value = params(parts, state).await?.remove(name).ok_or(Error::NotFound)?;
    // PostgreSQL can't hold a NUL: no name has one.
    if value.contains('\0') {
        return Err(Error::NotFound);
    }
    value.parse().map_err(|_| Error::NotFound)
}
