//! From a directory in any state to a server that takes connections.

use std::{
    fs::{self, File},
    io::{Read, Seek, SeekFrom},
    os::fd::AsRawFd,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use rustix::process::Signal;

use super::{
    Durability, LOOK,
    find::{self, Binaries, Environment},
    leftovers::{self, PidFile},
    place::{PORT, Place},
    provision::SUPERUSER,
    supervise::{self, Inherited, LOCALE, Postmaster},
};

/// How long a server may replay its log after a crash before we give up.
const RECOVERY: Duration = Duration::from_secs(600);

/// A directory with a whole cluster in it on which nothing runs.
pub(super) struct Prepared {
    place: Place,
    binaries: Binaries,
    inherited: Inherited,
    /// Where its socket will be.
    pub socket_dir: PathBuf,
}

impl Prepared {
    /// Blocks: for a predecessor that is on its way down, and for `initdb`.
    pub fn new(place: Place) -> Result<Self> {
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
        let inherited = Inherited { lock, data: handle(&place, &data)? };
        Ok(Self { place, binaries, inherited, socket_dir })
    }

    /// Starts the server and waits until it takes connections.
    pub async fn launch(self, durability: Durability) -> Result<Postmaster> {
        let mut log = self.place.open_log()?;
        let seen = log.seek(SeekFrom::End(0))?;
        let postmaster = Postmaster::spawn(self.command(durability, log)?)?;
        let until = Instant::now() + RECOVERY;
        loop {
            if PidFile::read(&self.place).is_some_and(|file| file.ready && file.pid == postmaster.pid()) {
                return Ok(postmaster);
            }
            if let Some(status) = postmaster.exited() {
                bail!(
                    "PostgreSQL did not start ({status}){}: see {}",
                    last_words(&self.place.log(), seen).map(|words| format!(": {words}")).unwrap_or_default(),
                    self.place.log().display()
                );
            }
            if Instant::now() > until {
                bail!("PostgreSQL was not ready after {} s: see {}", RECOVERY.as_secs(), self.place.log().display());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn command(&self, durability: Durability, log: File) -> Result<Command> {
        let name = &self.place.tag;
        let mut command =
            supervise::command(&self.binaries, &self.place, "postgres", self.inherited.clone(), Signal::INT);
        command.arg("-D").arg(path_for_server(&self.place.data(), self.inherited.data.as_deref()));
        command.arg("-k").arg(&self.socket_dir).stdout(log.try_clone()?).stderr(log);
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
            Durability::Durable => {
                set("max_connections=100");
                set(&format!("shared_buffers={}MB", shared_buffers()));
            }
            Durability::ThrowAway => {
                for setting in ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=300"] {
                    set(setting);
                }
            }
        }
        Ok(command)
    }
}

/// MiB of PostgreSQL's own cache: a quarter of the memory, as its manual advises, within bounds. A server
/// touches no more of it than its tables need.
fn shared_buffers() -> u64 {
    let memory = fs::read_to_string("/proc/meminfo").ok().and_then(|info| {
        let kibibytes = info.lines().find_map(|line| line.strip_prefix("MemTotal:"))?.split_whitespace().next()?;
        kibibytes.parse::<u64>().ok()
    });
    // Where there is no such file, the least.
    (memory.unwrap_or(0) / 4 / 1024).clamp(128, 512)
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
    let mut initdb = supervise::command(binaries, place, "initdb", Inherited { lock, data }, Signal::KILL);
    initdb
        .args(["--username", SUPERUSER, "--auth=trust", "--encoding=UTF8", "--data-checksums", "--no-instructions"])
        .arg(format!("--locale={LOCALE}"))
        .arg("--pgdata")
        .arg(path);
    let output = initdb.output().with_context(|| format!("cannot run initdb in {}", binaries.dir.display()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("initdb of PostgreSQL {} failed ({}): {}", binaries.major, output.status, said.trim());
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
    Ok(if place.secluded { Some(Arc::new(File::open(dir)?)) } else { None })
}

/// How the server is told where its data is.
fn path_for_server(dir: &Path, handle: Option<&File>) -> PathBuf {
    handle.map_or_else(|| dir.to_owned(), |file| format!("/proc/self/fd/{}", file.as_raw_fd()).into())
}

/// The last complaint in the log behind `seen` bytes.
fn last_words(log: &Path, seen: u64) -> Option<String> {
    let mut file = File::open(log).ok()?;
    file.seek(SeekFrom::Start(seen)).ok()?;
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    let complaint = text.lines().rfind(|line| ["FATAL", "PANIC"].iter().any(|level| line.contains(level)))?;
    complaint.split_once("  ").map(|(_, words)| words.to_owned())
}
