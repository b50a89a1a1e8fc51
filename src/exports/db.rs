//! Which keys an export takes, and their rows as they stream by.

use std::collections::{BTreeMap, HashMap};

use futures_util::{StreamExt, stream::BoxStream};
use sqlx::{AssertSqlSafe, Row, postgres::PgRow};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::{auth::roles::Permission, contracts::db::like, postgres::Scoped};

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

/// Which keys will leave, for the log: a License ID's row and the ids of its keys, in the order of the rows.
pub fn chosen<'a>(tx: &'a mut Scoped, selection: &Selection) -> BoxStream<'a, sqlx::Result<(Uuid, Vec<Uuid>)>> {
    // License ID by License ID, in their order: nothing has to be sorted.
    let statement = format!(
        "SELECT mine.contract_id, chosen.keys
         FROM (SELECT DISTINCT contract_id FROM app_grants() WHERE role = ANY($1) ORDER BY contract_id) mine
              CROSS JOIN LATERAL (SELECT array_agg(k.id) AS keys FROM product_keys k WHERE k.contract_id = mine.contract_id AND {}) chosen
         WHERE chosen.keys IS NOT NULL ORDER BY mine.contract_id",
        selection.conditions()
    );
    bind!(sqlx::query_as(AssertSqlSafe(statement)), selection).fetch(&mut **tx)
}

/// How many keys a selection holds.
///
/// # Errors
/// When the database fails.
pub async fn count(tx: &mut Scoped, selection: &Selection) -> sqlx::Result<i64> {
    let statement = format!("SELECT count(*) {}", selection.keys());
    bind!(sqlx::query_scalar(AssertSqlSafe(statement)), selection).fetch_one(&mut **tx).await
}

/// What many keys share, read once: then a key's row carries ids in place of names.
#[derive(Debug, Default)]
pub struct Estate {
    /// License IDs by their rows.
    pub contracts: BTreeMap<Uuid, ContractCells>,
    /// Names of products by their rows.
    pub products: HashMap<Uuid, String>,
    /// The wrapped data keys: id, License ID, ciphertext.
    pub data_keys: Vec<(Uuid, Uuid, Vec<u8>)>,
}

/// What an export says of a License ID.
#[derive(Debug, sqlx::FromRow)]
pub struct ContractCells {
    id: Uuid,
    /// License ID.
    pub license_id: String,
    /// Programme.
    pub program: String,
    /// Organisation.
    pub organization: String,
}

/// The part of the estate that a selection may touch.
///
/// # Errors
/// When the database fails.
pub async fn estate(tx: &mut Scoped, selection: &Selection) -> sqlx::Result<Estate> {
    let mut statement = "SELECT c.id, c.license_id, c.program, o.name AS organization
        FROM contracts c JOIN organizations o ON o.id = c.organization_id
        WHERE c.id IN (SELECT contract_id FROM app_grants() WHERE role = ANY($1))"
        .to_owned();
    if selection.license_ids.is_some() {
        statement.push_str(" AND c.license_id = ANY($2)");
    }
    if selection.key_ids.is_some() {
        statement.push_str(" AND c.id IN (SELECT contract_id FROM product_keys WHERE id = ANY($3))");
    }
    let contracts: Vec<ContractCells> = sqlx::query_as(AssertSqlSafe(statement))
        .bind(Permission::ReadKeys.roles())
        .bind(&selection.license_ids)
        .bind(&selection.key_ids)
        .fetch_all(&mut **tx)
        .await?;
    let ids: Vec<Uuid> = contracts.iter().map(|contract| contract.id).collect();
    let products: Vec<(Uuid, String)> =
        sqlx::query_as("SELECT id, name FROM products WHERE id IN (SELECT app_seen_products())")
            .fetch_all(&mut **tx)
            .await?;
    let data_keys = sqlx::query_as("SELECT id, contract_id, wrapped FROM data_keys WHERE contract_id = ANY($1)")
        .bind(ids)
        .fetch_all(&mut **tx)
        .await?;
    Ok(Estate {
        contracts: contracts.into_iter().map(|contract| (contract.id, contract)).collect(),
        products: products.into_iter().collect(),
        data_keys,
    })
}

/// One key as it leaves the database, borrowed from its message.
#[derive(Debug)]
pub struct SealedRow<'r> {
    /// The row.
    pub id: Uuid,
    /// The License ID's row.
    pub contract: Uuid,
    /// The product's row.
    pub product: Uuid,
    /// MAK, KMS, VLK, OSA, SETUP or NONE.
    pub kind: &'r str,
    /// Which data key opens it, and the ciphertext.
    pub sealed: Option<(Uuid, &'r [u8])>,
    /// What stands in place of a key.
    pub no_key_text: &'r str,
    /// Activations used.
    pub used: Option<i64>,
    /// Activations in all.
    pub total: Option<i64>,
    /// Seats.
    pub seats: Option<i64>,
    /// OSA status.
    pub osa_status: &'r str,
}

/// In the order that [`SealedRow::of`] takes them: a name looked up for each cell of a million rows shows.
const COLUMNS: &str = "k.id, k.contract_id, k.product_id, k.kind, k.data_key_id, k.sealed, k.no_key_text, k.used, k.total, k.seats, k.osa_status";

impl<'r> SealedRow<'r> {
    /// Reads one row of [`read`].
    ///
    /// # Errors
    /// Never on a row of [`read`].
    pub fn of(row: &'r PgRow) -> sqlx::Result<Self> {
        // Unchecked are the columns' types alone, which are the statement's own.
        let sealed: Option<&[u8]> = row.try_get_unchecked(5)?;
        Ok(Self {
            id: row.try_get_unchecked(0)?,
            contract: row.try_get_unchecked(1)?,
            product: row.try_get_unchecked(2)?,
            kind: row.try_get_unchecked(3)?,
            sealed: row.try_get_unchecked::<Option<Uuid>, _>(4)?.zip(sealed),
            no_key_text: row.try_get_unchecked(6)?,
            used: row.try_get_unchecked(7)?,
            total: row.try_get_unchecked(8)?,
            seats: row.try_get_unchecked(9)?,
            osa_status: row.try_get_unchecked(10)?,
        })
    }
}

/// Rows handed over at a time.
const BATCH: usize = 256;

/// Batches of rows on their way from the database.
pub type Batches = mpsc::Receiver<sqlx::Result<Vec<PgRow>>>;

/// Sends the rows of the keys that [`chosen`] named, still sealed, until all are sent or nobody takes them.
/// `keys` is how many there are.
pub async fn read(mut tx: Scoped, selection: Selection, keys: usize, batches: mpsc::Sender<sqlx::Result<Vec<PgRow>>>) {
    let statement = match most_of_all(&mut tx, keys).await {
        // The same scope, but as a question to each row: the table is read as it lies.
        Ok(true) => format!(
            "SELECT {COLUMNS} FROM product_keys k
             WHERE (k.contract_id IN (SELECT contract_id FROM app_grants() WHERE role = ANY($1))) IS TRUE AND {}",
            selection.conditions()
        ),
        Ok(false) => format!("SELECT {COLUMNS} {}", selection.keys()),
        Err(fault) => {
            let _ = batches.send(Err(fault)).await;
            return;
        }
    };
    let mut rows = bind!(sqlx::query(AssertSqlSafe(statement)), selection).fetch(&mut *tx).chunks(BATCH);
    while let Some(batch) = rows.next().await {
        if batches.send(batch.into_iter().collect()).await.is_err() {
            return;
        }
    }
}

/// Whether so many keys are so large a part of the table that reading all of it is quicker than looking
/// up License ID by License ID; the planner can't tell how many a person sees.
async fn most_of_all(tx: &mut Scoped, keys: usize) -> sqlx::Result<bool> {
    let all: f32 = sqlx::query_scalar("SELECT reltuples FROM pg_class WHERE oid = 'product_keys'::regclass")
        .fetch_one(&mut **tx)
        .await?;
    #[allow(clippy::cast_precision_loss)]
    Ok(all > 0.0 && keys as f32 > all / 4.0)
}
