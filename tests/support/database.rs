//! A database for one test: a copy of a template that the migrations have run on.

use std::thread;

use keyward::postgres::{
    MIGRATOR,
    embedded::{APP, OWNER, RESPONDER},
};
use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, postgres::PgConnectOptions};
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::cluster::{self, SHARED_LOCK};

static TEMPLATE: OnceCell<String> = OnceCell::const_new();

/// A migrated database that only this test uses. End the test with [`TestDb::done`]; a test that fails
/// before has its database removed too.
pub struct TestDb {
    /// Connects as the database's owner.
    pub owner: PgConnectOptions,
    /// Connects as the web server's role, for which row-level security holds.
    pub app: PgConnectOptions,
    /// Connects as the responder's role.
    pub responder: PgConnectOptions,
    /// The database's name.
    pub name: String,
    done: bool,
}

impl TestDb {
    /// Makes one (30 to 40 ms).
    pub async fn new() -> Self {
        let template = TEMPLATE.get_or_init(template).await;
        Self::copy_of(template).await
    }

    /// One that no migration has run on.
    pub async fn empty() -> Self {
        Self::copy_of("template0").await
    }

    /// A copy of another database of this run, see [`TestDb::into_template`].
    pub async fn copy_of(template: &str) -> Self {
        let server = cluster::shared().await;
        let name = format!("t_{}", Uuid::now_v7().simple());
        // files are copied outright: for a small template on a file system in memory that beats logging it
        let statement = format!("create database {name} owner {OWNER} template {template} strategy file_copy");
        let mut superuser = server.superuser().await;
        superuser.execute(AssertSqlSafe(statement)).await.unwrap();
        superuser.close().await.unwrap();
        let options = |role| server.options(role, &name);
        Self {
            owner: options(OWNER),
            app: options(APP),
            responder: options(RESPONDER),
            name: name.clone(),
            done: false,
        }
    }

    /// Keeps the database as it is, for [`TestDb::copy_of`]; it goes with the cluster.
    pub fn into_template(mut self) -> String {
        self.done = true;
        self.name.clone()
    }

    /// Removes the database, with whoever is still connected to it.
    pub async fn done(mut self) {
        remove(&self.name).await.unwrap();
        self.done = true;
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        let name = self.name.clone();
        // the test's own runtime may be ending
        let removal = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map(|runtime| runtime.block_on(remove(&name)))
        });
        // best effort: the cluster goes with the run anyway
        let _ = removal.join();
    }
}

async fn remove(name: &str) -> sqlx::Result<()> {
    let mut superuser = cluster::shared().await.superuser().await;
    superuser.execute(AssertSqlSafe(format!("drop database if exists {name} with (force)"))).await?;
    superuser.close().await
}

/// The template's name; makes it when no process of this run has.
async fn template() -> String {
    let server = cluster::shared().await;
    let mut digest = Sha256::new();
    for migration in MIGRATOR.iter() {
        digest.update(migration.version.to_le_bytes());
        digest.update(&migration.checksum);
    }
    let hash: String = digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let name = format!("tpl_{hash}");
    let mut superuser = server.superuser().await;
    superuser.execute(SHARED_LOCK).await.unwrap();
    let there: bool =
        sqlx::query_scalar("select exists (select from pg_database where datname = $1 and datistemplate)")
            .bind(&name)
            .fetch_one(&mut superuser)
            .await
            .unwrap();
    if !there {
        make_template(&mut superuser, &name, &server.options(OWNER, &name)).await;
    }
    superuser.close().await.unwrap();
    name
}

async fn make_template(superuser: &mut PgConnection, name: &str, owner: &PgConnectOptions) {
    let mut run = async |statement: String| superuser.execute(AssertSqlSafe(statement)).await.unwrap();
    // one that was left unfinished
    run(format!("drop database if exists {name} with (force)")).await;
    run(format!("create database {name} owner {OWNER}")).await;
    let mut connection = PgConnection::connect_with(owner).await.unwrap();
    MIGRATOR.run(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    run(format!("alter database {name} is_template true allow_connections false")).await;
}
