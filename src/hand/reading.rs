//! `POST /keys/{id}/reading`: a vendor's count, read in by hand with its day and source.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;
use time::{Date, Time};
use uuid::Uuid;

use super::{
    db::{self, KeyFacts},
    input::LOOKS_LIKE_A_KEY,
    key::{self, Sent},
    rights::Allowed,
};
use crate::{
    app::AppState,
    audit::Event,
    auth::proof::{Administer, OnKey},
    error::{Error, Result},
    imports,
    postgres::{Scope, Scoped},
    requests,
    web::{form::Pairs, page::Html, view::Field},
};

/// Most that is counted, as in imports.
const MOST: i64 = 1_000_000_000;
/// Longest source, in characters.
const SOURCE: usize = 200;

/// A reading as it was typed.
struct Typed {
    used: Option<i64>,
    total: Option<i64>,
    seats: Option<i64>,
    day: Option<Date>,
    source: String,
    fields: Vec<Field>,
}

/// What is counted of a key: its name in the form, and in words.
type Counted = (&'static str, &'static str);
const ACTIVATIONS: &[Counted] = &[("used", "Activations used"), ("total", "Activations in all")];
const SEATS: &[Counted] = &[("seats", "Seats")];

/// Activations are counted of MAKs and KMS keys, seats of the others.
fn counted(kind: &str) -> &'static [Counted] {
    if matches!(kind, "MAK" | "KMS") { ACTIVATIONS } else { SEATS }
}

/// The fields, filled with what was read last.
pub(super) fn fields(kind: &str, key: &KeyFacts, today: Date) -> Vec<Field> {
    let known = |name: &str| match name {
        "used" => key.used,
        "total" => key.total,
        _ => key.seats,
    };
    let text = |name: &str| known(name).map(|value| value.to_string()).unwrap_or_default();
    blank(kind, text, &today.to_string(), "")
}

fn blank(kind: &str, text: impl Fn(&str) -> String, day: &str, source: &str) -> Vec<Field> {
    let mut fields: Vec<Field> =
        counted(kind).iter().map(|(name, label)| Field::new("number", name, label).value(text(name))).collect();
    fields.push(Field::new("date", "read_on", "Read on").value(day));
    let help = "Where it stands: the admin centre, a mail, a call.";
    fields.push(Field::new("text", "source", "Source").value(source).help(help));
    fields
}

fn read(kind: &str, form: &Pairs, today: Date) -> Typed {
    let one = |name: &str| form.one(name).trim().to_owned();
    let source = one("source");
    let kept = if imports::holds_key(&source) { "" } else { source.as_str() };
    // What looks like a key isn't sent back.
    let shown = |name: &str| Some(one(name)).filter(|typed| !imports::holds_key(typed)).unwrap_or_default();
    let mut fields = blank(kind, shown, &shown("read_on"), kept);
    let mut wrong = |name: &str, sentence: &str| {
        if let Some(field) = fields.iter_mut().find(|field| field.name == name) {
            field.error = Some(sentence.to_owned());
        }
    };
    let count = |name: &str| {
        let digits: String = one(name).chars().filter(|c| !matches!(c, ',' | ' ' | '\u{a0}' | '’')).collect();
        digits.parse::<i64>().ok().filter(|number| (0..=MOST).contains(number))
    };
    for (name, _) in counted(kind) {
        if count(name).is_none() {
            wrong(name, "Write a whole number from 0 to 1,000,000,000.");
        }
    }
    let day = imports::date(&one("read_on")).ok().flatten();
    match day {
        None => wrong("read_on", "This isn’t a date. Write it as 2026-11-22."),
        Some(day) if day > today => {
            wrong("read_on", "This day hasn’t come yet. Give the day on which the count was read.")
        }
        Some(_) => {}
    }
    if source.is_empty() {
        wrong("source", "Say where the count was read.");
    } else if source.chars().count() > SOURCE || source.chars().any(char::is_control) {
        wrong("source", "Write at most 200 characters on one line.");
    } else if imports::holds_key(&source) {
        wrong("source", "This looks like a product key, which must not stand in clear. Leave it out.");
    }
    for (name, _) in counted(kind).iter().chain([&("read_on", "")]) {
        if imports::holds_key(&one(name)) {
            wrong(name, LOOKS_LIKE_A_KEY);
        }
    }
    let of = |name: &str| if counted(kind).iter().any(|(known, _)| *known == name) { count(name) } else { None };
    Typed { used: of("used"), total: of("total"), seats: of("seats"), day, source, fields }
}

/// Keeps a reading. The newest by its day is what lists show.
///
/// # Errors
/// When the database fails.
pub async fn post(key: OnKey<Administer>, State(state): State<AppState>, form: Pairs) -> Result<Response> {
    let head = &key.key;
    // System scope: nobody's own writes keys. The right is asked again here, in the same transaction.
    let mut tx = state.db.begin(Scope::System).await?;
    let allowed = Allowed::on(&mut tx, key.person().id, Some(head.contract_id)).await?;
    if !allowed.is_some_and(|allowed| allowed.may(super::model::Thing::Key, Some(head.contract_id))) {
        return Err(Error::NotFound);
    }
    let facts = db::key(&mut tx, head.id).await?.ok_or(Error::NotFound)?;
    if !facts.vendor || head.kind == "NONE" {
        return Err(Error::Conflict(
            "The activations of this key aren’t a vendor’s to count, so none are read in by hand.".to_owned(),
        ));
    }
    let typed = read(&head.kind, &form, tx.today());
    let (Some(day), false) = (typed.day, Field::any_wrong(&typed.fields)) else {
        drop(tx);
        let sent = Sent { reading: Some(typed.fields), ..Sent::default() };
        let page = key::page(&state, &key, head, sent).await?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response());
    };
    keep(&mut tx, head.id, key.person().id, day, &typed).await?;
    let mut events = requests::read_back::settle(&mut tx).await?;
    let count = |value: Option<i64>| value.unwrap_or_default();
    let subject = format!("{} …{}", head.product, head.last_five.as_deref().unwrap_or_default());
    let detail = json!({ "used": count(typed.used), "total": count(typed.total), "seats": count(typed.seats),
        "read_on": day.to_string(), "source": typed.source });
    events.push(Event::done("key.reading", subject).on(head.contract_id).with(detail));
    key.visitor().record_all(&state, &mut tx, events).await?;
    tx.commit().await?;
    Ok(key::redirect(head.id, "read").into_response())
}

/// A row of history; and the key's count, unless a later day was read before.
async fn keep(tx: &mut Scoped, key: Uuid, person: Uuid, day: Date, typed: &Typed) -> Result<()> {
    let now = tx.now();
    let at = if day == now.date() { now } else { day.with_time(Time::MIDNIGHT).assume_utc() };
    sqlx::query(
        "WITH newest AS (
             UPDATE product_keys SET used = coalesce($4, used), total = coalesce($5, total), seats = coalesce($8, seats), read_at = $3
             WHERE id = $2 AND read_at::date <= $3::date)
         INSERT INTO key_readings (id, key_id, contract_id, read_at, source, used, total, seats, osa_status, person_id)
         SELECT $1, k.id, k.contract_id, $3, $6, $4, $5, $8, k.osa_status, $7 FROM product_keys k WHERE k.id = $2",
    )
    .bind(Uuid::now_v7())
    .bind(key)
    .bind(at)
    .bind(typed.used)
    .bind(typed.total)
    .bind(&typed.source)
    .bind(person)
    .bind(typed.seats)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::date;

    #[test]
    fn a_reading_needs_a_count_a_day_that_has_come_and_a_source() {
        let today = date!(2026 - 11 - 22);
        let typed = |body: &str| read("MAK", &Pairs::parse(body.as_bytes()), today);
        let fine = typed("used=1,042&total=1500&read_on=2026-11-20&source=Admin+centre");
        assert!(!Field::any_wrong(&fine.fields));
        assert_eq!((fine.used, fine.total, fine.day), (Some(1_042), Some(1_500), Some(date!(2026 - 11 - 20))));
        let wrong = typed("used=-1&total=&read_on=2026-11-23&source=");
        assert_eq!(wrong.fields.iter().filter(|field| field.error.is_some()).count(), 4);
        let key = typed("used=1&total=2&read_on=2026-11-20&source=QX3TJ-7WKPD-9HMCV-2BRFG-84YNX");
        let seats = read("VLK", &Pairs::parse(b"seats=25&read_on=2026-11-20&source=mail"), today);
        assert_eq!((seats.seats, seats.used, Field::any_wrong(&seats.fields)), (Some(25), None, false));
        assert!(key.fields[3].error.is_some() && key.fields[3].value.is_empty(), "a key isn't sent back");
        let typed = "QX3TJ-7WKPD-9HMCV-2BRFG-84YNX";
        let everywhere = format!("used={typed}&total={typed}&seats={typed}&read_on={typed}&source=mail");
        for kind in ["MAK", "VLK"] {
            let sent = read(kind, &Pairs::parse(everywhere.as_bytes()), today).fields;
            assert!(sent.iter().all(|field| !field.value.contains(typed)), "{kind}: a key isn't sent back");
            assert!(sent.iter().filter(|field| field.name != "source").all(|field| field.error.is_some()), "{kind}");
        }
    }
}
