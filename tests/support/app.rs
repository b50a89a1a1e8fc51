//! The whole portal on a port of its own, over a database of its own, with a clock that stands still.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use keyward::{
    app::{self, AppState, WebSettings},
    auth::session,
    clock::Clock,
    postgres::{Db, Scope},
    vault::Vault,
    web::server,
};
use reqwest::{Client, Method, RequestBuilder, Response, header};
use tempfile::TempDir;
use time::{OffsetDateTime, macros::datetime};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::database::TestDb;

/// Where the standing clock begins.
pub const NOW: OffsetDateTime = datetime!(2026-11-22 12:00 UTC);

/// Bytes that a file to download may have.
pub const DOWNLOAD_LIMIT: u64 = 8 * 1024 * 1024;

/// A running portal.
pub struct App {
    /// Its shared state, for planting and looking.
    pub state: AppState,
    /// Its address, `http://127.0.0.1:PORT`.
    pub base: String,
    /// Its clock.
    pub clock: Clock,
    /// The KEK and the site's keys.
    pub keys: TempDir,
    database: Option<TestDb>,
    client: Client,
    ending: CancellationToken,
    cookies: Mutex<HashMap<Uuid, String>>,
}

impl App {
    /// Starts one over a database that may hold something, with the key files in `keys`.
    pub async fn over(database: TestDb, keys: Arc<TempDir>) -> Self {
        let copy = tempfile::tempdir().unwrap();
        for entry in std::fs::read_dir(keys.path()).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
        }
        let db = Db::connect(database.app.clone(), 8, Clock::standing_at(NOW)).await.unwrap();
        let vault = Vault::open(&db, &copy.path().join("kek"), &copy.path().join("responder.key")).await.unwrap();
        Self::serve(Some(database), copy, db, vault).await
    }

    /// A second portal on another's database, with a vault of its own; end it with [`App::stop`].
    pub async fn beside(db: Db, vault: Vault) -> Self {
        Self::serve(None, tempfile::tempdir().unwrap(), db, vault).await
    }

    async fn serve(database: Option<TestDb>, keys: TempDir, db: Db, vault: Vault) -> Self {
        let clock = db.clock().clone();
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let web = WebSettings {
            base_url: base.parse().unwrap(),
            trusted_proxies: Vec::new(),
            mail: true,
            downloads: keys.path().join("downloads"),
            download_limit: DOWNLOAD_LIMIT,
        };
        let state = AppState::new(db, vault, web);
        let ending = CancellationToken::new();
        tokio::spawn(server::serve(listener, None, app::router(state.clone()), ending.clone()));
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { state, base, clock, keys, database, client, ending, cookies: Mutex::default() }
    }

    /// Adds a person; `set` is SQL for further columns, e.g. `site_operator = true`.
    pub async fn person(&self, name: &str, set: &str) -> Uuid {
        let id = Uuid::now_v7();
        let mut tx = self.state.db.begin(Scope::System).await.unwrap();
        sqlx::query("INSERT INTO people (id, email, name, created_at) VALUES ($1, $2, $3, $4)")
            .bind(id)
            .bind(format!("{}@keyward.example", name.to_lowercase().replace(" ", ".")))
            .bind(name)
            .bind(NOW)
            .execute(&mut *tx)
            .await
            .unwrap();
        if !set.is_empty() {
            let statement = format!("UPDATE people SET {set} WHERE id = $1");
            sqlx::query(sqlx::AssertSqlSafe(statement)).bind(id).execute(&mut *tx).await.unwrap();
        }
        tx.commit().await.unwrap();
        id
    }

    /// Gives a role on a License ID.
    pub async fn grant(&self, person: Uuid, role: &str, contract: Uuid) -> Uuid {
        let id = Uuid::now_v7();
        let mut tx = self.state.db.begin(Scope::System).await.unwrap();
        sqlx::query("INSERT INTO grants (id, person_id, role, contract_id, granted_at) VALUES ($1, $2, $3, $4, $5)")
            .bind(id)
            .bind(person)
            .bind(role)
            .bind(contract)
            .bind(NOW)
            .execute(&mut *tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        id
    }

    /// The product of a key.
    pub async fn product_of(&self, key: Uuid) -> Uuid {
        let mut tx = self.state.db.begin(Scope::System).await.unwrap();
        sqlx::query_scalar("SELECT product_id FROM product_keys WHERE id = $1")
            .bind(key)
            .fetch_one(&mut *tx)
            .await
            .unwrap()
    }

    /// Signs a person in without the work of a password; the cookie is sent by [`App::request`].
    pub async fn sign_in(&self, person: Uuid) {
        let mut tx = self.state.db.begin(Scope::System).await.unwrap();
        let token = session::begin(&mut tx, person, self.clock.now(), "127.0.0.1", "tests").await.unwrap();
        tx.commit().await.unwrap();
        let cookie = token.cookie(false).to_str().unwrap().split(';').next().unwrap().to_owned();
        self.cookies.lock().unwrap().insert(person, cookie);
    }

    /// A request as `person`'s browser would send it from one of our own pages.
    pub fn request(&self, method: Method, path: &str, person: Option<Uuid>) -> RequestBuilder {
        let mut request =
            self.client.request(method, format!("{}{path}", self.base)).header(header::ORIGIN, &self.base);
        if let Some(cookie) = person.and_then(|person| self.cookies.lock().unwrap().get(&person).cloned()) {
            request = request.header(header::COOKIE, cookie);
        }
        request
    }

    /// A page.
    pub async fn get(&self, path: &str, person: Option<Uuid>) -> Response {
        self.request(Method::GET, path, person).send().await.unwrap()
    }

    /// A form.
    pub async fn post(&self, path: &str, person: Option<Uuid>, form: &[(&str, &str)]) -> Response {
        self.request(Method::POST, path, person).form(form).send().await.unwrap()
    }

    /// How many audit events there are.
    pub async fn events(&self) -> i64 {
        let mut tx = self.state.db.begin(Scope::System).await.unwrap();
        sqlx::query_scalar("SELECT count(*) FROM audit_events").fetch_one(&mut *tx).await.unwrap()
    }

    /// Its database.
    pub fn database(&self) -> &TestDb {
        self.database.as_ref().expect("a portal of its own has one")
    }

    /// Stops it and leaves the database, which is another's.
    pub fn stop(self) {
        self.ending.cancel();
    }

    /// Stops it and keeps its database as a template; the template's name.
    pub async fn into_template(self) -> String {
        self.ending.cancel();
        self.state.db.close().await;
        self.database.expect("a portal of its own has one").into_template()
    }

    /// Stops it and removes the database.
    pub async fn done(self) {
        self.ending.cancel();
        self.state.db.close().await;
        if let Some(database) = self.database {
            database.done().await;
        }
    }
}
