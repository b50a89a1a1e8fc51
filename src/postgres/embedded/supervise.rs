//! Running the server's programs so that none outlives us by accident, and none is mistaken for another.
//!
//! Two things tie a program to us. The kernel signals it when the thread that started it ends, however it
//! ends; so each is started on a thread that stays until it is over. And every process of the server
//! inherits an open, locked file: the lock ends with the last of them, which tells the next start for
//! certain when nothing of a killed predecessor is left.

use std::{
    fs::File,
    io,
    os::unix::process::CommandExt,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError, mpsc},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use rustix::{
    io::{FdFlags, fcntl_setfd},
    process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid},
};
use tokio::sync::watch;

use super::{find::Binaries, place::Place};

/// How long a fast shutdown may take (it writes all changed pages) before it is cut short. Cutting it short
/// loses nothing that was committed: the next start replays the log.
const PATIENCE: Duration = Duration::from_secs(60);

/// The files that a program keeps open for its whole life.
#[derive(Debug, Clone)]
pub(super) struct Inherited {
    /// The locked file.
    pub lock: Arc<File>,
    /// The cluster's directory, when the program can't come to it by its path.
    pub data: Option<Arc<File>>,
}

/// A command for one of the server's programs, which ends with `on_orphaned` if we die.
pub(super) fn command(
    binaries: &Binaries,
    place: &Place,
    program: &str,
    inherited: Inherited,
    on_orphaned: Signal,
) -> Command {
    let mut command = Command::new(binaries.program(program));
    for (name, _) in std::env::vars_os() {
        // PGDATA, PGPORT and their like are about somebody else's server
        if name.to_string_lossy().starts_with("PG") {
            command.env_remove(name);
        }
    }
    command
        .env("LC_ALL", LOCALE)
        // programs go back to where they started after looking for themselves; everybody may be in /
        .current_dir("/")
        .stdin(Stdio::null())
        // Ctrl-C reaches the whole foreground group: the pool must close before the database does
        .process_group(0);
    if let Some(ids) = place.ids {
        command.uid(ids.uid).gid(ids.gid);
    }
    tie(&mut command, inherited, on_orphaned);
    command
}

/// The locale of new clusters: Unicode letters, but an order by bytes, which no update of the system's
/// collations can change under an index. (macOS has no such locale.)
pub(super) const LOCALE: &str = if cfg!(target_os = "macos") { "en_US.UTF-8" } else { "C.UTF-8" };

#[allow(unsafe_code)]
fn tie(command: &mut Command, inherited: Inherited, on_orphaned: Signal) {
    let parent = rustix::process::getpid();
    let in_child = move || {
        fcntl_setfd(&*inherited.lock, FdFlags::empty())?;
        if let Some(data) = &inherited.data {
            fcntl_setfd(&**data, FdFlags::empty())?;
        }
        // after the change of user, which would clear it
        #[cfg(target_os = "linux")]
        rustix::process::set_parent_process_death_signal(Some(on_orphaned))?;
        #[cfg(not(target_os = "linux"))]
        let _ = on_orphaned;
        // we may have died before the line above
        if rustix::process::getppid() != Some(parent) {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        Ok(())
    };
    // SAFETY: between fork and exec only async-signal-safe calls are allowed. The closure makes four system
    // calls on values captured before the fork; it neither allocates nor takes a lock.
    unsafe {
        command.pre_exec(in_child);
    }
}

/// A running server.
#[derive(Debug)]
pub(super) struct Postmaster {
    pid: Pid,
    /// Set, under the lock, in the moment the process is reaped: while it is `None` the pid is still its own.
    status: Arc<Mutex<Option<ExitStatus>>>,
    ended: watch::Receiver<Option<ExitStatus>>,
}

impl Postmaster {
    /// Starts `command` on a thread of its own.
    pub fn spawn(mut command: Command) -> Result<Self> {
        let program = command.get_program().to_owned();
        let (report, started) = mpsc::sync_channel(1);
        let (announce, ended) = watch::channel(None);
        let status = Arc::new(Mutex::new(None));
        let reaped = Arc::clone(&status);
        std::thread::Builder::new().name("postgres".into()).spawn(move || match command.spawn() {
            Err(fault) => drop(report.send(Err(fault))),
            Ok(mut child) => {
                let pid = Pid::from_child(&child);
                let _ = report.send(Ok(pid));
                let status = reap(pid, &mut child, &reaped);
                // fails when nobody waits any more
                let _ = announce.send(status);
            }
        })?;
        let pid = started.recv()?.with_context(|| format!("cannot run {}", program.display()))?;
        Ok(Self { pid, status, ended })
    }

    /// Its process id.
    pub fn pid(&self) -> i32 {
        self.pid.as_raw_pid()
    }

    /// How it ended, if it has.
    pub fn exited(&self) -> Option<ExitStatus> {
        *self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for its end.
    pub async fn ended(&self) -> Option<ExitStatus> {
        let mut ended = self.ended.clone();
        let status = ended.wait_for(Option::is_some).await.ok()?;
        *status
    }

    /// Stops it: no new connections, open transactions rolled back, everything written. Blocks until done.
    pub fn stop(&self) -> Result<ExitStatus> {
        for (signal, patience) in [(Signal::INT, PATIENCE), (Signal::QUIT, PATIENCE)] {
            self.signal(signal)?;
            let until = Instant::now() + patience;
            while Instant::now() < until {
                if let Some(status) = self.exited() {
                    return Ok(status);
                }
                std::thread::sleep(Duration::from_millis(2));
            }
            tracing::warn!(pid = self.pid(), "PostgreSQL is slow to stop");
        }
        bail!("PostgreSQL (process {}) does not stop", self.pid())
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        if status.is_none() {
            kill_process(self.pid, signal)?;
        }
        Ok(())
    }
}

impl Drop for Postmaster {
    fn drop(&mut self) {
        if let Err(fault) = self.stop() {
            tracing::error!("{fault:#}");
        }
    }
}

/// Waits for the end of `child` and records it before its pid can be given to another process.
fn reap(pid: Pid, child: &mut Child, status: &Mutex<Option<ExitStatus>>) -> Option<ExitStatus> {
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    while matches!(waitid(WaitId::Pid(pid), look), Err(rustix::io::Errno::INTR)) {}
    let mut status = status.lock().unwrap_or_else(PoisonError::into_inner);
    *status = child.wait().ok();
    *status
}
