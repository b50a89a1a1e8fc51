//! A site without its web side: a database with its vault, and the sample estate to fill it with.

use std::{fs, path::Path};

use keyward::{
    audit::{Actor, chain::Linker},
    clock::Clock,
    imports::{Caps, Importer, ParsedFile, Report, Who, read_file},
    postgres::{Db, Scope},
    vault::Vault,
};
use sqlx::AssertSqlSafe;
use time::macros::datetime;
use uuid::Uuid;

use super::database::TestDb;

/// The files of the sample estate, in no useful order.
pub const FILES: [&str; 5] =
    ["orders.csv", "admin-center-keys.csv", "contacts.csv", "license-summary.csv", "contracts.csv"];

/// A database with its vault. End the test with [`Estate::done`].
pub struct Estate {
    pub database: TestDb,
    pub db: Db,
    pub vault: Vault,
    pub linker: Linker,
}

impl Estate {
    /// An empty one, whose clock stands on 22 November 2026.
    pub async fn new() -> Self {
        let database = TestDb::new().await;
        let clock = Clock::standing_at(datetime!(2026-11-22 14:00 UTC));
        let db = Db::connect(database.app.clone(), 4, clock).await.unwrap();
        // The vault has read its files when it is open.
        let dir = tempfile::tempdir().unwrap();
        let vault = Vault::open(&db, &dir.path().join("kek"), &dir.path().join("site")).await.unwrap();
        let linker = Linker::new(&vault.site_keys().audit);
        Self { database, db, vault, linker }
    }

    /// One that holds the sample estate.
    pub async fn filled() -> Self {
        let estate = Self::new().await;
        estate.import(sample_files()).await;
        estate
    }

    /// Imports as `who`.
    pub fn importer(&self, who: Who) -> Importer<'_> {
        Importer { db: &self.db, vault: &self.vault, linker: &self.linker, actor: Actor::system("import"), who }
    }

    /// Imports as the command line does.
    pub async fn import(&self, files: Vec<ParsedFile>) -> Vec<Report> {
        self.importer(Who::System).run(files, &mut |_, _| ()).await.unwrap()
    }

    /// A number that a statement answers.
    pub async fn count(&self, statement: &str) -> i64 {
        let mut tx = self.db.begin(Scope::System).await.unwrap();
        sqlx::query_scalar(AssertSqlSafe(statement.to_owned())).fetch_one(&mut *tx).await.unwrap()
    }

    /// A text that a statement answers.
    pub async fn text(&self, statement: &str) -> String {
        let mut tx = self.db.begin(Scope::System).await.unwrap();
        sqlx::query_scalar(AssertSqlSafe(statement.to_owned())).fetch_one(&mut *tx).await.unwrap()
    }

    /// Runs a statement.
    pub async fn execute(&self, statement: &str) {
        let mut tx = self.db.begin(Scope::System).await.unwrap();
        sqlx::query(AssertSqlSafe(statement.to_owned())).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// A person without any role.
    pub async fn person(&self, email: &str) -> Uuid {
        let id = Uuid::now_v7();
        self.execute(&format!(
            "INSERT INTO people (id, email, name, created_at) VALUES ('{id}', '{email}', 'Somebody', app_now())"
        ))
        .await;
        id
    }

    /// An Administrator of these License IDs.
    pub async fn administrator(&self, email: &str, license_ids: &[&str]) -> Uuid {
        let id = self.person(email).await;
        for license_id in license_ids {
            self.execute(&format!(
                "INSERT INTO grants (person_id, role, contract_id, granted_at)
                 SELECT '{id}', 'administrator', id, app_now() FROM contracts WHERE license_id = '{license_id}'"
            ))
            .await;
        }
        id
    }

    /// The end.
    pub async fn done(self) {
        self.db.close().await;
        self.database.done().await;
    }
}

/// A file of the sample estate.
pub fn sample_file(name: &str) -> ParsedFile {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/estate").join(name);
    file(name, &fs::read_to_string(path).unwrap())
}

/// All of them.
pub fn sample_files() -> Vec<ParsedFile> {
    FILES.map(sample_file).into()
}

/// A file with this text.
pub fn file(name: &str, text: &str) -> ParsedFile {
    read_file(name, text.as_bytes(), Caps::NONE).unwrap()
}
