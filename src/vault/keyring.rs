//! The vault's keys in memory: KEK, data keys as they are met, and the fingerprint key.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use uuid::Uuid;
use zeroize::Zeroizing;

use super::{
    envelope::{Key32, Place, Purpose, Sealer},
    files::{self, Kek, SiteKeys},
};
use crate::{
    keys::product_key::ProductKey,
    postgres::{Db, Scope, Scoped},
};

const CHECK_SENTENCE: &[u8] = b"This vault opens under this key.";

/// Why the vault didn't open or didn't serve.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The KEK is missing; everything else works.
    #[error("the vault is sealed: its KEK file {} is missing. Put the file back and restart; until then no key can be shown, exported or imported", .0.display())]
    Sealed(PathBuf),
    /// The KEK file belongs to another installation.
    #[error("{} holds another key than the one this database was sealed with: put back the KEK file that belongs to this database, or start with the database that belongs to it", .0.display())]
    WrongKek(PathBuf),
    /// The site's key file is missing or another one.
    #[error("{} is missing or belongs to another database: put back the file that was made with this database (audit log and key search depend on it)", .0.display())]
    WrongSiteKeys(PathBuf),
    /// A ciphertext doesn't open.
    #[error(transparent)]
    Unopened(#[from] super::envelope::Unopened),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// A file failed.
    #[error(transparent)]
    File(#[from] anyhow::Error),
}

/// Seals and (for the gate alone) opens product keys.
pub struct Vault {
    kek: Option<Wrapping>,
    kek_file: PathBuf,
    site: SiteKeys,
    data_keys: RwLock<HashMap<Uuid, Arc<DataKey>>>,
}

/// The KEK, and the cipher under it, which wraps data keys.
struct Wrapping {
    kek: Kek,
    sealer: Sealer,
}

/// A License ID's data key, unwrapped.
pub struct DataKey {
    /// Its row in `data_keys`.
    pub id: Uuid,
    /// The License ID it is for; nil for uploaded files.
    pub contract: Uuid,
    sealer: Sealer,
}

impl Vault {
    /// Opens the vault of this database: makes both files on a first start, seals itself where the
    /// KEK is missing, refuses to start on a wrong one.
    ///
    /// # Errors
    /// [`VaultError::WrongKek`], [`VaultError::WrongSiteKeys`], or a file or database fault.
    pub async fn open(db: &Db, kek_file: &Path, site_file: &Path) -> Result<Self, VaultError> {
        // System scope: checks belong to no person.
        let mut tx = db.begin(Scope::System).await?;
        // Two servers that start together on a new database must not make two KEKs.
        sqlx::query("SELECT pg_advisory_xact_lock(hashtext('keyward vault'))").execute(&mut *tx).await?;
        let checks: Vec<(String, Vec<u8>)> =
            sqlx::query_as("SELECT kek_id, sealed FROM vault_checks").fetch_all(&mut *tx).await?;
        let site = open_site_keys(&mut tx, &checks, site_file, db).await?;
        let kek_checks: Vec<_> = checks.into_iter().filter(|(id, _)| !id.starts_with("site:")).collect();
        let kek = open_kek(&mut tx, &kek_checks, kek_file, db).await?;
        tx.commit().await?;
        let kek = kek.map(|kek| Wrapping { sealer: Sealer::new(&kek.key), kek });
        Ok(Self { kek, kek_file: kek_file.to_owned(), site, data_keys: RwLock::default() })
    }

    /// Whether the KEK is missing.
    pub fn is_sealed(&self) -> bool {
        self.kek.is_none()
    }

    /// [`VaultError::Sealed`] while the KEK is missing.
    ///
    /// # Errors
    /// See above.
    pub fn ensure_unsealed(&self) -> Result<(), VaultError> {
        self.kek().map(|_| ())
    }

    /// The site's keys other than the KEK.
    pub fn site_keys(&self) -> &SiteKeys {
        &self.site
    }

    /// HMAC-SHA-256 of the normalised key: equal for equal keys, telling nothing without the site's key.
    pub fn fingerprint(&self, key: &ProductKey) -> [u8; 32] {
        self.site.fingerprint_of(key)
    }

    /// Seals a product key for its row.
    pub fn seal_key(&self, data_key: &DataKey, row: Uuid, key: &ProductKey) -> Vec<u8> {
        data_key.sealer.seal(&data_key.place(Purpose::ProductKey, row), key.expose().as_bytes())
    }

    /// Seals an uploaded file while it waits for a decision.
    pub fn seal_file(&self, data_key: &DataKey, row: Uuid, bytes: &[u8]) -> Vec<u8> {
        data_key.sealer.seal(&data_key.place(Purpose::ImportFile, row), bytes)
    }

    /// Opens an uploaded file again to apply it.
    ///
    /// # Errors
    /// [`VaultError::Unopened`].
    pub fn open_file(&self, data_key: &DataKey, row: Uuid, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        Ok(data_key.sealer.open(&data_key.place(Purpose::ImportFile, row), sealed)?)
    }

    /// Opens a product key. For [`super::gate`] alone, which has committed the audit row before.
    pub(super) fn open_key(
        &self,
        data_key: &DataKey,
        row: Uuid,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        Ok(data_key.sealer.open(&data_key.place(Purpose::ProductKey, row), sealed)?)
    }

    /// Opens a product key behind what `out` holds; for [`super::gate`] alone, as above.
    pub(super) fn open_key_onto(
        &self,
        data_key: &DataKey,
        row: Uuid,
        sealed: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), VaultError> {
        Ok(data_key.sealer.open_onto(&data_key.place(Purpose::ProductKey, row), sealed, out)?)
    }

    /// The data key with this id, unwrapped; from memory when it was met before.
    ///
    /// # Errors
    /// Sealed, not there in this scope, or not to be unwrapped.
    pub async fn data_key(&self, tx: &mut Scoped, id: Uuid) -> Result<Arc<DataKey>, VaultError> {
        if let Some(known) = self.data_keys.read().unwrap_or_else(PoisonError::into_inner).get(&id) {
            return Ok(known.clone());
        }
        let (contract, wrapped): (Option<Uuid>, Vec<u8>) =
            sqlx::query_as("SELECT contract_id, wrapped FROM data_keys WHERE id = $1")
                .bind(id)
                .fetch_one(&mut **tx)
                .await?;
        self.unwrap(id, contract.unwrap_or_default(), &wrapped)
    }

    /// The data keys of many License IDs (nil: for uploaded files), made where there is none yet.
    /// Needs a system scope: making one is part of an import.
    ///
    /// # Errors
    /// Sealed, or a database fault.
    pub async fn data_keys_for(
        &self,
        tx: &mut Scoped,
        contracts: &[Uuid],
    ) -> Result<HashMap<Uuid, Arc<DataKey>>, VaultError> {
        let Wrapping { kek, sealer } = self.kek()?;
        let mut fresh: (Vec<Uuid>, Vec<Option<Uuid>>, Vec<Vec<u8>>) = Default::default();
        for &contract in contracts {
            let id = Uuid::now_v7();
            let key = Key32::random();
            fresh.2.push(sealer.seal(&wrap_place(id, contract), key.expose()));
            fresh.0.push(id);
            fresh.1.push((!contract.is_nil()).then_some(contract));
        }
        // Kept only where the License ID has none: the one that was first wins, here and in a race.
        sqlx::query(
            "INSERT INTO data_keys (id, contract_id, kek_id, wrapped, created_at)
             SELECT f.id, f.contract_id, $4, f.wrapped, app_now() FROM unnest($1::uuid[], $2::uuid[], $3::bytea[]) AS f (id, contract_id, wrapped)
             ON CONFLICT DO NOTHING",
        )
        .bind(&fresh.0)
        .bind(&fresh.1)
        .bind(&fresh.2)
        .bind(&kek.id)
        .execute(&mut **tx)
        .await?;
        let rows: Vec<(Uuid, Option<Uuid>, Vec<u8>)> =
            sqlx::query_as("SELECT id, contract_id, wrapped FROM data_keys WHERE contract_id = ANY($1) OR (contract_id IS NULL AND $2)")
                .bind(contracts)
                .bind(contracts.contains(&Uuid::nil()))
                .fetch_all(&mut **tx)
                .await?;
        rows.into_iter()
            .map(|(id, contract, wrapped)| {
                let contract = contract.unwrap_or_default();
                // Not remembered: this transaction may yet roll back.
                Ok((contract, Arc::new(self.unwrapped(id, contract, &wrapped)?)))
            })
            .collect()
    }

    /// Unwraps and remembers a committed data key read together with the rows it opens.
    pub(super) fn unwrap(&self, id: Uuid, contract: Uuid, wrapped: &[u8]) -> Result<Arc<DataKey>, VaultError> {
        let key = Arc::new(self.unwrapped(id, contract, wrapped)?);
        self.data_keys.write().unwrap_or_else(PoisonError::into_inner).insert(id, key.clone());
        Ok(key)
    }

    fn unwrapped(&self, id: Uuid, contract: Uuid, wrapped: &[u8]) -> Result<DataKey, VaultError> {
        let plain = self.kek()?.sealer.open(&wrap_place(id, contract), wrapped)?;
        let bytes: [u8; 32] = plain.as_slice().try_into().map_err(|_| super::envelope::Unopened)?;
        Ok(DataKey { id, contract, sealer: Sealer::new(&Key32::from_bytes(bytes)) })
    }

    fn kek(&self) -> Result<&Wrapping, VaultError> {
        self.kek.as_ref().ok_or_else(|| VaultError::Sealed(self.kek_file.clone()))
    }
}

impl DataKey {
    fn place(&self, purpose: Purpose, row: Uuid) -> Place {
        Place { purpose, contract: self.contract, row, data_key: self.id }
    }
}

fn wrap_place(id: Uuid, contract: Uuid) -> Place {
    Place { purpose: Purpose::DataKey, contract, row: id, data_key: Uuid::nil() }
}

fn check_place() -> Place {
    Place { purpose: Purpose::Check, contract: Uuid::nil(), row: Uuid::nil(), data_key: Uuid::nil() }
}

async fn open_kek(
    tx: &mut Scoped,
    checks: &[(String, Vec<u8>)],
    file: &Path,
    db: &Db,
) -> Result<Option<Kek>, VaultError> {
    let kek = match (files::read_kek(file)?, checks.is_empty()) {
        (None, false) => return Ok(None),
        (None, true) => files::make_kek(file)?,
        (Some(kek), _) => kek,
    };
    if checks.is_empty() {
        let sealed = Sealer::new(&kek.key).seal(&check_place(), CHECK_SENTENCE);
        add_check(tx, &kek.id, &sealed, db).await?;
        return Ok(Some(kek));
    }
    let opens =
        checks.iter().any(|(id, sealed)| *id == kek.id && Sealer::new(&kek.key).open(&check_place(), sealed).is_ok());
    if opens { Ok(Some(kek)) } else { Err(VaultError::WrongKek(file.to_owned())) }
}

async fn open_site_keys(
    tx: &mut Scoped,
    checks: &[(String, Vec<u8>)],
    file: &Path,
    db: &Db,
) -> Result<SiteKeys, VaultError> {
    let known = checks.iter().find_map(|(id, _)| id.strip_prefix("site:"));
    match (files::read_site_keys(file)?, known) {
        (Some(keys), Some(id)) if keys.id == id => Ok(keys),
        (_, Some(_)) => Err(VaultError::WrongSiteKeys(file.to_owned())),
        (found, None) => {
            let keys = match found {
                Some(keys) => keys,
                None => files::make_site_keys(file)?,
            };
            add_check(tx, &format!("site:{}", keys.id), &[], db).await?;
            Ok(keys)
        }
    }
}

async fn add_check(tx: &mut Scoped, id: &str, sealed: &[u8], db: &Db) -> Result<(), VaultError> {
    sqlx::query("INSERT INTO vault_checks (kek_id, sealed, created_at) VALUES ($1, $2, $3)")
        .bind(id)
        .bind(sealed)
        .bind(db.clock().now())
        .execute(&mut **tx)
        .await?;
    Ok(())
}
