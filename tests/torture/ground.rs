//! What is tortured: a durable PostgreSQL server and responders, each a process that can be killed.

use std::{
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
};

use keyward::{
    activation::administration::{self as admin, NewApplication, NewSku, SkuKind},
    audit::chain::Linker,
    clock::Clock,
    postgres::{
        Db, Scope,
        embedded::{Cluster, DATABASE, Durability, Embedded, RESPONDER},
        migrate::migrate,
    },
    vault::Vault,
};
use rustix::process::{Pid, Signal, kill_process};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, postgres::PgConnectOptions};
use tempfile::TempDir;
use uuid::Uuid;

use super::{checker::Record, load::Product};
use crate::support::cluster::scratch;

/// Where everything lies, and what runs.
pub struct Ground {
    dir: TempDir,
    server: Option<Embedded>,
    pub cluster: Cluster,
    responder: Option<Child>,
    pub at: SocketAddr,
    pub product: Product,
    pub linker: Linker,
    pub record: Arc<Record>,
}

impl Ground {
    /// Begins, with one MAK that never runs out and one that admits `tight` activations.
    pub async fn begin(tight: i64) -> Self {
        let dir = scratch();
        let (server, cluster) = Embedded::start(&dir.path().join("postgres"), Durability::Durable).await.unwrap();
        migrate(&cluster.owner).await.unwrap();
        let db = Db::connect(cluster.app.clone(), 2, Clock::System).await.unwrap();
        let vault = Vault::open(&db, &dir.path().join("kek"), &dir.path().join("responder.key")).await.unwrap();
        let product = plant(&db, &vault, tight).await;
        let linker = Linker::new(&vault.site_keys().audit);
        db.close().await;
        // Free a moment ago; kept for all responders to come.
        let at = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let record = Arc::default();
        let mut ground = Self { dir, server: Some(server), cluster, responder: None, at, product, linker, record };
        ground.start_responder();
        ground
    }

    /// Starts the responder; it retries by hand of [`Ground::mend`] where the database isn't back yet.
    fn start_responder(&mut self) {
        let url = format!("postgres://{RESPONDER}@localhost/{DATABASE}?host={}", self.cluster.socket_dir.display());
        let mut command = Command::new(env!("CARGO_BIN_EXE_keyward"));
        command.args(["responder", "--data-dir"]).arg(self.dir.path().join("host")).args(["--database-url", &url]);
        command.args(["--responder-listen", &self.at.to_string(), "--responder-connections-per-address", "500"]);
        command.arg("--responder-key-file").arg(self.dir.path().join("responder.key"));
        let log = std::fs::File::options().create(true).append(true).open(self.log()).unwrap();
        self.responder = Some(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap());
    }

    fn log(&self) -> PathBuf {
        self.dir.path().join("responder.log")
    }

    /// kill -9 of the responder.
    pub fn kill_responder(&mut self) {
        let mut child = self.responder.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// kill -9 of the postmaster and everything below it.
    pub fn kill_postgres(&mut self) {
        let server = self.server.take().unwrap();
        let pid = server.pid();
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        for pid in std::iter::once(pid).chain(children.split_whitespace().filter_map(|pid| pid.parse().ok())) {
            if let Some(pid) = Pid::from_raw(pid) {
                // one that has just ended by itself is fine too
                let _ = kill_process(pid, Signal::KILL);
            }
        }
        drop(server);
    }

    /// Brings back what was killed.
    pub async fn mend(&mut self) {
        if self.server.is_none() {
            let dir = self.dir.path().join("postgres");
            let (server, cluster) = Embedded::start(&dir, Durability::Durable).await.unwrap();
            (self.server, self.cluster) = (Some(server), cluster);
        }
        // A responder ends by itself when it starts while the database is away.
        if self.responder.as_mut().is_none_or(|child| child.try_wait().unwrap().is_some()) {
            self.start_responder();
        }
    }

    /// Runs a statement as the superuser.
    pub async fn superuser(&self, statement: &str) {
        let options: PgConnectOptions = self.cluster.superuser().database(DATABASE);
        let mut connection = PgConnection::connect_with(&options).await.unwrap();
        connection.execute(AssertSqlSafe(statement.to_owned())).await.unwrap();
        connection.close().await.unwrap();
    }

    /// What doesn't hold.
    pub async fn violations(&self) -> Vec<String> {
        self.record.violations(self.cluster.app.clone(), &self.linker).await
    }

    /// The end.
    pub fn end(mut self) {
        self.kill_responder();
        self.server.take().unwrap().stop().unwrap();
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        if let Some(mut child) = self.responder.take() {
            let _ = (child.kill(), child.wait());
        }
    }
}

async fn plant(db: &Db, vault: &Vault, tight: i64) -> Product {
    let mut tx = db.begin(Scope::System).await.unwrap();
    let (contract, organization) = (Uuid::now_v7(), Uuid::now_v7());
    for statement in [
        format!("INSERT INTO organizations (id, name) VALUES ('{organization}', 'Maker')"),
        format!(
            "INSERT INTO contracts (id, license_id, organization_id, created_at) VALUES ('{contract}', '1', '{organization}', app_now())"
        ),
    ] {
        sqlx::query(AssertSqlSafe(statement)).execute(&mut *tx).await.unwrap();
    }
    let product = admin::add_product(&mut tx, "plotter", "Plotter").await.unwrap();
    let application = NewApplication { contract, name: "Plotter".into(), enrolled: false, tolerance: 7 };
    let (application, _) = admin::add_application(&mut tx, &application).await.unwrap();
    let sku = NewSku {
        application,
        product,
        edition: "Desk".into(),
        kind: SkuKind::Client,
        by_count: true,
        needed: 25,
        lease_days: 180,
    };
    let (sku, _) = admin::add_sku(&mut tx, &sku).await.unwrap();
    let mut keys = Vec::new();
    for limit in [1_000_000, tight] {
        keys.push(admin::issue_mak(&mut tx, vault, sku, limit).await.unwrap().key.expose().to_owned());
    }
    admin::issue_host_key(&mut tx, vault, application, product).await.unwrap();
    tx.commit().await.unwrap();
    Product { application, sku, keys, clock: Clock::System }
}
