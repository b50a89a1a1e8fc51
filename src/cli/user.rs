//! `keyward user`.

use std::{io::Read, process::ExitCode};

use anyhow::{Context, Result, anyhow, bail};
use clap::Subcommand;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::open::{self, Opened};
use crate::{
    audit::{self, Actor, Event},
    auth::password::{self, Passwords},
    config::Settings,
    people::{
        accounts::{self, add_person, set_password_hash},
        db,
        model::Named,
    },
    postgres::{Scope, Scoped},
};

/// What to do with people.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Make an account
    Add(Add),
    /// List all accounts
    List,
    /// Close an account: it can't sign in any more, and its sessions end
    Disable {
        /// Its e-mail address
        email: String,
    },
    /// Set a person's password; ends their sessions
    Password {
        /// Their e-mail address
        email: String,
        /// Read the password from the standard input
        #[arg(long, required = true)]
        password_stdin: bool,
    },
}

#[derive(clap::Args, Debug)]
struct Add {
    /// E-mail address, to sign in with
    email: String,
    /// Name, as pages and the audit log show it
    #[arg(long)]
    name: String,
    /// Looks after people, settings and imports; reads no key
    #[arg(long)]
    site_operator: bool,
    /// Reads the whole audit log; reads no key
    #[arg(long)]
    auditor: bool,
    /// Read the password from the standard input; without it nobody can sign in with the account yet
    #[arg(long)]
    password_stdin: bool,
}

/// Runs it.
///
/// # Errors
/// A sentence each: address taken, password too short, no such account.
pub async fn run(settings: &Settings, args: &Args) -> Result<ExitCode> {
    // Before anything is opened: a password that won't do shows at once.
    let password = match &args.command {
        Command::Add(add) if add.password_stdin => Some(read_password(&[&add.email, &add.name])?),
        Command::Password { email, .. } => Some(read_password(&[email])?),
        _ => None,
    };
    let hash = match password {
        Some(password) => Some(Passwords::new().hash(password).await?),
        None => None,
    };
    let opened = open::for_command(settings).await?;
    let done = match &args.command {
        Command::Add(new) => add(&opened, new, hash).await,
        Command::List => list(&opened).await,
        Command::Disable { email } => disable(&opened, email).await,
        Command::Password { email, .. } => set_password(&opened, email, &hash.unwrap_or_default()).await,
    };
    opened.close().await?;
    done.map(|()| ExitCode::SUCCESS)
}

/// The first line of the standard input.
fn read_password(about: &[&str]) -> Result<SecretString> {
    let mut text = Zeroizing::new(String::new());
    std::io::stdin().read_to_string(&mut text).context("the password can't be read from the standard input")?;
    let password = SecretString::from(text.lines().next().unwrap_or_default());
    if password.expose_secret().is_empty() {
        bail!(
            "no password came on the standard input: try  printf '%s' \"$PASSWORD\" | keyward user … --password-stdin"
        );
    }
    password::check(&password, about).map_err(|unfit| anyhow!("password: {unfit}"))?;
    Ok(password)
}

async fn record(opened: &Opened, tx: &mut Scoped, event: Event) -> Result<()> {
    let now = tx.now();
    Ok(audit::db::record(tx, &opened.linker(), now, &Actor::system("user"), event).await?)
}

/// The account behind an address.
///
/// # Errors
/// A sentence when there is none.
pub async fn named(tx: &mut Scoped, email: &str) -> Result<Named> {
    db::find_by_email(tx, email)
        .await?
        .with_context(|| format!("there is no account {email}: `keyward user list` shows them all"))
}

async fn add(opened: &Opened, new: &Add, hash: Option<String>) -> Result<()> {
    let mut tx = opened.db.begin(Scope::System).await?;
    let id = add_person(&mut tx, &new.email, &new.name, new.site_operator, new.auditor).await?;
    if let Some(hash) = &hash {
        set_password_hash(&mut tx, id, hash).await?;
    }
    record(opened, &mut tx, accounts::added(&new.email.to_lowercase(), new.site_operator, new.auditor)).await?;
    tx.commit().await?;
    println!("Made the account {}.", new.email.to_lowercase());
    if hash.is_none() {
        println!("It has no password yet: keyward user password {} --password-stdin", new.email.to_lowercase());
    }
    Ok(())
}

async fn list(opened: &Opened) -> Result<()> {
    let mut tx = opened.db.begin(Scope::System).await?;
    let people = db::list_people(&mut tx).await?;
    if people.is_empty() {
        println!("There are no accounts yet: keyward user add EMAIL --name NAME --site-operator --password-stdin");
        return Ok(());
    }
    let width = people.iter().map(|person| person.email.chars().count()).max().unwrap_or(0);
    for person in people {
        let mut notes = Vec::new();
        for (has, note) in [
            (person.site_operator, "site operator"),
            (person.auditor, "auditor"),
            (!person.has_password, "no password"),
            (person.disabled_at.is_some(), "disabled"),
        ] {
            notes.extend(has.then(|| note.to_owned()));
        }
        notes.push(match person.license_ids {
            1 => "a role on 1 License ID".to_owned(),
            n => format!("a role on {n} License IDs"),
        });
        println!("{:width$}  {}  ({})", person.email, person.name, notes.join(", "));
    }
    Ok(())
}

async fn disable(opened: &Opened, email: &str) -> Result<()> {
    let mut tx = opened.db.begin(Scope::System).await?;
    let person = named(&mut tx, email).await?;
    let done = accounts::disable(&mut tx, person.id).await?;
    if done.already {
        println!("The account {} was closed before.", person.email);
        return Ok(());
    }
    record(opened, &mut tx, accounts::disabled(&person, done.sessions)).await?;
    tx.commit().await?;
    println!("Closed the account {}; {} of its sessions ended.", person.email, done.sessions);
    if !done.without_administrator.is_empty() {
        println!(
            "Without an Administrator now: License ID {}. Appoint one: keyward grant EMAIL administrator LICENSE_ID",
            done.without_administrator.join(", ")
        );
    }
    Ok(())
}

async fn set_password(opened: &Opened, email: &str, hash: &str) -> Result<()> {
    let mut tx = opened.db.begin(Scope::System).await?;
    let person = named(&mut tx, email).await?;
    let sessions = set_password_hash(&mut tx, person.id, hash).await?;
    record(opened, &mut tx, accounts::password_set(&person, sessions)).await?;
    tx.commit().await?;
    println!("Set the password of {}; {sessions} of their sessions ended.", person.email);
    Ok(())
}
