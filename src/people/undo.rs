//! `POST /people/changes/{change}/undo`: takes back what one has just saved. In the scope of the person who does it:
//! the policies for grants decide again what goes through.

use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use serde_json::json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    change::{Made, Saved, all, make, revoke, set_ends},
    db,
    grants::GrantError,
    model::{last_day, role_label},
    rule_change,
    saved::UNDO_FOR,
    tell::{News, What, tell},
};
use crate::{
    app::AppState,
    audit::Event,
    auth::{proof::OnRoleChange, roles::Role},
    error::{Error, Result},
    postgres::Scoped,
};

/// Takes it back, all of it or nothing.
///
/// # Errors
/// [`Error::Conflict`] when it is too late, was done already, or the roles have changed since.
pub async fn post(change: OnRoleChange, State(state): State<AppState>) -> Result<Response> {
    let mut tx = change.begin(&state).await?;
    let undone = match undo(&mut tx, change.person().id, change.change.id).await {
        Ok(undone) => undone,
        Err(GrantError::Database(fault)) => return Err(fault.into()),
        Err(GrantError::LastAdministrator) => {
            return Err(Error::Conflict(
                "Taking this back would leave a License ID without Administrator, so nothing was changed. Name another one first."
                    .to_owned(),
            ));
        }
        Err(_) => {
            return Err(Error::Conflict(format!(
                "This can’t be taken back any more: it was taken back already, more than {} minutes have passed, or the roles have changed since. Nothing was changed. Look at the list, and change there what is to be changed.",
                UNDO_FOR.whole_minutes()
            )));
        }
    };
    tell(&mut tx, change.person(), undone.id, "undone", &undone.news).await?;
    change.visitor().record_all(&state, &mut tx, undone.events).await?;
    let stays = change.person().site_operator || db::manages_any(&mut tx).await?;
    tx.commit().await?;
    let next = if stays { format!("/people?notice=undone&change={}", change.change.id) } else { "/".to_owned() };
    Ok(Redirect::to(&next).into_response())
}

#[derive(sqlx::FromRow)]
struct Row {
    grant_id: Uuid,
    did: String,
    ends_before: Option<OffsetDateTime>,
    ends_after: Option<OffsetDateTime>,
    contract_id: Uuid,
    person_id: Uuid,
    role: String,
    ends_at: Option<OffsetDateTime>,
    email: String,
    license_id: String,
}

/// Takes a save back: what was given is taken away, what was taken is given again, ends are as before. All or nothing.
///
/// # Errors
/// [`GrantError::Refused`] when it is too late, was taken back already, or a grant changed since;
/// [`GrantError::LastAdministrator`] when a License ID would be left without one.
pub async fn undo(tx: &mut Scoped, me: Uuid, id: Uuid) -> Result<Saved, GrantError> {
    let now = tx.now();
    // Whoever sends it twice waits here, and then finds it taken back.
    let marked = sqlx::query("UPDATE role_changes SET undone_at = $2 WHERE id = $1 AND by_person = $3 AND undone_at IS NULL AND made_at > $4")
        .bind(id)
        .bind(now)
        .bind(me)
        .bind(now - UNDO_FOR)
        .execute(&mut **tx)
        .await?;
    all(marked.rows_affected(), 1)?;
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT r.grant_id, r.did, r.ends_before, r.ends_after, g.contract_id, g.person_id, g.role, g.ends_at, p.email, m.license_id
         FROM role_change_grants r JOIN grants g ON g.id = r.grant_id JOIN people p ON p.id = g.person_id
         JOIN app_managed() m ON m.contract_id = g.contract_id
         WHERE r.change_id = $1 AND g.contract_id IN (SELECT app_administered()) ORDER BY g.id",
    )
    .bind(id)
    .fetch_all(&mut **tx)
    .await?;
    let meant: i64 = sqlx::query_scalar("SELECT count(*) FROM role_change_grants WHERE change_id = $1")
        .bind(id)
        .fetch_one(&mut **tx)
        .await?;
    all(rows.len() as u64, usize::try_from(meant).unwrap_or(usize::MAX))?;
    let of = |did: &'static str| rows.iter().filter(move |row| row.did == did);
    let again: Vec<Made<'_>> = of("taken")
        .map(|row| Made {
            id: Uuid::now_v7(),
            person: row.person_id,
            role: &row.role,
            contract: row.contract_id,
            ends_at: row.ends_at,
        })
        .collect();
    make(tx, me, &again).await?;
    set_ends(tx, of("until").map(|row| (row.grant_id, row.ends_after, row.ends_before)).collect()).await?;
    let given: Vec<Uuid> = of("given").map(|row| row.grant_id).collect();
    let administered = of("given").filter(|row| row.role == Role::Administrator.code()).map(|row| row.contract_id);
    revoke(tx, me, &given, &administered.collect::<Vec<_>>()).await?;
    let rules = rule_change::undo(tx, me, id).await?;
    let told = rows.iter().map(|row| News {
        person: row.person_id,
        role: role_label(&row.role),
        license_id: row.license_id.clone(),
        what: match row.did.as_str() {
            "given" => What::Gone,
            "taken" => What::New(row.ends_at),
            _ => What::Until(row.ends_before),
        },
    });
    let events = rows.iter().map(taken_back).chain(rules.events).collect();
    Ok(Saved { id, events, news: told.chain(rules.news).collect() })
}

fn taken_back(row: &Row) -> Event {
    let (action, end) = match row.did.as_str() {
        "given" => ("grant.revoke", None),
        "taken" => ("grant.add", row.ends_at),
        _ => ("grant.change", row.ends_before),
    };
    let mut detail = json!({ "role": row.role, "undo": 1 });
    if let Some(end) = end {
        detail["until"] = json!(last_day(end).to_string());
    }
    let subject = format!("{}: {}", row.email, role_label(&row.role));
    Event::done(action, subject).on(row.contract_id).with(detail)
}
