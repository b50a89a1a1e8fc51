//! People and grants, read and written in a person's scope.

use crate::postgres::Scoped;

/// For the overview: people with a role, and License IDs with a single Administrator; of the License
/// IDs that the person administers, or of all for a site operator.
///
/// # Errors
/// When the database fails.
pub async fn overview(tx: &mut Scoped) -> sqlx::Result<(i64, i64)> {
    sqlx::query_as(
        "WITH active AS (
            SELECT person_id, role, contract_id FROM grants
            WHERE revoked_at IS NULL AND (ends_at IS NULL OR ends_at > app_now())
              AND (contract_id IN (SELECT app_administered()) OR (SELECT app_is_operator())))
         SELECT (SELECT count(DISTINCT person_id) FROM active),
                (SELECT count(*) FROM (SELECT contract_id FROM active WHERE role = 'administrator' GROUP BY contract_id HAVING count(DISTINCT person_id) = 1) s)",
    )
    .fetch_one(&mut **tx)
    .await
}
