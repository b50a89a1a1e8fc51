//! The files' bytes in the data directory, each under its row's id: written under another name, synced, renamed, and
//! only then recorded, so that a row never names half a file. What a crash leaves is swept away.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};
use tokio::{
    io::{AsyncWriteExt, BufWriter},
    sync::Semaphore,
};
use uuid::Uuid;

use super::db;
use crate::postgres::{Db, Scope};

/// How a file is called while it comes in.
const DRAFT: &str = "draft-";
/// How long a file that no row names waits: a database put back from a dump of the last days loses nothing.
const UNKNOWN: Duration = Duration::days(7);
/// Bytes of the disk that files leave free: PostgreSQL, whose database may lie on the same one, stops when it can't
/// write its log.
const RESERVE: u64 = 512 << 20;
/// So many bytes of a file are written between two looks at what the disk has left.
const LOOK: u64 = 8 << 20;
/// Files that come in at once; the next waits with its body unread.
const AT_ONCE: usize = 4;

/// Where the bytes are.
#[derive(Debug)]
pub struct Store {
    dir: PathBuf,
    /// Bytes that a file may have.
    pub limit: u64,
    reserve: u64,
    /// Places for files that come in.
    pub places: Semaphore,
}

impl Store {
    /// Files in `dir`, which is made with the first one, of at most `limit` bytes each.
    pub fn new(dir: PathBuf, limit: u64) -> Self {
        Self::leaving(RESERVE, dir, limit)
    }

    /// The same, leaving so many bytes of the disk free.
    fn leaving(reserve: u64, dir: PathBuf, limit: u64) -> Self {
        Self { dir, limit, reserve, places: Semaphore::new(AT_ONCE) }
    }

    fn path(&self, id: Uuid) -> PathBuf {
        self.dir.join(id.to_string())
    }

    /// Begins a file of about so many bytes, if that is known.
    ///
    /// # Errors
    /// When the directory can't be written, or the disk would be left without its reserve.
    pub fn draft(&self, announced: u64) -> io::Result<Draft> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.dir)?;
        room(&self.dir, self.reserve.saturating_add(announced))?;
        let path = self.dir.join([DRAFT, &Uuid::now_v7().to_string()].concat());
        let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        // Held until the row stands: what nobody holds and no row names is left over.
        let held = file.try_clone()?;
        held.lock()?;
        let file = BufWriter::with_capacity(256 * 1024, tokio::fs::File::from_std(file));
        Ok(Draft { file, held, path, reserve: self.reserve, looked: 0, digest: Sha256::new(), size: 0 })
    }

    /// Opens a file for reading.
    ///
    /// # Errors
    /// When it isn't there.
    pub async fn open(&self, id: Uuid) -> io::Result<tokio::fs::File> {
        tokio::fs::File::open(self.path(id)).await
    }

    /// Throws away removed files past their time, and what a crash left. A file that the database doesn't know at all
    /// waits [`UNKNOWN`] and then goes only where the database knows another one: beside a database that was put back
    /// empty, or is another site's, nothing is lost.
    ///
    /// # Errors
    /// When the database or the directory fails.
    pub async fn sweep(&self, database: &Db) -> Result<()> {
        // System scope: it works for nobody.
        let mut tx = database.begin(Scope::System).await?;
        db::expire(&mut tx).await?;
        tx.commit().await?;
        let mut tx = database.begin(Scope::System).await?;
        let known = db::with_bytes(&mut tx).await?;
        let listed = self.listed()?;
        let ours = listed.iter().any(|(_, id)| id.is_some_and(|id| known.contains(&id)));
        for (path, id) in listed {
            if id.is_some_and(|id| known.contains(&id)) {
                continue;
            }
            let Ok(file) = File::open(&path) else { continue };
            // Somebody still writes it. Once nobody does, its row is there or never will be.
            if file.try_lock().is_err() {
                continue;
            }
            let needed = match id {
                Some(id) => match db::has_bytes(&mut tx, id).await? {
                    Some(has) => has,
                    None => !ours || changed_since(&file, tx.now() - UNKNOWN),
                },
                None => false,
            };
            if !needed {
                fs::remove_file(&path).with_context(|| format!("{} can't be removed", path.display()))?;
                tracing::info!(file = %path.display(), "a file that nothing names was removed");
            }
        }
        Ok(())
    }

    /// The directory's files, those of ours alone: drafts have no id.
    fn listed(&self) -> Result<Vec<(PathBuf, Option<Uuid>)>> {
        let entries = match fs::read_dir(&self.dir) {
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.with_context(|| format!("{} can't be read", self.dir.display()))?,
        };
        let mut files = Vec::new();
        for entry in entries {
            let name = entry?.file_name();
            let Some(name) = name.to_str() else { continue };
            let id = name.parse::<Uuid>().ok();
            if id.is_some() || name.starts_with(DRAFT) {
                files.push((self.dir.join(name), id));
            }
        }
        Ok(files)
    }
}

/// A file that comes in. Dropped, it is gone.
pub struct Draft {
    file: BufWriter<tokio::fs::File>,
    held: File,
    path: PathBuf,
    reserve: u64,
    /// Bytes there were when the disk was looked at.
    looked: u64,
    digest: Sha256,
    /// Bytes so far.
    pub size: u64,
}

impl Draft {
    /// Adds bytes.
    ///
    /// # Errors
    /// When the disk is full but for its reserve, or broken.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.digest.update(bytes);
        self.size += bytes.len() as u64;
        if self.size - self.looked >= LOOK {
            room(&self.path, self.reserve)?;
            self.looked = self.size;
        }
        self.file.write_all(bytes).await
    }

    /// The checksum of what came in.
    pub fn sha256(&self) -> [u8; 32] {
        self.digest.clone().finalize().into()
    }

    /// Makes the file durable under its id. Call [`Stored::keep`] once its row stands.
    ///
    /// # Errors
    /// When the disk is full or broken.
    pub async fn finish(mut self, store: &Store, id: Uuid) -> io::Result<Stored> {
        self.file.flush().await?;
        self.file.get_ref().sync_all().await?;
        let to = store.path(id);
        fs::rename(&self.path, &to)?;
        self.path.clone_from(&to);
        sync_dir(&store.dir)?;
        Ok(Stored { draft: self, kept: false })
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Empty once it was kept; else there is nothing to be done about a failure, and the sweep comes by.
        if !self.path.as_os_str().is_empty() {
            let _ = fs::remove_file(&self.path);
        }
        let _ = self.held.unlock();
    }
}

/// A file that is durable and not recorded yet. Dropped before [`Stored::keep`], it is gone.
pub struct Stored {
    draft: Draft,
    kept: bool,
}

impl Stored {
    /// Its row is about to stand. What is returned holds the file until that has been seen.
    #[must_use = "the file is held while its row is committed"]
    pub fn keep(mut self) -> Self {
        self.kept = true;
        self
    }
}

impl Drop for Stored {
    fn drop(&mut self) {
        if self.kept {
            self.draft.path.clear();
        }
    }
}

/// # Errors
/// [`io::ErrorKind::StorageFull`] where the disk that holds `path` has fewer than `needed` bytes left.
fn room(path: &Path, needed: u64) -> io::Result<()> {
    let disk = rustix::fs::statvfs(path)?;
    let left = disk.f_bavail.saturating_mul(disk.f_frsize);
    if left < needed { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
}

/// Whether a file was changed after `moment`; as long as that can't be told, it was.
fn changed_since(file: &File, moment: OffsetDateTime) -> bool {
    let changed = file.metadata().and_then(|metadata| metadata.modified());
    changed.map_or(true, |changed| OffsetDateTime::from(changed) > moment)
}

/// A rename is durable once its directory is.
fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[tokio::test]
    async fn a_file_is_there_once_it_is_whole_and_recorded() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::leaving(0, dir.path().join("downloads"), 10);
        let id = Uuid::now_v7();
        let mut draft = store.draft(0).unwrap();
        draft.write(b"abc").await.unwrap();
        assert!(names(&store.dir)[0].starts_with(DRAFT));
        let sha256 = draft.sha256();
        let stored = draft.finish(&store, id).await.unwrap();
        assert_eq!(names(&store.dir), [id.to_string()]);
        drop(stored.keep());
        assert_eq!(fs::read(store.path(id)).unwrap(), b"abc");
        assert_eq!(
            crate::vault::files::hex(&sha256),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[tokio::test]
    async fn what_is_given_up_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::leaving(0, dir.path().to_owned(), 10);
        let mut draft = store.draft(0).unwrap();
        draft.write(b"abc").await.unwrap();
        drop(draft);
        assert!(names(dir.path()).is_empty(), "broken off");
        let stored = store.draft(0).unwrap().finish(&store, Uuid::now_v7()).await.unwrap();
        drop(stored);
        assert!(names(dir.path()).is_empty(), "its row didn't come to stand");
    }

    #[tokio::test]
    async fn files_leave_the_disk_its_reserve() {
        let dir = tempfile::tempdir().unwrap();
        let full = |fault: io::Error| assert_eq!(fault.kind(), io::ErrorKind::StorageFull);
        let store = Store::leaving(0, dir.path().to_owned(), 10);
        full(store.draft(u64::MAX).map(drop).unwrap_err());
        let mut draft = store.draft(0).unwrap();
        // As if others had filled the disk meanwhile.
        draft.reserve = u64::MAX;
        draft.write(b"abc").await.unwrap();
        full(draft.write(&vec![0; 8 << 20]).await.unwrap_err());
        drop(draft);
        assert!(names(dir.path()).is_empty());
    }
}
