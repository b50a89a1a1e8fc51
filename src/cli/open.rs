//! What most commands begin with: the database, migrated, and the vault.

use anyhow::{Context, Result};
use sqlx::postgres::PgConnectOptions;

use crate::{
    audit::chain::Linker,
    clock::Clock,
    config::{Database, Settings},
    postgres::{
        Db,
        embedded::{self, Durability, Embedded},
        migrate::{migrate, place},
    },
    vault::Vault,
};

/// Connections of the server's pool; the embedded server allows 100 in all.
const SERVER: u32 = 32;
/// Connections of a command's pool.
const COMMAND: u32 = 4;

/// An open installation. Dropping it stops an embedded server that it started.
pub struct Opened {
    /// The database.
    pub db: Db,
    /// The vault, perhaps sealed.
    pub vault: Vault,
    /// How the responder connects.
    pub responder: PgConnectOptions,
    /// The embedded server, where this process runs it.
    pub embedded: Option<Embedded>,
}

impl Opened {
    /// Makes audit links.
    pub fn linker(&self) -> Linker {
        Linker::new(&self.vault.site_keys().audit)
    }

    /// Closes the pool, then stops the embedded server, in this order.
    ///
    /// # Errors
    /// When the server ends badly.
    pub async fn close(self) -> Result<()> {
        self.db.close().await;
        match self.embedded {
            Some(mut embedded) => embedded.stop(),
            None => Ok(()),
        }
    }
}

/// Opens for a command: beside a running server where there is one.
///
/// # Errors
/// One sentence each: database unreachable, wrong KEK, directory of another PostgreSQL version, …
pub async fn for_command(settings: &Settings) -> Result<Opened> {
    open(settings, COMMAND, true).await
}

/// Opens for the server, which has the embedded database to itself.
///
/// # Errors
/// As [`for_command`], and when another Keyward serves this directory.
pub async fn for_server(settings: &Settings) -> Result<Opened> {
    open(settings, SERVER, false).await
}

async fn open(settings: &Settings, connections: u32, attach: bool) -> Result<Opened> {
    let (embedded, owner, app, responder) = match settings.database()? {
        Database::Embedded(dir) => {
            let (embedded, cluster) = if attach {
                embedded::attach_or_start(&dir, Durability::Durable).await?
            } else {
                let (embedded, cluster) = Embedded::start(&dir, Durability::Durable).await?;
                (Some(embedded), cluster)
            };
            (embedded, cluster.owner, cluster.app, cluster.responder)
        }
        Database::External { owner, app, same } => {
            // Said at each start of the server, and of no interest to a command.
            if same && !attach {
                tracing::info!(
                    "one database URL serves as owner and as server: each connection takes the role keyward_app by SET ROLE"
                );
            }
            (None, *owner, *app.clone(), *app)
        }
    };
    migrate(&owner).await?;
    let db = Db::connect(app.clone(), connections, Clock::System)
        .await
        .with_context(|| format!("the database at {} can't be used", place(&app)))?;
    let vault = Vault::open(&db, &settings.kek_file()?, &settings.responder_key_file()?).await?;
    Ok(Opened { db, vault, responder, embedded })
}
