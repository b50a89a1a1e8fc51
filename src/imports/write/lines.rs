//! What there may be very many of: keys with their readings, and order lines.

use std::{collections::HashMap, sync::Arc};

use uuid::Uuid;

use super::column;
use crate::{
    imports::{
        plan::{KeyChange, KeyRecord, OrderRecord},
        rows::{KeyCell, KeyRow},
    },
    keys::KeyKind,
    postgres::Scoped,
    vault::{Vault, VaultError, keyring::DataKey},
};

/// The License IDs whose data key is needed.
pub(super) fn contracts_of(keys: &[KeyRecord]) -> Vec<Uuid> {
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

pub(super) async fn add_keys(
    tx: &mut Scoped,
    vault: &Vault,
    data_keys: &HashMap<Uuid, Arc<DataKey>>,
    records: &[&KeyRecord],
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

pub(super) async fn change_keys(tx: &mut Scoped, changes: &[KeyChange]) -> sqlx::Result<()> {
    sqlx::query(
        "WITH n AS MATERIALIZED (
             SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[], $8::boolean[], $9::uuid[])
                  AS n (id, contract_id, kind, used, total, seats, osa_status, read, reading_id)),
         keys AS (
             UPDATE product_keys k SET kind = n.kind, used = n.used, total = CASE WHEN k.ledger THEN k.total ELSE n.total END, seats = n.seats, osa_status = n.osa_status,
                    read_at = CASE WHEN n.read THEN app_now() ELSE k.read_at END
             FROM n WHERE k.id = n.id)
         INSERT INTO key_readings (id, key_id, contract_id, read_at, source, used, total, seats, osa_status)
         SELECT reading_id, id, contract_id, app_now(), 'import', used, total, seats, osa_status FROM n
         WHERE read AND NOT EXISTS (SELECT FROM own_keys o WHERE o.key_id = n.id)",
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
            .bind(column!($records, o => o.up_for_renewal))
            .bind(column!($records, o => o.step_up))
    };
}

/// The orders of a batch as a table `n`.
const ORDERS: &str =
    "unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::date[], $7::date[], $8::text[],
                             $9::text[], $10::text[], $11::bigint[], $12::text[], $13::integer[], $14::boolean[], $15::boolean[])
    AS n (id, contract_id, product_id, reseller_order_no, customer_order_no, ordered_on, usage_starts_on, reseller,
          part_number, description, quantity, country, occurrence, up_for_renewal, step_up)";

pub(super) async fn add_orders(tx: &mut Scoped, orders: &[OrderRecord]) -> sqlx::Result<()> {
    let statement = format!(
        "INSERT INTO orders (id, contract_id, product_id, reseller_order_no, customer_order_no, ordered_on, usage_starts_on, reseller,
                             part_number, description, quantity, country, occurrence, up_for_renewal, step_up)
         SELECT n.* FROM {ORDERS}"
    );
    bind_orders!(sqlx::query(sqlx::AssertSqlSafe(statement)), orders).execute(&mut **tx).await?;
    offer(tx, orders).await
}

pub(super) async fn change_orders(tx: &mut Scoped, orders: &[OrderRecord]) -> sqlx::Result<()> {
    let statement = format!(
        "UPDATE orders o SET product_id = n.product_id, ordered_on = n.ordered_on, usage_starts_on = n.usage_starts_on,
                reseller = n.reseller, description = n.description, quantity = n.quantity, country = n.country,
                up_for_renewal = n.up_for_renewal, step_up = n.step_up
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
