//! Looking after own products: applications, editions, keys, enrolment codes, devices.
//!
//! These work in the system's scope: sealing a key needs it. The caller holds the proof that the person
//! administers the License ID, and records the event that each returns in the same transaction.

use secrecy::SecretString;
use serde_json::json;
use time::Duration;
use uuid::Uuid;

use super::product_key::{self, ALPHABET};
use crate::{
    audit::Event,
    keys::ProductKey,
    postgres::Scoped,
    vault::{Vault, VaultError, envelope::fill_random, files::SiteKeys},
};

/// Activations that a host key admits where nobody raised it: 6 hosts, 10 each (DOMAIN §3).
pub const HOST_ACTIVATIONS: i64 = 60;

/// A kind of edition, which decides how many machines it needs where nobody says otherwise (DOMAIN §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SkuKind {
    /// Like a client operating system.
    Client,
    /// Like a server.
    Server,
    /// Like an office suite.
    Office,
    /// The site says how many.
    Custom,
}

impl SkuKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Client, Self::Server, Self::Office, Self::Custom];

    /// As stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
            Self::Office => "office",
            Self::Custom => "custom",
        }
    }

    /// Reads what is stored.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Machines needed where nobody says otherwise.
    pub const fn needed(self) -> i32 {
        match self {
            Self::Client => 25,
            Self::Server | Self::Office | Self::Custom => 5,
        }
    }
}

/// An application to be registered.
#[derive(Clone, Debug)]
pub struct NewApplication {
    /// The License ID it belongs to.
    pub contract: Uuid,
    /// Its name, unique under the License ID.
    pub name: String,
    /// Whether only enrolled devices are believed.
    pub enrolled: bool,
    /// What may change of a machine's hardware, by weight.
    pub tolerance: u8,
}

/// Registers an application.
///
/// # Errors
/// When the database refuses, for example a name that is there already (`applications_name_is_unique`).
pub async fn add_application(tx: &mut Scoped, new: &NewApplication) -> sqlx::Result<(Uuid, Event)> {
    let id = Uuid::new_v4();
    sqlx::query(
        "INSERT INTO applications (id, contract_id, name, trust, tolerance, created_at) VALUES ($1, $2, $3, $4, $5, app_now())",
    )
    .bind(id)
    .bind(new.contract)
    .bind(&new.name)
    .bind(if new.enrolled { "enrolled" } else { "open" })
    .bind(i16::from(new.tolerance))
    .execute(&mut **tx)
    .await?;
    let detail = json!({ "application": id.to_string(), "enrolled": new.enrolled, "tolerance": new.tolerance });
    Ok((id, Event::done("application.add", &new.name).on(new.contract).with(detail)))
}

/// Closes an application, or opens it again. A closed one counts nobody and spends nothing new; leases that
/// are out hold to their end.
///
/// # Errors
/// When the database refuses.
pub async fn close_application(tx: &mut Scoped, id: Uuid, closed: bool) -> sqlx::Result<Event> {
    let (name, contract): (String, Uuid) = sqlx::query_as(
        "UPDATE applications SET closed_at = CASE WHEN $2 THEN app_now() END WHERE id = $1 RETURNING name, contract_id",
    )
    .bind(id)
    .bind(closed)
    .fetch_one(&mut **tx)
    .await?;
    Ok(Event::done("application.close", name).on(contract).with(json!({ "closed": closed })))
}

/// An edition to be registered.
#[derive(Clone, Debug)]
pub struct NewSku {
    /// Its application.
    pub application: Uuid,
    /// The own product that it is an edition of.
    pub product: Uuid,
    /// Its name, unique in the application.
    pub edition: String,
    /// Its kind.
    pub kind: SkuKind,
    /// Whether it is activated by count.
    pub by_count: bool,
    /// Machines needed.
    pub needed: i32,
    /// Days that a lease lasts, 1 to 180.
    pub lease_days: i32,
}

/// Registers an edition; its activation id.
///
/// # Errors
/// When the database refuses.
pub async fn add_sku(tx: &mut Scoped, new: &NewSku) -> sqlx::Result<(Uuid, Event)> {
    let id = Uuid::new_v4();
    let (contract, name): (Uuid, String) = sqlx::query_as(
        "WITH sku AS (INSERT INTO skus (id, application_id, product_id, edition, kind, by_count, needed, lease_days, created_at)
                      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, app_now()))
         SELECT contract_id, name FROM applications WHERE id = $2",
    )
    .bind(id)
    .bind(new.application)
    .bind(new.product)
    .bind(&new.edition)
    .bind(new.kind.as_str())
    .bind(new.by_count)
    .bind(new.needed)
    .bind(new.lease_days)
    .fetch_one(&mut **tx)
    .await?;
    let detail =
        json!({ "sku": id.to_string(), "kind": new.kind.as_str(), "needed": new.needed, "lease days": new.lease_days });
    Ok((id, Event::done("sku.add", format!("{name} {}", new.edition)).on(contract).with(detail)))
}

/// Changes how many machines an edition needs and how long its leases last.
///
/// # Errors
/// When the database refuses.
pub async fn change_sku(tx: &mut Scoped, id: Uuid, needed: i32, lease_days: i32) -> sqlx::Result<Event> {
    let (contract, name, edition): (Uuid, String, String) = sqlx::query_as(
        "UPDATE skus s SET needed = $2, lease_days = $3 FROM applications a WHERE s.id = $1 AND a.id = s.application_id
         RETURNING a.contract_id, a.name, s.edition",
    )
    .bind(id)
    .bind(needed)
    .bind(lease_days)
    .fetch_one(&mut **tx)
    .await?;
    let detail = json!({ "needed": needed, "lease days": lease_days });
    Ok(Event::done("sku.change", format!("{name} {edition}")).on(contract).with(detail))
}

/// Adds an own product, for the catalogue; its id. The slug must be free (`products_slug_is_unique`).
///
/// # Errors
/// When the database refuses.
pub async fn add_product(tx: &mut Scoped, slug: &str, name: &str) -> sqlx::Result<Uuid> {
    sqlx::query_scalar(
        "INSERT INTO products (id, slug, name, estate, category, family, created_at)
         VALUES ($1, $2, $3, 'own', 'Own products', $3, app_now()) RETURNING id",
    )
    .bind(Uuid::now_v7())
    .bind(slug)
    .bind(name)
    .fetch_one(&mut **tx)
    .await
}

/// A key that was issued. Its characters stay in the vault; whoever needs them reveals them there.
#[derive(Debug)]
pub struct Issued {
    /// Its row in `product_keys`.
    pub id: Uuid,
    /// The key, for the one who issues it.
    pub key: ProductKey,
    /// The event to record.
    pub event: Event,
}

/// Issues a MAK for an edition with a limit.
///
/// # Errors
/// When the vault is sealed or the database refuses.
pub async fn issue_mak(tx: &mut Scoped, vault: &Vault, sku: Uuid, limit: i64) -> Result<Issued, VaultError> {
    let (application, product): (Uuid, Uuid) =
        sqlx::query_as("SELECT application_id, product_id FROM skus WHERE id = $1")
            .bind(sku)
            .fetch_one(&mut **tx)
            .await?;
    issue(tx, vault, (application, product), Some(sku), limit).await
}

/// Issues a KMS host key for an application, listed under an own product.
///
/// # Errors
/// As [`issue_mak`].
pub async fn issue_host_key(
    tx: &mut Scoped,
    vault: &Vault,
    application: Uuid,
    product: Uuid,
) -> Result<Issued, VaultError> {
    issue(tx, vault, (application, product), None, HOST_ACTIVATIONS).await
}

async fn issue(
    tx: &mut Scoped,
    vault: &Vault,
    (application, product): (Uuid, Uuid),
    sku: Option<Uuid>,
    limit: i64,
) -> Result<Issued, VaultError> {
    let (contract, name): (Uuid, String) = sqlx::query_as("SELECT contract_id, name FROM applications WHERE id = $1")
        .bind(application)
        .fetch_one(&mut **tx)
        .await?;
    let kind = if sku.is_some() { "MAK" } else { "KMS" };
    let (id, key) = (Uuid::now_v7(), product_key::generate());
    let data_keys = vault.data_keys_for(tx, &[contract]).await?;
    let data_key = data_keys.get(&contract).ok_or(sqlx::Error::RowNotFound)?;
    let fingerprint = vault.fingerprint(&key);
    sqlx::query(
        "INSERT INTO product_keys (id, contract_id, product_id, kind, fingerprint, last_five, data_key_id, sealed, used, total, ledger, read_at, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, true, app_now(), app_now())",
    )
    .bind(id)
    .bind(contract)
    .bind(product)
    .bind(kind)
    .bind(fingerprint.as_slice())
    .bind(key.last_five())
    .bind(data_key.id)
    .bind(vault.seal_key(data_key, id, &key))
    .bind(limit)
    .execute(&mut **tx)
    .await?;
    sqlx::query("INSERT INTO own_keys (key_id, application_id, contract_id, kind, sku_id, fingerprint) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(id)
        .bind(application)
        .bind(contract)
        .bind(kind)
        .bind(sku)
        .bind(fingerprint.as_slice())
        .execute(&mut **tx)
        .await?;
    let event = Event::done("own-key.issue", format!("{name} {kind} ending in {}", key.last_five()))
        .on(contract)
        .with(json!({ "limit": limit }))
        .keys(vec![id]);
    Ok(Issued { id, key, event })
}

/// Blocks an own key, or lifts the block.
///
/// # Errors
/// When the database refuses, or the key isn't an own one.
pub async fn block_key(tx: &mut Scoped, key: Uuid, blocked: bool) -> sqlx::Result<Event> {
    let (contract, kind, last_five): (Uuid, String, String) = sqlx::query_as(
        "UPDATE product_keys SET blocked_at = CASE WHEN $2 THEN app_now() END WHERE id = $1 AND ledger RETURNING contract_id, kind, last_five",
    )
    .bind(key)
    .bind(blocked)
    .fetch_one(&mut **tx)
    .await?;
    let event = Event::done("own-key.block", format!("{kind} ending in {last_five}")).on(contract);
    Ok(event.with(json!({ "blocked": blocked })).keys(vec![key]))
}

/// Sets an own key's limit. The database refuses one below what is used (`product_keys_ledger_within_limit`).
///
/// # Errors
/// See above.
pub async fn set_limit(tx: &mut Scoped, key: Uuid, limit: i64) -> sqlx::Result<Event> {
    let (contract, kind, last_five): (Uuid, String, String) = sqlx::query_as(
        "UPDATE product_keys SET total = $2 WHERE id = $1 AND ledger RETURNING contract_id, kind, last_five",
    )
    .bind(key)
    .bind(limit)
    .fetch_one(&mut **tx)
    .await?;
    let event = Event::done("own-key.limit", format!("{kind} ending in {last_five}")).on(contract);
    Ok(event.with(json!({ "limit": limit })).keys(vec![key]))
}

/// Makes a code by which devices enrol, so many and so long; told once, kept as a hash.
///
/// # Errors
/// When the database refuses.
pub async fn add_code(
    tx: &mut Scoped,
    site: &SiteKeys,
    application: Uuid,
    most_uses: i32,
    lasts: Duration,
    note: &str,
) -> sqlx::Result<(SecretString, Event)> {
    let mut random = [0; 12];
    fill_random(&mut random);
    // 12 of 24 characters: 55 bits, tried over the network only.
    let letters: Vec<char> = random.iter().map(|byte| char::from(ALPHABET[usize::from(*byte) % 24])).collect();
    let code = letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-");
    let ends_at = tx.now() + lasts;
    let (contract, name): (Uuid, String) = sqlx::query_as(
        "WITH code AS (INSERT INTO enrolment_codes (id, application_id, code_hash, note, most_uses, created_at, ends_at)
                       VALUES ($1, $2, $3, $4, $5, app_now(), $6))
         SELECT contract_id, name FROM applications WHERE id = $2",
    )
    .bind(Uuid::now_v7())
    .bind(application)
    .bind(site.enrolment_hash(&code).as_slice())
    .bind(note)
    .bind(most_uses)
    .bind(ends_at)
    .fetch_one(&mut **tx)
    .await?;
    let event =
        Event::done("enrolment-code.add", name).on(contract).with(json!({ "devices": most_uses, "note": note }));
    Ok((SecretString::from(code), event))
}

/// Takes a device's trust away; it leaves the count.
///
/// # Errors
/// When the database refuses.
pub async fn revoke_device(tx: &mut Scoped, application: Uuid, cmid: Uuid) -> sqlx::Result<Event> {
    let (contract, name, machine): (Uuid, String, String) = sqlx::query_as(
        "UPDATE devices d SET revoked_at = app_now() FROM applications a
         WHERE d.application_id = $1 AND d.cmid = $2 AND a.id = d.application_id AND d.revoked_at IS NULL
         RETURNING a.contract_id, a.name, d.machine",
    )
    .bind(application)
    .bind(cmid)
    .fetch_one(&mut **tx)
    .await?;
    sqlx::query("SELECT responder_uncount($1, $2)").bind(application).bind(cmid).execute(&mut **tx).await?;
    let event = Event::done("device.revoke", format!("{machine} of {name}")).on(contract);
    Ok(event.with(json!({ "cmid": cmid.to_string() })))
}
