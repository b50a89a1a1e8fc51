//! Which responder this is: an instance id kept in the data directory, under which it takes host slots.

use std::{
    fs,
    io::{ErrorKind, Write},
    path::Path,
};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The instance id's file in the data directory.
pub const FILE: &str = "responder.id";

/// A responder.
#[derive(Clone, Debug)]
pub struct Instance {
    /// Kept over restarts: a restart isn't a reactivation.
    pub id: Uuid,
    /// The machine's name, for people.
    pub host: String,
    /// A digest of what tells the machine: another one is a reactivation.
    pub machine: [u8; 32],
}

impl Instance {
    /// Reads the instance id, or makes one.
    ///
    /// # Errors
    /// When the file can't be read or written, or holds something else.
    pub fn open(data_dir: &Path) -> Result<Self> {
        let path = data_dir.join(FILE);
        let id = match fs::read_to_string(&path) {
            Ok(text) => text.trim().parse().with_context(|| {
                format!(
                    "{} doesn't hold an instance id: put back the file that Keyward made, or remove it",
                    path.display()
                )
            })?,
            Err(fault) if fault.kind() == ErrorKind::NotFound => make(data_dir, &path).with_context(|| {
                format!("{} can't be written: choose a data directory that Keyward may write to", path.display())
            })?,
            Err(fault) => return Err(fault).with_context(|| format!("{} can't be read", path.display())),
        };
        Ok(Self { id, host: host_name(), machine: machine() })
    }
}

/// Whole or not at all, and the first of two that start together wins.
fn make(data_dir: &Path, path: &Path) -> Result<Uuid> {
    fs::create_dir_all(data_dir)?;
    let id = Uuid::new_v4();
    let mut draft = tempfile::NamedTempFile::new_in(data_dir)?;
    writeln!(draft, "{id}")?;
    draft.as_file().sync_all()?;
    match draft.persist_noclobber(path) {
        Ok(_) => Ok(id),
        Err(_) => Ok(fs::read_to_string(path)?.trim().parse()?),
    }
}

fn host_name() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "localhost".to_owned() } else { name.chars().take(64).collect() }
}

/// What stays when a host is renamed or restarted. A container without a machine id of its own has its data
/// directory alone, which is the instance id.
fn machine() -> [u8; 32] {
    let id = fs::read_to_string("/etc/machine-id").unwrap_or_default();
    Sha256::new_with_prefix(b"keyward responder machine").chain_update(id.trim()).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_keeps_its_id_over_restarts() {
        let dir = tempfile::tempdir().unwrap();
        let (first, second) = (Instance::open(dir.path()).unwrap(), Instance::open(dir.path()).unwrap());
        assert_eq!((first.id, first.machine), (second.id, second.machine));
        fs::write(dir.path().join(FILE), "nonsense").unwrap();
        assert!(Instance::open(dir.path()).unwrap_err().to_string().contains("put back"));
    }
}
