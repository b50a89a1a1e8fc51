//! A plan's work, written: one statement a table, and keys and orders in batches.
//!
//! `unnest` rather than COPY, which row-level security doesn't allow.

use std::{collections::HashMap, sync::Arc};

use uuid::Uuid;

use super::{
    plan::{
        ContactRecord, ContractRecord, KeyChange, KeyRecord, NewProduct, OrderRecord, Organization, SummaryRecord, Work,
    },
    rows::{KeyCell, KeyRow},
};
use crate::{
    keys::KeyKind,
    postgres::Scoped,
    products::classify,
    vault::{Vault, VaultError, keyring::DataKey},
};

/// Rows per statement: its arrays stay small, and a progress bar moves.
const BATCH: usize = 5_000;

/// Told how many rows more are written.
pub(super) type Tick<'t> = &'t mut (dyn FnMut(usize) + Send);

/// The values of one column, one of each record.
macro_rules! column {
    ($records:expr, $record:ident => $value:expr) => {
        $records.iter().map(|$record| $value).collect::<Vec<_>>()
    };
}

/// Writes everything. `keys` are the rows of a file of keys, else none.
pub(super) async fn write(
    tx: &mut Scoped,
    vault: &Vault,
    work: &Work,
    keys: &[KeyRow],
    tick: Tick<'_>,
) -> Result<(), VaultError> {
    organizations(tx, &work.organizations, &work.parents).await?;
    agreements(tx, &work.agreements).await?;
    contracts(tx, &work.contracts).await?;
    changed_contracts(tx, &work.changed_contracts).await?;
    filled_contracts(tx, &work.filled_contracts).await?;
    products(tx, &work.products).await?;
    contacts(tx, &work.contacts, &work.changed_contacts).await?;
    summaries(tx, &work.summaries, &work.changed_summaries).await?;
    let wanted: Vec<Uuid> = contracts_of(&work.keys);
    let data_keys = if wanted.is_empty() { HashMap::new() } else { vault.data_keys_for(tx, &wanted).await? };
    for batch in work.keys.chunks(BATCH) {
        add_keys(tx, vault, &data_keys, batch, keys).await?;
        tick(batch.len());
    }
    for batch in work.changed_keys.chunks(BATCH) {
        change_keys(tx, batch).await?;
        tick(batch.len());
    }
    for batch in work.orders.chunks(BATCH) {
        add_orders(tx, batch).await?;
        tick(batch.len());
    }
    for batch in work.changed_orders.chunks(BATCH) {
        change_orders(tx, batch).await?;
        tick(batch.len());
    }
    Ok(())
}

async fn organizations(tx: &mut Scoped, fresh: &[Organization], parents: &[(Uuid, Uuid)]) -> sqlx::Result<()> {
    if !fresh.is_empty() {
        sqlx::query(
            "INSERT INTO organizations (id, name, parent_id) SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[])",
        )
        .bind(column!(fresh, o => o.id))
        .bind(column!(fresh, o => &*o.name))
        .bind(column!(fresh, o => o.parent))
        .execute(&mut **tx)
        .await?;
    }
    if !parents.is_empty() {
        sqlx::query(
            "UPDATE organizations o SET parent_id = n.parent_id FROM unnest($1::uuid[], $2::uuid[]) AS n (id, parent_id) WHERE o.id = n.id",
        )
        .bind(column!(parents, p => p.0))
        .bind(column!(parents, p => p.1))
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

async fn agreements(tx: &mut Scoped, fresh: &[(Uuid, Arc<str>)]) -> sqlx::Result<()> {
    if !fresh.is_empty() {
        sqlx::query("INSERT INTO agreements (id, number) SELECT * FROM unnest($1::uuid[], $2::text[])")
            .bind(column!(fresh, a => a.0))
            .bind(column!(fresh, a => &*a.1))
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

/// Binds the twelve columns of License IDs.
macro_rules! bind_contracts {
    ($query:expr, $records:expr) => {
        $query
            .bind(column!($records, c => c.id))
            .bind(column!($records, c => &*c.license_id))
            .bind(column!($records, c => c.organization))
            .bind(column!($records, c => c.agreement))
            .bind(column!($records, c => &*c.program))
            .bind(column!($records, c => &*c.agreement_type))
            .bind(column!($records, c => &*c.location))
            .bind(column!($records, c => &*c.authorization_number))
            .bind(column!($records, c => &*c.purchase_account_number))
            .bind(column!($records, c => c.starts_on))
            .bind(column!($records, c => c.ends_on))
            .bind(column!($records, c => &*c.status))
    };
}

async fn contracts(tx: &mut Scoped, fresh: &[ContractRecord]) -> sqlx::Result<()> {
    let query = sqlx::query(
        "INSERT INTO contracts (id, license_id, organization_id, agreement_id, program, agreement_type, location,
                                authorization_number, purchase_account_number, starts_on, ends_on, status, created_at)
         SELECT n.*, app_now() FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[],
                                           $8::text[], $9::text[], $10::date[], $11::date[], $12::text[]) AS n",
    );
    if !fresh.is_empty() {
        bind_contracts!(query, fresh).execute(&mut **tx).await?;
    }
    Ok(())
}

async fn changed_contracts(tx: &mut Scoped, changed: &[ContractRecord]) -> sqlx::Result<()> {
    let query = sqlx::query(
        "UPDATE contracts c SET organization_id = n.organization_id, agreement_id = n.agreement_id, program = n.program,
                agreement_type = n.agreement_type, location = n.location, authorization_number = n.authorization_number,
                purchase_account_number = n.purchase_account_number, starts_on = n.starts_on, ends_on = n.ends_on, status = n.status
         FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[],
                     $8::text[], $9::text[], $10::date[], $11::date[], $12::text[])
              AS n (id, license_id, organization_id, agreement_id, program, agreement_type, location,
                    authorization_number, purchase_account_number, starts_on, ends_on, status)
         WHERE c.id = n.id",
    );
    if !changed.is_empty() {
        bind_contracts!(query, changed).execute(&mut **tx).await?;
    }
    Ok(())
}

async fn filled_contracts(tx: &mut Scoped, filled: &[(Uuid, Option<Uuid>, Option<Arc<str>>)]) -> sqlx::Result<()> {
    if !filled.is_empty() {
        sqlx::query(
            "UPDATE contracts c SET organization_id = coalesce(n.organization_id, c.organization_id), program = coalesce(n.program, c.program)
             FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS n (id, organization_id, program) WHERE c.id = n.id",
        )
        .bind(column!(filled, f => f.0))
        .bind(column!(filled, f => f.1))
        .bind(column!(filled, f => f.2.as_deref()))
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

async fn products(tx: &mut Scoped, fresh: &[NewProduct]) -> sqlx::Result<()> {
    if fresh.is_empty() {
        return Ok(());
    }
    let classes: Vec<_> = fresh.iter().map(|product| classify::classify(&product.name)).collect();
    // What the file shows goes before what the name suggests.
    let reasons = column!(fresh.iter().zip(&classes).collect::<Vec<_>>(), pair => match (pair.0.has_key, pair.1.no_key) {
        (true, _) => "",
        (false, Some(reason)) => reason,
        (false, None) => pair.0.no_key.as_deref().unwrap_or_default(),
    });
    sqlx::query(
        "INSERT INTO products (id, slug, name, category, family, version, edition, needs_key, no_key_reason, created_at)
         SELECT id, slug, name, category, family, version, edition, reason = '', reason, app_now()
         FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
              AS n (id, slug, name, category, family, version, edition, reason)",
    )
    .bind(column!(fresh, p => p.id))
    .bind(column!(fresh, p => p.slug.as_str()))
    .bind(column!(fresh, p => &*p.name))
    .bind(column!(classes, c => c.category))
    .bind(column!(classes, c => c.family.as_str()))
    .bind(column!(classes, c => c.version.as_str()))
    .bind(column!(classes, c => c.edition.as_str()))
    .bind(reasons)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn contacts(tx: &mut Scoped, fresh: &[ContactRecord], changed: &[ContactRecord]) -> sqlx::Result<()> {
    if !fresh.is_empty() {
        sqlx::query(
            "INSERT INTO contacts (id, contract_id, role, name, email)
             SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[])",
        )
        .bind(column!(fresh, c => c.id))
        .bind(column!(fresh, c => c.contract))
        .bind(column!(fresh, c => &*c.role))
        .bind(column!(fresh, c => &*c.name))
        .bind(column!(fresh, c => &*c.email))
        .execute(&mut **tx)
        .await?;
    }
    if !changed.is_empty() {
        sqlx::query(
            "UPDATE contacts c SET name = n.name FROM unnest($1::uuid[], $2::text[]) AS n (id, name) WHERE c.id = n.id",
        )
        .bind(column!(changed, c => c.id))
        .bind(column!(changed, c => &*c.name))
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

async fn summaries(tx: &mut Scoped, fresh: &[SummaryRecord], changed: &[SummaryRecord]) -> sqlx::Result<()> {
    if !fresh.is_empty() {
        sqlx::query(
            "INSERT INTO license_summaries (id, contract_id, product_family, version, product_pool, type, effective_quantity, active_sa_quantity)
             SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[])",
        )
        .bind(column!(fresh, s => s.id))
        .bind(column!(fresh, s => s.contract))
        .bind(column!(fresh, s => &*s.product_family))
        .bind(column!(fresh, s => &*s.version))
        .bind(column!(fresh, s => &*s.product_pool))
        .bind(column!(fresh, s => &*s.licence_type))
        .bind(column!(fresh, s => s.effective_quantity))
        .bind(column!(fresh, s => s.active_sa_quantity))
        .execute(&mut **tx)
        .await?;
    }
    if !changed.is_empty() {
        sqlx::query(
            "UPDATE license_summaries s SET effective_quantity = n.effective, active_sa_quantity = n.active
             FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS n (id, effective, active) WHERE s.id = n.id",
        )
        .bind(column!(changed, s => s.id))
        .bind(column!(changed, s => s.effective_quantity))
        .bind(column!(changed, s => s.active_sa_quantity))
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

/// The License IDs whose data key is needed.
fn contracts_of(keys: &[KeyRecord]) -> Vec<Uuid> {
    let mut ids: Vec<Uuid> = keys.iter().filter(|key| key.fingerprint.is_some()).map(|key| key.contract).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// The cells of a key row that need work before they are stored.
struct Stored<'r> {
    id: Uuid,
    last_five: Option<&'r str>,
    data_key: Option<Uuid>,
    sealed: Option<Vec<u8>>,
    no_key_text: &'r str,
}

fn seal<'r>(
    vault: &Vault,
    data_keys: &HashMap<Uuid, Arc<DataKey>>,
    record: &KeyRecord,
    row: &'r KeyRow,
) -> Result<Stored<'r>, VaultError> {
    let id = Uuid::now_v7();
    Ok(match &row.key {
        KeyCell::NotNeeded(sentence) => {
            Stored { id, last_five: None, data_key: None, sealed: None, no_key_text: sentence }
        }
        KeyCell::Key(key) => {
            let data_key = data_keys.get(&record.contract).ok_or(sqlx::Error::RowNotFound)?;
            let sealed = Some(vault.seal_key(data_key, id, key));
            Stored { id, last_five: Some(key.last_five()), data_key: Some(data_key.id), sealed, no_key_text: "" }
        }
    })
}

async fn add_keys(
    tx: &mut Scoped,
    vault: &Vault,
    data_keys: &HashMap<Uuid, Arc<DataKey>>,
    records: &[KeyRecord],
    rows: &[KeyRow],
) -> Result<(), VaultError> {
    let stored: Vec<Stored<'_>> =
        records.iter().map(|record| seal(vault, data_keys, record, &rows[record.row])).collect::<Result<_, _>>()?;
    // One statement for the keys and their first readings: the arrays go over once.
    sqlx::query(
        "WITH n AS MATERIALIZED (
             SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::bytea[], $6::text[], $7::uuid[], $8::bytea[],
                                  $9::bigint[], $10::bigint[], $11::bigint[], $12::text[], $13::text[], $14::uuid[])
                  AS n (id, contract_id, product_id, kind, fingerprint, last_five, data_key_id, sealed,
                        used, total, seats, osa_status, no_key_text, reading_id)),
         keys AS (
             INSERT INTO product_keys (id, contract_id, product_id, kind, fingerprint, last_five, data_key_id, sealed,
                                       used, total, seats, osa_status, no_key_text, read_at, created_at)
             SELECT id, contract_id, product_id, kind, fingerprint, last_five, data_key_id, sealed,
                    used, total, seats, osa_status, no_key_text, app_now(), app_now() FROM n)
         INSERT INTO key_readings (id, key_id, contract_id, read_at, source, used, total, seats, osa_status)
         SELECT reading_id, id, contract_id, app_now(), 'import', used, total, seats, osa_status FROM n",
    )
    .bind(column!(stored, s => s.id))
    .bind(column!(records, r => r.contract))
    .bind(column!(records, r => r.product))
    .bind(column!(records, r => rows[r.row].kind.map_or("NONE", KeyKind::code)))
    .bind(column!(records, r => r.fingerprint.as_ref().map(<[u8; 32]>::as_slice)))
    .bind(column!(stored, s => s.last_five))
    .bind(column!(stored, s => s.data_key))
    .bind(column!(stored, s => s.sealed.as_deref()))
    .bind(column!(records, r => rows[r.row].activations.map(|a| i64::from(a.used))))
    .bind(column!(records, r => rows[r.row].activations.map(|a| i64::from(a.limit))))
    .bind(column!(records, r => rows[r.row].seats.map(i64::from)))
    .bind(column!(records, r => rows[r.row].osa_status.as_deref().unwrap_or_default()))
    .bind(column!(stored, s => s.no_key_text))
    .bind(column!(stored, _s => Uuid::now_v7()))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn change_keys(tx: &mut Scoped, changes: &[KeyChange]) -> sqlx::Result<()> {
    sqlx::query(
        "WITH n AS MATERIALIZED (
             SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[], $8::boolean[], $9::uuid[])
                  AS n (id, contract_id, kind, used, total, seats, osa_status, read, reading_id)),
         keys AS (
             UPDATE product_keys k SET kind = n.kind, used = n.used, total = n.total, seats = n.seats, osa_status = n.osa_status,
                    read_at = CASE WHEN n.read THEN app_now() ELSE k.read_at END
             FROM n WHERE k.id = n.id)
         INSERT INTO key_readings (id, key_id, contract_id, read_at, source, used, total, seats, osa_status)
         SELECT reading_id, id, contract_id, app_now(), 'import', used, total, seats, osa_status FROM n WHERE read",
    )
    .bind(column!(changes, c => c.id))
    .bind(column!(changes, c => c.contract))
    .bind(column!(changes, c => c.kind))
    .bind(column!(changes, c => c.used))
    .bind(column!(changes, c => c.total))
    .bind(column!(changes, c => c.seats))
    .bind(column!(changes, c => &*c.osa_status))
    .bind(column!(changes, c => c.read))
    .bind(column!(changes, _c => Uuid::now_v7()))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Binds the columns of order lines.
macro_rules! bind_orders {
    ($query:expr, $records:expr) => {
        $query
            .bind(column!($records, o => o.id))
            .bind(column!($records, o => o.contract))
            .bind(column!($records, o => o.product))
            .bind(column!($records, o => &*o.reseller_order))
            .bind(column!($records, o => &*o.customer_order))
            .bind(column!($records, o => o.ordered_on))
            .bind(column!($records, o => o.usage_starts_on))
            .bind(column!($records, o => &*o.reseller))
            .bind(column!($records, o => &*o.part_number))
            .bind(column!($records, o => &*o.description))
            .bind(column!($records, o => o.quantity))
            .bind(column!($records, o => &*o.country))
            .bind(column!($records, o => o.occurrence))
    };
}

/// The orders of a batch as a table `n`.
const ORDERS: &str =
    "unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::date[], $7::date[], $8::text[],
                             $9::text[], $10::text[], $11::bigint[], $12::text[], $13::integer[])
    AS n (id, contract_id, product_id, reseller_order_no, customer_order_no, ordered_on, usage_starts_on, reseller,
          part_number, description, quantity, country, occurrence)";

async fn add_orders(tx: &mut Scoped, orders: &[OrderRecord]) -> sqlx::Result<()> {
    let statement = format!(
        "INSERT INTO orders (id, contract_id, product_id, reseller_order_no, customer_order_no, ordered_on, usage_starts_on, reseller,
                             part_number, description, quantity, country, occurrence)
         SELECT n.* FROM {ORDERS}"
    );
    bind_orders!(sqlx::query(sqlx::AssertSqlSafe(statement)), orders).execute(&mut **tx).await?;
    offer(tx, orders).await
}

async fn change_orders(tx: &mut Scoped, orders: &[OrderRecord]) -> sqlx::Result<()> {
    let statement = format!(
        "UPDATE orders o SET product_id = n.product_id, ordered_on = n.ordered_on, usage_starts_on = n.usage_starts_on,
                reseller = n.reseller, description = n.description, quantity = n.quantity, country = n.country
         FROM {ORDERS} WHERE o.id = n.id"
    );
    bind_orders!(sqlx::query(sqlx::AssertSqlSafe(statement)), orders).execute(&mut **tx).await?;
    offer(tx, orders).await
}

/// What was ordered for a License ID is among its products, key or not.
async fn offer(tx: &mut Scoped, orders: &[OrderRecord]) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO contract_products (contract_id, product_id)
         SELECT DISTINCT contract_id, product_id FROM unnest($1::uuid[], $2::uuid[]) AS n (contract_id, product_id)
         WHERE product_id IS NOT NULL ORDER BY contract_id, product_id ON CONFLICT DO NOTHING",
    )
    .bind(column!(orders, o => o.contract))
    .bind(column!(orders, o => o.product))
    .execute(&mut **tx)
    .await?;
    Ok(())
}
