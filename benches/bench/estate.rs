//! The estate that is measured on: 1,000,000 keys over 10,000 License IDs in an installation of its own under
//! `target/bench`. Made once; kept while schema and seed stay the same.

use std::path::{Path, PathBuf};

use keyward::{
    auth::session,
    clock::Clock,
    postgres::{
        Db, MIGRATOR, Scope,
        embedded::{self, Cluster, DATABASE, Durability, Embedded},
        migrate::migrate,
    },
    vault::Vault,
};
use sha2::{Digest, Sha256};
use sqlx::{Connection, Executor, PgConnection, postgres::PgConnectOptions};
use uuid::Uuid;

use crate::seed;

/// Where everything of the benchmark lies, and who there is.
pub struct Estate {
    /// `target/bench`.
    pub dir: PathBuf,
    /// The installation's data directory.
    pub data: PathBuf,
}

/// The sign-in name of the person who reads the keys of 100 License IDs.
pub const READER: &str = "reader@keyward.example";
/// The sign-in name of the Administrator of all of them.
pub const ADMINISTRATOR: &str = "administrator@keyward.example";

/// `target/bench`.
pub fn dir() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("bench")
}

impl Estate {
    /// The estate, made where it isn't there yet.
    pub async fn ready() -> Self {
        let dir = dir();
        let estate = Self { data: dir.join(format!("estate-{}", stamp())), dir };
        let complete = estate.data.join("complete");
        if complete.exists() {
            estate.tidy().await;
        } else {
            estate.clear();
            println!("making 1,000,000 keys under 10,000 License IDs in {} (once)", estate.data.display());
            let (embedded, cluster) = open(&estate.data).await;
            migrate(&cluster.owner).await.unwrap();
            let db = Db::connect(cluster.app.clone(), 4, Clock::System).await.unwrap();
            let vault = Vault::open(&db, &estate.data.join("kek"), &estate.data.join("responder.key")).await.unwrap();
            seed::plant(&db, &vault, &superuser(&cluster)).await;
            db.close().await;
            stop(embedded);
            std::fs::write(complete, "").unwrap();
        }
        estate
    }

    /// Removes what an earlier schema, or an interrupted run, left behind.
    fn clear(&self) {
        for entry in std::fs::read_dir(&self.dir).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with("estate-") {
                std::fs::remove_dir_all(entry.path()).unwrap();
            }
        }
        std::fs::create_dir_all(&self.data).unwrap();
    }

    /// Takes away what the last run added, so that every run begins from the same state.
    async fn tidy(&self) {
        let (embedded, cluster) = open(&self.data).await;
        let mut connection = PgConnection::connect_with(&superuser(&cluster)).await.unwrap();
        connection.execute("TRUNCATE audit_events, audit_heads, sessions, download_tickets").await.unwrap();
        // Each chain begins again, as it did with its License ID: the log makes no end that is missing.
        connection
            .execute(
                "INSERT INTO audit_heads (chain, seq, link)
                 SELECT chain, 0, decode(repeat('00', 32), 'hex')
                 FROM (SELECT id::text FROM contracts UNION ALL SELECT 'site') AS c (chain) ORDER BY 1",
            )
            .await
            .unwrap();
        connection.execute("CHECKPOINT").await.unwrap();
        connection.close().await.unwrap();
        stop(embedded);
    }

    /// How to connect to the running installation's database.
    pub async fn cluster(&self) -> Cluster {
        attached(&self.data).await
    }

    /// Signs somebody in as the sign-in form does; the cookie for requests.
    pub async fn sign_in(&self, email: &str) -> String {
        let db = Db::connect(self.cluster().await.app, 1, Clock::System).await.unwrap();
        let mut tx = db.begin(Scope::System).await.unwrap();
        let person: Uuid =
            sqlx::query_scalar("SELECT id FROM people WHERE email = $1").bind(email).fetch_one(&mut *tx).await.unwrap();
        let token = session::begin(&mut tx, person, db.clock().now(), "127.0.0.1", "bench").await.unwrap();
        tx.commit().await.unwrap();
        db.close().await;
        token.cookie(false).to_str().unwrap().split(';').next().unwrap().to_owned()
    }
}

/// The running installation's database; the portal serves it.
pub async fn attached(data: &Path) -> Cluster {
    let (embedded, cluster) = embedded::attach_or_start(&data.join("postgres"), Durability::Durable).await.unwrap();
    assert!(embedded.is_none(), "the portal serves while we look into its database");
    cluster
}

/// As the role that passes by row-level security: for seeding, and for anchors, which have no scope.
pub fn superuser(cluster: &Cluster) -> PgConnectOptions {
    cluster.superuser().database(DATABASE)
}

async fn open(data: &Path) -> (Embedded, Cluster) {
    Embedded::start(&data.join("postgres"), Durability::Durable).await.unwrap()
}

fn stop(mut embedded: Embedded) {
    embedded.stop().unwrap();
}

/// Changes with the schema and with the seed.
fn stamp() -> String {
    let mut digest = Sha256::new();
    for migration in MIGRATOR.iter() {
        digest.update(&migration.checksum);
    }
    digest.update(include_bytes!("seed.rs"));
    digest.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}
