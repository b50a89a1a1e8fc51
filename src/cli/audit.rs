//! `keyward audit verify`.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::Subcommand;

use super::open;
use crate::{
    audit::{
        heads::{HeadSigner, compare},
        verify::verify,
    },
    config::Settings,
    postgres::Scope,
};

/// What to do with the audit log.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Read every chain from its start; names the first broken link and exits with 1
    Verify {
        /// Compare with signed ends of chains too: a copy of audit-heads.jsonl, kept on another machine
        #[arg(long, value_name = "FILE")]
        heads: Option<PathBuf>,
    },
}

/// Runs it.
///
/// # Errors
/// When the database can't be read.
pub async fn run(settings: &Settings, args: &Args) -> Result<ExitCode> {
    let Command::Verify { heads } = &args.command;
    let opened = open::for_command(settings).await?;
    let linker = opened.linker();
    let mut tx = opened.db.begin(Scope::System).await?;
    let mut found = verify(&mut tx, &linker).await?;
    let mut compared = 0;
    if let (Some(file), Ok(_)) = (heads, &found) {
        match compare(&mut tx, &HeadSigner::new(&opened.vault.site_keys().signing), file).await? {
            Ok(lines) => compared = lines,
            Err(broken) => found = Err(broken),
        }
    }
    drop(tx);
    opened.close().await?;
    match found {
        Ok(sound) => {
            println!("The audit log is whole: {} events in {} chains.", sound.events, sound.chains);
            if heads.is_some() {
                println!("It holds what was signed: {compared} ends of chains compared.");
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(broken) => {
            eprintln!("keyward: {broken}. Compare with a backup, and find out who can write to the database.");
            Ok(ExitCode::FAILURE)
        }
    }
}
