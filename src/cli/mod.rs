//! The command line: one file per subcommand. Exit codes: 0 done, 1 failed, 2 usage or settings.

mod audit;
mod export;
mod healthcheck;
mod migrate;
mod open;
mod serve;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::{
    config::{BadSetting, Settings},
    postgres::embedded::EmbeddedError,
    telemetry,
};

/// The admin centre for volume licences that an organisation runs itself.
#[derive(Parser, Debug)]
#[command(
    name = "keyward",
    version,
    max_term_width = 120,
    after_help = "Without a command, keyward serves. Exit codes: 0 done, 1 failed, 2 usage."
)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Serve the portal (the default)
    Serve,
    /// Bring the database to this version's schema
    Migrate,
    /// Write keys or contracts to a file
    Export(export::Args),
    /// Look after the audit log
    Audit(audit::Args),
    /// Ask a running portal whether it is well (for container health checks)
    Healthcheck,
}

/// Runs the command line; prints what went wrong as one sentence.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(fault) => return fail(&fault.into()),
    };
    match runtime.block_on(run(cli)) {
        Ok(code) => code,
        Err(fault) => fail(&fault),
    }
}

async fn run(cli: Cli) -> Result<ExitCode> {
    telemetry::log(&cli.settings.log)?;
    let settings = &cli.settings;
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => serve::run(settings).await,
        Command::Migrate => migrate::run(settings).await,
        Command::Export(args) => export::run(settings, &args).await,
        Command::Audit(args) => audit::run(settings, &args).await,
        Command::Healthcheck => healthcheck::run(settings).await,
    }
}

/// One sentence, no backtrace. A setting's fault is exit code 2, all else 1.
fn fail(fault: &anyhow::Error) -> ExitCode {
    eprintln!("keyward: {fault:#}");
    let setting = fault.is::<BadSetting>() || matches!(fault.downcast_ref(), Some(EmbeddedError::InUse(_)));
    ExitCode::from(if setting { 2 } else { 1 })
}
