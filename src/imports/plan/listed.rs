//! What is listed under a License ID that is known: contacts and licence summaries.

use std::{collections::HashMap, sync::Arc};

use uuid::Uuid;

use super::{
    Placed, Plan, Who,
    estate::Estate,
    sheet::{Diff, Head, Seen, Sheet, Verdict, unfit},
    work::{ContactRecord, SummaryRecord},
};
use crate::{
    imports::{
        ParsedFile,
        rows::{ContactRow, SummaryRow},
    },
    postgres::Scoped,
};

async fn estate<R: Placed>(tx: &mut Scoped, who: Who, rows: &[R]) -> sqlx::Result<(Estate, Vec<Uuid>)> {
    let estate = Estate::known(tx, who, rows.iter().map(Placed::license_id).collect()).await?;
    let mut ids: Vec<Uuid> = rows.iter().filter_map(|row| estate.id(row.license_id())).collect();
    ids.sort_unstable();
    ids.dedup();
    Ok((estate, ids))
}

fn text(cell: &Option<Arc<str>>) -> Arc<str> {
    cell.clone().unwrap_or_default()
}

pub(super) async fn contacts(tx: &mut Scoped, who: Who, file: &ParsedFile, rows: &[ContactRow]) -> sqlx::Result<Plan> {
    let mut sheet = Sheet::new(file);
    let (estate, ids) = estate(tx, who, rows).await?;
    let known: Vec<(Uuid, Uuid, String, String, String)> =
        sqlx::query_as("SELECT contract_id, id, role, email, name FROM contacts WHERE contract_id = ANY($1)")
            .bind(ids)
            .fetch_all(&mut **tx)
            .await?;
    let known: HashMap<_, (Uuid, Arc<str>)> = known
        .into_iter()
        .map(|(contract, id, role, email, name)| {
            let (role, name) = (Arc::from(role), Arc::from(name));
            ((contract, role, told_apart_by(&email.into(), &name)), (id, name))
        })
        .collect();
    let mut seen = Seen::new();
    for (index, row) in rows.iter().enumerate() {
        let mut head = head(row, row.name.clone());
        let email = text(&row.email);
        let checked = match estate.place(&row.license_id) {
            Err(verdict) => Err(verdict),
            Ok(place) => {
                unfit(&[("Role", &row.role), ("Name", &row.name), ("Email", &email)]).map_or(Ok(place.id), Err)
            }
        };
        let contract = match checked {
            Ok(id) => id,
            Err(verdict) => {
                sheet.add(head, verdict);
                continue;
            }
        };
        head.contract = Some(contract);
        estate.warn_if_archived(row.line, &row.license_id, false, &mut sheet);
        let identity = (contract, row.role.clone(), told_apart_by(&email, &row.name));
        let now = known.get(&identity);
        let verdict = seen.again(identity, rows, index).unwrap_or_else(|| {
            let mut diff = Diff::default();
            let (id, name) = now.map_or((Uuid::now_v7(), row.name.clone()), |(id, name)| {
                (*id, diff.text("Name", name, Some(&row.name)))
            });
            let record = ContactRecord { id, contract, role: row.role.clone(), name, email };
            placed(
                record,
                now.is_some(),
                diff,
                |work, known| {
                    if known { &mut work.changed_contacts } else { &mut work.contacts }
                },
                &mut sheet,
            )
        });
        sheet.add(head, verdict);
    }
    Ok(sheet.finish(file))
}

/// Contacts of one role differ by their address; those without one by their name.
fn told_apart_by(email: &Arc<str>, name: &Arc<str>) -> Arc<str> {
    if email.is_empty() { name.clone() } else { email.clone() }
}

pub(super) async fn summaries(tx: &mut Scoped, who: Who, file: &ParsedFile, rows: &[SummaryRow]) -> sqlx::Result<Plan> {
    let mut sheet = Sheet::new(file);
    let (estate, ids) = estate(tx, who, rows).await?;
    let known = known_summaries(tx, ids).await?;
    let mut seen = Seen::new();
    for (index, row) in rows.iter().enumerate() {
        let subject = row
            .version
            .as_ref()
            .map_or(row.product_family.clone(), |version| [&*row.product_family, " ", version].concat().into());
        let mut head = head(row, subject);
        let (version, pool, kind) = (text(&row.version), text(&row.product_pool), text(&row.licence_type));
        let names = [
            ("Product family", &*row.product_family),
            ("Version", &*version),
            ("Product pool", &*pool),
            ("Type", &*kind),
        ];
        let contract = match estate.place(&row.license_id).and_then(|place| unfit(&names).map_or(Ok(place.id), Err)) {
            Ok(id) => id,
            Err(verdict) => {
                sheet.add(head, verdict);
                continue;
            }
        };
        head.contract = Some(contract);
        estate.warn_if_archived(row.line, &row.license_id, false, &mut sheet);
        let identity = (contract, row.product_family.clone(), version.clone(), pool.clone(), kind.clone());
        let now = known.get(&identity);
        let verdict = seen.again(identity, rows, index).unwrap_or_else(|| {
            let mut diff = Diff::default();
            let (effective, active) = (Some(i64::from(row.effective_quantity)), row.active_sa_quantity.map(i64::from));
            let (id, effective, active) = now.map_or((Uuid::now_v7(), effective, active), |now| {
                let effective = diff.value("Effective quantity", Some(now.1), effective);
                (now.0, effective, diff.value("Active SA quantity", Some(now.2), active))
            });
            let record = SummaryRecord {
                id,
                contract,
                product_family: row.product_family.clone(),
                version,
                product_pool: pool,
                licence_type: kind,
                effective_quantity: effective.unwrap_or_default(),
                active_sa_quantity: active.unwrap_or_default(),
            };
            placed(
                record,
                now.is_some(),
                diff,
                |work, known| {
                    if known { &mut work.changed_summaries } else { &mut work.summaries }
                },
                &mut sheet,
            )
        });
        sheet.add(head, verdict);
    }
    Ok(sheet.finish(file))
}

type SummaryIdentity = (Uuid, Arc<str>, Arc<str>, Arc<str>, Arc<str>);

async fn known_summaries(
    tx: &mut Scoped,
    contracts: Vec<Uuid>,
) -> sqlx::Result<HashMap<SummaryIdentity, (Uuid, i64, i64)>> {
    #[derive(sqlx::FromRow)]
    struct Known {
        contract_id: Uuid,
        id: Uuid,
        product_family: String,
        version: String,
        product_pool: String,
        r#type: String,
        effective_quantity: i64,
        active_sa_quantity: i64,
    }
    let rows: Vec<Known> = sqlx::query_as(
        "SELECT contract_id, id, product_family, version, product_pool, type, effective_quantity, active_sa_quantity
         FROM license_summaries WHERE contract_id = ANY($1)",
    )
    .bind(contracts)
    .fetch_all(&mut **tx)
    .await?;
    let pair = |row: Known| {
        let identity = (
            row.contract_id,
            row.product_family.into(),
            row.version.into(),
            row.product_pool.into(),
            row.r#type.into(),
        );
        (identity, (row.id, row.effective_quantity, row.active_sa_quantity))
    };
    Ok(rows.into_iter().map(pair).collect())
}

fn head<R: Placed>(row: &R, subject: Arc<str>) -> Head {
    Head { line: row.line(), license_id: row.license_id().clone(), subject, last_five: [0; 5], contract: None }
}

/// Puts a record where it is written from, and says what happens to its row.
fn placed<R>(
    record: R,
    known: bool,
    diff: Diff,
    list: impl FnOnce(&mut super::Work, bool) -> &mut Vec<R>,
    sheet: &mut Sheet,
) -> Verdict {
    if known && diff.0.is_empty() {
        return Verdict::of(diff.0);
    }
    list(&mut sheet.work, known).push(record);
    if known { Verdict::of(diff.0) } else { Verdict::Added }
}
