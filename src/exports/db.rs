//! Which keys an export takes, and their rows as they stream by.

use futures_util::stream::BoxStream;
use sqlx::AssertSqlSafe;
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

const FROM: &str = "
    FROM product_keys k JOIN contracts c ON c.id = k.contract_id JOIN products p ON p.id = k.product_id
    WHERE k.archived_at IS NULL AND k.contract_id IN (SELECT contract_id FROM app_grants() WHERE role = ANY($1))
      AND ($2::uuid[] IS NULL OR k.id = ANY($2)) AND ($3::text[] IS NULL OR c.license_id = ANY($3))
      AND ($4 = '' OR p.name ILIKE '%' || $5 || '%' OR k.last_five = upper($4)) AND ($6 = '' OR p.category = $6) AND ($7 = '' OR p.slug = $7)";

/// Binds a selection to a statement made of [`FROM`].
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

/// The keys of an export by License ID: its row, its name, the ids of its keys.
pub type ByContract = Vec<(Uuid, String, Vec<Uuid>)>;

/// Which keys will leave, for the log.
///
/// # Errors
/// When the database fails.
pub async fn chosen(tx: &mut Scoped, selection: &Selection) -> sqlx::Result<ByContract> {
    let statement = format!("SELECT c.id, c.license_id, array_agg(k.id) {FROM} GROUP BY c.id, c.license_id");
    bind!(sqlx::query_as(AssertSqlSafe(statement)), selection).fetch_all(&mut **tx).await
}

/// How many keys a selection holds.
///
/// # Errors
/// When the database fails.
pub async fn count(tx: &mut Scoped, selection: &Selection) -> sqlx::Result<i64> {
    bind!(sqlx::query_scalar(AssertSqlSafe(format!("SELECT count(*) {FROM}"))), selection).fetch_one(&mut **tx).await
}

/// The wrapped data keys of these License IDs.
///
/// # Errors
/// When the database fails.
pub async fn data_keys(tx: &mut Scoped, contracts: &[Uuid]) -> sqlx::Result<Vec<(Uuid, Uuid, Vec<u8>)>> {
    sqlx::query_as("SELECT id, contract_id, wrapped FROM data_keys WHERE contract_id = ANY($1)")
        .bind(contracts)
        .fetch_all(&mut **tx)
        .await
}

/// One key as it leaves the database.
#[derive(Debug, sqlx::FromRow)]
pub struct SealedRow {
    /// The row.
    pub id: Uuid,
    /// License ID.
    pub license_id: String,
    /// Programme.
    pub program: String,
    /// Organisation.
    pub organization: String,
    /// Product.
    pub product: String,
    /// MAK, KMS, VLK, OSA, SETUP or NONE.
    pub kind: String,
    /// Which data key opens it.
    pub data_key_id: Option<Uuid>,
    /// The ciphertext.
    pub sealed: Option<Vec<u8>>,
    /// What stands in place of a key.
    pub no_key_text: String,
    /// Activations used.
    pub used: Option<i64>,
    /// Activations in all.
    pub total: Option<i64>,
    /// Seats.
    pub seats: Option<i64>,
    /// OSA status.
    pub osa_status: String,
}

/// The rows of the keys that [`chosen`] named, one by one.
pub fn rows<'a>(tx: &'a mut Scoped, selection: &'a Selection) -> BoxStream<'a, sqlx::Result<SealedRow>> {
    let statement = format!(
        "SELECT k.id, c.license_id, c.program, o.name AS organization, p.name AS product, k.kind, k.data_key_id, k.sealed, k.no_key_text,
                k.used, k.total, k.seats, k.osa_status {}",
        FROM.replace("JOIN products", "JOIN organizations o ON o.id = c.organization_id JOIN products")
    );
    bind!(sqlx::query_as(AssertSqlSafe(statement)), selection).fetch(&mut **tx)
}
