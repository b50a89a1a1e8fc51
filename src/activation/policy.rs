//! What can be said of a request before anything is counted: by the configuration, the clock, and the keys of
//! enrolled devices.

use std::collections::HashMap;

use ed25519_dalek::VerifyingKey;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{
    config::{Application, Config, OwnKey, Sku},
    db,
    ledger::Said,
    product_key,
    wire::{Ask, Fault, Outcome},
};
use crate::{keys::ProductKey, postgres::Scoped, vault::files::SiteKeys};

/// How far a client's clock may be off (DOMAIN §3).
pub const SKEW: Duration = Duration::hours(4);

/// The application and the edition that a request names.
///
/// # Errors
/// [`Outcome::UnknownSku`].
pub fn named<'a>(config: &'a Config, ask: &Ask) -> Result<(&'a Application, &'a Sku), Outcome> {
    let application = config.applications.get(&ask.application).ok_or(Outcome::UnknownSku)?;
    let sku = config.sku(ask.application, ask.sku).ok_or(Outcome::UnknownSku)?;
    Ok((application, sku))
}

/// The same for a request that wants to be counted.
///
/// # Errors
/// [`Outcome::UnknownSku`], [`Outcome::NotEnabled`].
pub fn countable<'a>(config: &'a Config, ask: &Ask) -> Result<(&'a Application, &'a Sku), Outcome> {
    let (application, sku) = named(config, ask)?;
    if application.closed || !sku.by_count { Err(Outcome::NotEnabled) } else { Ok((application, sku)) }
}

/// A key as it was typed, its check looked at.
///
/// # Errors
/// [`Outcome::KeyInvalid`].
pub fn typed(text: &str) -> Result<ProductKey, Outcome> {
    let key = ProductKey::parse(text).map_err(|_| Outcome::KeyInvalid)?;
    product_key::check(&key).map_err(|_| Outcome::KeyInvalid)?;
    Ok(key)
}

/// The key that a `mak` brings, if it was issued for the edition that it names.
///
/// # Errors
/// [`Outcome::UnknownSku`], [`Outcome::KeyInvalid`].
pub fn key<'a>(
    config: &'a Config,
    site: &SiteKeys,
    ask: &Ask,
    key: &ProductKey,
) -> Result<(&'a Application, &'a Sku, &'a OwnKey), Outcome> {
    let (application, sku) = named(config, ask)?;
    let key = config.mak(&site.fingerprint_of(key), sku).ok_or(Outcome::KeyInvalid)?;
    Ok((application, sku, key))
}

/// Whether the clocks agree.
///
/// # Errors
/// [`Outcome::ClockSkew`].
pub fn clock(asked: OffsetDateTime, now: OffsetDateTime) -> Result<(), Outcome> {
    if (asked - now).abs() > SKEW { Err(Outcome::ClockSkew) } else { Ok(()) }
}

/// Why a request isn't believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disbelieved {
    /// Not signed by the client's enrolled key.
    NotEnrolled,
    /// Its clock is behind that of an earlier request: a replay.
    Replayed,
}

impl Disbelieved {
    /// What the client is told.
    pub fn said(self, id: Uuid) -> Said {
        match self {
            Self::NotEnrolled => Said::fault(
                Some(id),
                &Fault::Enrolment("enrol this one's key with a code, then sign each request with it"),
            ),
            Self::Replayed => Said::outcome(id, Outcome::ClockSkew),
        }
    }
}

/// The enrolled devices that a batch names, locked; open applications ask for none.
pub struct Devices {
    application: Uuid,
    /// None: everybody is believed.
    known: Option<HashMap<Uuid, db::Device>>,
    seen: HashMap<Uuid, OffsetDateTime>,
}

impl Devices {
    /// Reads those of a batch.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn of(
        tx: &mut Scoped,
        application: &Application,
        asks: impl Iterator<Item = &Ask>,
    ) -> sqlx::Result<Self> {
        let known = if application.enrolled {
            let ids: Vec<Uuid> = asks.flat_map(|ask| [Some(ask.cmid), ask.previous_cmid]).flatten().collect();
            Some(db::devices(tx, application.id, &ids).await?)
        } else {
            None
        };
        Ok(Self { application: application.id, known, seen: HashMap::new() })
    }

    /// Whether a request is the client's own, and not older than one that it sent before; a request that was
    /// answered before may be.
    ///
    /// # Errors
    /// [`Disbelieved`].
    pub fn believe(&mut self, ask: &Ask, device: Option<&VerifyingKey>, repeated: bool) -> Result<(), Disbelieved> {
        let Some(known) = &self.known else { return Ok(()) };
        let (key, last) = known.get(&ask.cmid).ok_or(Disbelieved::NotEnrolled)?;
        if device.is_none_or(|device| device.as_bytes().as_slice() != key) {
            return Err(Disbelieved::NotEnrolled);
        }
        let last = self.seen.get(&ask.cmid).copied().or(*last);
        if repeated {
            return Ok(());
        }
        if last.is_some_and(|last| ask.time < last) {
            return Err(Disbelieved::Replayed);
        }
        self.seen.insert(ask.cmid, ask.time);
        Ok(())
    }

    /// Whether the device may say that it had this id before: of enrolled ones the same key.
    pub fn may_replace(&self, previous: Uuid, device: Option<&VerifyingKey>) -> bool {
        self.known.as_ref().is_none_or(|known| {
            let key = known.get(&previous).map(|(key, _)| key.as_slice());
            key.is_some() && key == device.map(|device| device.as_bytes().as_slice())
        })
    }

    /// Remembers the clocks.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn write(&self, tx: &mut Scoped) -> sqlx::Result<()> {
        if self.seen.is_empty() {
            return Ok(());
        }
        let seen: Vec<(Uuid, OffsetDateTime)> = self.seen.iter().map(|(cmid, at)| (*cmid, *at)).collect();
        db::devices_seen(tx, self.application, &seen).await
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    /// DOMAIN §3: more than 4 hours.
    #[test]
    fn four_hours_are_within_and_a_second_more_is_not() {
        let now = datetime!(2026-11-22 12:00 UTC);
        for sign in [1, -1] {
            assert_eq!(clock(now + SKEW * sign, now), Ok(()));
            assert_eq!(clock(now + (SKEW + Duration::SECOND) * sign, now), Err(Outcome::ClockSkew));
        }
    }
}
