//! An import as its proof reads it.

use time::OffsetDateTime;
use uuid::Uuid;

use crate::postgres::Scoped;

/// An import as a permission check sees it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct ImportHead {
    /// The row.
    pub id: Uuid,
    /// Who sent the files; none for the command line.
    pub person_id: Option<Uuid>,
    /// His name; empty for the command line.
    pub who: String,
    /// When.
    pub created_at: OffsetDateTime,
    /// `staged`, `refused`, `applied` or `discarded`.
    pub state: String,
}

/// One import in the person's scope: his own, or any for a site operator.
///
/// # Errors
/// When the database fails.
pub async fn head(tx: &mut Scoped, id: Uuid) -> sqlx::Result<Option<ImportHead>> {
    sqlx::query_as(
        "SELECT i.id, i.person_id, coalesce(p.name, '') AS who, i.created_at, i.state
         FROM imports i LEFT JOIN people p ON p.id = i.person_id
         WHERE i.id = $1 AND (i.person_id = app_person() OR app_is_operator())",
    )
    .bind(id)
    .fetch_optional(&mut **tx)
    .await
}
