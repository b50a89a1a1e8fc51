//! Accounts: made, closed and given a password. System scope: the command line does this, and a site operator's page
//! (`hand::accounts`), which asks for the right first.

use std::fmt;

use serde_json::json;
use uuid::Uuid;

use super::{db, model::Named};
use crate::{
    audit::Event,
    auth::{self, session},
    postgres::Scoped,
};

/// Longest address, in bytes, and longest name, in characters.
const LONGEST: usize = 254;

/// Why an account wasn't made; each is a sentence for whoever asked.
#[derive(Debug)]
pub enum AddError {
    /// This isn't an email address.
    Malformed(String),
    /// There is an account with this address.
    Taken(String),
    /// The name is empty or far too long.
    Name,
    /// The database failed.
    Database(sqlx::Error),
}

impl fmt::Display for AddError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(email) => {
                write!(f, "“{email}” isn't an email address: write it as name@example.org, without spaces")
            }
            Self::Taken(email) => {
                write!(f, "there is an account {email} already: look it up among the accounts, or give another address")
            }
            Self::Name => write!(f, "a name is needed, of at most {LONGEST} characters"),
            Self::Database(fault) => fault.fmt(f),
        }
    }
}

impl std::error::Error for AddError {}

impl From<sqlx::Error> for AddError {
    fn from(fault: sqlx::Error) -> Self {
        Self::Database(fault)
    }
}

/// An e-mail address as it is kept, in lower case; `None` for what can't be one. Loose: something,
/// one `@`, a host; whether mail arrives there only mail can tell.
pub fn address(text: &str) -> Option<String> {
    let text = text.trim();
    let (name, host) = text.split_once('@')?;
    let odd = |c: char| c.is_whitespace() || c.is_control() || "<>(),;:\"\\".contains(c);
    let fits = !name.is_empty()
        && !host.is_empty()
        && !host.contains('@')
        && !host.starts_with('.')
        && !host.ends_with('.')
        && text.len() <= LONGEST
        && !text.contains(odd);
    fits.then(|| text.to_lowercase())
}

/// Makes an account, without a password yet.
///
/// # Errors
/// When the address or the name can't be used, or the address has an account.
pub async fn add_person(
    tx: &mut Scoped,
    email: &str,
    name: &str,
    site_operator: bool,
    auditor: bool,
) -> Result<Uuid, AddError> {
    let kept = address(email).ok_or_else(|| AddError::Malformed(email.to_owned()))?;
    let name = name.trim();
    if name.is_empty() || name.chars().count() > LONGEST || name.contains(char::is_control) {
        return Err(AddError::Name);
    }
    let id = Uuid::now_v7();
    let now = tx.now();
    let made = sqlx::query(
        "INSERT INTO people (id, email, name, site_operator, auditor, created_at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (email) DO NOTHING",
    )
    .bind(id)
    .bind(&kept)
    .bind(name)
    .bind(site_operator)
    .bind(auditor)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    if made.rows_affected() == 0 { Err(AddError::Taken(kept)) } else { Ok(id) }
}

/// Sets a password and ends the person's sessions: whoever sets it from outside does so because the
/// old one, or a session, is in wrong hands. How many sessions ended.
///
/// # Errors
/// When the database fails.
pub async fn set_password_hash(tx: &mut Scoped, person: Uuid, hash: &str) -> sqlx::Result<u64> {
    auth::db::set_password(tx, person, hash).await?;
    let now = tx.now();
    session::end_others(tx, person, None, now).await
}

/// What came of closing an account.
#[derive(Debug, Default)]
pub struct Disabled {
    /// Whether it was closed before.
    pub already: bool,
    /// How many sessions ended.
    pub sessions: u64,
    /// License IDs that nobody administers now; a site operator appoints somebody there.
    pub without_administrator: Vec<String>,
}

/// Closes an account and ends its sessions. Its grants stay as they are: they show what was held.
///
/// # Errors
/// When the database fails.
pub async fn disable(tx: &mut Scoped, person: Uuid) -> sqlx::Result<Disabled> {
    let now = tx.now();
    let closed = sqlx::query("UPDATE people SET disabled_at = $2 WHERE id = $1 AND disabled_at IS NULL")
        .bind(person)
        .bind(now)
        .execute(&mut **tx)
        .await?;
    let sessions = session::end_others(tx, person, None, now).await?;
    let already = closed.rows_affected() == 0;
    let without_administrator = if already { Vec::new() } else { db::orphaned_by(tx, person).await? };
    Ok(Disabled { already, sessions, without_administrator })
}

/// For the log: an account was made.
pub fn added(email: &str, site_operator: bool, auditor: bool) -> Event {
    Event::done("person.add", email)
        .with(json!({ "site_operator": i32::from(site_operator), "auditor": i32::from(auditor) }))
}

/// For the log: a password was set from outside.
pub fn password_set(person: &Named, sessions: u64) -> Event {
    Event::done("person.password", person.email.clone()).with(json!({ "sessions_ended": sessions }))
}

/// For the log: an account was closed.
pub fn disabled(person: &Named, sessions: u64) -> Event {
    Event::done("person.disable", person.email.clone()).with(json!({ "sessions_ended": sessions }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_kept_in_lower_case_and_odd_ones_are_refused() {
        assert_eq!(address(" Mara@Northwind.Example ").as_deref(), Some("mara@northwind.example"));
        for text in ["", "mara", "@x", "mara@", "a@b@c", "a b@c", "<a@b>", "a@.b", "a@b.", &"x".repeat(300)] {
            assert_eq!(address(text), None, "{text}");
        }
    }
}
