//! Saved views, read and written in their person's scope: `app_person()` is the first wall, row-level security the
//! second.

use time::Duration;
use uuid::Uuid;

use super::model::View;
use crate::postgres::{Scoped, like};

/// How long a deleted view can be had back.
const KEPT: Duration = Duration::days(1);

/// Every view of the person, list by list in their own order.
///
/// # Errors
/// When the database fails.
pub async fn all(tx: &mut Scoped) -> sqlx::Result<Vec<View>> {
    sqlx::query_as(
        "SELECT id, path, query, name, removed_at FROM saved_views WHERE person_id = app_person() AND removed_at IS NULL
         ORDER BY path, position, created_at, id",
    )
    .fetch_all(&mut **tx)
    .await
}

/// One view of the person, deleted or not.
///
/// # Errors
/// When the database fails.
pub async fn own(tx: &mut Scoped, id: Uuid) -> sqlx::Result<Option<View>> {
    sqlx::query_as(
        "SELECT id, path, query, name, removed_at FROM saved_views WHERE id = $1 AND person_id = app_person()",
    )
    .bind(id)
    .fetch_optional(&mut **tx)
    .await
}

/// The person's views with `q` in their name, at most `most`.
///
/// # Errors
/// When the database fails.
pub async fn named(tx: &mut Scoped, q: &str, most: i64) -> sqlx::Result<Vec<View>> {
    sqlx::query_as(
        "SELECT id, path, query, name, removed_at FROM saved_views
         WHERE person_id = app_person() AND removed_at IS NULL AND name ILIKE '%' || $1 || '%'
         ORDER BY name NOT ILIKE $1 || '%', lower(name), path LIMIT $2",
    )
    .bind(like(q))
    .bind(most)
    .fetch_all(&mut **tx)
    .await
}

/// Whoever else changes this person's views waits until this transaction ends: what is checked here holds until it is
/// written. What was deleted long ago is thrown away.
///
/// # Errors
/// When the database fails.
pub async fn hold(tx: &mut Scoped, person: Uuid) -> sqlx::Result<()> {
    let lock = format!("saved views of {person}");
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))").bind(lock).execute(&mut **tx).await?;
    let before = tx.now() - KEPT;
    sqlx::query("DELETE FROM saved_views WHERE person_id = app_person() AND removed_at < $1")
        .bind(before)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Adds a view behind the others of its list; its id.
///
/// # Errors
/// When the database refuses.
pub async fn add(tx: &mut Scoped, person: Uuid, path: &str, query: &str, name: &str) -> sqlx::Result<Uuid> {
    let (id, now) = (Uuid::now_v7(), tx.now());
    sqlx::query(
        "INSERT INTO saved_views (id, person_id, path, query, name, position, created_at)
         SELECT $1, $2, $3, $4, $5, coalesce(max(position), 0) + 1, $6 FROM saved_views WHERE person_id = $2 AND path = $3",
    )
    .bind(id)
    .bind(person)
    .bind(path)
    .bind(query)
    .bind(name)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(id)
}

/// Gives a view another name.
///
/// # Errors
/// When the database refuses.
pub async fn rename(tx: &mut Scoped, id: Uuid, name: &str) -> sqlx::Result<()> {
    sqlx::query("UPDATE saved_views SET name = $2 WHERE id = $1 AND person_id = app_person()")
        .bind(id)
        .bind(name)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Deletes a view, or has it back.
///
/// # Errors
/// When the database refuses.
pub async fn remove(tx: &mut Scoped, id: Uuid, removed: bool) -> sqlx::Result<()> {
    let at = removed.then(|| tx.now());
    sqlx::query("UPDATE saved_views SET removed_at = $2 WHERE id = $1 AND person_id = app_person()")
        .bind(id)
        .bind(at)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Puts the views of one list into this order.
///
/// # Errors
/// When the database refuses.
pub async fn arrange(tx: &mut Scoped, order: &[Uuid]) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE saved_views v SET position = n.position FROM unnest($1::uuid[]) WITH ORDINALITY AS n (id, position)
         WHERE v.id = n.id AND v.person_id = app_person()",
    )
    .bind(order)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
