//! A plan's work, written: one statement a table, and keys and orders in batches.
//!
//! `unnest` rather than COPY, which row-level security doesn't allow.

mod lines;

use std::{collections::HashMap, sync::Arc};

use uuid::Uuid;

use super::{
    plan::{ContactRecord, ContractRecord, EsuRecord, Fill, KeyRecord, NewProduct, Organization, SummaryRecord, Work},
    rows::KeyRow,
};
use crate::{
    postgres::Scoped,
    products::classify,
    vault::{Vault, VaultError},
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
use column;

/// Writes everything. `keys` are the rows of a file of keys, else none.
pub(super) async fn write(
    tx: &mut Scoped,
    vault: &Vault,
    work: &Work,
    keys: &[KeyRow],
    tick: Tick<'_>,
) -> Result<(), VaultError> {
    organizations(tx, &work.organizations, &work.parents).await?;
    agreements(tx, &work.agreements, &work.mbsas).await?;
    contracts(tx, &work.contracts).await?;
    changed_contracts(tx, &work.changed_contracts).await?;
    filled_contracts(tx, &work.filled_contracts).await?;
    products(tx, &work.products).await?;
    contacts(tx, &work.contacts, &work.changed_contacts).await?;
    summaries(tx, &work.summaries, &work.changed_summaries).await?;
    esu(tx, &work.esu).await?;
    met(tx, work).await?;
    let wanted: Vec<Uuid> = lines::contracts_of(&work.keys);
    let data_keys = if wanted.is_empty() { HashMap::new() } else { vault.data_keys_for(tx, &wanted).await? };
    let mut records: Vec<&KeyRecord> = work.keys.iter().collect();
    if records.len() > BATCH {
        // Each License ID and product in one batch or two: their counted rows and index pages are
        // written once, not once a batch. A small file keeps its order.
        records.sort_by_key(|key| (key.contract, key.product));
    }
    for batch in records.chunks(BATCH) {
        lines::add_keys(tx, vault, &data_keys, batch, keys).await?;
        tick(batch.len());
    }
    for batch in work.changed_keys.chunks(BATCH) {
        lines::change_keys(tx, batch).await?;
        tick(batch.len());
    }
    for batch in work.orders.chunks(BATCH) {
        lines::add_orders(tx, batch).await?;
        tick(batch.len());
    }
    for batch in work.changed_orders.chunks(BATCH) {
        lines::change_orders(tx, batch).await?;
        tick(batch.len());
    }
    Ok(())
}

/// When each License ID was met last; and what is in use again comes back: an organisation, an agreement or a product
/// can be put away only while nothing hangs on it.
async fn met(tx: &mut Scoped, work: &Work) -> sqlx::Result<()> {
    if !work.met.is_empty() {
        sqlx::query("UPDATE contracts SET imported_at = app_now() WHERE id = ANY($1)")
            .bind(work.met.iter().copied().collect::<Vec<_>>())
            .execute(&mut **tx)
            .await?;
    }
    let contracts = || work.contracts.iter().chain(&work.changed_contracts);
    let filled = work.filled_contracts.iter().filter_map(|fill| fill.organization);
    let organizations = contracts().map(|c| c.organization).chain(filled).chain(work.parents.iter().map(|p| p.1));
    let in_use: [(&'static str, Vec<Uuid>); 3] = [
        (
            "UPDATE organizations SET archived_at = NULL WHERE id = ANY($1) AND archived_at IS NOT NULL",
            organizations.collect(),
        ),
        (
            "UPDATE agreements SET archived_at = NULL
             WHERE archived_at IS NOT NULL AND (id = ANY($1) OR id IN (SELECT mbsa_id FROM agreements WHERE id = ANY($1)))",
            contracts().filter_map(|c| c.agreement).collect(),
        ),
        (
            "UPDATE products SET archived_at = NULL WHERE id = ANY($1) AND archived_at IS NOT NULL",
            work.keys
                .iter()
                .map(|key| key.product)
                .chain(work.orders.iter().filter_map(|order| order.product))
                .collect(),
        ),
    ];
    for (statement, mut ids) in in_use {
        ids.sort_unstable();
        ids.dedup();
        if !ids.is_empty() {
            sqlx::query(statement).bind(ids).execute(&mut **tx).await?;
        }
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

async fn agreements(tx: &mut Scoped, fresh: &[(Uuid, Arc<str>)], mbsas: &[(Uuid, Uuid)]) -> sqlx::Result<()> {
    if !fresh.is_empty() {
        sqlx::query("INSERT INTO agreements (id, number) SELECT * FROM unnest($1::uuid[], $2::text[])")
            .bind(column!(fresh, a => a.0))
            .bind(column!(fresh, a => &*a.1))
            .execute(&mut **tx)
            .await?;
    }
    if !mbsas.is_empty() {
        sqlx::query(
            "UPDATE agreements a SET mbsa_id = n.mbsa FROM unnest($1::uuid[], $2::uuid[]) AS n (id, mbsa) WHERE a.id = n.id",
        )
        .bind(column!(mbsas, m => m.0))
        .bind(column!(mbsas, m => m.1))
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

async fn filled_contracts(tx: &mut Scoped, filled: &[Fill]) -> sqlx::Result<()> {
    if !filled.is_empty() {
        sqlx::query(
            "UPDATE contracts c SET organization_id = coalesce(n.organization_id, c.organization_id), program = coalesce(n.program, c.program)
             FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS n (id, organization_id, program) WHERE c.id = n.id",
        )
        .bind(column!(filled, f => f.contract))
        .bind(column!(filled, f => f.organization))
        .bind(column!(filled, f => f.program.as_deref()))
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

/// A trigger carries the days on to the products that they cover; a site operator's own day stays.
async fn esu(tx: &mut Scoped, years: &[EsuRecord]) -> sqlx::Result<()> {
    if !years.is_empty() {
        sqlx::query(
            "INSERT INTO esu_years (product, year, covers_from, covers_until, source)
             SELECT * FROM unnest($1::text[], $2::smallint[], $3::date[], $4::date[], $5::text[])
             ON CONFLICT (product, year) DO UPDATE SET covers_from = EXCLUDED.covers_from, covers_until = EXCLUDED.covers_until, source = EXCLUDED.source",
        )
        .bind(column!(years, y => &*y.product))
        .bind(column!(years, y => y.year))
        .bind(column!(years, y => y.starts_on))
        .bind(column!(years, y => y.ends_on))
        .bind(column!(years, y => &*y.source))
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}
