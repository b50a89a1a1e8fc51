//! The directories of an embedded server: who owns them, who can reach them, where its socket goes.
//!
//! ```text
//! <dir>/supervisor.lock   held by the Keyward that runs the server
//! <dir>/postgres.lock     held by every process of the server (see [`super::supervise`])
//! <dir>/postgres.log      what the server has to say
//! <dir>/data              the cluster
//! <dir>/run               its socket, unless the path is too long or closed to the server's user
//! ```

use std::{
    fs::{self, File},
    io,
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown, fchown},
    },
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use super::error::EmbeddedError;

/// The port in the socket's file name; nothing listens on the network.
pub(super) const PORT: u16 = 5432;

/// The longest path of a Unix socket: `sun_path` less its closing NUL (unix(7); on macOS it is shorter).
const LONGEST_SOCKET: usize = if cfg!(target_os = "macos") { 103 } else { 107 };

/// When the log is longer than this at a start, it becomes `postgres.log.1`.
const LONGEST_LOG: u64 = 8 << 20;

/// The user and group that a server runs as when we are root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ids {
    pub uid: u32,
    pub gid: u32,
}

impl Ids {
    /// Whether this user may enter `dir` and every directory above it, by their permission bits.
    pub fn can_enter(self, dir: &Path) -> bool {
        let Ok(dir) = dir.canonicalize() else {
            return false;
        };
        dir.ancestors().all(|step| {
            fs::metadata(step).is_ok_and(|found| {
                let needed = match () {
                    () if found.uid() == self.uid => 0o100,
                    () if found.gid() == self.gid => 0o010,
                    () => 0o001,
                };
                found.mode() & needed != 0
            })
        })
    }
}

/// The directories of one server.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// The canonical `<data-dir>/postgres`.
    pub dir: PathBuf,
    /// `None` unless we are root: then whom the server runs as.
    pub ids: Option<Ids>,
    /// Stands for this directory in names of processes and of short socket directories.
    pub tag: String,
    /// The server's user can't come to `dir` by its path, only by an open handle.
    pub secluded: bool,
}

impl Place {
    /// Opens (and makes, if need be) the directory.
    pub fn open(dir: &Path) -> Result<Self> {
        let root = rustix::process::geteuid().is_root();
        // as root the server's user must pass through to `data` and `run`, which are closed to all others
        let mode = if root { 0o711 } else { 0o700 };
        fs::DirBuilder::new()
            .recursive(true)
            .mode(mode)
            .create(dir)
            .with_context(|| format!("cannot make the data directory {}", dir.display()))?;
        let dir = dir.canonicalize().with_context(|| format!("cannot open {}", dir.display()))?;
        let found = fs::metadata(&dir).with_context(|| format!("cannot read {}", dir.display()))?;
        let owner = fs::metadata(dir.join("data")).map_or(None, |data| Some((data.uid(), data.gid())));
        let ids = match owner {
            Some((0, _)) if root => {
                return Err(EmbeddedError::ForeignOwner { dir, owner: 0 }.into());
            }
            // data made by an ordinary user stays that user's
            Some((uid, gid)) if root => Some(Ids { uid, gid }),
            None if root => Some(service_user()?),
            Some((owner, _)) if owner != rustix::process::geteuid().as_raw() => {
                return Err(EmbeddedError::ForeignOwner { dir, owner }.into());
            }
            _ => None,
        };
        let digest = Sha256::new()
            .chain_update(dir.as_os_str().as_bytes())
            .chain_update(found.dev().to_le_bytes())
            .chain_update(found.ino().to_le_bytes())
            .finalize();
        let tag: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        let secluded = ids.is_some_and(|ids| !ids.can_enter(&dir));
        if secluded && !cfg!(target_os = "linux") {
            bail!(
                "PostgreSQL refuses to run as root and its user cannot enter {}: start Keyward as an ordinary user, \
                 or choose a --data-dir that every user may pass through, such as /var/lib/keyward",
                dir.display()
            );
        }
        Ok(Self { dir, ids, tag: format!("keyward-{tag}"), secluded })
    }

    /// The cluster itself.
    pub fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    /// A cluster in the making, renamed to [`Self::data`] once whole.
    pub fn unfinished(&self) -> PathBuf {
        self.dir.join("data.new")
    }

    /// The log file's path.
    pub fn log(&self) -> PathBuf {
        self.dir.join("postgres.log")
    }

    /// The major version that made the cluster, if there is one.
    pub fn version(&self) -> Result<Option<u32>> {
        let path = self.data().join("PG_VERSION");
        match fs::read_to_string(&path) {
            Ok(text) => {
                text.trim().parse().map(Some).with_context(|| format!("{} names no PostgreSQL version", path.display()))
            }
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(fault) => Err(fault).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// Opens a file of ours in the directory for appending; never through a symbolic link, since we may be
    /// root in a directory that is somebody else's.
    pub fn file(&self, name: &str) -> Result<File> {
        let path = self.dir.join(name);
        let no_follow = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
        let file = File::options()
            .create(true)
            .append(true)
            .mode(0o600)
            .custom_flags(no_follow)
            .open(&path)
            .with_context(|| format!("cannot open {}", path.display()))?;
        if let Some(ids) = self.ids {
            fchown(&file, Some(ids.uid), Some(ids.gid))?;
        }
        Ok(file)
    }

    /// Opens the log, putting a long one aside first.
    pub fn open_log(&self) -> Result<File> {
        if fs::metadata(self.log()).is_ok_and(|log| log.len() > LONGEST_LOG) {
            fs::rename(self.log(), self.dir.join("postgres.log.1"))?;
        }
        self.file("postgres.log")
    }

    /// Makes a directory closed to all but the server's user.
    pub fn make_private(&self, dir: &Path) -> Result<()> {
        match fs::DirBuilder::new().mode(0o700).create(dir) {
            Err(fault) if fault.kind() != io::ErrorKind::AlreadyExists => {
                return Err(fault).with_context(|| format!("cannot make {}", dir.display()));
            }
            _ => {}
        }
        // in a directory open to all, such as /tmp, somebody else may have been there before us
        let found = fs::symlink_metadata(dir)?;
        let us = rustix::process::geteuid().as_raw();
        let owner = self.ids.map_or(us, |ids| ids.uid);
        if !found.is_dir() || ![us, owner].contains(&found.uid()) {
            bail!("{} is not a directory of ours: remove it", dir.display());
        }
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
        if let Some(ids) = self.ids {
            chown(dir, Some(ids.uid), Some(ids.gid))?;
        }
        Ok(())
    }

    /// Makes the directory for the socket.
    pub fn socket_dir(&self) -> Result<PathBuf> {
        let own = self.dir.join("run");
        if !self.secluded && fits(&own) {
            self.make_private(&own)?;
            return Ok(own);
        }
        let bases = match self.ids {
            Some(_) => vec![PathBuf::from("/run"), "/tmp".into()],
            None => {
                let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
                runtime.into_iter().chain([std::env::temp_dir(), "/tmp".into()]).collect()
            }
        };
        let name = format!("{}-{}", self.tag, rustix::process::geteuid().as_raw());
        let reachable = |base: &PathBuf| base.is_dir() && self.ids.is_none_or(|ids| ids.can_enter(base));
        let mut last = None;
        for base in bases.into_iter().filter(reachable) {
            let dir = base.join(&name);
            match self.make_private(&dir) {
                Ok(()) if fits(&dir) => return Ok(dir),
                Ok(()) => {}
                Err(fault) => last = Some(fault),
            }
        }
        let fault = last.unwrap_or_else(|| anyhow::anyhow!("no directory is short enough"));
        Err(fault.context(format!(
            "a Unix socket below {} can't be used (its path is longer than {LONGEST_SOCKET} bytes, or closed to the \
             server's user), and none could be made in /run or /tmp",
            self.dir.display()
        )))
    }
}

fn fits(dir: &Path) -> bool {
    dir.join(format!(".s.PGSQL.{PORT}")).as_os_str().len() <= LONGEST_SOCKET
}

/// When root: the user to run new servers as.
fn service_user() -> Result<Ids, EmbeddedError> {
    let accounts = fs::read_to_string("/etc/passwd").unwrap_or_default();
    ["postgres", "nobody"].iter().find_map(|name| ids_of(&accounts, name)).ok_or(EmbeddedError::NoServiceUser)
}

fn ids_of(accounts: &str, name: &str) -> Option<Ids> {
    let fields = accounts.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let account = fields.into_iter().find(|fields| fields[0] == name && fields.len() > 3)?;
    Some(Ids { uid: account[2].parse().ok()?, gid: account[3].parse().ok()? })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn finds_an_account() {
        let accounts = "root:x:0:0:root:/root:/bin/sh\nbroken\nnobody:x:65534:65533:n:/:/bin/false\n";
        assert_eq!(ids_of(accounts, "nobody"), Some(Ids { uid: 65534, gid: 65533 }));
        assert_eq!(ids_of(accounts, "postgres"), None);
        assert_eq!(ids_of(accounts, "broken"), None);
    }

    #[test]
    fn a_closed_parent_keeps_a_stranger_out() {
        let parent = tempfile::tempdir_in("/tmp").unwrap();
        let inner = parent.path().join("inner");
        fs::create_dir(&inner).unwrap();
        fs::set_permissions(&inner, fs::Permissions::from_mode(0o755)).unwrap();
        let stranger = Ids { uid: 4_000_000, gid: 4_000_000 };
        fs::set_permissions(parent.path(), fs::Permissions::from_mode(0o700)).unwrap();
        assert!(!stranger.can_enter(&inner));
        fs::set_permissions(parent.path(), fs::Permissions::from_mode(0o711)).unwrap();
        assert!(stranger.can_enter(&inner));
        assert!(!stranger.can_enter(&inner.join("absent")));
    }
}
