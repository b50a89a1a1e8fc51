//! What a responder keeps in memory: applications, editions and own keys, as of one generation.

use std::collections::HashMap;

use serde::Deserialize;
use uuid::Uuid;

use super::wire::PublicKey;
use crate::vault::files::hex;

/// The configuration as the database tells it.
#[derive(Clone, Debug, Deserialize)]
struct Told {
    generation: i64,
    site: Uuid,
    site_keys: Option<String>,
    lease_keys: Vec<PublicKey>,
    applications: Vec<Application>,
    skus: Vec<Sku>,
    keys: Vec<OwnKey>,
}

/// A pool of one count.
#[derive(Clone, Debug, Deserialize)]
pub struct Application {
    /// Its id.
    pub id: Uuid,
    /// The License ID it belongs to.
    pub contract: Uuid,
    /// Its name.
    pub name: String,
    /// Whether only enrolled devices are believed.
    pub enrolled: bool,
    /// What may change of a machine's hardware, by weight.
    pub tolerance: u8,
    /// Whether it was closed.
    pub closed: bool,
}

/// An edition.
#[derive(Clone, Debug, Deserialize)]
pub struct Sku {
    /// The activation id.
    pub id: Uuid,
    /// Its application.
    pub application: Uuid,
    /// Whether it is activated by count.
    pub by_count: bool,
    /// Machines needed.
    pub needed: i64,
    /// Days that a lease lasts.
    pub lease_days: i64,
}

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum KeyUse {
    /// Counted activations.
    Mak,
    /// Hosts.
    Kms,
}

/// A key of an own product; never its characters.
#[derive(Clone, Debug, Deserialize)]
pub struct OwnKey {
    /// Its row in `product_keys`.
    pub id: Uuid,
    /// Its application.
    pub application: Uuid,
    /// The License ID it stands under.
    pub contract: Uuid,
    /// What it is for.
    pub kind: KeyUse,
    /// The edition that a MAK activates.
    pub sku: Option<Uuid>,
    /// HMAC of the key, in hex.
    pub fingerprint: String,
    /// Its last group.
    pub last_five: String,
    /// Neither blocked nor archived.
    pub usable: bool,
}

/// The configuration, ready to be looked up.
#[derive(Clone, Debug)]
pub struct Config {
    /// Rises with every change.
    pub generation: i64,
    /// The site's id.
    pub site: Uuid,
    /// Which site key file the database belongs to; none before a portal opened it first.
    pub site_keys: Option<String>,
    /// Public keys of leases that may still hold.
    pub lease_keys: Vec<PublicKey>,
    /// All applications.
    pub applications: HashMap<Uuid, Application>,
    skus: HashMap<Uuid, Sku>,
    keys: HashMap<String, OwnKey>,
}

impl Config {
    /// Reads the answer of `responder_config()`.
    ///
    /// # Errors
    /// When it isn't of this version.
    pub fn read(told: serde_json::Value) -> serde_json::Result<Self> {
        let told: Told = serde_json::from_value(told)?;
        Ok(Self {
            generation: told.generation,
            site: told.site,
            site_keys: told.site_keys,
            lease_keys: told.lease_keys,
            applications: told.applications.into_iter().map(|application| (application.id, application)).collect(),
            skus: told.skus.into_iter().map(|sku| (sku.id, sku)).collect(),
            keys: told.keys.into_iter().map(|key| (key.fingerprint.clone(), key)).collect(),
        })
    }

    /// An edition of an application.
    pub fn sku(&self, application: Uuid, sku: Uuid) -> Option<&Sku> {
        self.skus.get(&sku).filter(|sku| sku.application == application)
    }

    /// The key with this fingerprint, in hex.
    pub fn key(&self, fingerprint: &str) -> Option<&OwnKey> {
        self.keys.get(fingerprint)
    }

    /// The key in this row of `product_keys`.
    pub fn key_of(&self, id: Uuid) -> Option<&OwnKey> {
        self.keys.values().find(|key| key.id == id)
    }

    /// The MAK with this fingerprint, if it activates this edition.
    pub fn mak(&self, fingerprint: &[u8], sku: &Sku) -> Option<&OwnKey> {
        let key = self.key(&hex(fingerprint))?;
        (key.kind == KeyUse::Mak && key.application == sku.application && key.sku == Some(sku.id)).then_some(key)
    }

    /// The MAKs of these License IDs whose last group is this one.
    pub fn maks_ending(&self, last_five: &str, contracts: &[Uuid]) -> Vec<&OwnKey> {
        let meant =
            |key: &&OwnKey| key.kind == KeyUse::Mak && key.last_five == last_five && contracts.contains(&key.contract);
        self.keys.values().filter(meant).collect()
    }

    /// The host keys of an application, the usable ones first.
    pub fn host_keys(&self, application: Uuid) -> Vec<&OwnKey> {
        let of_it = |key: &&OwnKey| key.kind == KeyUse::Kms && key.application == application;
        let mut keys: Vec<&OwnKey> = self.keys.values().filter(of_it).collect();
        keys.sort_by_key(|key| (!key.usable, key.id));
        keys
    }
}
