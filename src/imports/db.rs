//! What was sent in, what it would change, and what came of it. Written in the program's own scope
//! (nobody may write these rows), read in a person's: his own imports, a site operator's all.

use sha2::{Digest, Sha256};
use sqlx::AssertSqlSafe;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{
    list::{ImportState, Tally},
    plan::{Plan, PlannedRow, Who},
    preview::{Change, RowAction},
};
use crate::postgres::{Db, Scope, Scoped};

/// How long files wait for a decision before they are thrown away.
pub const PATIENCE: Duration = Duration::hours(24);

/// Rows per INSERT.
const BATCH: usize = 5_000;

/// A file of an import.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct StoredFile {
    pub(super) id: Uuid,
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) added: i64,
    pub(super) changed: i64,
    pub(super) skipped: i64,
    pub(super) refused: i64,
    pub(super) warnings: i64,
    pub(super) digest: Vec<u8>,
    pub(super) sealed: Option<Vec<u8>>,
}

impl StoredFile {
    pub(super) fn tally(&self) -> Tally {
        Tally {
            added: self.added.unsigned_abs(),
            changed: self.changed.unsigned_abs(),
            skipped: self.skipped.unsigned_abs(),
            refused: self.refused.unsigned_abs(),
            warnings: self.warnings.unsigned_abs(),
        }
    }
}

/// An import on the list.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct Listed {
    pub(super) id: Uuid,
    pub(super) who: String,
    pub(super) created_at: OffsetDateTime,
    pub(super) state: String,
    pub(super) files: Vec<String>,
    pub(super) added: i64,
    pub(super) changed: i64,
    pub(super) skipped: i64,
    pub(super) refused: i64,
    pub(super) warnings: i64,
    pub(super) total: i64,
}

/// A row of a preview.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct StoredRow {
    pub(super) file: String,
    pub(super) line: i64,
    pub(super) action: String,
    pub(super) license_id: String,
    pub(super) subject: String,
    pub(super) last_five: String,
    pub(super) changes: serde_json::Value,
    pub(super) detail: String,
}

/// How far an import got, by its word in the database.
pub(super) fn state_of(word: &str) -> ImportState {
    match word {
        "staged" => ImportState::Waiting,
        "applied" => ImportState::Applied,
        "refused" => ImportState::Refused,
        _ => ImportState::Discarded,
    }
}

/// Tells one plan from another: by all that its rows say.
pub(super) fn digest(plan: &Plan) -> Vec<u8> {
    let mut hash = Sha256::new();
    for row in &plan.rows {
        hash.update(row.to_string());
        hash.update([0]);
    }
    hash.finalize().to_vec()
}

/// Adds an import, unless it is there.
pub(super) async fn add_import(
    tx: &mut Scoped,
    id: Uuid,
    person: Option<Uuid>,
    actor: &str,
    state: &str,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO imports (id, person_id, actor, created_at, state, ended_at)
         VALUES ($1, $2, $3, app_now(), $4, CASE WHEN $4 = 'staged' THEN NULL ELSE app_now() END) ON CONFLICT (id) DO NOTHING",
    )
    .bind(id)
    .bind(person)
    .bind(actor)
    .bind(state)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Adds a file of an import, without its rows.
pub(super) async fn add_file(
    tx: &mut Scoped,
    import: Uuid,
    position: usize,
    plan: &Plan,
    sealed: Option<(Uuid, Vec<u8>)>,
) -> sqlx::Result<Uuid> {
    let (id, sealed) = sealed.map_or_else(|| (Uuid::now_v7(), None), |(id, bytes)| (id, Some(bytes)));
    let count = |rows: u64| i64::try_from(rows).unwrap_or(i64::MAX);
    sqlx::query(
        "INSERT INTO import_files (id, import_id, position, name, kind, added, changed, skipped, refused, warnings, digest, sealed)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(id)
    .bind(import)
    .bind(i32::try_from(position).unwrap_or(i32::MAX))
    .bind(&plan.name)
    .bind(plan.kind.label())
    .bind(count(plan.tally.added))
    .bind(count(plan.tally.changed))
    .bind(count(plan.tally.skipped))
    .bind(count(plan.tally.refused))
    .bind(count(plan.tally.warnings))
    .bind(digest(plan))
    .bind(sealed)
    .execute(&mut **tx)
    .await?;
    Ok(id)
}

/// Adds the rows of a file.
pub(super) async fn add_rows(tx: &mut Scoped, file: Uuid, rows: &[PlannedRow]) -> sqlx::Result<()> {
    let mut ordinal = 0;
    for batch in rows.chunks(BATCH) {
        let each = |row: &PlannedRow| {
            let changes = row.changes.iter().map(|change| serde_json::json!([change.column, change.old, change.new]));
            serde_json::Value::Array(changes.collect())
        };
        sqlx::query(
            "INSERT INTO import_rows (file_id, line, ordinal, action, license_id, subject, last_five, changes, detail)
             SELECT $1, line, $2 + n::integer, action, license_id, subject, last_five, changes, detail
             FROM unnest($3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::jsonb[], $9::text[]) WITH ORDINALITY
                  AS r (line, action, license_id, subject, last_five, changes, detail, n)",
        )
        .bind(file)
        .bind(ordinal)
        .bind(batch.iter().map(|row| i64::try_from(row.line).unwrap_or(i64::MAX)).collect::<Vec<_>>())
        .bind(batch.iter().map(|row| row.action.word()).collect::<Vec<_>>())
        .bind(batch.iter().map(|row| &*row.license_id).collect::<Vec<_>>())
        .bind(batch.iter().map(|row| &*row.subject).collect::<Vec<_>>())
        .bind(batch.iter().map(PlannedRow::last_five).collect::<Vec<_>>())
        .bind(batch.iter().map(each).collect::<Vec<_>>())
        .bind(batch.iter().map(|row| row.note.as_str()).collect::<Vec<_>>())
        .execute(&mut **tx)
        .await?;
        ordinal += i32::try_from(batch.len()).unwrap_or_default();
    }
    Ok(())
}

/// Puts a fresh plan in the place of the one shown before.
pub(super) async fn replan(tx: &mut Scoped, file: Uuid, plan: &Plan) -> sqlx::Result<()> {
    let count = |rows: u64| i64::try_from(rows).unwrap_or(i64::MAX);
    sqlx::query("DELETE FROM import_rows WHERE file_id = $1").bind(file).execute(&mut **tx).await?;
    sqlx::query("UPDATE import_files SET added = $2, changed = $3, skipped = $4, refused = $5, warnings = $6, digest = $7 WHERE id = $1")
        .bind(file)
        .bind(count(plan.tally.added))
        .bind(count(plan.tally.changed))
        .bind(count(plan.tally.skipped))
        .bind(count(plan.tally.refused))
        .bind(count(plan.tally.warnings))
        .bind(digest(plan))
        .execute(&mut **tx)
        .await?;
    add_rows(tx, file, &plan.rows).await
}

/// Ends an import that waits; `false` when somebody else has ended it. What was sent in is emptied.
pub(super) async fn end(tx: &mut Scoped, import: Uuid, state: &str) -> sqlx::Result<bool> {
    let ended = sqlx::query("UPDATE imports SET state = $2, ended_at = app_now() WHERE id = $1 AND state = 'staged'")
        .bind(import)
        .bind(state)
        .execute(&mut **tx)
        .await?;
    sqlx::query("UPDATE import_files SET sealed = NULL WHERE import_id = $1").bind(import).execute(&mut **tx).await?;
    Ok(ended.rows_affected() == 1)
}

/// The files of an import; with what was sent in only where asked for.
pub(super) async fn files(tx: &mut Scoped, import: Uuid, with_bytes: bool) -> sqlx::Result<Vec<StoredFile>> {
    sqlx::query_as(
        "SELECT id, name, kind, added, changed, skipped, refused, warnings, digest, CASE WHEN $2 THEN sealed END AS sealed
         FROM import_files WHERE import_id = $1 ORDER BY position",
    )
    .bind(import)
    .bind(with_bytes)
    .fetch_all(&mut **tx)
    .await
}

/// A page of an import's rows, in the order of its files.
pub(super) async fn rows(
    tx: &mut Scoped,
    import: Uuid,
    action: Option<RowAction>,
    limit: i64,
    offset: i64,
) -> sqlx::Result<Vec<StoredRow>> {
    sqlx::query_as(
        "SELECT f.name AS file, r.line, r.action, r.license_id, r.subject, r.last_five, r.changes, r.detail
         FROM import_files f JOIN import_rows r ON r.file_id = f.id
         WHERE f.import_id = $1 AND ($2::text IS NULL OR r.action = $2) ORDER BY f.position, r.ordinal LIMIT $3 OFFSET $4",
    )
    .bind(import)
    .bind(action.map(RowAction::word))
    .bind(limit)
    .bind(offset)
    .fetch_all(&mut **tx)
    .await
}

/// A page of the person's imports, of a site operator all, the latest first.
pub(super) async fn list(tx: &mut Scoped, limit: i64, offset: i64) -> sqlx::Result<Vec<Listed>> {
    sqlx::query_as(AssertSqlSafe(
        "WITH page AS (SELECT *, count(*) OVER () AS total FROM imports
                       WHERE person_id = app_person() OR app_is_operator() ORDER BY created_at DESC, id LIMIT $1 OFFSET $2)
         SELECT i.id, coalesce(p.name, '') AS who, i.created_at, i.state, i.total, f.*
         FROM page i LEFT JOIN people p ON p.id = i.person_id
         CROSS JOIN LATERAL (
             SELECT coalesce(array_agg(name ORDER BY position), '{}') AS files, coalesce(sum(added), 0)::bigint AS added,
                    coalesce(sum(changed), 0)::bigint AS changed, coalesce(sum(skipped), 0)::bigint AS skipped,
                    coalesce(sum(refused), 0)::bigint AS refused, coalesce(sum(warnings), 0)::bigint AS warnings
             FROM import_files WHERE import_id = i.id) f
         ORDER BY i.created_at DESC, i.id",
    ))
    .bind(limit)
    .bind(offset)
    .fetch_all(&mut **tx)
    .await
}

/// The changes of a stored row.
pub(super) fn changes(stored: &serde_json::Value) -> Vec<Change> {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let change = |part: &serde_json::Value| Change { column: text(&part[0]), old: text(&part[1]), new: text(&part[2]) };
    stored.as_array().map(|parts| parts.iter().map(change).collect()).unwrap_or_default()
}

/// How far an import that waits reaches: as far as whoever sent it does now. `None` where it doesn't wait.
pub(super) async fn reach(tx: &mut Scoped, import: Uuid) -> sqlx::Result<Option<Who>> {
    let sender: Option<(Uuid, bool)> = sqlx::query_as(
        "SELECT p.id, p.site_operator AND p.disabled_at IS NULL FROM imports i JOIN people p ON p.id = i.person_id
         WHERE i.id = $1 AND i.state = 'staged'",
    )
    .bind(import)
    .fetch_optional(&mut **tx)
    .await?;
    Ok(sender.map(|(id, operator)| if operator { Who::Operator(id) } else { Who::Administrator(id) }))
}

/// Whether an import still waits; it goes on waiting until the transaction ends.
pub(super) async fn lock_staged(tx: &mut Scoped, import: Uuid) -> sqlx::Result<bool> {
    let state: Option<String> = sqlx::query_scalar("SELECT state FROM imports WHERE id = $1 FOR UPDATE")
        .bind(import)
        .fetch_optional(&mut **tx)
        .await?;
    Ok(state.as_deref() == Some("staged"))
}

/// Throws away the files that have waited longer than [`PATIENCE`]: they hold keys. Answers how many
/// imports that were. For a task that calls it now and then.
///
/// # Errors
/// When the database fails.
pub async fn sweep(db: &Db, now: OffsetDateTime) -> sqlx::Result<u64> {
    // System scope: it works for nobody.
    let mut tx = db.begin(Scope::System).await?;
    let ended: Vec<Uuid> = sqlx::query_scalar(
        "UPDATE imports SET state = 'discarded', ended_at = $1 WHERE state = 'staged' AND created_at < $2 RETURNING id",
    )
    .bind(now)
    .bind(now - PATIENCE)
    .fetch_all(&mut *tx)
    .await?;
    sqlx::query("UPDATE import_files SET sealed = NULL WHERE import_id = ANY($1) AND sealed IS NOT NULL")
        .bind(&ended)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(ended.len() as u64)
}
