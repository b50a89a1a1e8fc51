//! The state file: whole or not at all, for its owner alone.
//!
//! Written to a draft beside it, synced, renamed over it, the directory synced: whenever the machine or the
//! program is killed, the file is the old or the new state. Who changes it holds a lock on a file beside it.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use zeroize::Zeroizing;

use super::{state::State, trouble::Trouble};

/// How long a command waits for another one that is at work.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it looks.
const LOOK: Duration = Duration::from_millis(50);

/// Where a client's state lies.
#[derive(Clone, Debug)]
pub struct Store {
    path: PathBuf,
}

/// Held by whoever changes the state; let go with its last file handle, also by kill -9.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "held, not read")] File);

impl Store {
    /// At this path.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the state; none where there is no file.
    ///
    /// # Errors
    /// [`Trouble::File`], [`Trouble::Damaged`].
    pub fn load(&self) -> Result<Option<State>, Trouble> {
        let text = match fs::read(&self.path) {
            Ok(text) => Zeroizing::new(text),
            Err(fault) if fault.kind() == ErrorKind::NotFound => return Ok(None),
            Err(why) => return Err(self.trouble("read", why)),
        };
        State::read(&text).map(Some).map_err(|why| Trouble::Damaged { path: self.path.clone(), why })
    }

    /// Writes the state. Only with the lock.
    ///
    /// # Errors
    /// [`Trouble::File`]; the file is as before.
    pub fn save(&self, _lock: &Lock, state: &State) -> Result<(), Trouble> {
        let written = (|| {
            let mut text = Zeroizing::new(serde_json::to_vec_pretty(state)?);
            text.push(b'\n');
            let draft = self.beside("new");
            // One that was left by kill -9 may have another mode.
            match fs::remove_file(&draft) {
                Err(fault) if fault.kind() != ErrorKind::NotFound => return Err(fault),
                _ => {}
            }
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
            file.write_all(&text)?;
            file.sync_all()?;
            fs::rename(&draft, &self.path)?;
            File::open(self.dir())?.sync_all()
        })();
        written.map_err(|why| self.trouble("written", why))
    }

    /// Waits for the lock.
    ///
    /// # Errors
    /// [`Trouble::Busy`] after half a minute.
    pub async fn lock(&self) -> Result<Lock, Trouble> {
        let opened = fs::create_dir_all(self.dir()).and_then(|()| {
            OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(self.beside("lock"))
        });
        let file = opened.map_err(|why| self.trouble("locked", why))?;
        let taken = tokio::time::timeout(PATIENCE, async {
            loop {
                match file.try_lock() {
                    Ok(()) => return Ok(()),
                    Err(TryLockError::WouldBlock) => tokio::time::sleep(LOOK).await,
                    Err(TryLockError::Error(why)) => return Err(self.trouble("locked", why)),
                }
            }
        });
        match taken.await {
            Ok(taken) => taken.map(|()| Lock(file)),
            Err(_) => Err(Trouble::Busy(self.path.clone())),
        }
    }

    fn dir(&self) -> &Path {
        self.path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    fn beside(&self, ending: &str) -> PathBuf {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        self.dir().join(format!(".{name}.{ending}"))
    }

    fn trouble(&self, verb: &'static str, why: std::io::Error) -> Trouble {
        Trouble::File { path: self.path.clone(), verb, why }
    }
}
