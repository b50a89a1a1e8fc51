//! The roles and the database inside a new server.

use std::path::Path;

use anyhow::{Context, Result};
use sqlx::{
    AssertSqlSafe, Connection, Executor, PgConnection,
    postgres::{PgConnectOptions, PgSslMode},
};

use super::place::PORT;

/// The role that made the cluster. It passes by every row-level rule, so nothing is served with it.
pub const SUPERUSER: &str = "keyward_super";
/// Owns the database and runs the migrations.
pub const OWNER: &str = "keyward_owner";
/// What the web server acts as; row-level security holds for it.
pub const APP: &str = "keyward_app";
/// What the responder acts as.
pub const RESPONDER: &str = "keyward_responder";
/// The database's name.
pub const DATABASE: &str = "keyward";

/// Makes the roles [`OWNER`], [`APP`] and [`RESPONDER`] where they are missing, all able to sign in and
/// none with any power over the server.
///
/// # Errors
/// When the connection's own role may not make roles.
pub async fn ensure_roles(connection: &mut PgConnection) -> Result<()> {
    for role in [OWNER, APP, RESPONDER] {
        // another process may be at the same
        let statement = format!(
            "do $$ begin create role {role} login nosuperuser nocreatedb nocreaterole nobypassrls; \
             exception when duplicate_object or unique_violation then null; end $$"
        );
        connection
            .execute(AssertSqlSafe(statement))
            .await
            .with_context(|| format!("cannot make the database role {role}"))?;
    }
    Ok(())
}

/// Completes a cluster, whatever of this an interrupted start has already done. The database comes last:
/// once it exists, everything does.
pub(super) async fn complete(superuser: &PgConnectOptions) -> Result<()> {
    let mut connection = PgConnection::connect_with(superuser).await?;
    let there: bool = sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
        .bind(DATABASE)
        .fetch_one(&mut connection)
        .await?;
    if !there {
        ensure_roles(&mut connection).await?;
        let statement = format!("create database {DATABASE} owner {OWNER}");
        connection.execute(AssertSqlSafe(statement)).await.context("cannot make the database")?;
    }
    connection.close().await?;
    Ok(())
}

/// How to connect over the socket in `socket_dir`; set out in full, so that no `PG…` variable or password
/// file has a say.
pub(super) fn options(socket_dir: &Path, role: &str, database: &str) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .socket(socket_dir)
        .port(PORT)
        .ssl_mode(PgSslMode::Disable)
        .username(role)
        .database(database)
        .application_name("keyward")
}
