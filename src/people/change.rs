//! Saving what a [`Plan`] says ([`super::undo`] takes it back). One transaction, in the scope of the person who
//! does it: the policies for grants decide again what goes through.

use serde_json::json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    grants::GrantError,
    model::{last_day, role_label},
    plan::{Outcome, Plan},
    rule_change,
    rule_plan::RulePlan,
    rules::Rule,
    tell::{News, What},
};
use crate::{audit::Event, auth::roles::Role, postgres::Scoped};

/// By which way roles were changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Given, by the form or the wizard.
    Give,
    /// Taken away.
    Take,
    /// One person's roles given to another.
    Copy,
    /// The same, and taken from the first.
    HandOver,
}

impl Kind {
    const fn code(self) -> &'static str {
        match self {
            Self::Give => "give",
            Self::Take => "take",
            Self::Copy => "copy",
            Self::HandOver => "hand-over",
        }
    }
}

/// A grant to be taken away.
#[derive(Clone, Debug)]
pub struct Taken {
    /// The grant.
    pub id: Uuid,
    /// Whose.
    pub person: Uuid,
    /// Its License ID's row.
    pub contract_id: Uuid,
    /// Its License ID.
    pub license_id: String,
    /// The role's code.
    pub role: String,
}

/// What is done besides giving: whose grants are taken away, or whom they were copied from.
#[derive(Clone, Debug, Default)]
pub struct From {
    /// Their address; for the log.
    pub email: String,
    /// What is taken from them.
    pub taken: Vec<Taken>,
    /// Rules that are given.
    pub rules: Vec<RulePlan>,
    /// Rules that end.
    pub ended: Vec<Rule>,
}

/// A save.
#[derive(Debug)]
#[must_use = "its events belong in the log"]
pub struct Saved {
    /// What can be taken back.
    pub id: Uuid,
    /// For the log.
    pub events: Vec<Event>,
    /// For whoever's roles changed ([`super::tell`]).
    pub news: Vec<News>,
}

/// What was done to one grant.
#[derive(Clone, Copy, Debug)]
pub enum Did {
    /// It was made.
    Given,
    /// Its end became another one.
    Until {
        /// The end before.
        before: Option<OffsetDateTime>,
        /// The end now.
        after: Option<OffsetDateTime>,
    },
    /// It was taken away.
    Taken,
}

/// Writes the plan, and takes away what is to be taken; either all of it or nothing. `words` say what was done.
///
/// # Errors
/// [`GrantError::Refused`] when a policy refuses or a grant changed since the plan was made,
/// [`GrantError::LastAdministrator`] when a License ID would be left without one.
pub async fn save(
    tx: &mut Scoped,
    me: Uuid,
    kind: Kind,
    plan: &Plan,
    from: &From,
    words: &str,
) -> Result<Saved, GrantError> {
    let mut done = give(tx, me, plan).await?;
    done.extend(extend(tx, plan).await?);
    let mut rules = Vec::new();
    for rule in &from.rules {
        rules.push(rule_change::give(tx, me, rule).await?);
    }
    if !from.taken.is_empty() {
        done.extend(take(tx, me, &from.taken).await?);
    }
    rules.push(rule_change::end(tx, &from.ended).await?);
    let id = note(tx, me, kind, words, &done).await?;
    let (mut events, mut news) = (events(plan, kind, from), news(plan, from));
    for rule in rules {
        rule_change::note(tx, id, &rule.rules).await?;
        events.extend(rule.events);
        news.extend(rule.news);
    }
    Ok(Saved { id, events, news })
}

/// Keeps what was done, so that it can be taken back.
///
/// # Errors
/// When the database fails.
pub async fn note(tx: &mut Scoped, me: Uuid, kind: Kind, words: &str, done: &[(Uuid, Did)]) -> sqlx::Result<Uuid> {
    let id = Uuid::now_v7();
    let now = tx.now();
    sqlx::query("INSERT INTO role_changes (id, kind, by_person, made_at, words) VALUES ($1, $2, $3, $4, $5)")
        .bind(id)
        .bind(kind.code())
        .bind(me)
        .bind(now)
        .bind(words)
        .execute(&mut **tx)
        .await?;
    sqlx::query(
        "INSERT INTO role_change_grants (change_id, grant_id, did, ends_before, ends_after)
         SELECT $1, grant_id, did, ends_before, ends_after
         FROM unnest($2::uuid[], $3::text[], $4::timestamptz[], $5::timestamptz[]) AS d (grant_id, did, ends_before, ends_after)",
    )
    .bind(id)
    .bind(done.iter().map(|(grant, _)| *grant).collect::<Vec<_>>())
    .bind(done.iter().map(|(_, did)| parts(did).0).collect::<Vec<_>>())
    .bind(done.iter().map(|(_, did)| parts(did).1).collect::<Vec<_>>())
    .bind(done.iter().map(|(_, did)| parts(did).2).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    Ok(id)
}

/// As `role_change_grants` has it: what, the end before, the end after.
pub(super) fn parts(did: &Did) -> (&'static str, Option<OffsetDateTime>, Option<OffsetDateTime>) {
    match *did {
        Did::Given => ("given", None, None),
        Did::Until { before, after } => ("until", before, after),
        Did::Taken => ("taken", None, None),
    }
}

/// A grant to be made.
pub(super) struct Made<'a> {
    pub(super) id: Uuid,
    pub(super) person: Uuid,
    pub(super) role: &'a str,
    pub(super) contract: Uuid,
    pub(super) ends_at: Option<OffsetDateTime>,
}

pub(super) async fn make(tx: &mut Scoped, me: Uuid, grants: &[Made<'_>]) -> Result<(), GrantError> {
    let now = tx.now();
    let made = sqlx::query(
        "INSERT INTO grants (id, person_id, role, contract_id, granted_by, granted_at, ends_at)
         SELECT id, person_id, role, contract_id, $5, $6, ends_at
         FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $7::timestamptz[]) AS n (id, person_id, role, contract_id, ends_at)
         ON CONFLICT DO NOTHING",
    )
    .bind(grants.iter().map(|grant| grant.id).collect::<Vec<_>>())
    .bind(grants.iter().map(|grant| grant.person).collect::<Vec<_>>())
    .bind(grants.iter().map(|grant| grant.role).collect::<Vec<_>>())
    .bind(grants.iter().map(|grant| grant.contract).collect::<Vec<_>>())
    .bind(me)
    .bind(now)
    .bind(grants.iter().map(|grant| grant.ends_at).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    all(made.rows_affected(), grants.len())
}

async fn give(tx: &mut Scoped, me: Uuid, plan: &Plan) -> Result<Vec<(Uuid, Did)>, GrantError> {
    let new = plan.items.iter().filter(|item| item.outcome == Outcome::New).map(|item| item.wish);
    let made: Vec<Made<'_>> = new
        .map(|wish| Made {
            id: Uuid::now_v7(),
            person: plan.people[wish.person].id,
            role: wish.role.code(),
            contract: plan.places[wish.place].contract_id,
            ends_at: wish.ends_at,
        })
        .collect();
    make(tx, me, &made).await?;
    Ok(made.into_iter().map(|grant| (grant.id, Did::Given)).collect())
}

async fn extend(tx: &mut Scoped, plan: &Plan) -> Result<Vec<(Uuid, Did)>, GrantError> {
    let mut done = Vec::new();
    for item in &plan.items {
        if let Outcome::Until { grant, before } = item.outcome {
            done.push((grant, Did::Until { before, after: item.wish.ends_at }));
        }
    }
    let ends = done.iter().map(|(id, did)| match *did {
        Did::Until { before, after } => (*id, before, after),
        Did::Given | Did::Taken => (*id, None, None),
    });
    set_ends(tx, ends.collect()).await?;
    Ok(done)
}

/// Gives grants another end, each only while it has the one named first.
pub(super) async fn set_ends(
    tx: &mut Scoped,
    ends: Vec<(Uuid, Option<OffsetDateTime>, Option<OffsetDateTime>)>,
) -> Result<(), GrantError> {
    let changed = sqlx::query(
        "UPDATE grants g SET ends_at = n.ends_at FROM unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[]) AS n (id, before, ends_at)
         WHERE g.id = n.id AND g.revoked_at IS NULL AND g.ends_at IS NOT DISTINCT FROM n.before",
    )
    .bind(ends.iter().map(|(id, ..)| *id).collect::<Vec<_>>())
    .bind(ends.iter().map(|(_, before, _)| *before).collect::<Vec<_>>())
    .bind(ends.iter().map(|(.., after)| *after).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    all(changed.rows_affected(), ends.len())
}

async fn take(tx: &mut Scoped, me: Uuid, taken: &[Taken]) -> Result<Vec<(Uuid, Did)>, GrantError> {
    let ids: Vec<Uuid> = taken.iter().map(|one| one.id).collect();
    let administered = administered(taken);
    revoke(tx, me, &ids, &administered).await?;
    Ok(ids.into_iter().map(|id| (id, Did::Taken)).collect())
}

fn administered(taken: &[Taken]) -> Vec<Uuid> {
    let administrators = taken.iter().filter(|one| one.role == Role::Administrator.code());
    administrators.map(|one| one.contract_id).collect()
}

/// Takes grants away, all of them or none; `administered` are the License IDs on which one of them is an Administrator's.
pub(super) async fn revoke(
    tx: &mut Scoped,
    me: Uuid,
    grants: &[Uuid],
    administered: &[Uuid],
) -> Result<(), GrantError> {
    // As in `revoke_one`: two who take each other away queue here.
    sqlx::query(
        "SELECT id FROM grants WHERE contract_id = ANY($1) AND role = 'administrator' AND rule_id IS NULL AND revoked_at IS NULL
         ORDER BY id FOR UPDATE",
    )
    .bind(administered)
    .execute(&mut **tx)
    .await?;
    let now = tx.now();
    let ended = sqlx::query(
        "UPDATE grants SET revoked_at = $2, revoked_by = $3
         WHERE id = ANY($1) AND revoked_at IS NULL AND (ends_at IS NULL OR ends_at > $2)",
    )
    .bind(grants)
    .bind(now)
    .bind(me)
    .execute(&mut **tx)
    .await?;
    all(ended.rows_affected(), grants.len())?;
    let orphaned: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM unnest($1::uuid[]) AS c (id) WHERE NOT app_has_administrator(id))",
    )
    .bind(administered)
    .fetch_one(&mut **tx)
    .await?;
    if orphaned { Err(GrantError::LastAdministrator) } else { Ok(()) }
}

/// Fewer rows than were meant: somebody was faster, or a policy hid some.
pub(super) fn all(rows: u64, meant: usize) -> Result<(), GrantError> {
    if usize::try_from(rows) == Ok(meant) { Ok(()) } else { Err(GrantError::Refused) }
}

/// One event a grant, on its License ID's chain.
fn events(plan: &Plan, kind: Kind, from: &From) -> Vec<Event> {
    let mut events = Vec::new();
    for item in &plan.items {
        let action = match item.outcome {
            Outcome::New => "grant.add",
            Outcome::Until { .. } => "grant.change",
            Outcome::Held(_) | Outcome::Refused(_) => continue,
        };
        let wish = item.wish;
        let mut detail = json!({ "role": wish.role.code() });
        if let Some(end) = wish.ends_at {
            detail["until"] = json!(last_day(end).to_string());
        }
        if matches!(kind, Kind::Copy | Kind::HandOver) {
            detail["from"] = json!(from.email);
        }
        let subject = format!("{}: {}", plan.people[wish.person].email, wish.role.label());
        events.push(Event::done(action, subject).on(plan.places[wish.place].contract_id).with(detail));
    }
    events.extend(from.taken.iter().map(|one| {
        let mut detail = json!({ "role": one.role });
        if let Some(person) = plan.people.first() {
            detail["to"] = json!(person.email);
        }
        let subject = format!("{}: {}", from.email, role_label(&one.role));
        Event::done("grant.revoke", subject).on(one.contract_id).with(detail)
    }));
    events
}

/// What each person is told.
fn news(plan: &Plan, from: &From) -> Vec<News> {
    let given = plan.items.iter().filter_map(|item| {
        let what = match item.outcome {
            Outcome::New => What::New(item.wish.ends_at),
            Outcome::Until { .. } => What::Until(item.wish.ends_at),
            Outcome::Held(_) | Outcome::Refused(_) => return None,
        };
        Some(News {
            person: plan.people[item.wish.person].id,
            role: item.wish.role.label().to_owned(),
            license_id: plan.places[item.wish.place].license_id.clone(),
            what,
        })
    });
    let taken = from.taken.iter().map(|one| News {
        person: one.person,
        role: role_label(&one.role),
        license_id: one.license_id.clone(),
        what: What::Gone,
    });
    given.chain(taken).collect()
}
