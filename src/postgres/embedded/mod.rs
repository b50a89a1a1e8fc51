//! An embedded PostgreSQL server: the system's own binaries, run as a child of ours, reachable over a Unix
//! socket alone.
//!
//! A start makes whatever is missing (cluster, roles, database) and can be interrupted at any point, by
//! `kill -9` too: the next one completes it. The server ends with us. One Keyward supervises a directory;
//! other commands attach to the running server by its socket. Root is fine, though PostgreSQL refuses it:
//! the server then runs as the user `postgres`, else `nobody`, and the cluster is that user's.

mod error;
mod find;
mod leftovers;
mod place;
mod provision;
mod supervise;

use std::{
    fs::{self, File, TryLockError},
    io::{Read, Seek, SeekFrom},
    os::fd::AsRawFd,
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use rustix::process::Signal;
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};

pub use error::EmbeddedError;
pub use provision::{APP, DATABASE, OWNER, RESPONDER, SUPERUSER, ensure_roles};

use find::{Binaries, Environment};
use leftovers::PidFile;
use place::{PORT, Place};
use supervise::{Inherited, LOCALE, Postmaster};

/// How long a start waits for another Keyward that is just leaving the directory.
const HANDOVER: Duration = Duration::from_secs(3);
/// How long a second command waits for the first to have its server ready (a first start takes about 1 s).
const ATTACH: Duration = Duration::from_secs(60);
/// How long a server may replay its log after a crash before we give up.
const RECOVERY: Duration = Duration::from_secs(600);
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
        Self {
            owner: options(OWNER),
            app: options(APP),
            responder: options(RESPONDER),
            socket_dir,
        }
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

    async fn start_locked(
        place: Place,
        lock: File,
        durability: Durability,
    ) -> Result<(Self, Cluster)> {
        let began = Instant::now();
        let log = place.log();
        let prepared = {
            let place = place.clone();
            tokio::task::spawn_blocking(move || Prepared::new(place)).await??
        };
        let socket_dir = prepared.socket_dir.clone();
        let postmaster = prepared.launch(durability).await?;
        let outside = (!socket_dir.starts_with(&place.dir)).then(|| socket_dir.clone());
        let embedded = Self {
            postmaster,
            log,
            outside,
            _lock: lock,
        };
        let cluster = Cluster::at(socket_dir);
        provision::complete(&cluster.superuser())
            .await
            .context("cannot complete the embedded database")?;
        tracing::info!(dir = %place.dir.display(), took = ?began.elapsed(), "PostgreSQL is ready");
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
pub async fn attach_or_start(
    dir: &Path,
    durability: Durability,
) -> Result<(Option<Embedded>, Cluster)> {
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

/// A directory with a whole cluster in it on which nothing runs.
struct Prepared {
    place: Place,
    binaries: Binaries,
    inherited: Inherited,
    socket_dir: PathBuf,
}

impl Prepared {
    /// Blocks: for a predecessor that is on its way down, and for `initdb`.
    fn new(place: Place) -> Result<Self> {
        let version = place.version()?;
        let data = place.data();
        let wanted = version.map(|version| (data.as_path(), version));
        let binaries = find::find(&Environment::of_process(), wanted, place.ids)?;
        let lock = place.file("postgres.lock")?;
        leftovers::await_silence(&place, &lock)?;
        let lock = Arc::new(lock);
        if version.is_none() {
            make_cluster(&place, &binaries, Arc::clone(&lock))?;
        }
        let socket_dir = place.socket_dir()?;
        leftovers::clear(&place, &socket_dir)?;
        let inherited = Inherited {
            lock,
            data: handle(&place, &data)?,
        };
        Ok(Self {
            place,
            binaries,
            inherited,
            socket_dir,
        })
    }

    /// Starts the server and waits until it takes connections.
    async fn launch(self, durability: Durability) -> Result<Postmaster> {
        let mut log = self.place.open_log()?;
        let seen = log.seek(SeekFrom::End(0))?;
        let postmaster = Postmaster::spawn(self.command(durability, log)?)?;
        let until = Instant::now() + RECOVERY;
        loop {
            if PidFile::read(&self.place)
                .is_some_and(|file| file.ready && file.pid == postmaster.pid())
            {
                return Ok(postmaster);
            }
            if let Some(status) = postmaster.exited() {
                bail!(
                    "PostgreSQL did not start ({status}){}: see {}",
                    last_words(&self.place.log(), seen)
                        .map(|words| format!(": {words}"))
                        .unwrap_or_default(),
                    self.place.log().display()
                );
            }
            if Instant::now() > until {
                postmaster.stop()?;
                bail!(
                    "PostgreSQL was not ready after {} s: see {}",
                    RECOVERY.as_secs(),
                    self.place.log().display()
                );
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn command(&self, durability: Durability, log: File) -> Result<Command> {
        let name = &self.place.tag;
        let mut command = supervise::command(
            &self.binaries,
            &self.place,
            "postgres",
            self.inherited.clone(),
            Signal::INT,
        );
        command.arg("-D").arg(path_for_server(
            &self.place.data(),
            self.inherited.data.as_deref(),
        ));
        command
            .arg("-k")
            .arg(&self.socket_dir)
            .stdout(log.try_clone()?)
            .stderr(log);
        let mut set = |setting: &str| {
            command.args(["-c", setting]);
        };
        set("listen_addresses=");
        set(&format!("port={PORT}"));
        set("unix_socket_permissions=0700");
        set(&format!("cluster_name={name}"));
        set("timezone=UTC");
        set("log_timezone=UTC");
        // no statement and no row's content in the log: it lies outside the vault's and the audit's reach
        set("log_min_error_statement=panic");
        set("log_error_verbosity=terse");
        // our queries are short: compiling them costs more than it saves
        set("jit=off");
        match durability {
            Durability::Durable => set("max_connections=100"),
            Durability::ThrowAway => {
                for setting in [
                    "fsync=off",
                    "synchronous_commit=off",
                    "full_page_writes=off",
                    "max_connections=300",
                ] {
                    set(setting);
                }
            }
        }
        Ok(command)
    }
}

/// Makes a cluster aside and renames it into place, so that a half-made one is never used.
fn make_cluster(place: &Place, binaries: &Binaries, lock: Arc<File>) -> Result<()> {
    let unfinished = place.unfinished();
    if let Err(fault) = fs::remove_dir_all(&unfinished)
        && fault.kind() != std::io::ErrorKind::NotFound
    {
        return Err(fault).with_context(|| format!("cannot remove {}", unfinished.display()));
    }
    place.make_private(&unfinished)?;
    let data = handle(place, &unfinished)?;
    let path = path_for_server(&unfinished, data.as_deref());
    // nobody needs what it would tidy up: let it die at once
    let mut initdb = supervise::command(
        binaries,
        place,
        "initdb",
        Inherited { lock, data },
        Signal::KILL,
    );
    initdb
        .args([
            "--username",
            SUPERUSER,
            "--auth=trust",
            "--encoding=UTF8",
            "--data-checksums",
            "--no-instructions",
        ])
        .arg(format!("--locale={LOCALE}"))
        .arg("--pgdata")
        .arg(path);
    let output = initdb
        .output()
        .with_context(|| format!("cannot run initdb in {}", binaries.dir.display()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!(
            "initdb of PostgreSQL {} failed ({}): {}",
            binaries.major,
            output.status,
            said.trim()
        );
    }
    fs::rename(&unfinished, place.data())
        .with_context(|| format!("cannot put the new cluster at {}", place.data().display()))?;
    // the rename itself must survive a power cut, or the next start would make an empty cluster
    File::open(&place.dir)?.sync_all()?;
    Ok(())
}

/// A handle on `dir` for a server whose user can't come to it by its path: under a home that is closed to
/// others, or beside secrets of root. What it opens through the handle, it may.
fn handle(place: &Place, dir: &Path) -> Result<Option<Arc<File>>> {
    Ok(if place.secluded {
        Some(Arc::new(File::open(dir)?))
    } else {
        None
    })
}

/// How the server is told where its data is.
fn path_for_server(dir: &Path, handle: Option<&File>) -> PathBuf {
    handle.map_or_else(
        || dir.to_owned(),
        |file| format!("/proc/self/fd/{}", file.as_raw_fd()).into(),
    )
}

/// The last complaint in the log behind `seen` bytes.
fn last_words(log: &Path, seen: u64) -> Option<String> {
    let mut file = File::open(log).ok()?;
    file.seek(SeekFrom::Start(seen)).ok()?;
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    let complaint = text
        .lines()
        .rfind(|line| ["FATAL", "PANIC"].iter().any(|level| line.contains(level)))?;
    complaint
        .split_once("  ")
        .map(|(_, words)| words.to_owned())
}
