//! `GET /audit`: from the address to the page.

use axum::{
    extract::{RawQuery, State},
    response::{IntoResponse, Redirect, Response},
};
use time::{Date, OffsetDateTime, Time, macros::format_description};

use super::{
    Outcome,
    db::{self, Filter, Listed},
    list::{AuditPage, AuditRow, COLUMNS, ChainState},
    verify,
    words::{self, ACTIONS},
};
use crate::{
    app::AppState,
    auth::proof::{AuditorOrAdministrator, Site},
    error::Result,
    keys::ProductKey,
    postgres::Scoped,
    web::{
        form::Pairs,
        page::{Html, Tone},
        paging::{PAGE, page_of},
        view::{Address, Choice, Columns, Empty, EmptyKind, Pager, When, count as words_of},
    },
};

/// Events that a page checks at most; more take longer than one waits for a page.
const CHECKED: i64 = 200_000;

/// The log.
///
/// # Errors
/// When the database fails.
pub async fn list(
    person: Site<AuditorOrAdministrator>,
    State(state): State<AppState>,
    RawQuery(query): RawQuery,
) -> Result<Response> {
    let query = Pairs::parse(query.unwrap_or_default().as_bytes());
    if let Ok(key) = ProductKey::parse(query.one("key")) {
        // A whole key must not stay in an address: its last five characters find its events as well.
        return Ok(Redirect::to(&address(&query).with("key", key.last_five()).href()).into_response());
    }
    let address = address(&query);
    let filter = filter(&address);
    let number = page_of(query.one("page"));
    let mut tx = person.begin(&state).await?;
    let rows = db::list(&mut tx, &filter, PAGE, (number - 1) * PAGE).await?;
    let (total, (events, chains)) = total(&mut tx, &filter).await?;
    let auditor = person.person().auditor;
    let chain = if auditor && query.one("check") == "1" && events <= CHECKED {
        checked(&state, &mut tx).await?
    } else {
        unchecked(&address, auditor, events, chains)
    };
    let now = tx.now();
    let page = AuditPage {
        shell: person.visitor().shell(&state),
        actions: actions(&filter.action),
        rows: rows.into_iter().map(|event| row(event, now)).collect(),
        pager: Pager::new(&address, "page", number.unsigned_abs(), PAGE.unsigned_abs(), total.unsigned_abs()),
        chain,
        empty: empty(&filter),
        columns: Columns::parse(&COLUMNS, &query.all("columns")),
        address,
    };
    Ok(Html(page).into_response())
}

/// The parts of the address; a date or the end of a key that isn't one is left out, so that no chip claims it filters.
pub fn address(query: &Pairs) -> Address {
    let address = ["person", "action", "license_id", "page"]
        .into_iter()
        .fold(Address::new("/audit"), |address, part| address.with(part, query.one(part).trim()));
    let address = address.with("columns", Columns::parse(&COLUMNS, &query.all("columns")).part());
    let key = query.one("key").trim().to_uppercase();
    let ending = key.len() == 5 && key.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let address = address.with("key", if ending { key } else { String::new() });
    ["from", "to"].into_iter().fold(address, |address, part| {
        let text = query.one(part).trim();
        address.with(part, day(text).map_or("", |_| text))
    })
}

fn day(text: &str) -> Option<Date> {
    Date::parse(text, format_description!("[year]-[month]-[day]")).ok()
}

/// How many events the list at this query shows on all its pages.
///
/// # Errors
/// When the database fails.
pub async fn count(tx: &mut Scoped, query: &Pairs) -> sqlx::Result<i64> {
    Ok(total(tx, &filter(&address(query))).await?.0)
}

/// How many events match; and how many there are in all, in how many chains.
async fn total(tx: &mut Scoped, filter: &Filter) -> sqlx::Result<(i64, (i64, i64))> {
    let extent = db::extent(tx).await?;
    Ok((if filter.is_empty() { extent.0 } else { db::count(tx, filter).await? }, extent))
}

/// Both days belong to what they bound, in UTC.
pub fn filter(address: &Address) -> Filter {
    let part = |name| address.get(name).to_owned();
    let start = |day: Date| day.with_time(Time::MIDNIGHT).assume_utc();
    Filter {
        person: part("person"),
        action: part("action"),
        license_id: part("license_id"),
        key: part("key"),
        from: day(address.get("from")).map(start),
        until: day(address.get("to")).and_then(Date::next_day).map(start),
    }
}

fn actions(current: &str) -> Vec<Choice> {
    let mut choices = vec![Choice::new("", "All", current)];
    choices.extend(ACTIONS.into_iter().map(|(code, words)| Choice::new(code, words, current)));
    if !choices.iter().any(|choice| choice.selected) {
        choices.push(Choice::new(current, current, current));
    }
    choices
}

fn row(event: Listed, now: OffsetDateTime) -> AuditRow {
    AuditRow {
        at: When::moment(event.at, now),
        who: words::who(event.actor),
        action: words::action(&event.action).to_owned(),
        license_id: event.license_id,
        subject: event.subject,
        outcome: match event.outcome.as_str() {
            "done" => Outcome::Done,
            "denied" => Outcome::Denied,
            _ => Outcome::Failed,
        },
        address: event.address,
    }
}

fn empty(filter: &Filter) -> Empty {
    if filter.is_empty() {
        return Empty::new(
            EmptyKind::NothingYet,
            "Nothing has happened yet",
            "Reveals, exports, imports and changes of roles show here as they happen.",
        );
    }
    Empty::new(
        EmptyKind::NothingMatches,
        "No event matches",
        "Take a filter off. A License ID has to be written in full; of a key, its last five characters.",
    )
    .action("Clear filters", "/audit")
}

fn extent_words(events: u64, chains: u64) -> String {
    [words_of(events, "event", "events"), words_of(chains, "chain", "chains")].join(" in ")
}

/// How much there is, and the way to a check of it for whoever reads it all: a chain is whole or not
/// as a whole, and an Administrator is shown his part.
fn unchecked(address: &Address, auditor: bool, events: i64, chains: i64) -> ChainState {
    let extent = extent_words(events.unsigned_abs(), chains.unsigned_abs());
    let (text, check) = match auditor {
        true if events > CHECKED => {
            (format!("{extent}. That is more than a page checks: run keyward audit verify on the server."), None)
        }
        true => (format!("{extent}."), Some(address.clone().with("check", "1").href())),
        false => (format!("{extent} of your License IDs."), None),
    };
    ChainState { tone: Tone::Info, text, check }
}

async fn checked(state: &AppState, tx: &mut Scoped) -> Result<ChainState> {
    Ok(match verify::verify(tx, &state.linker).await? {
        Ok(sound) => {
            let extent = extent_words(sound.events, sound.chains as u64);
            ChainState {
                tone: Tone::Good,
                text: format!("The chain is whole: {extent}, checked just now."),
                check: None,
            }
        }
        Err(broken) => {
            let mut text = broken.to_string();
            text[..1].make_ascii_uppercase();
            text.push_str(". Compare with a backup, and find out who can write to the database.");
            ChainState { tone: Tone::Bad, text, check: None }
        }
    })
}
