//! An own product with its responder: what the tests of this folder begin with.

use std::{net::SocketAddr, sync::Arc};

use keyward::{
    activation::{
        administration::{self as admin, NewApplication, NewSku, SkuKind},
        fields::moment,
        lease::{Claims, Verifier},
        ledger::Ledger,
        wire::{PublicKey, Reply},
    },
    audit::{chain::Linker, verify},
    clock::Clock,
    keys::ProductKey,
    postgres::{Db, Role, Scope},
    responder::{self, Limits, host::Host, instance::Instance},
};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use time::{Duration, OffsetDateTime};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::estate::Estate;

/// The License ID that everything stands under.
pub const LICENSE_ID: &str = "5550001";

/// An application with an edition that needs 25 machines, one that needs 5, a MAK, a host key and a responder.
pub struct Site {
    pub estate: Estate,
    pub contract: Uuid,
    pub application: Uuid,
    /// Needs 25.
    pub client: Uuid,
    /// Needs 5.
    pub server: Uuid,
    pub mak: Issued,
    pub host_key: Uuid,
    pub responder: Responder,
}

/// A key that was issued.
pub struct Issued {
    pub id: Uuid,
    pub key: ProductKey,
}

/// A running responder.
pub struct Responder {
    pub at: SocketAddr,
    pub host: Arc<Host>,
    ending: CancellationToken,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Site {
    /// One whose MAK admits `limit` activations.
    pub async fn new(limit: i64) -> Self {
        Self::with(limit, false, Limits::default()).await
    }

    /// One with everything said.
    pub async fn with(limit: i64, enrolled: bool, limits: Limits) -> Self {
        let estate = Estate::new().await;
        let (contract, organization) = (Uuid::now_v7(), Uuid::now_v7());
        estate.execute(&format!("INSERT INTO organizations (id, name) VALUES ('{organization}', 'Maker')")).await;
        estate
            .execute(&format!(
                "INSERT INTO contracts (id, license_id, organization_id, created_at) VALUES ('{contract}', '{LICENSE_ID}', '{organization}', app_now())"
            ))
            .await;
        let mut tx = estate.db.begin(Scope::System).await.unwrap();
        let product = admin::add_product(&mut tx, "plotter", "Plotter").await.unwrap();
        let application = NewApplication { contract, name: "Plotter".into(), enrolled, tolerance: 7 };
        let (application, _) = admin::add_application(&mut tx, &application).await.unwrap();
        let sku = |edition: &str, kind: SkuKind| NewSku {
            application,
            product,
            edition: edition.into(),
            kind,
            by_count: true,
            needed: kind.needed(),
            lease_days: 180,
        };
        let (client, _) = admin::add_sku(&mut tx, &sku("Desk", SkuKind::Client)).await.unwrap();
        let (server, _) = admin::add_sku(&mut tx, &sku("Rack", SkuKind::Server)).await.unwrap();
        let mak = admin::issue_mak(&mut tx, &estate.vault, client, limit).await.unwrap();
        let host_key = admin::issue_host_key(&mut tx, &estate.vault, application, product).await.unwrap().id;
        tx.commit().await.unwrap();
        let responder = Responder::start(&estate, instance(1), limits).await;
        let mak = Issued { id: mak.id, key: mak.key };
        Self { estate, contract, application, client, server, mak, host_key, responder }
    }

    /// A request of a client that is told by a number.
    pub fn request(&self, op: &str, client: u128) -> Value {
        json!({
            "v": 1, "op": op, "id": Uuid::new_v4(), "application": self.application, "sku": self.client,
            "cmid": cmid(client), "machine": format!("PC-{client:04}"), "virtual": false, "time": moment(self.now()),
        })
    }

    /// An `activate`.
    pub fn activate(&self, client: u128) -> Value {
        self.request("activate", client)
    }

    /// A `mak` of a client with a mainboard, cpu, disk and network adapter of its own.
    pub fn mak(&self, client: u128) -> Value {
        let mut request = self.request("mak", client);
        request["key"] = self.mak.key.expose().into();
        request["hardware"] = hardware(client);
        request
    }

    /// The present by the standing clock.
    pub fn now(&self) -> OffsetDateTime {
        self.estate.db.clock().now()
    }

    /// Turns the clock.
    pub fn turn(&self, by: Duration) {
        self.estate.db.clock().turn(by);
    }

    /// Connects.
    pub async fn connect(&self) -> Line {
        Line::to(self.responder.at).await
    }

    /// Sends one request on a connection of its own.
    pub async fn ask(&self, request: &Value) -> Value {
        self.connect().await.ask(request).await
    }

    /// Administers, in the system's scope.
    pub async fn administer(&self, work: impl AsyncFnOnce(&mut keyward::postgres::Scoped)) {
        let mut tx = self.estate.db.begin(Scope::System).await.unwrap();
        work(&mut tx).await;
        tx.commit().await.unwrap();
    }

    /// The ledger as the portal has it.
    pub async fn ledger(&self) -> Ledger {
        let site: Uuid = self.scalar("SELECT id FROM activation_site").await;
        let keys = self.estate.vault.site_keys().clone();
        let signer = keyward::activation::lease::Signer::new(&keys.signing, site);
        Ledger {
            db: self.estate.db.clone(),
            scope: Scope::System,
            linker: Linker::new(&keys.audit),
            site: Arc::new(keys),
            signer: Arc::new(signer),
        }
    }

    /// What a statement answers.
    pub async fn scalar<T>(&self, statement: &str) -> T
    where
        T: Send + Unpin + sqlx::Type<sqlx::Postgres> + for<'r> sqlx::Decode<'r, sqlx::Postgres>,
    {
        let mut tx = self.estate.db.begin(Scope::System).await.unwrap();
        sqlx::query_scalar(AssertSqlSafe(statement.to_owned())).fetch_one(&mut *tx).await.unwrap()
    }

    /// `used` of the MAK.
    pub async fn used(&self) -> i64 {
        self.scalar(&format!("SELECT used FROM product_keys WHERE id = '{}'", self.mak.id)).await
    }

    /// Verifies a lease as a client does, without a connection.
    pub async fn lease(&self, answer: &Value) -> Claims {
        let hello = self.ask(&json!({ "v": 1, "op": "hello", "id": Uuid::new_v4() })).await;
        let keys: Vec<PublicKey> = serde_json::from_value(hello["site"]["keys"].clone()).unwrap();
        Verifier::new(&keys).verify(answer["lease"].as_str().expect("a lease"), self.now()).unwrap()
    }

    /// The audit log is whole.
    pub async fn assert_chain(&self) {
        let mut tx = self.estate.db.begin(Scope::System).await.unwrap();
        let found = verify::verify(&mut tx, &self.estate.linker).await.unwrap();
        assert!(found.is_ok(), "{found:?}");
    }

    /// Stops the responder and removes the database.
    pub async fn done(self) {
        self.responder.stop().await;
        self.estate.done().await;
    }
}

impl Responder {
    /// Starts one on the site's database, as its own role.
    pub async fn start(estate: &Estate, instance: Instance, limits: Limits) -> Self {
        let clock = estate.db.clock().clone();
        Self::start_at(estate, instance, limits, clock).await
    }

    /// One with a clock of its own.
    pub async fn start_at(estate: &Estate, instance: Instance, limits: Limits, clock: Clock) -> Self {
        let db = Db::connect_as(Role::Responder, estate.database.responder.clone(), 8, clock).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let keys = estate.vault.site_keys().clone();
        let host = Host::begin(db, keys, instance, &at.to_string()).await.unwrap();
        let ending = CancellationToken::new();
        let task = tokio::spawn(responder::serve(listener, host.clone(), limits, ending.clone()));
        Self { at, host, ending, task }
    }

    /// Asks it to end; it answers what it has accepted.
    pub fn end(&self) {
        self.ending.cancel();
    }

    /// Ends it and waits.
    pub async fn stop(self) {
        self.ending.cancel();
        self.task.await.unwrap().unwrap();
        self.host.db().close().await;
    }
}

/// An instance without a data directory.
pub fn instance(number: u8) -> Instance {
    Instance { id: Uuid::from_u128(u128::from(number)), host: format!("host-{number}"), machine: [number; 32] }
}

/// A client machine id.
pub fn cmid(client: u128) -> Uuid {
    Uuid::from_u128(client + 1)
}

/// A machine's components.
pub fn hardware(client: u128) -> Value {
    json!({
        "board": format!("board-{client}"), "cpu": format!("cpu-{client}"), "disk": format!("disk-{client}"),
        "network": format!("net-{client}"),
    })
}

/// A connection.
pub struct Line {
    pub read: BufReader<OwnedReadHalf>,
    pub write: OwnedWriteHalf,
}

impl Line {
    /// Connects.
    pub async fn to(at: SocketAddr) -> Self {
        let (read, write) = TcpStream::connect(at).await.unwrap().into_split();
        Self { read: BufReader::new(read), write }
    }

    /// Sends bytes.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.write.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Sends a request.
    pub async fn tell(&mut self, request: &Value) {
        self.send(format!("{request}\n")).await;
    }

    /// The next line, or none at the end.
    pub async fn hear_line(&mut self) -> Option<String> {
        let mut line = String::new();
        match self.read.read_line(&mut line).await {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(line.trim_end().to_owned()),
        }
    }

    /// The next answer; each is one that a client understands.
    pub async fn hear(&mut self) -> Value {
        let line = self.hear_line().await.expect("an answer");
        assert!(line.len() < 4096);
        serde_json::from_str::<Reply>(&line).unwrap_or_else(|fault| panic!("{fault}: {line}"));
        serde_json::from_str(&line).unwrap()
    }

    /// Asks and hears.
    pub async fn ask(&mut self, request: &Value) -> Value {
        self.tell(request).await;
        self.hear().await
    }
}
