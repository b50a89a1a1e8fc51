//! `keyward grant` and `keyward revoke`.

use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, bail};
use time::{Date, macros::format_description};

use super::{
    open::{self, Opened},
    user::named,
};
use crate::{
    audit::{self, Actor, Event},
    auth::roles::Role,
    config::Settings,
    people::{
        db,
        grants::{self, Change},
        model::{Grant, Target},
    },
    postgres::{Scope, Scoped},
};

/// Who, which role, where, until when.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    held: Held,
    /// The last day it holds, e.g. 2026-12-31; then it ends by itself
    #[arg(long, value_parser = day, value_name = "DATE")]
    until: Option<Date>,
}

/// Who, which role, where.
#[derive(clap::Args, Debug)]
pub struct RevokeArgs {
    #[command(flatten)]
    held: Held,
}

#[derive(clap::Args, Debug)]
#[group(skip)]
struct Held {
    /// The person's e-mail address
    email: String,
    /// administrator, product-keys-reader, license-position-reader or product-download-manager
    #[arg(value_parser = |text: &str| text.parse::<Role>())]
    role: Role,
    /// One License ID
    #[arg(required_unless_present_any = ["organization", "agreement", "all"], conflicts_with_all = ["organization", "agreement", "all"])]
    license_id: Option<String>,
    /// All License IDs of an organisation and of those below it, those to come included
    #[arg(long, value_name = "NAME", conflicts_with_all = ["agreement", "all"])]
    organization: Option<String>,
    /// All License IDs under a parent agreement or MBSA, those to come included (inheritance)
    #[arg(long, value_name = "NUMBER", conflicts_with = "all")]
    agreement: Option<String>,
    /// All License IDs, those to come included
    #[arg(long)]
    all: bool,
}

fn day(text: &str) -> Result<Date, String> {
    Date::parse(text, format_description!("[year]-[month]-[day]"))
        .map_err(|_| "write a date such as 2026-12-31".to_owned())
}

async fn target(tx: &mut Scoped, held: &Held) -> Result<Target> {
    let unknown = |what: &str, name: &str| {
        anyhow!("there is no {what} “{name}”: check it with `keyward export contracts --format csv`")
    };
    if let Some(license_id) = &held.license_id {
        let id = db::contract_id(tx, license_id).await?;
        return id.map(Target::Contract).ok_or_else(|| unknown("License ID", license_id));
    }
    if let Some(name) = &held.organization {
        let id = db::organization_id(tx, name).await?;
        return id.map(Target::Organization).ok_or_else(|| unknown("organisation", name));
    }
    if let Some(number) = &held.agreement {
        let id = db::agreement_id(tx, number).await?;
        return id.map(Target::Agreement).ok_or_else(|| unknown("parent agreement", number));
    }
    Ok(Target::All)
}

async fn record(opened: &Opened, tx: &mut Scoped, command: &str, events: Vec<Event>) -> Result<()> {
    let now = tx.now();
    Ok(audit::db::record_all(tx, &opened.linker(), now, &Actor::system(command), events).await?)
}

/// Gives a role.
///
/// # Errors
/// A sentence each: no such person, License ID, organisation or agreement; a date that has passed.
pub async fn run(settings: &Settings, args: &Args) -> Result<ExitCode> {
    let opened = open::for_command(settings).await?;
    let done = give(&opened, args).await;
    opened.close().await?;
    done.map(|()| ExitCode::SUCCESS)
}

async fn give(opened: &Opened, args: &Args) -> Result<()> {
    let mut tx = opened.db.begin(Scope::System).await?;
    let person = named(&mut tx, &args.held.email).await?;
    let on = target(&mut tx, &args.held).await?;
    let role = args.held.role;
    let granted = grants::grant(&mut tx, Grant { person: &person, role, on, until: args.until, by: None })
        .await
        .map_err(|fault| anyhow!("{fault}"))?;
    let place = db::target_words(&mut tx, on).await?;
    record(opened, &mut tx, "grant", granted.events).await?;
    tx.commit().await?;
    let until = args.until.map(|day| format!(" until {day}")).unwrap_or_default();
    match granted.change {
        Change::New => println!("{} is {role} on {place}{until}.", person.email),
        Change::Until { .. } => println!(
            "{} is {role} on {place} as before, now {}.",
            person.email,
            if until.is_empty() { "without an end" } else { until.trim() }
        ),
        Change::Same => println!("{} is {role} on {place} already{until}.", person.email),
    }
    if !matches!(on, Target::Contract(_)) {
        println!("That is {} License IDs now; those to come are included.", granted.license_ids);
    }
    Ok(())
}

/// Takes a role away.
///
/// # Errors
/// A sentence each, as [`run`]; and when the person doesn't hold the role there.
pub async fn revoke(settings: &Settings, args: &RevokeArgs) -> Result<ExitCode> {
    let opened = open::for_command(settings).await?;
    let done = take(&opened, &args.held).await;
    opened.close().await?;
    done.map(|()| ExitCode::SUCCESS)
}

async fn take(opened: &Opened, held: &Held) -> Result<()> {
    let mut tx = opened.db.begin(Scope::System).await?;
    let person = named(&mut tx, &held.email).await?;
    let on = target(&mut tx, held).await?;
    let place = db::target_words(&mut tx, on).await?;
    let revoked = grants::revoke_rule(&mut tx, &person, held.role, on).await.map_err(|fault| anyhow!("{fault}"))?;
    if revoked.grants == 0 && revoked.events.is_empty() {
        bail!("{} isn't {} on {place}: there is nothing to take away", person.email, held.role);
    }
    record(opened, &mut tx, "revoke", revoked.events).await?;
    tx.commit().await.context("the role couldn't be taken away")?;
    println!("{} is no longer {} on {place}.", person.email, held.role);
    if revoked.inherited > 0 {
        println!("It came from a wider grant, which goes on for its other License IDs.");
    }
    if !revoked.without_administrator.is_empty() {
        println!("Without an Administrator now: License ID {}.", revoked.without_administrator.join(", "));
    }
    Ok(())
}
