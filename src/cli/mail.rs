//! `keyward mail test`: sends one mail with the settings as they are, without database or server.

use std::process::ExitCode;

use anyhow::{Result, anyhow};
use clap::Subcommand;
use lettre::message::Mailbox;

use crate::{
    clock::Clock,
    config::{BadSetting, Settings},
};

/// What to do with mail.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Send one mail, to see whether the settings are right
    Test {
        /// To whom
        #[arg(value_parser = |text: &str| text.parse::<Mailbox>().map_err(|_| "write an address such as name@example.org"))]
        address: Mailbox,
    },
}

/// Runs it.
///
/// # Errors
/// A setting (exit code 2), or a sentence with what the server said.
pub async fn run(settings: &Settings, args: &Args) -> Result<ExitCode> {
    let Command::Test { address } = &args.command;
    let mailer = settings.mailer()?.ok_or_else(|| {
        BadSetting::new(
            "--smtp-url (KEYWARD_SMTP_URL)",
            "no mail server is set: name one, for example smtp://USER@mail.example.org",
        )
    })?;
    let base = settings.web(settings.listen)?.base_url;
    let id = mailer
        .test(address.clone(), &base, Clock::System.now())
        .await
        .map_err(|fault| anyhow!("the mail to {} wasn't sent: {fault}", address.email))?;
    println!("{} took the mail to {} (Message-ID {id}).", mailer.server(), address.email);
    Ok(ExitCode::SUCCESS)
}
