//! The scoped transaction: the only way from the program to a table.
//!
//! Each transaction names the person it works for; row-level security reads that name
//! (`app.user`), so a query that forgot its `WHERE` still returns that person's rows and no others.

use std::{
    ops::{Deref, DerefMut},
    time::Duration,
};

use anyhow::{Context, Result};
use sqlx::{
    AssertSqlSafe, Executor, FromRow, PgConnection, PgPool, Postgres, Transaction,
    postgres::{PgConnectOptions, PgPoolOptions, PgRow},
};
use time::{Date, OffsetDateTime, UtcOffset};
use uuid::Uuid;

use crate::clock::Clock;

/// For whom a transaction works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// A signed-in person: sees what that person's grants show, at the clock's present.
    Person(Uuid),
    /// The program itself (sign-in, imports, the command line): sees all rows. Each use says why.
    System,
    /// The responder: sees no rows, and calls its own functions.
    Responder,
}

/// The role that a pool's connections act as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// `keyward_app`.
    App,
    /// `keyward_responder`.
    Responder,
}

impl Role {
    // As on the embedded server: our queries are short, compiling them costs more than it saves. The responder
    // gives up on a lock rather than let its queue grow; no time-out is set that could hit a COMMIT.
    fn take(self) -> &'static str {
        match self {
            Self::App => "SET ROLE keyward_app; SET jit = off",
            Self::Responder => "SET ROLE keyward_responder; SET jit = off; SET lock_timeout = '10s'",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::App => "keyward_app",
            Self::Responder => "keyward_responder",
        }
    }
}

/// Begins a transaction that sees one state of the database throughout.
const STILL: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY";

/// A pool of connections that act as one role.
#[derive(Clone, Debug)]
pub struct Db {
    pool: PgPool,
    clock: Clock,
}

impl Db {
    /// Opens a pool of the server's role.
    ///
    /// # Errors
    /// As [`Db::connect_as`].
    pub async fn connect(options: PgConnectOptions, connections: u32, clock: Clock) -> Result<Self> {
        Self::connect_as(Role::App, options, connections, clock).await
    }

    /// Opens the pool. Every connection takes the role, whoever it signed in as, so that the owner's rights
    /// are never used to serve.
    ///
    /// # Errors
    /// When the database can't be reached within 10 seconds, or refuses the role.
    pub async fn connect_as(role: Role, options: PgConnectOptions, connections: u32, clock: Clock) -> Result<Self> {
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(Duration::from_secs(10))
            // A lost server shows at the next statement anyway; a ping before each would double the round trips.
            .test_before_acquire(false)
            .after_connect(move |conn, _| {
                Box::pin(async move {
                    conn.execute(role.take()).await?;
                    Ok(())
                })
            })
            .connect_with(options)
            .await
            .with_context(|| format!("the database can't be reached or refuses the role {}", role.name()))?;
        Ok(Self { pool, clock })
    }

    /// Begins a transaction for `scope`; one round trip.
    ///
    /// # Errors
    /// When no connection is to be had.
    pub async fn begin(&self, scope: Scope) -> sqlx::Result<Scoped> {
        match scope {
            // Pages ask the same few statements again and again, each with the policies of all its tables:
            // planned once a connection, not once a request.
            Scope::Person(_) => self.begin_as("BEGIN; SET LOCAL plan_cache_mode = force_generic_plan", scope).await,
            Scope::System | Scope::Responder => self.begin_as("BEGIN", scope).await,
        }
    }

    /// Begins a transaction that sees one state of the database from its first to its last statement.
    ///
    /// # Errors
    /// When no connection is to be had.
    pub async fn begin_still(&self, scope: Scope) -> sqlx::Result<Scoped> {
        self.begin_as(STILL, scope).await
    }

    /// Begins a second transaction that sees the very state of the database which `first`, of [`Db::begin_still`],
    /// sees, so that two connections can read it at a time.
    ///
    /// # Errors
    /// When no connection is to be had.
    pub async fn begin_beside(&self, first: &mut Scoped, scope: Scope) -> sqlx::Result<Scoped> {
        let snapshot: String = sqlx::query_scalar("SELECT pg_export_snapshot()").fetch_one(&mut **first).await?;
        self.begin_as(&format!("{STILL}; SET TRANSACTION SNAPSHOT '{snapshot}'"), scope).await
    }

    async fn begin_as(&self, begin: &str, scope: Scope) -> sqlx::Result<Scoped> {
        let user = match scope {
            Scope::Person(id) => id.to_string(),
            Scope::System => "system".to_owned(),
            Scope::Responder => String::new(),
        };
        // The values are made here of a UUID, a number and a snapshot's name: nothing of a request's text gets in.
        // LOCAL keeps them to this transaction; a SET for the session would leak to the pool's next user.
        let now = self.clock.now();
        let begin = format!("{begin}; SET LOCAL app.\"user\" = '{user}'; SET LOCAL app.now = '{}'", moment(now));
        let tx = self.pool.begin_with(AssertSqlSafe(begin)).await?;
        Ok(Scoped { tx, now })
    }

    /// The row of the person behind a session's token, of a session seen after `seen_after` and begun
    /// after `begun_after`. Asked of the function `app_session` before any transaction, because it tells
    /// for whom the transaction will work; one round trip.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn session<T>(
        &self,
        token_hash: &[u8],
        now: OffsetDateTime,
        seen_after: OffsetDateTime,
        begun_after: OffsetDateTime,
    ) -> sqlx::Result<Option<T>>
    where
        T: for<'row> FromRow<'row, PgRow> + Send + Unpin,
    {
        sqlx::query_as("SELECT * FROM app_session($1, $2, $3, $4)")
            .bind(token_hash)
            .bind(now)
            .bind(seen_after)
            .bind(begun_after)
            .fetch_optional(&self.pool)
            .await
    }

    /// So many connections at most, apart from the pool's: opened as they are needed, and closed when they were idle for
    /// ten minutes, or with the last of its clones.
    #[must_use]
    pub fn apart(&self, connections: usize) -> Self {
        let connections = u32::try_from(connections).unwrap_or(u32::MAX);
        let options = self
            .pool
            .options()
            .clone()
            .min_connections(0)
            .max_connections(connections)
            .idle_timeout(Duration::from_mins(10));
        let pool = options.connect_lazy_with(self.pool.connect_options().as_ref().clone());
        Self { pool, clock: self.clock.clone() }
    }

    /// The same pool under another clock: for what shall have happened at another time, as the demo's past.
    #[must_use]
    pub fn at(&self, clock: Clock) -> Self {
        Self { pool: self.pool.clone(), clock }
    }

    /// The clock that decides which grants are in force.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Whether the database answers; for `/readyz`.
    pub async fn answers(&self) -> bool {
        sqlx::query("SELECT 1").execute(&self.pool).await.is_ok()
    }

    /// Closes the pool, waiting for connections in use.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// As PostgreSQL reads it, to the microsecond.
fn moment(at: OffsetDateTime) -> String {
    let at = at.to_offset(UtcOffset::UTC);
    let (date, time) = (at.date(), at.time());
    format!("{date} {:02}:{:02}:{:02}.{:06}+00", time.hour(), time.minute(), time.second(), time.microsecond())
}

/// A transaction that sees what its [`Scope`] may see. Dropped without [`Scoped::commit`], it is
/// rolled back.
#[derive(Debug)]
pub struct Scoped {
    tx: Transaction<'static, Postgres>,
    now: OffsetDateTime,
}

impl Scoped {
    /// The present of this transaction.
    pub fn now(&self) -> OffsetDateTime {
        self.now
    }

    /// The day of that present, in UTC.
    pub fn today(&self) -> Date {
        self.now.date()
    }

    /// Commits, and goes on committing when the caller is cancelled: once asked for, an outcome is
    /// never left to chance by a closed connection or a time-out.
    ///
    /// # Errors
    /// When the database refuses or is lost; the outcome is then unknown until asked again.
    pub async fn commit(self) -> sqlx::Result<()> {
        tokio::spawn(self.tx.commit())
            .await
            .unwrap_or_else(|fault| Err(sqlx::Error::Protocol(format!("the task that commits ended: {fault}"))))
    }
}

impl Deref for Scoped {
    type Target = PgConnection;
    fn deref(&self) -> &PgConnection {
        &self.tx
    }
}

impl DerefMut for Scoped {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.tx
    }
}
