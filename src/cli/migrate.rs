//! `keyward migrate`.

use std::process::ExitCode;

use anyhow::Result;

use crate::{
    config::{Database, Settings},
    postgres::{
        embedded::{self, Durability},
        migrate::migrate,
    },
};

/// Migrates and says how far.
///
/// # Errors
/// When the database can't be reached or a migration fails.
pub async fn run(settings: &Settings) -> Result<ExitCode> {
    let (mut embedded, owner) = match settings.database()? {
        Database::Embedded(dir) => {
            let (embedded, cluster) = embedded::attach_or_start(&dir, Durability::Durable).await?;
            (embedded, cluster.owner)
        }
        Database::External { owner, .. } => (None, *owner),
    };
    match migrate(&owner).await? {
        0 => println!("The database is up to date."),
        1 => println!("1 migration was run."),
        n => println!("{n} migrations were run."),
    }
    if let Some(embedded) = &mut embedded {
        embedded.stop()?;
    }
    Ok(ExitCode::SUCCESS)
}
