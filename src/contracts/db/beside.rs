//! What stands beside a License ID: the roles one holds on it and where they come from, its place among others, and
//! its MAKs.

use uuid::Uuid;

use crate::{
    auth::roles::Permission,
    contracts::model::{HeldRole, MakUse, OrganizationNode, Sister},
    postgres::Scoped,
};

/// The person's roles in force on a License ID, with the rule that an inherited one comes from.
///
/// # Errors
/// When the database fails.
pub async fn held(tx: &mut Scoped, contract: Uuid) -> sqlx::Result<Vec<HeldRole>> {
    sqlx::query_as(
        "SELECT g.role, coalesce(grant_rule_kind(r), '') AS covers, coalesce(o.name, a.number, '') AS name
         FROM grants g LEFT JOIN grant_rules r ON r.id = g.rule_id
         LEFT JOIN organizations o ON o.id = r.organization_id LEFT JOIN agreements a ON a.id = r.agreement_id
         WHERE g.person_id = app_person() AND g.contract_id = $1 AND g.revoked_at IS NULL AND (g.ends_at IS NULL OR g.ends_at > app_now())
           AND g.contract_id IN (SELECT contract_id FROM app_grants())
         ORDER BY covers, name",
    )
    .bind(contract)
    .fetch_all(&mut **tx)
    .await
}

/// A License ID and, of those under the same agreement, the ones that the person sees, itself first; at most
/// `limit`, and how many there are in all.
///
/// # Errors
/// When the database fails.
pub async fn sisters(tx: &mut Scoped, contract: Uuid, limit: i64) -> sqlx::Result<Vec<Sister>> {
    sqlx::query_as(
        "SELECT c.license_id, c.organization_id, c.id = $1 AS own, count(*) OVER () AS total
         FROM contracts c
         WHERE c.id IN (SELECT contract_id FROM app_grants())
           AND (c.id = $1 OR c.agreement_id = (SELECT agreement_id FROM contracts WHERE id = $1))
         ORDER BY own DESC, c.license_id LIMIT $2",
    )
    .bind(contract)
    .bind(limit)
    .fetch_all(&mut **tx)
    .await
}

/// Some organisations and all above them.
///
/// # Errors
/// When the database fails.
pub async fn organizations(tx: &mut Scoped, ids: &[Uuid]) -> sqlx::Result<Vec<OrganizationNode>> {
    sqlx::query_as(
        "WITH RECURSIVE above AS (
            SELECT id, name, parent_id FROM organizations WHERE id = ANY($1)
            UNION SELECT o.id, o.name, o.parent_id FROM organizations o JOIN above ON o.id = above.parent_id)
         SELECT id, name, parent_id FROM above ORDER BY lower(name)",
    )
    .bind(ids)
    .fetch_all(&mut **tx)
    .await
}

/// The MAKs of a License ID that have a limit, the fullest first; at most `limit`, and how many there are in all.
///
/// # Errors
/// When the database fails.
pub async fn maks(tx: &mut Scoped, contract: Uuid, limit: i64) -> sqlx::Result<Vec<MakUse>> {
    sqlx::query_as(
        "SELECT p.name AS product, k.last_five, k.used, k.total, count(*) OVER () AS keys
         FROM product_keys k JOIN products p ON p.id = k.product_id
         WHERE k.contract_id = $1 AND k.contract_id IN (SELECT contract_id FROM app_grants() WHERE role = ANY($2))
           AND k.kind = 'MAK' AND k.archived_at IS NULL AND k.used IS NOT NULL AND k.total > 0
         ORDER BY k.used::numeric / k.total DESC, lower(p.name), k.last_five LIMIT $3",
    )
    .bind(contract)
    .bind(Permission::ReadKeys.roles())
    .bind(limit)
    .fetch_all(&mut **tx)
    .await
}

/// Whether the person reads the licence position of some License ID.
///
/// # Errors
/// When the database fails.
pub async fn reads_position(tx: &mut Scoped) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM app_grants() WHERE role = ANY($1))")
        .bind(Permission::ReadPosition.roles())
        .fetch_one(&mut **tx)
        .await
}
