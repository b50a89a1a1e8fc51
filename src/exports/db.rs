//! Which keys an export takes, and their rows as they stream by.

use std::collections::HashMap;

use futures_util::TryStreamExt;
use sqlx::AssertSqlSafe;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::groups::Group;
use crate::{
    auth::roles::Permission,
    postgres::{Scoped, like},
};

/// What an export asks for. `None` means any.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// These keys only.
    pub key_ids: Option<Vec<Uuid>>,
    /// These License IDs only.
    pub license_ids: Option<Vec<String>>,
    /// Products whose name contains this, or keys with these last five characters.
    pub q: String,
    /// Products of this category.
    pub category: String,
    /// This product.
    pub product: String,
}

impl Selection {
    /// The keys that a selection names within the person's scope, as a statement's FROM and WHERE.
    fn keys(&self) -> String {
        format!(
            "FROM product_keys k WHERE k.contract_id IN (SELECT contract_id FROM app_grants() WHERE role = ANY($1)) AND {}",
            self.conditions()
        )
    }

    /// Its conditions on a key: the texts are ours, one for each set of them, and what was asked for is bound
    /// ([`bind!`]).
    fn conditions(&self) -> String {
        let mut text = "k.archived_at IS NULL".to_owned();
        let conditions = [
            (self.key_ids.is_some(), "k.id = ANY($2)"),
            (
                self.license_ids.is_some(),
                "k.contract_id IN (SELECT id FROM contracts WHERE license_id = ANY($3) AND id IN (SELECT app_seen()))",
            ),
            (
                !self.q.is_empty(),
                "(k.last_five = upper($4) OR k.product_id IN (SELECT id FROM products WHERE name ILIKE '%' || $5 || '%' AND id IN (SELECT app_seen_products())))",
            ),
            (
                !self.category.is_empty(),
                "k.product_id IN (SELECT id FROM products WHERE category = $6 AND id IN (SELECT app_seen_products()))",
            ),
            (
                !self.product.is_empty(),
                "k.product_id IN (SELECT id FROM products WHERE slug = $7 AND id IN (SELECT app_seen_products()))",
            ),
        ];
        for (_, condition) in conditions.into_iter().filter(|(asked, _)| *asked) {
            text.push_str(" AND ");
            text.push_str(condition);
        }
        text
    }
}

/// Binds a selection to a statement made of [`Selection::conditions`].
macro_rules! bind {
    ($query:expr, $selection:expr) => {
        $query
            .bind(Permission::ReadKeys.roles())
            .bind($selection.key_ids.clone())
            .bind($selection.license_ids.clone())
            .bind($selection.q.clone())
            .bind(like(&$selection.q))
            .bind($selection.category.clone())
            .bind($selection.product.clone())
    };
}

/// How many keys a selection holds.
///
/// # Errors
/// When the database fails.
pub async fn count(tx: &mut Scoped, selection: &Selection) -> sqlx::Result<i64> {
    let statement = format!("SELECT count(*) {}", selection.keys());
    bind!(sqlx::query_scalar(AssertSqlSafe(statement)), selection).fetch_one(&mut **tx).await
}

/// What many keys share, read once: a row carries ids in place of these names.
#[derive(Debug)]
pub struct Names {
    /// Of products, by their rows.
    pub products: HashMap<Uuid, String>,
    /// Of organisations, by their rows.
    pub organizations: HashMap<Uuid, String>,
}

/// The names that the person sees, which are those that row-level security shows: a condition of our own would have
/// PostgreSQL find out a second time which these are, and with many License IDs that takes it tens of milliseconds.
///
/// # Errors
/// When the database fails.
pub async fn names(mut tx: Scoped) -> sqlx::Result<Names> {
    let products: Vec<(Uuid, String)> = sqlx::query_as("SELECT id, name FROM products").fetch_all(&mut *tx).await?;
    let organizations: Vec<(Uuid, String)> =
        sqlx::query_as("SELECT id, name FROM organizations").fetch_all(&mut *tx).await?;
    Ok(Names { products: products.into_iter().collect(), organizations: organizations.into_iter().collect() })
}

/// Groups handed over at a time hold about so many keys: an export logs and commits that many at once, and
/// keeps a few times as many in memory.
const PART: usize = 10_000;
/// The first part is smaller: until it comes, neither the log nor the cipher has anything to do.
const FIRST: usize = 1_000;

/// Parts of an export on their way from the database. That no more come says nothing of why: [`read`] does, as it ends.
pub type Parts = mpsc::Receiver<Vec<Group>>;

/// Sends the chosen keys of one License ID after the other, by their numbers and still sealed, until all are sent or
/// nobody takes them.
///
/// # Errors
/// When the database fails: then not all were sent.
pub async fn read(mut tx: Scoped, selection: Selection, parts: mpsc::Sender<Vec<Group>>) -> sqlx::Result<()> {
    let statement = rows(&selection, license_ids_of_a_row(&mut tx).await?);
    let mut rows = bind!(sqlx::query(AssertSqlSafe(statement)), selection).fetch(&mut *tx);
    let (mut part, mut keys, mut enough) = (Vec::new(), 0, FIRST);
    while let Some(row) = rows.try_next().await? {
        let group = Group::of(row)?;
        keys += group.count();
        part.push(group);
        if keys >= enough {
            (keys, enough) = (0, PART);
            if parts.send(std::mem::take(&mut part)).await.is_err() {
                return Ok(());
            }
        }
    }
    if !part.is_empty() {
        let _ = parts.send(part).await;
    }
    Ok(())
}

/// A row is made whole and then sent, and kept whole until it is written. One of about a thousand keys keeps PostgreSQL
/// sending for so long that nobody waits for each 8 KiB of it, and is little to keep (decision 51).
const KEYS_OF_A_ROW: f32 = 1_000.0;
/// License IDs of a row at most.
const LICENSE_IDS: f32 = 10.0;

/// How many License IDs make a row of about [`KEYS_OF_A_ROW`], by what PostgreSQL last counted of both.
async fn license_ids_of_a_row(tx: &mut Scoped) -> sqlx::Result<u32> {
    let (keys, contracts): (f32, f32) = sqlx::query_as(
        "SELECT k.reltuples, c.reltuples FROM pg_class k, pg_class c
         WHERE k.oid = 'product_keys'::regclass AND c.oid = 'contracts'::regclass",
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(fitting(keys, contracts))
}

/// The same, of the counts; -1 where a table was never counted.
fn fitting(keys: f32, contracts: f32) -> u32 {
    let each = keys.max(1.0) / contracts.max(1.0);
    // Between 1 and 10.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let fitting = (KEYS_OF_A_ROW / each).clamp(1.0, LICENSE_IDS) as u32;
    fitting
}

/// The statement behind [`read`]: a row for some License IDs, since a message for each key would cost both sides more
/// than the key itself. The first wall picks the License IDs and counts them off; all else is read where they stand.
fn rows(selection: &Selection, license_ids: u32) -> String {
    // `IS TRUE`, so that all License IDs are looked at once and not each of them sought: whoever takes a few waits a
    // millisecond longer, whoever takes ten thousand 25 ms less, in which nothing else can be done (decision 54).
    let mut mine = "(c.id IN (SELECT contract_id FROM app_grants() WHERE role = ANY($1))) IS TRUE".to_owned();
    if selection.license_ids.is_some() {
        mine.push_str(" AND c.license_id = ANY($3)");
    }
    if selection.key_ids.is_some() {
        mine.push_str(" AND c.id IN (SELECT contract_id FROM product_keys WHERE id = ANY($2))");
    }
    format!(
        "SELECT chosen.*
         FROM (SELECT part, array_agg(id) AS ids, array_agg(license_id) AS license_ids, array_agg(program) AS programs,
                      array_agg(organization_id) AS organizations
               FROM (SELECT c.id, c.license_id, c.program, c.organization_id,
                            (row_number() OVER (ORDER BY c.license_id) - 1) / {license_ids} AS part
                     FROM contracts c WHERE {mine} ORDER BY part, c.license_id) mine
               GROUP BY part) parts
         CROSS JOIN LATERAL (
            SELECT {}
            FROM (SELECT c.id, c.license_id, c.program, c.organization_id, d.id AS data_key_id, d.wrapped, its.*
                  FROM unnest(parts.ids, parts.license_ids, parts.programs, parts.organizations) WITH ORDINALITY
                       AS c (id, license_id, program, organization_id, place)
                  LEFT JOIN data_keys d ON d.contract_id = c.id
                  CROSS JOIN LATERAL (SELECT {} FROM product_keys k WHERE k.contract_id = c.id AND {}) its
                  WHERE its.strung IS NOT NULL ORDER BY c.place) one
         ) chosen
         WHERE chosen.ids IS NOT NULL ORDER BY parts.part",
        Group::COLUMNS,
        Group::STRUNG,
        selection.conditions()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_holds_about_a_thousand_keys() {
        assert_eq!(fitting(-1.0, -1.0), 10, "never counted");
        assert_eq!(fitting(474.0, 14.0), 10);
        assert_eq!(fitting(1_000_000.0, 5_000.0), 5);
        assert_eq!(fitting(1_000_000.0, 100.0), 1);
        assert_eq!(fitting(50_000.0, 0.0), 1);
    }
}
