//! What a killed predecessor may have left: a server on its way down, and files that speak of one.

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use super::place::{PORT, Place};

/// How long an orphaned server may take to write everything and go.
const PATIENCE: Duration = Duration::from_secs(60);

/// What `postmaster.pid` says; its lines are fixed by PostgreSQL's `src/include/utils/pidfile.h`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PidFile {
    pub pid: i32,
    pub socket_dir: PathBuf,
    pub ready: bool,
}

impl PidFile {
    pub fn read(place: &Place) -> Option<Self> {
        Self::parse(&fs::read_to_string(path_in(&place.data())).ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        Some(Self {
            pid: lines.first()?.parse().ok()?,
            socket_dir: lines.get(4).map(PathBuf::from).unwrap_or_default(),
            ready: lines.get(7) == Some(&"ready"),
        })
    }
}

/// Takes the lock that all processes of a server hold: waits for those of a predecessor to be gone.
///
/// On Linux they got their signal when their supervisor died; elsewhere nobody told them, so we do.
///
/// # Errors
/// When they are still there after a minute.
pub(super) fn await_silence(place: &Place, lock: &File) -> Result<()> {
    let until = Instant::now() + PATIENCE;
    let mut told = false;
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(fault)) => {
                return Err(fault).with_context(|| format!("cannot lock a file in {}", place.dir.display()));
            }
            Err(TryLockError::WouldBlock) if Instant::now() > until => bail!(
                "a PostgreSQL server left behind in {} does not stop: end its processes (their command line holds {})",
                place.dir.display(),
                place.tag
            ),
            Err(TryLockError::WouldBlock) => {}
        }
        if !told && let Some(pid) = orphan(place) {
            tracing::info!(pid = pid.as_raw_pid(), "waiting for a PostgreSQL server left behind to stop");
            // it may be gone by now, which is what we want
            let _ = kill_process(pid, Signal::INT);
            told = true;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The server of a dead supervisor: the process that the pid file names, if it is a server of this place
/// and not another program that got its number since.
fn orphan(place: &Place) -> Option<Pid> {
    let pid = Pid::from_raw(PidFile::read(place)?.pid)?;
    command_line(pid)?.contains(&place.tag).then_some(pid)
}

/// Removes the files by which PostgreSQL would think that its predecessor still runs. It clears most of
/// them itself, but not when a zombie or an unrelated process bears the old number, which is common in
/// containers. To be called with the lock of [`await_silence`] held, when no server of ours is alive.
///
/// # Errors
/// When a file can't be removed, or a server that we didn't start runs on the data.
pub(super) fn clear(place: &Place, socket_dir: &Path) -> Result<()> {
    if let Some(file) = PidFile::read(place) {
        let alive = Pid::from_raw(file.pid).filter(|pid| test_kill_process(*pid).is_ok());
        let line = alive.and_then(command_line).unwrap_or_default();
        if is_server(&line) && !line.contains("cluster_name=keyward-") {
            bail!(
                "a PostgreSQL server that Keyward did not start (process {}) may be running on {}: stop it first",
                file.pid,
                place.data().display()
            );
        }
        if alive.is_some() {
            remove(&path_in(&place.data()))?;
        }
    }
    for name in [format!(".s.PGSQL.{PORT}"), format!(".s.PGSQL.{PORT}.lock")] {
        remove(&socket_dir.join(name))?;
    }
    Ok(())
}

/// Whether a command line is that of a PostgreSQL server.
fn is_server(line: &str) -> bool {
    let program = line.split_whitespace().next().map(Path::new).and_then(Path::file_name);
    program.is_some_and(|name| name == "postgres" || name == "postmaster")
}

fn path_in(data: &Path) -> PathBuf {
    data.join("postmaster.pid")
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(fault) if fault.kind() != std::io::ErrorKind::NotFound => {
            Err(fault).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// The command line of a process; `None` for one that is gone or only a zombie.
#[cfg(target_os = "linux")]
fn command_line(pid: Pid) -> Option<String> {
    let line = fs::read(format!("/proc/{}/cmdline", pid.as_raw_pid())).ok()?;
    (!line.is_empty()).then(|| String::from_utf8_lossy(&line).replace('\0', " "))
}

/// The command line of a process; `None` for one that is gone or only a zombie.
#[cfg(not(target_os = "linux"))]
fn command_line(pid: Pid) -> Option<String> {
    let pid = pid.as_raw_pid().to_string();
    let output = std::process::Command::new("ps").args(["-o", "stat=,command=", "-p", &pid]).output().ok()?;
    let line = String::from_utf8_lossy(&output.stdout);
    let (state, command) = line.trim().split_once(' ')?;
    (!state.starts_with('Z')).then(|| command.trim().to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn reads_a_pid_file_in_every_state() {
        let whole = "4711\n/d/data\n1795357261\n5432\n/d/run\n\n 10117131  4\nready   \n";
        let expected = PidFile { pid: 4711, socket_dir: "/d/run".into(), ready: true };
        assert_eq!(PidFile::parse(whole), Some(expected));
        assert!(!PidFile::parse(&whole.replace("ready   ", "starting")).unwrap().ready);
        assert!(!PidFile::parse("4711\n/d/data\n").unwrap().ready);
        assert_eq!(PidFile::parse(""), None);
    }

    #[test]
    fn tells_a_server_from_what_only_mentions_one() {
        assert!(is_server("/usr/lib/postgresql/15/bin/postgres -D /d/data"));
        assert!(!is_server("keyward serve --data-dir /srv/postgres"));
        assert!(!is_server(""));
    }

    #[test]
    fn knows_a_process_by_its_command_line() {
        let us = rustix::process::getpid();
        assert!(command_line(us).is_some_and(|line| line.contains("keyward")));
    }
}
