//! An embedded PostgreSQL server: the system's own binaries, run as a child of ours, reachable over a Unix
//! socket alone.
//!
//! A start makes whatever is missing (cluster, roles, database) and can be interrupted at any point, by
//! `kill -9` too: the next one completes it. The server ends with us. One Keyward supervises a directory;
//! other commands attach to the running server by its socket. Root is fine, though PostgreSQL refuses it:
//! the server then runs as the user `postgres`, else `nobody`, and the cluster is that user's.

mod error;
mod find;
mod launch;
mod leftovers;
mod place;
mod provision;
mod supervise;

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
    process::ExitStatus,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};

pub use error::EmbeddedError;
pub use provision::{APP, DATABASE, OWNER, RESPONDER, SUPERUSER, ensure_roles};

use launch::Prepared;
use leftovers::PidFile;
use place::Place;
use supervise::Postmaster;

/// How long a start waits for another Keyward that is just leaving the directory.
const HANDOVER: Duration = Duration::from_secs(3);
/// How long a second command waits for the first to have its server ready (a first start takes about 1 s).
const ATTACH: Duration = Duration::from_secs(60);
/// How often we look.
const LOOK: Duration = Duration::from_millis(5);

/// What must survive a power cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Everything that was committed: the only choice for data that anybody cares about.
    Durable,
    /// Nothing: for tests, on a cluster that is deleted afterwards.
    ThrowAway,
}

/// A running embedded server. Dropping it stops the server.
#[derive(Debug)]
pub struct Embedded {
    postmaster: Postmaster,
    log: PathBuf,
    /// A directory made for the socket outside our own, to be removed with the server.
    outside: Option<PathBuf>,
    /// Held as long as we are: says that this directory has its supervisor.
    _lock: File,
}

/// How to connect to a server of ours, once for each role.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// As the owner of the database: migrations, and nothing else.
    pub owner: PgConnectOptions,
    /// As the web server and the commands.
    pub app: PgConnectOptions,
    /// As the responder.
    pub responder: PgConnectOptions,
    /// The directory of the socket, mode 0700.
    pub socket_dir: PathBuf,
}

impl Cluster {
    fn at(socket_dir: PathBuf) -> Self {
        let options = |role| provision::options(&socket_dir, role, DATABASE);
        Self { owner: options(OWNER), app: options(APP), responder: options(RESPONDER), socket_dir }
    }

    /// As the role that may do anything, to the maintenance database `postgres`: for making the server
    /// complete, for backups and for tests. It passes by row-level security.
    #[must_use]
    pub fn superuser(&self) -> PgConnectOptions {
        provision::options(&self.socket_dir, SUPERUSER, "postgres")
    }
}

impl Embedded {
    /// Starts the server of `dir` (`<data-dir>/postgres`), making what is missing.
    ///
    /// # Errors
    /// An [`EmbeddedError`] where the machine or the directory is at fault, among them that another
    /// Keyward supervises the directory; anything else names the log file.
    pub async fn start(dir: &Path, durability: Durability) -> Result<(Self, Cluster)> {
        let place = Place::open(dir)?;
        let until = Instant::now() + HANDOVER;
        loop {
            if let Some(lock) = supervise_lock(&place)? {
                return Self::start_locked(place, lock, durability).await;
            }
            if Instant::now() > until {
                return Err(EmbeddedError::InUse(place.dir).into());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn start_locked(place: Place, lock: File, durability: Durability) -> Result<(Self, Cluster)> {
        let began = Instant::now();
        let log = place.log();
        let prepared = {
            let place = place.clone();
            tokio::task::spawn_blocking(move || Prepared::new(place)).await??
        };
        let socket_dir = prepared.socket_dir.clone();
        let postmaster = prepared.launch(durability).await?;
        let outside = (!socket_dir.starts_with(&place.dir)).then(|| socket_dir.clone());
        let embedded = Self { postmaster, log, outside, _lock: lock };
        let cluster = Cluster::at(socket_dir);
        provision::complete(&cluster.superuser()).await.context("cannot complete the embedded database")?;
        tracing::debug!(dir = %place.dir.display(), took = ?began.elapsed(), "PostgreSQL is ready");
        Ok((embedded, cluster))
    }

    /// Stops the server: connections are closed, open transactions rolled back, everything is written.
    /// Blocks until that is done (about 20 ms when idle).
    ///
    /// # Errors
    /// When the server reports that something went wrong; the sentence names its log.
    pub fn stop(&mut self) -> Result<()> {
        let status = self.postmaster.stop()?;
        if !status.success() {
            bail!("PostgreSQL ended with {status}: see {}", self.log.display());
        }
        Ok(())
    }

    /// How the server ended, if it has: while we haven't stopped it, that is a fault.
    #[must_use]
    pub fn exited(&mut self) -> Option<ExitStatus> {
        self.postmaster.exited()
    }

    /// Waits until the server ends, for a task that watches over it. `None` when its status can't be told.
    pub async fn ended(&self) -> Option<ExitStatus> {
        self.postmaster.ended().await
    }

    /// The server's process id.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.postmaster.pid()
    }

    /// The server's log file.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        if let Err(fault) = self.stop() {
            tracing::error!("{fault:#}");
        }
        if let Some(dir) = &self.outside {
            // only if empty; left behind, it does no harm
            let _ = fs::remove_dir(dir);
        }
    }
}

/// Starts the server of `dir`, or attaches to the one that another command of ours runs there. Then there
/// is no [`Embedded`], and the server ends when that other command does.
///
/// # Errors
/// As [`Embedded::start`]; and when the other command's server isn't ready within a minute.
pub async fn attach_or_start(dir: &Path, durability: Durability) -> Result<(Option<Embedded>, Cluster)> {
    let place = Place::open(dir)?;
    let until = Instant::now() + ATTACH;
    loop {
        if let Some(lock) = supervise_lock(&place)? {
            let (embedded, cluster) = Embedded::start_locked(place, lock, durability).await?;
            return Ok((Some(embedded), cluster));
        }
        if let Some(cluster) = running(&place).await {
            return Ok((None, cluster));
        }
        if Instant::now() > until {
            return Err(anyhow::Error::new(EmbeddedError::InUse(place.dir))
                .context("the PostgreSQL server of another running Keyward does not answer"));
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// The complete server that another process runs here, if it does by now.
async fn running(place: &Place) -> Option<Cluster> {
    let file = PidFile::read(place).filter(|file| file.ready)?;
    let cluster = Cluster::at(file.socket_dir);
    // its database comes last, so whoever gets in finds everything
    let connection = PgConnection::connect_with(&cluster.app).await.ok()?;
    connection.close().await.ok()?;
    Some(cluster)
}

/// The lock of the one supervisor, if it is free.
fn supervise_lock(place: &Place) -> Result<Option<File>> {
    let file = place.file("supervisor.lock")?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(fault)) => {
            Err(fault).with_context(|| format!("cannot lock a file in {}", place.dir.display()))
        }
    }
}
