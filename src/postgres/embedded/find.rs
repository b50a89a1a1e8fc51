//! Where a PostgreSQL server may be on this machine. `scripts/ensure-postgres.sh` looks in the same places.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{error::EmbeddedError, place::Ids};

/// The oldest major version Keyward runs on: from 15 on the schema `public` belongs to the database's
/// owner and is closed to everybody else, which the role separation relies on.
const OLDEST: u32 = 15;

/// Where `scripts/ensure-postgres.sh` puts a server when it runs as root: readable by the unprivileged
/// user that has to run it, which root's own home isn't.
const SHARED_CACHE: &str = "/var/cache/keyward/postgres/bin";

/// A server's binaries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binaries {
    /// The directory that holds `initdb` and `postgres`.
    pub dir: PathBuf,
    /// The major version, such as 15.
    pub major: u32,
}

impl Binaries {
    /// The path of one of the programs.
    pub fn program(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

/// What of the environment decides where we look.
pub(super) struct Environment {
    pub forced: Option<PathBuf>,
    pub path: Option<OsString>,
    pub cache: Option<PathBuf>,
}

impl Environment {
    /// The one of this process.
    pub fn of_process() -> Self {
        let var = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        Self {
            forced: var("KEYWARD_PG_BIN").map(PathBuf::from),
            path: var("PATH"),
            cache: var("XDG_CACHE_HOME")
                .map(PathBuf::from)
                .or_else(|| Some(PathBuf::from(var("HOME")?).join(".cache"))),
        }
    }

    /// Directories with both programs in them, the best first: the newest of the system's, then PATH, then
    /// what the script fetched.
    fn candidates(&self) -> Vec<PathBuf> {
        let mut versioned: Vec<(u32, PathBuf)> = Vec::new();
        for (root, prefix) in [
            ("/usr/lib/postgresql", ""),
            ("/usr", "pgsql-"),
            ("/opt/homebrew/opt", "postgresql@"),
            ("/usr/local/opt", "postgresql@"),
        ] {
            for entry in fs::read_dir(root).into_iter().flatten().flatten() {
                let name = entry.file_name();
                let version = name.to_string_lossy().strip_prefix(prefix).and_then(|v| v.parse().ok());
                versioned.extend(version.map(|version| (version, entry.path().join("bin"))));
            }
        }
        versioned.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
        let on_path = self.path.iter().flat_map(std::env::split_paths);
        let fetched = self.cache.iter().map(|cache| cache.join("keyward/postgres/bin"));
        versioned
            .into_iter()
            .map(|(_, dir)| dir)
            .chain(on_path)
            .chain([PathBuf::from(SHARED_CACHE)])
            .chain(fetched)
            .filter(|dir| holds_server(dir))
            .collect()
    }
}

/// Finds a server that `ids` (when given: the user we'd run it as) can run, of the major version `wanted`
/// when a data directory asks for one, else the newest.
///
/// # Errors
/// Says what was found instead, and what to do about it.
pub(super) fn find(
    environment: &Environment,
    wanted: Option<(&Path, u32)>,
    ids: Option<Ids>,
) -> Result<Binaries, EmbeddedError> {
    let candidates = match &environment.forced {
        Some(dir) if holds_server(dir) => vec![dir.clone()],
        Some(dir) => return Err(EmbeddedError::BadBin(dir.clone())),
        None => environment.candidates(),
    };
    let mut unfit = None;
    for dir in candidates {
        let fault = match judge(&dir, wanted, ids) {
            Ok(binaries) => return Ok(binaries),
            Err(fault) => fault,
        };
        // the first fault is the one about the best candidate
        unfit.get_or_insert(fault);
    }
    Err(unfit.unwrap_or(EmbeddedError::NoServer))
}

fn judge(dir: &Path, wanted: Option<(&Path, u32)>, ids: Option<Ids>) -> Result<Binaries, EmbeddedError> {
    if let Some(ids) = ids.filter(|ids| !ids.can_enter(dir)) {
        return Err(EmbeddedError::Unreachable { bin: dir.to_owned(), uid: ids.uid });
    }
    let found = version_of(dir).ok_or_else(|| EmbeddedError::BadBin(dir.to_owned()))?;
    match wanted {
        Some((data_dir, data)) if data != found => {
            Err(EmbeddedError::OtherVersion { dir: data_dir.to_owned(), data, found, bin: dir.to_owned() })
        }
        None if found < OLDEST => Err(EmbeddedError::TooOld { found, oldest: OLDEST, bin: dir.to_owned() }),
        _ => Ok(Binaries { dir: dir.to_owned(), major: found }),
    }
}

fn holds_server(dir: &Path) -> bool {
    dir.join("initdb").is_file() && dir.join("postgres").is_file()
}

fn version_of(dir: &Path) -> Option<u32> {
    let output = Command::new(dir.join("postgres")).arg("--version").output().ok()?;
    major_in(&String::from_utf8_lossy(&output.stdout))
}

/// The major version in what `postgres --version` prints: `postgres (PostgreSQL) 15.18 (Debian …)`.
fn major_in(printed: &str) -> Option<u32> {
    let (_, version) = printed.split_once(") ")?;
    let digits = version.find(|c: char| !c.is_ascii_digit()).unwrap_or(version.len());
    version[..digits].parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn fake_server(dir: &Path, version: &str) {
        fs::create_dir_all(dir).unwrap();
        for program in ["initdb", "postgres"] {
            let path = dir.join(program);
            fs::write(&path, format!("#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
    }

    fn forced(dir: &Path) -> Environment {
        Environment { forced: Some(dir.to_owned()), path: None, cache: None }
    }

    #[test]
    fn reads_the_major_version_of_every_shape() {
        assert_eq!(major_in("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(major_in("postgres (PostgreSQL) 18.6\n"), Some(18));
        assert_eq!(major_in("postgres (PostgreSQL) 19beta2\n"), Some(19));
        assert_eq!(major_in("something else"), None);
    }

    #[test]
    fn a_forced_directory_is_taken_or_refused_but_never_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let bin = dir.path().join("bin");
        assert!(matches!(find(&forced(&bin), None, None), Err(EmbeddedError::BadBin(path)) if path == bin));
        fake_server(&bin, "17.2");
        assert_eq!(find(&forced(&bin), None, None).unwrap(), Binaries { dir: bin.clone(), major: 17 });
    }

    #[test]
    fn an_old_server_is_refused_for_new_data_and_the_sentence_says_which_is_needed() {
        let dir = tempfile::tempdir().unwrap();
        fake_server(dir.path(), "13.9");
        let fault = find(&forced(dir.path()), None, None).unwrap_err().to_string();
        assert!(fault.contains("PostgreSQL 13") && fault.ends_with("install PostgreSQL 15 or newer"), "{fault}");
    }

    #[test]
    fn a_data_directory_gets_the_server_of_its_own_major_version() {
        let dir = tempfile::tempdir().unwrap();
        let (newer, fetched) = (dir.path().join("newer"), dir.path().join("cache/keyward/postgres/bin"));
        fake_server(&newer, "98.1");
        fake_server(&fetched, "97.1");
        let environment =
            Environment { forced: None, path: Some(newer.clone().into()), cache: Some(dir.path().join("cache")) };
        let data = Path::new("/somewhere/data");
        assert_eq!(find(&environment, Some((data, 97)), None).unwrap().dir, fetched);
        assert_eq!(find(&environment, Some((data, 98)), None).unwrap().dir, newer);
        let fault = find(&forced(&newer), Some((data, 96)), None).unwrap_err().to_string();
        assert!(fault.contains("made by PostgreSQL 96") && fault.contains("is PostgreSQL 98"), "{fault}");
    }
}
