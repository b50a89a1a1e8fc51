//! What can be wrong with the machine or the data directory, each with its way out.

use std::path::PathBuf;

/// A fault that the person who runs Keyward can put right. Anything else (a full disk, a server that
/// ends by itself) is a plain [`anyhow::Error`]; the command line tells the two apart by downcasting.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmbeddedError {
    /// No server binaries anywhere we look.
    #[error(
        "no PostgreSQL server was found on this machine: install one (Debian and Ubuntu: apt-get install postgresql; \
         macOS: brew install postgresql; anywhere: scripts/ensure-postgres.sh), or set DATABASE_URL to a server of yours"
    )]
    NoServer,
    /// `KEYWARD_PG_BIN` is set, but not to a directory with a server.
    #[error(
        "KEYWARD_PG_BIN is {}, which holds no initdb and postgres to run: set it to a PostgreSQL server's bin directory, or unset it",
        .0.display()
    )]
    BadBin(PathBuf),
    /// A server exists, but where the user that must run it can't go.
    #[error(
        "the PostgreSQL server in {} can't be run by the user id {uid}, which cannot enter that directory: \
         install PostgreSQL for the whole machine, or put it where every user may read it", bin.display()
    )]
    Unreachable {
        /// The directory with the binaries.
        bin: PathBuf,
        /// The user that would have to run them.
        uid: u32,
    },
    /// All servers found are older than the oldest one Keyward runs on.
    #[error("PostgreSQL {found} in {} is too old: install PostgreSQL {oldest} or newer", bin.display())]
    TooOld {
        /// Its major version.
        found: u32,
        /// The oldest that will do.
        oldest: u32,
        /// Where it is.
        bin: PathBuf,
    },
    /// The data directory was made by a major version of which no server is here.
    #[error(
        "the data directory {} was made by PostgreSQL {data}, but the server in {} is PostgreSQL {found}: \
         install PostgreSQL {data} beside it, or move the data over with pg_upgrade", dir.display(), bin.display()
    )]
    OtherVersion {
        /// The data directory.
        dir: PathBuf,
        /// The major version that made it.
        data: u32,
        /// The major version found.
        found: u32,
        /// Where that one is.
        bin: PathBuf,
    },
    /// Another Keyward has this directory open.
    #[error("{} is in use by another running Keyward: stop that one, or choose another --data-dir", .0.display())]
    InUse(PathBuf),
    /// We are root, and there is nobody to run the server as.
    #[error(
        "PostgreSQL refuses to run as root, and this machine has no user named postgres or nobody to run it as: \
         create one, or start Keyward as an ordinary user"
    )]
    NoServiceUser,
    /// The data belongs to somebody else, as whom we cannot act.
    #[error("{} belongs to the user id {owner}: start Keyward as that user, or choose another --data-dir", dir.display())]
    ForeignOwner {
        /// The data directory.
        dir: PathBuf,
        /// The user id that owns it.
        owner: u32,
    },
}
