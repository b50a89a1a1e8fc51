//! Saving rules, ending them, and taking that back. In the scope of the person who does it: the policies for
//! `grant_rules` decide again what goes through. One transaction each, all of it or nothing.

use serde_json::json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    change::{Did, all, parts},
    db,
    grants::{self, Change, GrantError},
    model::{Grant, last_day, role_label},
    plan::Outcome,
    rule_plan::RulePlan,
    rules::{self, Rule},
    tell::{News, What},
};
use crate::{
    audit::Event,
    auth::roles::Role,
    people::model::{Named, Target, end_of},
    postgres::Scoped,
};

/// What was done to rules: to be kept with the save, for the log, and for whoever's roles changed.
#[derive(Debug, Default)]
#[must_use = "its events belong in the log"]
pub struct Done {
    /// Each rule.
    pub rules: Vec<(Uuid, Did)>,
    /// For the log.
    pub events: Vec<Event>,
    /// For whoever's roles changed.
    pub news: Vec<News>,
}

/// Writes the plan.
///
/// # Errors
/// [`GrantError::Refused`] when a policy refuses or a rule changed since the plan was made.
pub async fn give(tx: &mut Scoped, me: Uuid, plan: &RulePlan) -> Result<Done, GrantError> {
    let mut done = Done::default();
    for item in &plan.items {
        let before = match item.outcome {
            Outcome::New => None,
            Outcome::Until { before, .. } => Some(before),
            Outcome::Held(_) | Outcome::Refused(_) => continue,
        };
        let person = &plan.people[item.person];
        let grant = Grant { person, role: item.role, on: plan.over.on, until: plan.until, by: Some(me) };
        let granted = grants::grant(tx, grant).await?;
        let ends_at = plan.until.map(end_of);
        let (did, what) = match (granted.change, before) {
            (Change::New, None) => (Did::Given, What::New(ends_at)),
            (Change::Until { .. }, Some(before)) => (Did::Until { before, after: ends_at }, What::Until(ends_at)),
            _ => return Err(GrantError::Refused),
        };
        done.rules.push((granted.id, did));
        done.events.extend(granted.events);
        done.news.push(News {
            person: person.id,
            role: item.role.label().to_owned(),
            license_id: plan.over.words.clone(),
            what,
        });
    }
    Ok(done)
}

/// Ends rules, each for all its License IDs.
///
/// # Errors
/// [`GrantError::LastAdministrator`] when a License ID would be left without one, [`GrantError::Refused`] when one ended
/// since or isn't the person's to end.
pub async fn end(tx: &mut Scoped, taken: &[Rule]) -> Result<Done, GrantError> {
    let mut done = Done::default();
    // Who ends his own needs his Administrator's rule for the others.
    let administrators = taken.iter().filter(|rule| rule.role == Role::Administrator.code());
    for rule in taken.iter().filter(|rule| rule.role != Role::Administrator.code()).chain(administrators) {
        let role: Role = rule.role.parse().map_err(|_| GrantError::Refused)?;
        let over = rules::over_words(&rule.covers, &rule.source);
        done.events.extend(take(tx, rule.id, &rule.holder(), role, over).await?);
        done.rules.push((rule.id, Did::Taken));
        done.news.push(News {
            person: rule.person_id,
            role: role_label(&rule.role),
            license_id: rule.place(),
            what: What::Gone,
        });
    }
    Ok(done)
}

async fn take(tx: &mut Scoped, id: Uuid, person: &Named, role: Role, over: String) -> Result<Vec<Event>, GrantError> {
    let contracts = db::contracts_of_rule(tx, id).await?;
    if role == Role::Administrator {
        // As in `change::revoke`: who takes the direct ones away meanwhile queues here.
        sqlx::query(
            "SELECT id FROM grants WHERE contract_id = ANY($1) AND role = 'administrator' AND rule_id IS NULL AND revoked_at IS NULL
             ORDER BY id FOR UPDATE",
        )
        .bind(&contracts)
        .execute(&mut **tx)
        .await?;
    }
    let now = tx.now();
    let ended = sqlx::query(
        "UPDATE grant_rules SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL AND (ends_at IS NULL OR ends_at > $2)",
    )
    .bind(id)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    all(ended.rows_affected(), 1)?;
    if role == Role::Administrator {
        let orphaned: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM unnest($1::uuid[]) AS c (id) WHERE NOT app_has_administrator(id))",
        )
        .bind(&contracts)
        .fetch_one(&mut **tx)
        .await?;
        if orphaned {
            return Err(GrantError::LastAdministrator);
        }
    }
    Ok(grants::events(person, role, Some(over), &contracts, ["grant.revoke", "grant-rule.revoke"], None))
}

/// Keeps what was done with the save, so that it can be taken back.
///
/// # Errors
/// When the database fails.
pub async fn note(tx: &mut Scoped, change: Uuid, done: &[(Uuid, Did)]) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO role_change_rules (change_id, rule_id, did, ends_before, ends_after)
         SELECT $1, rule_id, did, ends_before, ends_after
         FROM unnest($2::uuid[], $3::text[], $4::timestamptz[], $5::timestamptz[]) AS d (rule_id, did, ends_before, ends_after)",
    )
    .bind(change)
    .bind(done.iter().map(|(rule, _)| *rule).collect::<Vec<_>>())
    .bind(done.iter().map(|(_, did)| parts(did).0).collect::<Vec<_>>())
    .bind(done.iter().map(|(_, did)| parts(did).1).collect::<Vec<_>>())
    .bind(done.iter().map(|(_, did)| parts(did).2).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct Row {
    rule_id: Uuid,
    did: String,
    ends_before: Option<OffsetDateTime>,
    ends_after: Option<OffsetDateTime>,
    person_id: Uuid,
    email: String,
    name: String,
    disabled: bool,
    role: String,
    covers: String,
    organization_id: Option<Uuid>,
    agreement_id: Option<Uuid>,
    source: String,
    ends_at: Option<OffsetDateTime>,
    /// Whether it had been taken away on one License ID alone: given anew it would hold there too.
    pierced: bool,
}

/// Takes back what a save did to rules. The save itself is marked by [`super::undo`].
///
/// # Errors
/// [`GrantError::Refused`] when a rule changed since or isn't the person's any more,
/// [`GrantError::LastAdministrator`] when a License ID would be left without one.
pub async fn undo(tx: &mut Scoped, me: Uuid, change: Uuid) -> Result<Done, GrantError> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT c.rule_id, c.did, c.ends_before, c.ends_after, r.person_id, p.email, p.name, p.disabled_at IS NOT NULL AS disabled,
                r.role, grant_rule_kind(r) AS covers, r.organization_id, r.agreement_id, s.name AS source, r.ends_at,
                EXISTS (SELECT 1 FROM grants g WHERE g.rule_id = r.id AND NOT g.lapsed AND g.revoked_at < r.revoked_at) AS pierced
         FROM role_change_rules c JOIN app_reached_rules() s ON s.rule_id = c.rule_id JOIN grant_rules r ON r.id = c.rule_id
         JOIN people p ON p.id = r.person_id WHERE c.change_id = $1 ORDER BY c.did DESC, r.id",
    )
    .bind(change)
    .fetch_all(&mut **tx)
    .await?;
    let meant: i64 = sqlx::query_scalar("SELECT count(*) FROM role_change_rules WHERE change_id = $1")
        .bind(change)
        .fetch_one(&mut **tx)
        .await?;
    all(rows.len() as u64, usize::try_from(meant).unwrap_or(usize::MAX))?;
    let mut done = Done::default();
    for row in rows {
        undo_one(tx, me, &row, &mut done).await?;
    }
    Ok(done)
}

/// Taken ones first: what is given anew keeps an Administrator where another is taken back.
async fn undo_one(tx: &mut Scoped, me: Uuid, row: &Row, done: &mut Done) -> Result<(), GrantError> {
    let person = Named {
        id: row.person_id,
        email: row.email.clone(),
        name: row.name.clone(),
        disabled: row.disabled,
        added_by: None,
    };
    let role: Role = row.role.parse().map_err(|_| GrantError::Refused)?;
    let over = rules::over_words(&row.covers, &row.source);
    let (events, what) = match row.did.as_str() {
        "given" => (take(tx, row.rule_id, &person, role, over).await?, What::Gone),
        "taken" if row.pierced => return Err(GrantError::Refused),
        "taken" => {
            let (on, until) = (Target::of(row.organization_id, row.agreement_id), row.ends_at.map(last_day));
            let granted = grants::grant(tx, Grant { person: &person, role, on, until, by: Some(me) }).await?;
            if granted.change != Change::New {
                return Err(GrantError::Refused);
            }
            (granted.events, What::New(row.ends_at))
        }
        _ => {
            let changed = sqlx::query(
                "UPDATE grant_rules SET ends_at = $3 WHERE id = $1 AND revoked_at IS NULL AND ends_at IS NOT DISTINCT FROM $2",
            )
            .bind(row.rule_id)
            .bind(row.ends_after)
            .bind(row.ends_before)
            .execute(&mut **tx)
            .await?;
            all(changed.rows_affected(), 1)?;
            let contracts = db::contracts_of_rule(tx, row.rule_id).await?;
            let until = row.ends_before.map(last_day);
            let actions = ["grant.change", "grant-rule.change"];
            (grants::events(&person, role, Some(over), &contracts, actions, until), What::Until(row.ends_before))
        }
    };
    done.events.extend(events.into_iter().map(|mut event| {
        event.detail["undo"] = json!(1);
        event
    }));
    let license_id = rules::to_come(&row.covers, &row.source);
    done.news.push(News { person: row.person_id, role: role_label(&row.role), license_id, what });
    Ok(())
}
