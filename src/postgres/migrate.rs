//! Migrations, run as the owner; the roles they grant to are made first where they are missing.

use anyhow::{Context, Result, bail};
use sqlx::{Connection, Executor, PgConnection, postgres::PgConnectOptions};

use super::MIGRATOR;

/// Brings the database to this program's schema; nothing happens where it is there already.
/// Returns how many migrations were run.
///
/// # Errors
/// When the database can't be reached, the roles can't be made, a migration fails, or the
/// database is newer than this program.
pub async fn migrate(owner: &PgConnectOptions) -> Result<usize> {
    let mut conn = PgConnection::connect_with(owner)
        .await
        .with_context(|| format!("the database at {} can't be reached", place(owner)))?;
    ensure_roles(&mut conn).await?;
    let before = applied(&mut conn).await;
    MIGRATOR.run(&mut conn).await.map_err(|fault| match fault {
        sqlx::migrate::MigrateError::VersionMissing(version) => {
            anyhow::anyhow!("the database was migrated by a newer Keyward (migration {version}): start that version, or restore a backup from before it")
        }
        other => anyhow::Error::new(other).context("a migration failed; the database is as it was before it"),
    })?;
    let after = applied(&mut conn).await;
    conn.close().await.ok();
    Ok(after.saturating_sub(before))
}

async fn applied(conn: &mut PgConnection) -> usize {
    let there: i64 = sqlx::query_scalar("SELECT count(*) FROM _sqlx_migrations").fetch_one(conn).await.unwrap_or(0);
    usize::try_from(there).unwrap_or(0)
}

/// `keyward_app` serves and `keyward_responder` answers machines. The embedded server has them
/// from its first start; elsewhere an owner with CREATEROLE gets them made here.
async fn ensure_roles(conn: &mut PgConnection) -> Result<()> {
    for role in ["keyward_app", "keyward_responder"] {
        let there: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = $1)")
            .bind(role)
            .fetch_one(&mut *conn)
            .await?;
        if !there {
            let statement = match role {
                "keyward_app" => "CREATE ROLE keyward_app NOLOGIN",
                _ => "CREATE ROLE keyward_responder NOLOGIN",
            };
            // Two servers that start together both find it missing: the second one's refusal is no fault.
            if let Err(fault) = conn.execute(statement).await
                && fault.as_database_error().and_then(|e| e.code()).as_deref() != Some("42710")
                && !is_duplicate(&fault)
            {
                bail!(
                    "the role {role} is missing and this user may not make it ({fault}): ask the database's administrator for CREATE ROLE keyward_app, keyward_responder and GRANT both to the owner"
                );
            }
        }
        let member: bool = sqlx::query_scalar("SELECT pg_has_role(current_user, $1, 'MEMBER')")
            .bind(role)
            .fetch_one(&mut *conn)
            .await?;
        if !member {
            let statement = match role {
                "keyward_app" => "GRANT keyward_app TO CURRENT_USER",
                _ => "GRANT keyward_responder TO CURRENT_USER",
            };
            // Needed only where one URL serves as owner and as server; separate ones log in as the role itself.
            if let Err(fault) = conn.execute(statement).await {
                tracing::debug!(%fault, role, "the owner isn't a member of the role");
            }
        }
    }
    Ok(())
}

fn is_duplicate(fault: &sqlx::Error) -> bool {
    fault.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}

/// Host, port and database for messages; never the password.
pub fn place(options: &PgConnectOptions) -> String {
    match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!(
            "{}:{}/{}",
            options.get_host(),
            options.get_port(),
            options.get_database().unwrap_or(options.get_username())
        ),
    }
}
