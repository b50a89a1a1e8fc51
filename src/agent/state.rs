//! What a client keeps, all of it in one file; `docs/protocol.md`, "The agent's state file".

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use time::{Duration, OffsetDateTime, serde::rfc3339};
use uuid::Uuid;

use super::{
    HostName, Product, schedule,
    standing::{Facts, Standing},
    trouble::NotTaken,
};
use crate::{
    activation::{
        hardware::{Hardware, TOLERANCE},
        jws::{base64url, from_base64url},
        lease::{Claims, Model, NoLease, SKEW, Verifier},
        wire::{ACTIVATION_INTERVAL, Outcome, PublicKey, RENEWAL_INTERVAL},
    },
    keys::ProductKey,
    vault::envelope::Key32,
};

/// Says what the file is.
pub const FORMAT: &str = "keyward agent state";
/// The version of its form.
pub const VERSION: u32 = 1;

/// The state of one application on one machine.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    format: String,
    version: u32,
    /// The pool of one count.
    pub application: Uuid,
    /// The edition.
    pub sku: Uuid,
    /// This machine's id, made at random once.
    pub cmid: Uuid,
    /// The id that it had before, until a host was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_cmid: Option<Uuid>,
    /// The mainboard that the id was made on: on another one the file is a copy.
    pub board: String,
    /// When the software was installed.
    #[serde(with = "rfc3339")]
    pub installed_at: OffsetDateTime,
    /// The latest moment that this machine's clock has shown, or a host confirmed: turning the clock back gains
    /// nothing.
    #[serde(with = "rfc3339")]
    pub seen: OffsetDateTime,
    /// What may change of the hardware, by weight.
    #[serde(default = "tolerance")]
    pub tolerance: u8,
    /// The host that was named (`set-host`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<HostName>,
    /// The host of DNS that answered last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_host: Option<HostName>,
    /// The site's name and keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<Trust>,
    /// The product key, in clear: the file's mode protects it.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "write_key",
        deserialize_with = "read_key"
    )]
    pub key: Option<ProductKey>,
    /// The seed of the key that signs this device's requests.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "write_seed",
        deserialize_with = "read_seed"
    )]
    pub device: Option<Key32>,
    /// The request that was sent and not answered yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<Pending>,
    /// The lease.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<String>,
    /// Since when the hardware isn't the one that the lease is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "rfc3339::option")]
    pub beyond_since: Option<OffsetDateTime>,
    /// What came of the last request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Last>,
    /// How often in a row no host was reached.
    #[serde(default)]
    pub failures: u32,
}

/// The site that a client trusts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trust {
    /// The issuer of its leases.
    pub iss: String,
    /// Its public keys.
    pub keys: Vec<PublicKey>,
    /// Whether the keys were given; otherwise they are those of the first host that was met.
    #[serde(default)]
    pub given: bool,
}

/// A request under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pending {
    /// Its id: two requests with one id are one request.
    pub id: Uuid,
    /// What it asks for.
    pub op: Kind,
    /// When it was made.
    #[serde(with = "rfc3339")]
    pub at: OffsetDateTime,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// By count.
    Activate,
    /// By a key.
    Mak,
}

/// What a host said last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Last {
    /// When.
    #[serde(with = "rfc3339")]
    pub at: OffsetDateTime,
    /// The outcome; none where nobody answered, or the request wasn't taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Outcome>,
    /// The outcome in words.
    pub message: String,
    /// Machines counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<i64>,
    /// Machines needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needed: Option<i64>,
    /// Minutes until a client that isn't activated asks again.
    pub activation_interval: u32,
    /// Minutes until a client that is activated renews.
    pub renewal_interval: u32,
}

impl State {
    /// A new installation.
    pub fn new(product: Product, board: &str, now: OffsetDateTime) -> Self {
        let now = whole(now);
        Self {
            format: FORMAT.into(),
            version: VERSION,
            application: product.application,
            sku: product.sku,
            cmid: Uuid::new_v4(),
            previous_cmid: None,
            board: board.into(),
            installed_at: now,
            seen: now,
            tolerance: TOLERANCE,
            host: None,
            cached_host: None,
            site: None,
            key: None,
            device: None,
            pending: None,
            lease: None,
            beyond_since: None,
            last: None,
            failures: 0,
        }
    }

    /// Reads the file's text.
    ///
    /// # Errors
    /// What is wrong with it, without a secret in it.
    pub fn read(text: &[u8]) -> Result<Self, String> {
        let state: Self = serde_json::from_slice(text).map_err(|fault| {
            // Only the place and the kind: the library's sentence may quote a value.
            format!("line {}, column {}: {:?} error", fault.line(), fault.column(), fault.classify()).to_lowercase()
        })?;
        if state.format == FORMAT && state.version == VERSION {
            Ok(state)
        } else {
            Err(format!("it is of another version than {VERSION}"))
        }
    }

    /// The present as far as this client believes it: never before what it has seen.
    pub fn present(&self, now: OffsetDateTime) -> OffsetDateTime {
        now.max(self.seen)
    }

    /// How far the clock was turned back, where that is more than clocks may differ.
    pub fn turned_back(&self, now: OffsetDateTime) -> Option<Duration> {
        Some(self.seen - now).filter(|back| *back > SKEW)
    }

    /// What the lease says, if this client may believe it, however old it is.
    ///
    /// # Errors
    /// [`NotTaken`].
    pub fn claims(&self, lease: &str) -> Result<Claims, NotTaken> {
        let site = self.site.as_ref().ok_or(NotTaken::Another("site"))?;
        let claims = Verifier::new(&site.keys).open(lease)?;
        for (same, what) in [
            (claims.iss == site.iss, "site"),
            (claims.aud == self.application, "application"),
            (claims.sku == self.sku, "edition"),
            (claims.sub == self.cmid, "machine"),
        ] {
            if !same {
                return Err(NotTaken::Another(what));
            }
        }
        Ok(claims)
    }

    /// Takes a lease that came: verified, of this client, begun and not ended, and bound to this hardware.
    ///
    /// # Errors
    /// [`NotTaken`]; the state is as before.
    pub fn take(&mut self, lease: String, hardware: &Hardware, now: OffsetDateTime) -> Result<(), NotTaken> {
        let claims = self.claims(&lease)?;
        if (now + SKEW).unix_timestamp() < claims.nbf {
            return Err(NoLease::NotYet.into());
        }
        if (now - SKEW).unix_timestamp() >= claims.exp {
            return Err(NoLease::Ended.into());
        }
        if claims.hw.as_ref().is_some_and(|bound| !bound.is_same(hardware, self.tolerance)) {
            return Err(NotTaken::Hardware);
        }
        (self.lease, self.beyond_since) = (Some(lease), None);
        Ok(())
    }

    /// The claims of the lease that is held, if it is to be believed.
    pub fn held(&self) -> Option<Claims> {
        self.claims(self.lease.as_deref()?).ok()
    }

    /// How this client stands.
    pub fn standing(&self, hardware: &Hardware, now: OffsetDateTime) -> Standing {
        let held = self.held();
        let bound = held.as_ref().and_then(|claims| claims.hw.as_ref());
        let differs = bound.is_some_and(|bound| !bound.is_same(hardware, self.tolerance));
        let now = self.present(now);
        let facts = Facts {
            installed_at: self.installed_at,
            lease_ends: held.and_then(|claims| OffsetDateTime::from_unix_timestamp(claims.exp).ok()),
            beyond_since: self.beyond_since.or(differs.then_some(now)),
        };
        Standing::of(facts, now)
    }

    /// What activates this client.
    pub fn kind(&self) -> Kind {
        match (&self.key, self.held().map(|claims| claims.model)) {
            (None, None | Some(Model::Kms)) => Kind::Activate,
            (Some(_), _) | (None, Some(Model::Mak)) => Kind::Mak,
        }
    }

    /// The request to send: the one that wasn't answered, or a new one.
    pub fn request(&mut self, op: Kind, now: OffsetDateTime) -> Pending {
        match self.pending {
            Some(pending) if pending.op == op => pending,
            _ => *self.pending.insert(Pending { id: Uuid::new_v4(), op, at: whole(now) }),
        }
    }

    /// Another id for this machine, which is a copy of one that keeps the old id.
    pub fn renew_cmid(&mut self, board: &str, replaced: bool) {
        self.previous_cmid = replaced.then_some(self.cmid);
        self.cmid = Uuid::new_v4();
        board.clone_into(&mut self.board);
        (self.pending, self.lease, self.beyond_since, self.last) = (None, None, None, None);
    }

    /// When the service asks a host again; `jitter` as [`schedule::wait`] has it.
    pub fn due(&self, activated: bool, jitter: f64) -> OffsetDateTime {
        let Some(last) = &self.last else { return self.installed_at };
        let renewed = activated && last.result == Some(Outcome::Done);
        last.at + schedule::wait(last.activation_interval, last.renewal_interval, renewed, self.failures, jitter)
    }
}

impl Last {
    /// Nobody answered.
    pub fn failed(before: Option<&Self>, message: String, now: OffsetDateTime) -> Self {
        Self {
            at: whole(now),
            result: None,
            message,
            count: None,
            needed: None,
            activation_interval: before.map_or(ACTIVATION_INTERVAL, |last| last.activation_interval),
            renewal_interval: before.map_or(RENEWAL_INTERVAL, |last| last.renewal_interval),
        }
    }
}

/// The file holds whole seconds.
pub fn whole(at: OffsetDateTime) -> OffsetDateTime {
    at.replace_nanosecond(0).unwrap_or(at)
}

fn tolerance() -> u8 {
    TOLERANCE
}

fn write_key<S: Serializer>(key: &Option<ProductKey>, serializer: S) -> Result<S::Ok, S::Error> {
    key.as_ref().map(ProductKey::expose).serialize(serializer)
}

fn read_key<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ProductKey>, D::Error> {
    let text = zeroize::Zeroizing::new(Option::<String>::deserialize(deserializer)?);
    text.as_deref().map(ProductKey::parse).transpose().map_err(|_| D::Error::custom("no key"))
}

fn write_seed<S: Serializer>(seed: &Option<Key32>, serializer: S) -> Result<S::Ok, S::Error> {
    seed.as_ref().map(|seed| base64url(seed.expose())).serialize(serializer)
}

fn read_seed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Key32>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    let bytes = from_base64url(&text).and_then(|bytes| bytes.try_into().ok());
    bytes.map(|bytes| Some(Key32::from_bytes(bytes))).ok_or_else(|| D::Error::custom("no seed"))
}
