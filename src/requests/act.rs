//! The posts under `/requests/{number}`: steps, words, the day, a reading.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};

use super::{
    db,
    input::Input,
    machine::{Action, Kind},
    model::Request,
    show::{self, Wrong},
    tell,
    write::{self, With, entry, step, told},
};
use crate::{
    app::AppState,
    auth::{
        proof::{Fresh, OnRequest, SignedIn},
        roles::Role,
    },
    error::{Error, Result},
    people::{
        self,
        grants::{self, GrantError},
        model::{Grant, Target},
    },
    postgres::Scoped,
    web::{form::Pairs, page::Html},
};

/// Approves, declines or asks back.
///
/// # Errors
/// 403 for who may not decide, [`Error::Conflict`] when somebody was faster, 422 with the page.
pub async fn decide(request: Fresh<OnRequest>, State(state): State<AppState>, form: Pairs) -> Result<Response> {
    let (mut tx, held) = hold(&request, &state).await?;
    let action = match form.one("decision") {
        "approve" => Action::Approve,
        "decline" => Action::Decline,
        "ask" => Action::Ask,
        _ => {
            return Err(Error::Malformed(
                "“decision” is one of approve, decline and ask. Open the request and choose one.".to_owned(),
            ));
        }
    };
    let mut comment = Input::read(&form, "comment");
    let needed = match action {
        Action::Decline => Some("Say why: the asker reads it."),
        Action::Ask => Some("Write the question."),
        _ => None,
    };
    // Who may not decide is told so first, whatever he wrote.
    if request.request.standing().may(action, held.course()) {
        comment.words(needed);
        if comment.error.is_some() {
            return again(&state, &request, &mut tx, &held, Wrong::at("decision-comment", comment)).await;
        }
    }
    let with = With { comment: comment.value, ..With::default() };
    let event = step(&mut tx, request.person().id, &held, action, &with).await?;
    request.record(&state, &mut tx, event).await?;
    if action == Action::Approve && held.kind == Kind::Access {
        give_role(&state, &request, &mut tx, &held).await?;
    }
    tx.commit().await?;
    Ok(back(&held, action.code()))
}

/// The role that was asked for, in the transaction that decides.
async fn give_role(state: &AppState, person: &SignedIn, tx: &mut Scoped, request: &Request) -> Result<()> {
    let (Some(role), Some(contract)) = (request.role.as_deref(), request.contract_id) else {
        return Err(Error::NotFound);
    };
    let role: Role = role.parse().map_err(|fault: String| Error::Internal(anyhow::anyhow!(fault)))?;
    let wanted = request.until.map(people::model::end_of);
    // Given in the meantime, for as long or longer: that stays.
    let held = db::held(tx, request.asker_id, &request.license_id, role.code()).await?;
    if held.is_some_and(|end| end.is_none() || wanted.is_some_and(|wanted| end >= Some(wanted))) {
        return Ok(());
    }
    let asker = people::db::grantee(tx, &request.asker_email).await?.filter(|asker| asker.id == request.asker_id);
    let Some(asker) = asker else {
        return Err(Error::Conflict("The asker’s account isn’t there any more. Decline the request.".to_owned()));
    };
    let grant = Grant {
        person: &asker,
        role,
        on: Target::Contract(contract),
        until: request.until,
        by: Some(person.person().id),
    };
    match grants::grant(tx, grant).await {
        Ok(granted) => {
            for event in granted.events {
                person.record(state, tx, event).await?;
            }
            Ok(())
        }
        Err(GrantError::Database(fault)) => Err(fault.into()),
        Err(GrantError::Past(_)) => Err(Error::Conflict(
            "The last day that was asked for has passed. Decline the request, so that a new one can be made."
                .to_owned(),
        )),
        Err(GrantError::Disabled(_)) => Err(Error::Conflict(
            "The asker’s account is disabled: it can’t take a role. Decline the request.".to_owned(),
        )),
        Err(other) => Err(Error::Conflict(other.to_string())),
    }
}

/// Submits, answers, sends, notes the vendor's refusal, withdraws (`step`).
///
/// # Errors
/// 403 for whose step it isn't, [`Error::Conflict`] when the request is elsewhere by now, 422 with the page.
pub async fn take(request: OnRequest, State(state): State<AppState>, form: Pairs) -> Result<Response> {
    let (mut tx, held) = hold(&request, &state).await?;
    let (action, field, needed) = match form.one("step") {
        "submit" => (Action::Submit, "comment", None),
        "answer" => (Action::Answer, "answer-comment", Some("Write the answer.")),
        "send" => (Action::Send, "comment", None),
        "refuse" => (Action::Refuse, "refuse-comment", Some("Say what the vendor said.")),
        "withdraw" => (Action::Withdraw, "withdraw-comment", None),
        _ => {
            return Err(Error::Malformed(
                "“step” is one of submit, answer, send, refuse and withdraw. Open the request and choose one."
                    .to_owned(),
            ));
        }
    };
    let mut with = With::default();
    if held.standing().may(action, held.course()) {
        let mut comment = Input::read(&form, "comment");
        comment.words(needed);
        if comment.error.is_some() {
            return again(&state, &request, &mut tx, &held, Wrong::at(field, comment)).await;
        }
        with.comment = comment.value;
        if action == Action::Send
            && let Err(wrong) = sent(&form, &mut with, tx.today())
        {
            return again(&state, &request, &mut tx, &held, wrong).await;
        }
    }
    let event = step(&mut tx, request.person().id, &held, action, &with).await?;
    request.record(&state, &mut tx, event).await?;
    tx.commit().await?;
    Ok(back(&held, action.code()))
}

/// The day and the case number of what was sent; today, where no day is given.
fn sent(form: &Pairs, with: &mut With, today: time::Date) -> Result<(), Wrong> {
    let mut day = Input::read(form, "sent_on");
    let sent_on = day.day().unwrap_or(today);
    if sent_on > today {
        day.wrong("This day is still to come. Give the day on which it was sent.");
    }
    let mut reference = Input::read(form, "reference");
    reference.line();
    if day.error.is_some() {
        return Err(Wrong::at("sent_on", day).beside("reference", reference));
    }
    if reference.error.is_some() {
        return Err(Wrong::at("reference", reference).beside("sent_on", day));
    }
    with.sent_on = Some(sent_on);
    with.reference = reference.value;
    Ok(())
}

/// A comment, whatever the state.
///
/// # Errors
/// 422 with the page.
pub async fn comment(request: OnRequest, State(state): State<AppState>, form: Pairs) -> Result<Response> {
    let (mut tx, held) = hold(&request, &state).await?;
    let mut comment = Input::read(&form, "comment");
    comment.words(Some("Write the comment."));
    if comment.error.is_some() {
        return again(&state, &request, &mut tx, &held, Wrong::at("comment", comment)).await;
    }
    let news = entry(&mut tx, request.person().id, &held, "comment", &comment.value).await?;
    tell::comment(&mut tx, &held, &news).await?;
    request.record(&state, &mut tx, told("request.comment", &held)).await?;
    tx.commit().await?;
    Ok(back(&held, "comment"))
}

/// The day it is needed by; an empty one takes it away.
///
/// # Errors
/// 403 for anybody but the asker and Administrators, [`Error::Conflict`] once it has ended, 422 with the page.
pub async fn due(request: OnRequest, State(state): State<AppState>, form: Pairs) -> Result<Response> {
    let (mut tx, held) = hold(&request, &state).await?;
    if !held.mine && !held.administers {
        return Err(Error::Lacking(format!(
            "Only {} and the Administrators of License ID {} set this day.",
            held.asker_name, held.license_id
        )));
    }
    if !held.state.is_open() {
        return Err(Error::Conflict(format!("Request {} has ended: {}.", held.number, held.state.label())));
    }
    let mut day = Input::read(&form, "due_on");
    let due_on = day.day_from(tx.today());
    if day.error.is_some() {
        return again(&state, &request, &mut tx, &held, Wrong::at("due_on", day)).await;
    }
    sqlx::query("UPDATE requests SET due_on = $2 WHERE id = $1").bind(held.id).bind(due_on).execute(&mut *tx).await?;
    let said = due_on.map_or_else(|| "No day".to_owned(), |day| crate::web::view::When::day(day, day).exact);
    entry(&mut tx, request.person().id, &held, "due", &said).await?;
    request.record(&state, &mut tx, told("request.due", &held)).await?;
    tx.commit().await?;
    Ok(back(&held, "due"))
}

/// The vendor's count as somebody read it: kept with the key, and the request is done when it shows what was wanted.
///
/// # Errors
/// 403 and [`Error::Conflict`] as for the step that closes, 422 with the page.
pub async fn reading(request: OnRequest, State(state): State<AppState>, form: Pairs) -> Result<Response> {
    let seen = &request.request;
    if !seen.standing().may(Action::Close, seen.course()) {
        return Err(Error::Lacking("Counts are read back by whoever may ask on this License ID.".to_owned()));
    }
    let mut tx = request.begin(&state).await?;
    let (total, used) = match counts(&form, seen) {
        Ok(counts) => counts,
        Err(wrong) => return again(&state, &request, &mut tx, seen, wrong).await,
    };
    // The key before the request, as an import takes them: two that meet wait for each other, and don't deadlock.
    if let Some(key) = seen.key_id {
        sqlx::query("SELECT requests_read_back($1, $2, $3)").bind(key).bind(used).bind(total).execute(&mut *tx).await?;
    }
    let held = db::hold(&mut tx, seen.number).await?.ok_or(Error::NotFound)?;
    let enough = held.wanted_total.is_none_or(|wanted| total >= wanted) || form.one("all") == "yes";
    if enough {
        let with = With { total: Some(total), ..With::default() };
        let event = step(&mut tx, request.person().id, &held, Action::Close, &with).await?;
        request.record(&state, &mut tx, event).await?;
    } else {
        write::must_be_drawn(&mut tx, &held, Action::Close).await?;
        let said = format!("{} in all", crate::web::view::number(total));
        entry(&mut tx, request.person().id, &held, "reading", &said).await?;
        request.record(&state, &mut tx, told("request.reading", &held)).await?;
    }
    tx.commit().await?;
    Ok(back(&held, "close"))
}

fn counts(form: &Pairs, request: &Request) -> Result<(i64, Option<i64>), Wrong> {
    let (mut total, mut used) = (Input::read(form, "total"), Input::read(form, "used"));
    let Some(number) = total.number(1) else { return Err(Wrong::at("total", total).beside("used", used)) };
    let read = if used.value.is_empty() || request.key_id.is_none() { None } else { used.number(0) };
    if used.error.is_some() {
        return Err(Wrong::at("used", used).beside("total", total));
    }
    Ok((number, read))
}

async fn hold(request: &OnRequest, state: &AppState) -> Result<(Scoped, Request)> {
    let mut tx = request.begin(state).await?;
    let held = db::hold(&mut tx, request.request.number).await?.ok_or(Error::NotFound)?;
    Ok((tx, held))
}

/// The page again, with what is wrong.
async fn again(
    state: &AppState,
    person: &SignedIn,
    tx: &mut Scoped,
    request: &Request,
    wrong: Wrong,
) -> Result<Response> {
    let page = show::page(state, person, tx, request, &wrong).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response())
}

fn back(request: &Request, step: &str) -> Response {
    Redirect::to(&format!("{}?notice={step}", request.href())).into_response()
}
