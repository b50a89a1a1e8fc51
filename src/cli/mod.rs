//! The command line: one file per subcommand. Exit codes: 0 done, 1 failed, 2 usage or settings.

mod agent;
mod audit;
mod background;
pub mod demo;
mod demo_requests;
mod export;
mod grant;
mod healthcheck;
mod import;
mod mail;
mod migrate;
pub mod open;
mod responder;
mod serve;
mod simulate;
mod user;

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
    /// Serve the portal with a believable estate, in a data directory of its own
    Demo(demo::Args),
    /// Bring the database to this version's schema
    Migrate,
    /// Import contracts, contacts, licence summaries, keys and orders from the vendor's exports
    Import(import::Args),
    /// Write keys or contracts to a file
    Export(export::Args),
    /// Add, list or disable people, or set a password
    User(user::Args),
    /// Give a person a role
    Grant(grant::Args),
    /// Take a role away
    Revoke(grant::RevokeArgs),
    /// Try out how mail is sent
    Mail(mail::Args),
    /// Look after the audit log
    Audit(audit::Args),
    /// Activate own software on this machine, and keep it activated
    Agent(agent::Args),
    /// Serve machines alone, on the database of a portal: one count, however many responders
    Responder,
    /// Run a fleet of virtual machines against a throw-away responder, to plan a roll-out
    Simulate(simulate::Args),
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
        Command::Demo(args) => demo::run(settings, &args).await,
        Command::Migrate => migrate::run(settings).await,
        Command::Import(args) => import::run(settings, &args).await,
        Command::Export(args) => export::run(settings, &args).await,
        Command::User(args) => user::run(settings, &args).await,
        Command::Grant(args) => grant::run(settings, &args).await,
        Command::Revoke(args) => grant::revoke(settings, &args).await,
        Command::Mail(args) => mail::run(settings, &args).await,
        Command::Audit(args) => audit::run(settings, &args).await,
        Command::Agent(args) => agent::run(&args).await,
        Command::Responder => responder::run(settings).await,
        Command::Simulate(args) => simulate::run(&args).await,
        Command::Healthcheck => healthcheck::run(settings).await,
    }
}

/// What went wrong and why, each cause once: some libraries repeat a cause in their own words.
fn sentence(fault: &anyhow::Error) -> String {
    let mut told = String::new();
    for cause in fault.chain().map(ToString::to_string) {
        if !told.contains(&cause) {
            told.push_str(if told.is_empty() { "" } else { ": " });
            told.push_str(&cause);
        }
    }
    told
}

/// One sentence, no backtrace. A setting's fault is exit code 2, all else 1.
fn fail(fault: &anyhow::Error) -> ExitCode {
    eprintln!("keyward: {}", sentence(fault));
    let setting = fault.is::<BadSetting>() || matches!(fault.downcast_ref(), Some(EmbeddedError::InUse(_)));
    ExitCode::from(if setting { 2 } else { 1 })
}
