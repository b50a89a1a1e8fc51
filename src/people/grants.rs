//! Giving roles and taking them away. One transaction each; what is returned carries the events
//! for the log, which the caller records in the same transaction.
//!
//! In a person's scope row-level security decides what goes through (an Administrator on his License
//! IDs; a site operator where there is no Administrator); in the system's scope everything does.

use std::fmt;

use serde_json::json;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::{
    db,
    model::{Grant, GrantHead, Named, Target, end_of, last_day},
};
use crate::{audit::Event, auth::roles::Role, postgres::Scoped};

/// Why a role wasn't given or taken away.
#[derive(Debug)]
pub enum GrantError {
    /// Its last day lies in the past.
    Past(Date),
    /// The account is closed.
    Disabled(String),
    /// It would leave the License ID without Administrator.
    LastAdministrator,
    /// Row-level security refuses: who asks may not, or may not any more.
    Refused,
    /// The database failed.
    Database(sqlx::Error),
}

impl fmt::Display for GrantError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Past(day) => write!(f, "{day} lies in the past: give today or a later day, or none"),
            Self::Disabled(email) => write!(f, "the account {email} is disabled: it can't take a role"),
            Self::LastAdministrator => f.write_str(
                "nobody else administers this License ID: give the role to somebody else first, then hand over",
            ),
            Self::Refused => f.write_str("you may not do this here, or not any more: open the page again"),
            Self::Database(fault) => fault.fmt(f),
        }
    }
}

impl std::error::Error for GrantError {}

impl From<sqlx::Error> for GrantError {
    fn from(fault: sqlx::Error) -> Self {
        let refused = fault.as_database_error().is_some_and(|fault| {
            // 42501, insufficient_privilege: what a policy's check answers. A rule that stands where whoever gives may not
            // look at it is in the way of his own.
            fault.code().as_deref() == Some("42501") || fault.constraint() == Some("grant_rules_once")
        });
        if refused { Self::Refused } else { Self::Database(fault) }
    }
}

/// What giving a role came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The person holds it now.
    New,
    /// The person held it; only its last day is another one.
    Until {
        /// The last day before.
        before: Option<Date>,
    },
    /// The person held just this.
    Same,
}

/// A role that was given.
#[derive(Debug)]
#[must_use = "its events belong in the log"]
pub struct Granted {
    /// The grant; for a target of many License IDs the rule.
    pub id: Uuid,
    /// What changed.
    pub change: Change,
    /// On how many License IDs it holds now.
    pub license_ids: usize,
    /// For the log; none when nothing changed.
    pub events: Vec<Event>,
}

/// A role that was taken away.
#[derive(Debug, Default)]
#[must_use = "its events belong in the log"]
pub struct Revoked {
    /// Grants that ended; 0 when the person didn't hold the role.
    pub grants: usize,
    /// How many of them were inherited: their rule goes on for its other License IDs.
    pub inherited: usize,
    /// License IDs that nobody administers now.
    pub without_administrator: Vec<String>,
    /// For the log.
    pub events: Vec<Event>,
}

/// Gives a role. Giving what is held already changes its last day, or nothing.
///
/// # Errors
/// When the last day lies in the past, the account is closed, a policy refuses, or the database fails.
pub async fn grant(tx: &mut Scoped, grant: Grant<'_>) -> Result<Granted, GrantError> {
    if let Some(day) = grant.until.filter(|day| *day < tx.today()) {
        return Err(GrantError::Past(day));
    }
    if grant.person.disabled {
        return Err(GrantError::Disabled(grant.person.email.clone()));
    }
    let (id, change) = match grant.on {
        Target::Contract(contract) => on_contract(tx, &grant, contract).await?,
        _ => by_rule(tx, &grant).await?,
    };
    let contracts = match grant.on {
        Target::Contract(contract) => vec![contract],
        _ => db::contracts_of_rule(tx, id).await?,
    };
    let (action, rule_action) = match change {
        Change::New => ("grant.add", "grant-rule.add"),
        Change::Until { .. } => ("grant.change", "grant-rule.change"),
        Change::Same => return Ok(Granted { id, change, license_ids: contracts.len(), events: Vec::new() }),
    };
    let through = through(tx, grant.on).await?;
    let events = events(grant.person, grant.role, through, &contracts, [action, rule_action], grant.until);
    Ok(Granted { id, change, license_ids: contracts.len(), events })
}

async fn on_contract(tx: &mut Scoped, grant: &Grant<'_>, contract: Uuid) -> Result<(Uuid, Change), GrantError> {
    let ends_at = grant.until.map(end_of);
    let now = tx.now();
    let id = Uuid::now_v7();
    // Whoever gives the same role at the same moment waits here, and then finds it given.
    let made = sqlx::query(
        "INSERT INTO grants (id, person_id, role, contract_id, granted_by, granted_at, ends_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
    )
    .bind(id)
    .bind(grant.person.id)
    .bind(grant.role.code())
    .bind(contract)
    .bind(grant.by)
    .bind(now)
    .bind(ends_at)
    .execute(&mut **tx)
    .await?;
    if made.rows_affected() == 1 {
        return Ok((id, Change::New));
    }
    let (id, before): (Uuid, Option<OffsetDateTime>) = sqlx::query_as(
        "SELECT id, ends_at FROM grants
         WHERE person_id = $1 AND role = $2 AND contract_id = $3 AND rule_id IS NULL AND revoked_at IS NULL FOR UPDATE",
    )
    .bind(grant.person.id)
    .bind(grant.role.code())
    .bind(contract)
    .fetch_optional(&mut **tx)
    .await?
    .ok_or(GrantError::Refused)?;
    if before == ends_at {
        return Ok((id, Change::Same));
    }
    sqlx::query("UPDATE grants SET ends_at = $2 WHERE id = $1").bind(id).bind(ends_at).execute(&mut **tx).await?;
    Ok((id, Change::Until { before: before.map(last_day) }))
}

const SAME_RULE: &str = "person_id = $1 AND role = $2 AND covers = $3 AND organization_id IS NOT DISTINCT FROM $4
    AND agreement_id IS NOT DISTINCT FROM $5 AND revoked_at IS NULL";

async fn by_rule(tx: &mut Scoped, grant: &Grant<'_>) -> Result<(Uuid, Change), GrantError> {
    let (covers, organization, agreement) = grant.on.covers();
    let ends_at = grant.until.map(end_of);
    let now = tx.now();
    let standing: Option<(Uuid, Option<OffsetDateTime>)> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "SELECT id, ends_at FROM grant_rules WHERE {SAME_RULE} FOR UPDATE"
    )))
    .bind(grant.person.id)
    .bind(grant.role.code())
    .bind(covers)
    .bind(organization)
    .bind(agreement)
    .fetch_optional(&mut **tx)
    .await?;
    match standing {
        Some((id, before)) if before == ends_at => return Ok((id, Change::Same)),
        Some((id, before)) if before.is_none_or(|end| end > now) => {
            sqlx::query("UPDATE grant_rules SET ends_at = $2 WHERE id = $1")
                .bind(id)
                .bind(ends_at)
                .execute(&mut **tx)
                .await?;
            return Ok((id, Change::Until { before: before.map(last_day) }));
        }
        // One that ended by itself makes room.
        Some((id, _)) => {
            sqlx::query("UPDATE grant_rules SET revoked_at = ends_at WHERE id = $1")
                .bind(id)
                .execute(&mut **tx)
                .await?;
        }
        None => {}
    }
    let id = Uuid::now_v7();
    sqlx::query(
        "INSERT INTO grant_rules (id, person_id, role, covers, organization_id, agreement_id, granted_by, granted_at, ends_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(id)
    .bind(grant.person.id)
    .bind(grant.role.code())
    .bind(covers)
    .bind(organization)
    .bind(agreement)
    .bind(grant.by)
    .bind(now)
    .bind(ends_at)
    .execute(&mut **tx)
    .await?;
    Ok((id, Change::New))
}

/// Takes a role on one License ID away, given there or inherited. A rule that it was inherited from
/// stays for its other License IDs, and doesn't give it back on this one.
///
/// # Errors
/// When the database fails.
pub async fn revoke(
    tx: &mut Scoped,
    person: &Named,
    role: Role,
    contract: Uuid,
    by: Option<Uuid>,
) -> Result<Revoked, GrantError> {
    let now = tx.now();
    let ended: Vec<Option<Uuid>> = sqlx::query_scalar(
        "UPDATE grants SET revoked_at = $4, revoked_by = $5
         WHERE person_id = $1 AND role = $2 AND contract_id = $3 AND revoked_at IS NULL AND (ends_at IS NULL OR ends_at > $4)
         RETURNING rule_id",
    )
    .bind(person.id)
    .bind(role.code())
    .bind(contract)
    .bind(now)
    .bind(by)
    .fetch_all(&mut **tx)
    .await?;
    if ended.is_empty() {
        return Ok(Revoked::default());
    }
    Ok(Revoked {
        grants: ended.len(),
        inherited: ended.iter().flatten().count(),
        without_administrator: orphans(tx, role, &[contract]).await?,
        events: events(person, role, None, &[contract], ["grant.revoke", ""], None),
    })
}

/// Takes away a role on many License IDs, at its source.
///
/// # Errors
/// When the database fails.
pub async fn revoke_rule(tx: &mut Scoped, person: &Named, role: Role, on: Target) -> Result<Revoked, GrantError> {
    if let Target::Contract(contract) = on {
        return revoke(tx, person, role, contract, None).await;
    }
    let (covers, organization, agreement) = on.covers();
    let rule: Option<Uuid> =
        sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT id FROM grant_rules WHERE {SAME_RULE} FOR UPDATE")))
            .bind(person.id)
            .bind(role.code())
            .bind(covers)
            .bind(organization)
            .bind(agreement)
            .fetch_optional(&mut **tx)
            .await?;
    let Some(rule) = rule else { return Ok(Revoked::default()) };
    let contracts = db::contracts_of_rule(tx, rule).await?;
    let now = tx.now();
    sqlx::query("UPDATE grant_rules SET revoked_at = $2 WHERE id = $1").bind(rule).bind(now).execute(&mut **tx).await?;
    Ok(Revoked {
        // A rule that covers nothing yet was there too.
        grants: contracts.len().max(1),
        inherited: contracts.len(),
        without_administrator: orphans(tx, role, &contracts).await?,
        events: events(person, role, through(tx, on).await?, &contracts, ["grant.revoke", "grant-rule.revoke"], None),
    })
}

/// Takes one grant away that was given on its License ID, as the page does; never the last
/// Administrator's.
///
/// # Errors
/// When it is the last Administrator's, when a policy refuses, or when the database fails.
pub async fn revoke_one(tx: &mut Scoped, grant: &GrantHead, by: Uuid) -> Result<Revoked, GrantError> {
    let administrator = grant.role == Role::Administrator.code();
    if administrator {
        // Two Administrators who revoke each other queue here, so that the second finds himself the last.
        sqlx::query(
            "SELECT id FROM grants WHERE contract_id = $1 AND role = 'administrator' AND rule_id IS NULL AND revoked_at IS NULL
             ORDER BY id FOR UPDATE",
        )
        .bind(grant.contract_id)
        .execute(&mut **tx)
        .await?;
    }
    let now = tx.now();
    let ended = sqlx::query("UPDATE grants SET revoked_at = $2, revoked_by = $3 WHERE id = $1 AND revoked_at IS NULL AND (ends_at IS NULL OR ends_at > $2)")
        .bind(grant.id)
        .bind(now)
        .bind(by)
        .execute(&mut **tx)
        .await?;
    if ended.rows_affected() == 0 {
        return Ok(Revoked::default());
    }
    if administrator && !db::has_administrator(tx, grant.contract_id).await? {
        return Err(GrantError::LastAdministrator);
    }
    let event = Event::done("grant.revoke", format!("{}: {}", grant.email, grant.role_label()))
        .on(grant.contract_id)
        .with(json!({ "role": grant.role }));
    Ok(Revoked { grants: 1, events: vec![event], ..Revoked::default() })
}

async fn orphans(tx: &mut Scoped, role: Role, contracts: &[Uuid]) -> sqlx::Result<Vec<String>> {
    if role == Role::Administrator { db::without_administrator_among(tx, contracts).await } else { Ok(Vec::new()) }
}

/// What a rule is over, in words; none for one License ID.
async fn through(tx: &mut Scoped, on: Target) -> sqlx::Result<Option<String>> {
    if matches!(on, Target::Contract(_)) { Ok(None) } else { db::target_words(tx, on).await.map(Some) }
}

/// One event on the chain of each License ID, and for a rule (`through` says what it is over) one on the site's.
pub(super) fn events(
    person: &Named,
    role: Role,
    through: Option<String>,
    contracts: &[Uuid],
    [action, rule_action]: [&'static str; 2],
    until: Option<Date>,
) -> Vec<Event> {
    let subject = format!("{}: {}", person.email, role.label());
    let mut detail = json!({ "role": role.code() });
    if let Some(day) = until {
        detail["until"] = json!(day.to_string());
    }
    let mut events = Vec::with_capacity(contracts.len() + 1);
    if let Some(through) = through {
        detail["through"] = json!(through);
        let detail = {
            let mut detail = detail.clone();
            detail["license_ids"] = json!(contracts.len());
            detail
        };
        events.push(Event::done(rule_action, format!("{subject} on {through}")).with(detail));
    }
    events.extend(
        contracts.iter().map(|contract| Event::done(action, subject.clone()).on(*contract).with(detail.clone())),
    );
    events
}
