//! The one gate: nothing else in the program turns a ciphertext into a product key.
//!
//! Order of events, always: permission (the proof in the caller's hands), budget, audit row
//! committed, and only then the key. Where the audit row can't be written, nothing is released.

use std::sync::Arc;

use secrecy::SecretString;
use time::Duration;
use uuid::Uuid;

use super::{VaultError, keyring::DataKey};
use crate::{
    app::AppState,
    audit::{self, Event},
    auth::proof::{Fresh, OnKey, ReadKeys},
    error::{Error, Result},
    keys::model::KeyHead,
    postgres::Scoped,
};

/// How many keys a person may reveal or copy one by one in [`WINDOW`] (SECURITY, "Stolen session").
/// Reading more than a key a minute by hand for an hour is better done by an export, which is one
/// event that stands out.
pub const BUDGET: i64 = 60;
/// The window of the budget.
pub const WINDOW: Duration = Duration::hours(1);

/// By which way a single key leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Onto the page.
    Reveal,
    /// Into the clipboard.
    Copy,
}

impl Way {
    fn action(self) -> &'static str {
        match self {
            Self::Reveal => "key.reveal",
            Self::Copy => "key.copy",
        }
    }
}

/// Releases one key to the person who holds the proof.
///
/// # Errors
/// [`Error::Sealed`], [`Error::TooMany`] over the budget, [`Error::NotFound`] where no key is
/// needed, or a fault; then nothing is released.
pub async fn release(state: &AppState, proof: &Fresh<OnKey<ReadKeys>>, way: Way) -> Result<SecretString> {
    state.vault.ensure_unsealed()?;
    let key = &proof.key;
    let mut tx = proof.begin(state).await?;
    spend_budget(state, &mut tx, proof.person().id).await?;
    let (data_key_id, sealed): (Uuid, Vec<u8>) =
        sqlx::query_as("SELECT data_key_id, sealed FROM product_keys WHERE id = $1 AND sealed IS NOT NULL")
            .bind(key.id)
            .fetch_one(&mut *tx)
            .await?;
    let data_key = state.vault.data_key(&mut tx, data_key_id).await?;
    proof
        .record(state, &mut tx, Event::done(way.action(), describe(key)).on(key.contract_id).keys(vec![key.id]))
        .await?;
    tx.commit().await?;
    let plain = state.vault.open_key(&data_key, key.id, &sealed)?;
    let text = std::str::from_utf8(&plain).map_err(|fault| Error::Internal(fault.into()))?;
    Ok(SecretString::from(text))
}

async fn spend_budget(state: &AppState, tx: &mut Scoped, person: Uuid) -> Result<()> {
    // One request of a person at a time, or two would both see room for the last one.
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended($1::text, 0))").bind(person).execute(&mut **tx).await?;
    let spent = audit::db::releases_since(tx, person, state.clock().now() - WINDOW).await?;
    if spent < BUDGET {
        return Ok(());
    }
    Err(Error::TooMany {
        sentence: format!(
            "You have shown or copied {spent} keys in the last hour, the most that one person may. Export the keys you need in one file, or go on later."
        ),
        retry_after: WINDOW.whole_seconds().unsigned_abs() / 4,
    })
}

fn describe(key: &KeyHead) -> String {
    format!("{} {} ending in {}", key.product, key.kind, key.last_five.as_deref().unwrap_or("-"))
}

/// Opens the keys of an export, part by part, each after its audit events are committed: it asks for the
/// [`Released`] that only [`commit_export`] makes.
pub struct Opener {
    state: AppState,
}

/// A part of an export whose audit events are committed. Made by [`commit_export`] alone.
#[derive(Debug)]
pub struct Released<T>(T);

/// Commits the audit events of a part of an export; the value returned opens the way to its keys.
///
/// # Errors
/// When the log can't be written: then nothing of this part is exported.
pub async fn commit_export<T>(state: &AppState, tx: Scoped, part: T) -> Result<Released<T>> {
    state.vault.ensure_unsealed()?;
    tx.commit().await?;
    Ok(Released(part))
}

impl<T> Released<T> {
    /// The part, still sealed.
    pub fn part(&self) -> &T {
        &self.0
    }
}

impl Opener {
    /// Prepares to open the keys of an export.
    pub fn new(state: AppState) -> Self {
        Self { state }
    }

    /// The data key of a License ID, unwrapped.
    ///
    /// # Errors
    /// When it doesn't unwrap.
    pub fn data_key(&self, id: Uuid, contract: Uuid, wrapped: &[u8]) -> Result<Arc<DataKey>, VaultError> {
        self.state.vault.unwrap(id, contract, wrapped)
    }

    /// A key of a released part in clear, in `space`: zero it when the last one is written.
    ///
    /// # Errors
    /// When it doesn't open.
    pub fn open<'s, T>(
        &self,
        _: &Released<T>,
        data_key: &DataKey,
        row: Uuid,
        sealed: &[u8],
        space: &'s mut Vec<u8>,
    ) -> Result<&'s str, VaultError> {
        space.clear();
        self.state.vault.open_key_onto(data_key, row, sealed, space)?;
        Ok(std::str::from_utf8(space).map_err(|_| super::envelope::Unopened)?)
    }
}
