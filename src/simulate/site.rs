//! The throw-away site: an embedded PostgreSQL that loses everything, an application with two editions, and a
//! real responder by a clock that is turned.

use std::{fs, os::unix::fs::PermissionsExt, sync::Arc, time::Duration};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;
use time::{OffsetDateTime, UtcOffset};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::Semaphore,
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Plan, fleet::Machine};
use crate::{
    activation::{
        administration::{self as admin, NewApplication, NewSku, SkuKind},
        lease::Verifier,
        wire::{Answer, Ask, Op, PIPELINE, Reply, Request, VERSION},
    },
    clock::Clock,
    postgres::{
        Db, Role, Scope,
        embedded::{Durability, Embedded},
        migrate::migrate,
    },
    responder::{self, Limits, host::Host, instance::Instance},
    vault::Vault,
};

/// Connections of each of the two pools.
const CONNECTIONS: u32 = 4;
/// While the clock jumps, a connection may be quiet for as long as it likes.
const QUIET: Duration = Duration::from_secs(24 * 3600);

/// The site.
pub struct Site {
    /// Its clock.
    pub clock: Clock,
    /// Verifies its leases.
    pub verifier: Verifier,
    application: Uuid,
    editions: [Uuid; 2],
    read: BufReader<OwnedReadHalf>,
    write: OwnedWriteHalf,
    db: Db,
    host: Arc<Host>,
    ending: CancellationToken,
    responder: JoinHandle<Result<()>>,
    embedded: Embedded,
    _dir: TempDir,
}

impl Site {
    /// Makes one whose clock stands at `begin`.
    ///
    /// # Errors
    /// When the database can't be made.
    pub async fn open(plan: &Plan, begin: OffsetDateTime) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("keyward-simulate-").tempdir()?;
        // As root the database server runs as somebody else, who must pass through.
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o711))?;
        let (embedded, cluster) = Embedded::start(&dir.path().join("postgres"), Durability::ThrowAway).await?;
        migrate(&cluster.owner).await?;
        let clock = Clock::standing_at(begin);
        let db = Db::connect(cluster.app, CONNECTIONS, clock.clone()).await?;
        let vault = Vault::open(&db, &dir.path().join("kek"), &dir.path().join("responder.key")).await?;
        let (application, editions) = furnish(&db, &vault, plan).await?;
        let role = Db::connect_as(Role::Responder, cluster.responder, CONNECTIONS, clock.clone()).await?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let at = listener.local_addr()?;
        let instance = Instance { id: Uuid::new_v4(), host: "simulation".into(), machine: [0; 32] };
        let host = Host::begin(role, vault.site_keys().clone(), instance, &at.to_string()).await?;
        let ending = CancellationToken::new();
        let limits = Limits { first_line: QUIET, line: QUIET, ..Limits::default() };
        let responder = tokio::spawn(responder::serve(listener, host.clone(), limits, ending.clone()));
        let (read, write) = TcpStream::connect(at).await?.into_split();
        let mut site = Self {
            clock,
            verifier: Verifier::default(),
            application,
            editions,
            read: BufReader::new(read),
            write,
            db,
            host,
            ending,
            responder,
            embedded,
            _dir: dir,
        };
        let hello = Request { v: VERSION, op: Op::Hello { enrol: None }, id: Uuid::new_v4() };
        let hello = site.exchange(&[serde_json::to_string(&hello)?]).await?.remove(0);
        site.verifier = Verifier::new(&hello.site.context("the responder doesn't tell its site")?.keys);
        Ok(site)
    }

    /// A machine's next request.
    pub fn line(&self, machine: &mut Machine) -> String {
        machine.requests += 1;
        let request = Request { v: VERSION, op: Op::Activate(self.ask(machine)), id: Uuid::new_v4() };
        serde_json::to_string(&request).unwrap_or_default() + "\n"
    }

    fn ask(&self, machine: &Machine) -> Ask {
        Ask {
            application: self.application,
            sku: self.editions[usize::from(machine.is_server)],
            cmid: machine.cmid,
            previous_cmid: None,
            machine: machine.name.clone(),
            r#virtual: true,
            time: self
                .clock
                .now()
                .replace_nanosecond(0)
                .unwrap_or(OffsetDateTime::UNIX_EPOCH)
                .to_offset(UtcOffset::UTC),
        }
    }

    /// Sends lines and hears their answers, as many under way as the protocol allows.
    ///
    /// # Errors
    /// When the responder answers anything but answers.
    pub async fn exchange(&mut self, lines: &[String]) -> Result<Vec<Answer>> {
        let (read, write, window) = (&mut self.read, &mut self.write, Semaphore::new(PIPELINE));
        let sending = async {
            for line in lines {
                window.acquire().await?.forget();
                write.write_all(line.as_bytes()).await?;
                if !line.ends_with('\n') {
                    write.write_all(b"\n").await?;
                }
            }
            Ok::<(), anyhow::Error>(())
        };
        let hearing = async {
            let (mut answers, mut line) = (Vec::with_capacity(lines.len()), String::new());
            while answers.len() < lines.len() {
                line.clear();
                if read.read_line(&mut line).await? == 0 {
                    bail!("the responder closed the connection");
                }
                match serde_json::from_str(&line)? {
                    Reply::Answer(answer) => answers.push(*answer),
                    Reply::Error(error) => bail!("the responder refused a request: {}", error.message),
                }
                window.add_permits(1);
            }
            Ok(answers)
        };
        let ((), answers) = tokio::try_join!(sending, hearing)?;
        Ok(answers)
    }

    /// The host's count at the clock's present: what a `status` tells, which counts nobody.
    ///
    /// # Errors
    /// As [`Site::exchange`].
    pub async fn count(&mut self) -> Result<i64> {
        let nobody = Ask {
            application: self.application,
            sku: self.editions[0],
            cmid: Uuid::max(),
            previous_cmid: None,
            machine: "nobody".into(),
            r#virtual: false,
            time: self
                .clock
                .now()
                .replace_nanosecond(0)
                .unwrap_or(OffsetDateTime::UNIX_EPOCH)
                .to_offset(UtcOffset::UTC),
        };
        let op = Op::Status { ask: nobody, hardware: None };
        let request = Request { v: VERSION, op, id: Uuid::new_v4() };
        let answer = self.exchange(&[serde_json::to_string(&request)?]).await?.remove(0);
        Ok(answer.count.unwrap_or_default())
    }

    /// Client ids that the host has seen to be of two machines.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn clones(&self) -> Result<i64> {
        let mut tx = self.db.begin(Scope::System).await?;
        let clones = sqlx::query_scalar("SELECT count(*) FROM kms_clients WHERE cloned_at IS NOT NULL");
        Ok(clones.fetch_one(&mut *tx).await?)
    }

    /// Ends everything and leaves nothing behind.
    ///
    /// # Errors
    /// When the responder or the database ends badly.
    pub async fn close(mut self) -> Result<()> {
        self.ending.cancel();
        drop((self.read, self.write));
        self.responder.await??;
        self.host.db().close().await;
        self.db.close().await;
        self.embedded.stop()
    }
}

/// An application with a client and a server edition, and the host key that lets a responder count.
async fn furnish(db: &Db, vault: &Vault, plan: &Plan) -> Result<(Uuid, [Uuid; 2])> {
    let mut tx = db.begin(Scope::System).await?;
    let (contract, organization) = (Uuid::now_v7(), Uuid::now_v7());
    sqlx::query("INSERT INTO organizations (id, name) VALUES ($1, 'Simulation')")
        .bind(organization)
        .execute(&mut *tx)
        .await?;
    sqlx::query("INSERT INTO contracts (id, license_id, organization_id, created_at) VALUES ($1, '1', $2, app_now())")
        .bind(contract)
        .bind(organization)
        .execute(&mut *tx)
        .await?;
    let product = admin::add_product(&mut tx, "simulation", "Simulation").await?;
    let new = NewApplication { contract, name: "Simulation".into(), enrolled: false, tolerance: 7 };
    let (application, _) = admin::add_application(&mut tx, &new).await?;
    let mut editions = [Uuid::nil(); 2];
    let kinds =
        [(SkuKind::Client, "Client", plan.needed_by_clients), (SkuKind::Server, "Server", plan.needed_by_servers)];
    for (edition, (kind, name, needed)) in editions.iter_mut().zip(kinds) {
        let new = NewSku {
            application,
            product,
            edition: name.into(),
            kind,
            by_count: true,
            needed: i32::try_from(needed)?,
            lease_days: i32::try_from(plan.lease_days)?,
        };
        (*edition, _) = admin::add_sku(&mut tx, &new).await?;
    }
    admin::issue_host_key(&mut tx, vault, application, product).await?;
    tx.commit().await?;
    Ok((application, editions))
}
