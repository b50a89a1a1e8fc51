//! Product keys, and the word that a product needs none.

use std::{collections::HashMap, sync::Arc};

use uuid::Uuid;

use super::{
    Plan, Who,
    estate::{Estate, Naming, Products},
    sheet::{Diff, Head, Seen, Sheet, Verdict, unfit},
    work::{KeyChange, KeyRecord},
};
use crate::{
    imports::{
        ParsedFile,
        rows::{KeyCell, KeyRow},
    },
    keys::KeyKind,
    postgres::Scoped,
    vault::Vault,
};

/// Rows compared with the database at a time: bounds what is held of it, whatever the file's size.
const CHUNK: usize = 20_000;

type Fingerprint = Option<[u8; 32]>;

pub(super) async fn plan(
    tx: &mut Scoped,
    vault: &Vault,
    who: Who,
    file: &ParsedFile,
    rows: &[KeyRow],
) -> sqlx::Result<Plan> {
    let mut sheet = Sheet::new(file);
    let mut estate = Estate::made(tx, who, rows.iter().map(naming), &mut sheet).await?;
    let products = Products::named(tx, rows.iter().map(|row| &row.product), &mut sheet).await?;
    let mut seen = Seen::new();
    for (chunk_number, chunk) in rows.chunks(CHUNK).enumerate() {
        let prints: Vec<Fingerprint> = chunk.iter().map(|row| fingerprint(vault, row)).collect();
        let known = known(tx, &estate, &products, chunk, &prints).await?;
        for (at, row) in chunk.iter().enumerate() {
            let index = chunk_number * CHUNK + at;
            let (head, place) = (head(row), place(&estate, &products, row));
            let (contract, product) = match place {
                Ok(place) => place,
                Err(verdict) => {
                    sheet.add(head, verdict);
                    continue;
                }
            };
            let head = Head { contract: Some(contract), ..head };
            let verdict = match seen.again((contract, product, prints[at]), rows, index) {
                Some(verdict) => verdict,
                None => match known.get(&at) {
                    Some(known) => changed(row, contract, known, &mut sheet),
                    None => {
                        let fingerprint = prints[at];
                        sheet.work.keys.push(KeyRecord { row: index, contract, product, fingerprint });
                        products.learn(&row.product, no_key(row), &mut sheet);
                        Verdict::Added
                    }
                },
            };
            let away = known.get(&at).is_some_and(|known| known.archived);
            estate.warn_if_archived(row.line, &row.license_id, away, &mut sheet);
            let verdict = estate.tell_news(row.line, &naming(row), verdict, &mut sheet);
            sheet.add(head, verdict);
        }
    }
    for out in &file.left_out {
        let head = Head {
            line: out.line,
            license_id: out.license_id.clone(),
            subject: out.product.clone(),
            last_five: [0; 5],
            contract: None,
        };
        sheet.add(head, Verdict::Skipped(out.sentence.clone()));
    }
    if !file.left_out.is_empty() {
        sheet.in_order();
    }
    Ok(sheet.finish(file))
}

fn naming(row: &KeyRow) -> Naming<'_> {
    Naming {
        license_id: &row.license_id,
        organization: row.organization.as_ref(),
        program: row.parent_program.as_ref(),
    }
}

fn fingerprint(vault: &Vault, row: &KeyRow) -> Fingerprint {
    match &row.key {
        KeyCell::Key(key) => Some(vault.fingerprint(key)),
        KeyCell::NotNeeded(_) => None,
    }
}

fn no_key(row: &KeyRow) -> Option<&Arc<str>> {
    match &row.key {
        KeyCell::Key(_) => None,
        KeyCell::NotNeeded(sentence) => Some(sentence),
    }
}

fn head(row: &KeyRow) -> Head {
    let mut last_five = [0; 5];
    if let KeyCell::Key(key) = &row.key {
        last_five.copy_from_slice(key.last_five().as_bytes());
    }
    Head { line: row.line, license_id: row.license_id.clone(), subject: row.product.clone(), last_five, contract: None }
}

fn place(estate: &Estate, products: &Products, row: &KeyRow) -> Result<(Uuid, Uuid), Verdict> {
    let contract = estate.place(&row.license_id)?.id;
    let organization = row.organization.as_deref().unwrap_or_default();
    if let Some(verdict) = unfit(&[("Product", &row.product), ("Organization", organization)]) {
        return Err(verdict);
    }
    // Every name of the file has a product by now.
    Ok((contract, products.id(&row.product).unwrap_or_default()))
}

/// A key as it stands.
#[derive(sqlx::FromRow)]
struct Known {
    at: i64,
    id: Uuid,
    kind: String,
    used: Option<i64>,
    total: Option<i64>,
    seats: Option<i64>,
    osa_status: String,
    archived: bool,
}

/// The known keys among `rows`, by their place in it.
async fn known(
    tx: &mut Scoped,
    estate: &Estate,
    products: &Products,
    rows: &[KeyRow],
    prints: &[Fingerprint],
) -> sqlx::Result<HashMap<usize, Known>> {
    let (mut contracts, mut names, mut fingerprints, mut places) = (vec![], vec![], vec![], vec![]);
    for (at, row) in rows.iter().enumerate().filter(|(_, row)| !products.is_new(&row.product)) {
        let Some(contract) = estate.id(&row.license_id) else { continue };
        contracts.push(contract);
        names.push(products.id(&row.product).unwrap_or_default());
        fingerprints.push(prints[at].as_ref().map(<[u8; 32]>::as_slice));
        places.push(i64::try_from(at).unwrap_or_default());
    }
    if places.is_empty() {
        return Ok(HashMap::new());
    }
    // Two halves, because only `=` looks a fingerprint up in the index.
    let found: Vec<Known> = sqlx::query_as(
        "WITH wanted AS MATERIALIZED (
             SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bytea[], $4::bigint[]) AS w (contract_id, product_id, fingerprint, at))
         SELECT w.at, k.id, k.kind, k.used, k.total, k.seats, k.osa_status, k.archived_at IS NOT NULL AS archived
         FROM wanted w JOIN product_keys k ON k.contract_id = w.contract_id AND k.product_id = w.product_id AND k.fingerprint = w.fingerprint
         UNION ALL
         SELECT w.at, k.id, k.kind, k.used, k.total, k.seats, k.osa_status, k.archived_at IS NOT NULL AS archived
         FROM wanted w JOIN product_keys k ON k.contract_id = w.contract_id AND k.product_id = w.product_id AND k.fingerprint IS NULL
         WHERE w.fingerprint IS NULL",
    )
    .bind(contracts)
    .bind(names)
    .bind(fingerprints)
    .bind(places)
    .fetch_all(&mut **tx)
    .await?;
    Ok(found.into_iter().map(|known| (usize::try_from(known.at).unwrap_or_default(), known)).collect())
}

/// What a row changes of its key.
fn changed(row: &KeyRow, contract: Uuid, known: &Known, sheet: &mut Sheet) -> Verdict {
    let mut diff = Diff::default();
    let used = diff.value("Activations used", known.used, row.activations.map(|a| i64::from(a.used)));
    let total = diff.value("Activations in all", known.total, row.activations.map(|a| i64::from(a.limit)));
    let seats = diff.value("Seats", known.seats, row.seats.map(i64::from));
    let osa_status = diff.text("OSA Status", &known.osa_status.as_str().into(), row.osa_status.as_ref());
    let read = !diff.0.is_empty();
    let kind = row.kind.map_or("NONE", KeyKind::code);
    if kind != known.kind {
        diff.push("Type", &known.kind, kind);
    }
    if !diff.0.is_empty() {
        let change = KeyChange { id: known.id, contract, kind, used, total, seats, osa_status, read };
        sheet.work.changed_keys.push(change);
    }
    Verdict::of(diff.0)
}
