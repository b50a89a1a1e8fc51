//! People and their sessions, as signing in and the account page need them.

use time::OffsetDateTime;
use uuid::Uuid;

use crate::postgres::Scoped;

/// A person as the sign-in form finds one.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Account {
    /// The row.
    pub id: Uuid,
    /// Argon2id, as a PHC string; none until a password is set.
    pub password_hash: Option<String>,
}

/// The account behind an e-mail address, unless it is disabled. System scope.
///
/// # Errors
/// When the database fails.
pub async fn account(tx: &mut Scoped, email: &str) -> sqlx::Result<Option<Account>> {
    sqlx::query_as("SELECT id, password_hash FROM people WHERE email = $1 AND disabled_at IS NULL")
        .bind(email.to_lowercase())
        .fetch_optional(&mut **tx)
        .await
}

/// Whether there are no accounts at all: the sign-in page then shows the first steps. System scope.
///
/// # Errors
/// When the database fails.
pub async fn none_yet(tx: &mut Scoped) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT NOT EXISTS (SELECT 1 FROM people)").fetch_one(&mut **tx).await
}

/// The stored password of a person. System scope.
///
/// # Errors
/// When the database fails.
pub async fn password_hash(tx: &mut Scoped, person: Uuid) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar("SELECT password_hash FROM people WHERE id = $1").bind(person).fetch_one(&mut **tx).await
}

/// Sets a person's password, which is theirs. System scope.
///
/// # Errors
/// When the database fails.
pub async fn set_password(tx: &mut Scoped, person: Uuid, hash: &str) -> sqlx::Result<()> {
    sqlx::query("UPDATE people SET password_hash = $2, password_set_by_other = false WHERE id = $1")
        .bind(person)
        .bind(hash)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// A session as the account page lists it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Session {
    /// The row.
    pub id: Uuid,
    /// Begun.
    pub created_at: OffsetDateTime,
    /// Last request, to the minute.
    pub last_seen_at: OffsetDateTime,
    /// From where.
    pub address: String,
    /// As the browser calls itself.
    pub user_agent: String,
}

/// A person's sessions that are in force, newest first.
///
/// # Errors
/// When the database fails.
pub async fn sessions(
    tx: &mut Scoped,
    person: Uuid,
    seen_after: OffsetDateTime,
    begun_after: OffsetDateTime,
) -> sqlx::Result<Vec<Session>> {
    sqlx::query_as(
        "SELECT id, created_at, last_seen_at, address, user_agent FROM sessions
         WHERE person_id = $1 AND ended_at IS NULL AND last_seen_at > $2 AND created_at > $3 ORDER BY last_seen_at DESC",
    )
    .bind(person)
    .bind(seen_after)
    .bind(begun_after)
    .fetch_all(&mut **tx)
    .await
}

/// Whether a session that hasn't ended is this person's.
///
/// # Errors
/// When the database fails.
pub async fn owns_session(tx: &mut Scoped, person: Uuid, session: Uuid) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM sessions WHERE id = $2 AND person_id = $1 AND ended_at IS NULL)")
        .bind(person)
        .bind(session)
        .fetch_one(&mut **tx)
        .await
}

/// A person's roles and on how many License IDs each.
///
/// # Errors
/// When the database fails.
pub async fn role_counts(tx: &mut Scoped) -> sqlx::Result<Vec<(String, i64)>> {
    sqlx::query_as("SELECT role, count(DISTINCT contract_id) FROM app_grants() GROUP BY role")
        .fetch_all(&mut **tx)
        .await
}

/// Keeps a post that waits for the password.
///
/// # Errors
/// When the database fails.
pub async fn keep_pending(tx: &mut Scoped, session: Uuid, path: &str, body: &[u8]) -> sqlx::Result<()> {
    sqlx::query("UPDATE sessions SET pending_path = $2, pending_body = $3 WHERE id = $1")
        .bind(session)
        .bind(path)
        .bind(body)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// The path of the post that waits, if any.
///
/// # Errors
/// When the database fails.
pub async fn pending_path(tx: &mut Scoped, session: Uuid) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar("SELECT pending_path FROM sessions WHERE id = $1").bind(session).fetch_one(&mut **tx).await
}

/// Takes the post that waits: it is sent once.
///
/// # Errors
/// When the database fails.
pub async fn take_pending(tx: &mut Scoped, session: Uuid) -> sqlx::Result<Option<(String, Vec<u8>)>> {
    let kept: (Option<String>, Option<Vec<u8>>) =
        sqlx::query_as("SELECT pending_path, pending_body FROM sessions WHERE id = $1 FOR UPDATE")
            .bind(session)
            .fetch_one(&mut **tx)
            .await?;
    sqlx::query("UPDATE sessions SET pending_path = NULL, pending_body = NULL WHERE id = $1")
        .bind(session)
        .execute(&mut **tx)
        .await?;
    Ok(kept.0.zip(kept.1))
}
