//! Saves of roles, as whoever made them may take them back.

use time::Duration;
use uuid::Uuid;

use crate::postgres::Scoped;

/// How long a save can be taken back.
pub const UNDO_FOR: Duration = Duration::minutes(10);

/// A save of one's own that can still be taken back.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Undoable {
    /// The row.
    pub id: Uuid,
    /// What was done.
    pub words: String,
}

/// A save of the reader's own: `Some` while it can be taken back.
///
/// # Errors
/// When the database fails.
pub async fn undoable(tx: &mut Scoped, id: Uuid) -> sqlx::Result<Option<Undoable>> {
    let after = tx.now() - UNDO_FOR;
    sqlx::query_as("SELECT id, words FROM role_changes WHERE id = $1 AND by_person = app_person() AND undone_at IS NULL AND made_at > $2")
        .bind(id)
        .bind(after)
        .fetch_optional(&mut **tx)
        .await
}

/// A save of the reader's own, whenever it was.
///
/// # Errors
/// When the database fails.
pub async fn own(tx: &mut Scoped, id: Uuid) -> sqlx::Result<Option<Undoable>> {
    sqlx::query_as("SELECT id, words FROM role_changes WHERE id = $1 AND by_person = app_person()")
        .bind(id)
        .fetch_optional(&mut **tx)
        .await
}
