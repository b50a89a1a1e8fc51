//! `keyward audit verify`.

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

use super::open;
use crate::{audit::verify::verify, config::Settings, postgres::Scope};

/// What to do with the audit log.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Read every chain from its start; names the first broken link and exits with 1
    Verify,
}

/// Runs it.
///
/// # Errors
/// When the database can't be read.
pub async fn run(settings: &Settings, args: &Args) -> Result<ExitCode> {
    let Command::Verify = args.command;
    let opened = open::for_command(settings).await?;
    let linker = opened.linker();
    let mut tx = opened.db.begin(Scope::System).await?;
    let found = verify(&mut tx, &linker).await?;
    drop(tx);
    opened.close().await?;
    match found {
        Ok(sound) => {
            println!("The audit log is whole: {} events in {} chains.", sound.events, sound.chains);
            Ok(ExitCode::SUCCESS)
        }
        Err(broken) => {
            eprintln!("keyward: {broken}. Compare with a backup, and find out who can write to the database.");
            Ok(ExitCode::FAILURE)
        }
    }
}
