//! Steps of a request, written. Each is one transaction of the person who takes it: the row held, the
//! step checked ([`super::machine`]; the database checks again), history beside it. What is returned
//! carries the event for the log, which the caller records in the same transaction.

use serde_json::json;
use time::Date;
use uuid::Uuid;

use super::{
    db,
    machine::{Action, Kind, State, next},
    model::Request,
    tell::{self, News},
};
use crate::{
    audit::Event,
    error::{Error, Result},
    postgres::Scoped,
};

/// What is asked, checked already.
#[derive(Clone, Debug)]
pub struct Asked {
    /// What.
    pub kind: Kind,
    /// The License ID's row; none for access, where the database looks for it.
    pub contract: Option<Uuid>,
    /// The License ID.
    pub license_id: String,
    /// The key.
    pub key: Option<Uuid>,
    /// The product's row.
    pub product_id: Option<Uuid>,
    /// The product with version and edition.
    pub product: String,
    /// How many more.
    pub quantity: Option<i64>,
    /// Why.
    pub justification: String,
    /// Authorization or agreement number.
    pub authorization: String,
    /// How many computers there are.
    pub computers: Option<i64>,
    /// The role's code.
    pub role: Option<String>,
    /// The role's last day.
    pub until: Option<Date>,
    /// When it should be settled.
    pub due_on: Option<Date>,
}

/// Makes a request of `me`, as a draft or submitted; its number.
///
/// # Errors
/// When the database refuses or fails.
pub async fn add(tx: &mut Scoped, me: Uuid, asked: &Asked, draft: bool) -> Result<(i64, Event)> {
    let now = tx.now();
    let to = if draft { State::Draft } else { State::Submitted };
    let id = Uuid::now_v7();
    let number: i64 = sqlx::query_scalar(
        "INSERT INTO requests (id, kind, state, contract_id, license_id, key_id, product_id, product, asker_id, quantity, justification,
                               authorization_number, computers, role, until, due_on, created_at, submitted_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) RETURNING number",
    )
    .bind(id)
    .bind(asked.kind.code())
    .bind(to.code())
    .bind(asked.contract)
    .bind(&asked.license_id)
    .bind(asked.key)
    .bind(asked.product_id)
    .bind(&asked.product)
    .bind(me)
    .bind(asked.quantity)
    .bind(&asked.justification)
    .bind(&asked.authorization)
    .bind(asked.computers)
    .bind(&asked.role)
    .bind(asked.until)
    .bind(asked.due_on)
    .bind(now)
    .bind((!draft).then_some(now))
    .fetch_one(&mut **tx)
    .await?;
    let request = db::by_number(tx, number).await?.ok_or(Error::NotFound)?;
    let (action, event) = if draft { ("draft", "request.draft") } else { ("submit", Action::Submit.event()) };
    let news = entry(tx, me, &request, action, "").await?;
    if !draft {
        tell::step(tx, &request, Action::Submit, &news).await?;
    }
    Ok((number, told(event, &request)))
}

/// Changes a draft.
///
/// # Errors
/// When the database refuses or fails.
pub async fn change(tx: &mut Scoped, me: Uuid, request: &Request, asked: &Asked) -> Result<Event> {
    sqlx::query(
        "UPDATE requests SET product = $2, quantity = $3, justification = $4, authorization_number = $5, computers = $6, role = $7,
                until = $8, due_on = $9 WHERE id = $1",
    )
    .bind(request.id)
    .bind(&asked.product)
    .bind(asked.quantity)
    .bind(&asked.justification)
    .bind(&asked.authorization)
    .bind(asked.computers)
    .bind(&asked.role)
    .bind(asked.until)
    .bind(asked.due_on)
    .execute(&mut **tx)
    .await?;
    entry(tx, me, request, "change", "").await?;
    Ok(told("request.change", request))
}

/// What comes with a step.
#[derive(Clone, Debug, Default)]
pub struct With {
    /// What was said.
    pub comment: String,
    /// When it was sent to the vendor.
    pub sent_on: Option<Date>,
    /// The vendor's case number.
    pub reference: String,
    /// The total that was read back.
    pub total: Option<i64>,
}

/// Takes a step of `me`, who held the request just now ([`db::hold`]).
///
/// # Errors
/// [`Error::Lacking`] when it isn't this person's to take, [`Error::Conflict`] when the request isn't
/// where the step begins, saying who did what.
pub async fn step(tx: &mut Scoped, me: Uuid, request: &Request, action: Action, with: &With) -> Result<Event> {
    let standing = request.standing();
    if !standing.may(action, request.course()) {
        return Err(Error::Lacking(lacking(request, action)));
    }
    let to = must_be_drawn(tx, request, action).await?;
    let now = tx.now();
    let decides = matches!(action, Action::Approve | Action::Decline);
    let moved = sqlx::query(
        "UPDATE requests SET state = $2, decided_by = CASE WHEN $3 THEN $4 ELSE decided_by END, decided_at = CASE WHEN $3 THEN $5 ELSE decided_at END,
                sent_on = coalesce($6, sent_on), vendor_reference = CASE WHEN $7 = '' THEN vendor_reference ELSE $7 END,
                total_read = coalesce($8, total_read), submitted_at = CASE WHEN $9 THEN $5 ELSE submitted_at END,
                closed_at = CASE WHEN $10 THEN NULL ELSE $5 END
         WHERE id = $1 AND state = $11",
    )
    .bind(request.id)
    .bind(to.code())
    .bind(decides)
    .bind(me)
    .bind(now)
    .bind(with.sent_on)
    .bind(&with.reference)
    .bind(with.total)
    .bind(action == Action::Submit)
    .bind(to.is_open())
    .bind(request.state.code())
    .execute(&mut **tx)
    .await?;
    if moved.rows_affected() != 1 {
        return Err(Error::Conflict(moved_on(tx, request).await?));
    }
    let now_stands = Request { state: to, ..request.clone() };
    let news = entry(tx, me, &now_stands, action.code(), &with.comment).await?;
    let mut event = told(action.event(), &now_stands);
    if let Some(total) = with.total {
        event.detail["total_read"] = json!(total);
    }
    tell::step(tx, &now_stands, action, &news).await?;
    Ok(event)
}

/// The state that a step leads to.
///
/// # Errors
/// [`Error::Conflict`] when the request isn't where the step begins, saying who did what.
pub async fn must_be_drawn(tx: &mut Scoped, request: &Request, action: Action) -> Result<State> {
    match next(request.state, action, request.course()) {
        Some(to) => Ok(to),
        None => Err(Error::Conflict(moved_on(tx, request).await?)),
    }
}

/// Why a step isn't this person's, and whose it is.
fn lacking(request: &Request, action: Action) -> String {
    let place = &request.license_id;
    match action {
        Action::Submit | Action::Answer | Action::Withdraw => {
            format!("Only {}, who asked, can do this.", request.asker_name)
        }
        Action::Ask | Action::Approve | Action::Decline if request.mine && request.administers => format!(
            "You asked for this yourself, so another Administrator of License ID {place} has to decide. If there is none, a site operator can name one."
        ),
        Action::Ask | Action::Approve | Action::Decline => {
            format!("Only an Administrator of License ID {place} decides this. Ask one of them.")
        }
        Action::Send | Action::Refuse | Action::Close => {
            "This request isn’t one that goes to a vendor, or you may not ask on its License ID any more.".to_owned()
        }
    }
}

/// Who was faster, and with what: the last step of the history.
async fn moved_on(tx: &mut Scoped, request: &Request) -> Result<String> {
    let last = db::history(tx, request.id).await?.into_iter().rev().find(|entry| done(&entry.action).is_some());
    let stands = format!("It stands at “{}” now, and nothing was changed.", request.state.label());
    Ok(match last {
        Some(entry) => {
            let who = if entry.who.is_empty() { "An import".to_owned() } else { entry.who };
            let what = done(&entry.action).unwrap_or_default();
            let said = if entry.comment.is_empty() { String::new() } else { format!(" “{}”", entry.comment) };
            format!("{who} {what} request {}.{said} {stands}", request.number)
        }
        None => stands,
    })
}

/// A step of the history as something somebody did to the request.
fn done(action: &str) -> Option<&'static str> {
    Some(match action {
        "submit" => "submitted",
        "ask" => "asked a question about",
        "answer" => "answered the question about",
        "approve" => "approved",
        "decline" => "declined",
        "send" => "sent the vendor",
        "refuse" => "noted the vendor’s refusal of",
        "close" => "closed",
        "withdraw" => "withdrew",
        _ => return None,
    })
}

/// Adds a line of history; as news.
///
/// # Errors
/// When the database fails.
pub async fn entry(
    tx: &mut Scoped,
    person: Uuid,
    request: &Request,
    action: &str,
    comment: &str,
) -> sqlx::Result<News> {
    let (now, entry) = (tx.now(), Uuid::now_v7());
    let who = sqlx::query_scalar(
        "INSERT INTO request_entries (id, request_id, at, person_id, action, state, comment) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING who",
    )
    .bind(entry)
    .bind(request.id)
    .bind(now)
    .bind(person)
    .bind(action)
    .bind(request.state.code())
    .bind(comment)
    .fetch_one(&mut **tx)
    .await?;
    Ok(News { entry, by: Some(person), who, comment: comment.to_owned() })
}

/// An event about a request, on its License ID's chain. What was said is in the history, not here.
pub fn told(action: &'static str, request: &Request) -> Event {
    let subject = format!("Request {}: {}", request.number, request.title());
    let detail = json!({ "request": request.number, "kind": request.kind.code(), "state": request.state.code() });
    let event = Event::done(action, subject).with(detail);
    match request.contract_id {
        Some(contract) => event.on(contract),
        None => event,
    }
}
