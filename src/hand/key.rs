//! `/keys/{id}`: what is known about one key beside the key itself: note, owner, place, counts with their day and
//! source, and its history.

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use secrecy::SecretString;
use uuid::Uuid;

use super::{
    db::{self, KeyFacts, Reading},
    history::HistoryRow,
    input,
    model::{Kind, Spec, Thing},
    reading,
    rights::Allowed,
    undo, way_back, write,
};
use crate::{
    app::AppState,
    auth::{
        proof::{Administer, OnKey, ReadKeys, SignedIn},
        roles::Permission,
    },
    error::{Error, Result},
    keys::{self, model::KeyHead},
    postgres::Scope,
    web::{
        form::Pairs,
        page::{Html, Shell, Tone},
        view::{Fact, Field, KeyCell, Meter, Remark, When, contract_path, number, product_path},
    },
};

/// Lines of history and readings that the page shows.
const SHOWN: i64 = 25;

/// A reading as the page shows it.
#[derive(Clone, Debug)]
pub struct ReadingRow {
    /// The day.
    pub day: When,
    /// What was read.
    pub count: String,
    /// Where, and by whom.
    pub source: String,
}

/// The page.
#[derive(Template)]
#[template(path = "hand/key.html")]
pub struct KeyPage {
    /// The frame.
    pub shell: Shell,
    /// The row.
    pub id: String,
    /// Its product.
    pub product: String,
    /// Its product's address.
    pub slug: String,
    /// Its License ID.
    pub license_id: String,
    /// The License ID's organisation.
    pub organization: String,
    /// Its kind.
    pub kind: String,
    /// The key, masked.
    pub key: KeyCell,
    /// Used of total.
    pub meter: Option<Meter>,
    /// What is to be known before using it.
    pub remarks: Vec<Remark>,
    /// Owner, place and what else is known.
    pub facts: Vec<Fact>,
    /// The note.
    pub note: String,
    /// The fields of the form; empty for somebody who may not change them.
    pub fields: Vec<Field>,
    /// The fields of a reading; empty where none can be typed.
    pub reading_fields: Vec<Field>,
    /// Why none can.
    pub no_reading: &'static str,
    /// The readings, the newest first.
    pub readings: Vec<ReadingRow>,
    /// Its history; for Administrators.
    pub history: Vec<HistoryRow>,
    /// Whether the person administers its License ID.
    pub administered: bool,
    /// The page of its own application, where it is blocked; nothing for a vendor's key.
    pub application: Option<String>,
}

impl KeyPage {
    fn title(&self) -> String {
        if self.key.last_five.is_empty() {
            self.product.clone()
        } else {
            [&self.product, " …", &self.key.last_five].concat()
        }
    }

    fn here(&self) -> String {
        ["/keys/", &self.id].concat()
    }

    /// Where it stands among its License ID's keys.
    fn contract_href(&self) -> String {
        [&contract_path(&self.license_id), "?tab=keys"].concat()
    }

    /// Where it stands among its product's keys.
    fn product_href(&self) -> String {
        [&product_path(&self.slug), "?tab=keys"].concat()
    }

    fn reading_wrong(&self) -> bool {
        Field::any_wrong(&self.reading_fields)
    }
}

/// What a form sent to this page holds, when something is wrong with it.
#[derive(Default)]
pub(super) struct Sent {
    pub(super) fields: Option<Vec<Field>>,
    pub(super) reading: Option<Vec<Field>>,
    pub(super) revealed: Option<SecretString>,
}

/// The page.
///
/// # Errors
/// When the database fails.
pub async fn get(key: OnKey<ReadKeys>, State(state): State<AppState>) -> Result<Response> {
    Ok(Html(page(&state, &key, &key.key, Sent::default()).await?).into_response())
}

/// The page that a reveal without JavaScript answers with, see [`crate::products::with_revealed`].
///
/// # Errors
/// When the database fails.
pub async fn with_revealed(
    state: &AppState,
    person: &SignedIn,
    back: &str,
    id: Uuid,
    key: SecretString,
) -> Result<Option<Response>> {
    if back.split('?').next() != Some(&format!("/keys/{id}")) {
        return Ok(None);
    }
    let mut tx = person.begin(state).await?;
    let Some(head) = keys::db::head(&mut tx, id, Permission::ReadKeys).await? else { return Ok(None) };
    drop(tx);
    let sent = Sent { revealed: Some(key), ..Sent::default() };
    Ok(Some(Html(page(state, person, &head, sent).await?).into_response()))
}

pub(super) async fn page(state: &AppState, person: &SignedIn, key: &KeyHead, sent: Sent) -> Result<KeyPage> {
    let mut tx = person.begin(state).await?;
    let facts = db::key(&mut tx, key.id).await?.ok_or(Error::NotFound)?;
    let readings = db::readings(&mut tx, key.id, SHOWN).await?;
    let history = db::history(&mut tx, key.id, SHOWN).await?;
    let now = tx.now();
    let administered = facts.administered;
    let fields = match sent.fields {
        Some(fields) => fields,
        None if administered => edit_fields(state, key.id).await?,
        None => Vec::new(),
    };
    let can_read = administered && facts.vendor && key.kind != "NONE";
    let mut cell = match &key.last_five {
        Some(last_five) => KeyCell::masked(key.id.to_string(), last_five.clone()),
        None => KeyCell::none(key.id.to_string(), facts.no_key_text.clone()),
    };
    cell.revealed = sent.revealed;
    Ok(KeyPage {
        shell: person.visitor().shell(state),
        id: key.id.to_string(),
        product: key.product.clone(),
        slug: key.slug.clone(),
        license_id: key.license_id.clone(),
        kind: keys::kind_of(&key.kind).map_or("No key", keys::KeyKind::label).to_owned(),
        key: cell,
        meter: facts.used.zip(facts.total).map(|(u, t)| Meter { used: u.unsigned_abs(), total: t.unsigned_abs() }),
        remarks: remarks(&facts, now),
        note: facts.note.clone(),
        fields,
        reading_fields: match sent.reading {
            Some(fields) => fields,
            None if can_read => reading::fields(&key.kind, &facts, tx.today()),
            None => Vec::new(),
        },
        no_reading: if facts.vendor { "" } else { "An own product’s activations are counted here as they happen." },
        readings: readings.into_iter().map(|reading| reading_row(reading, now)).collect(),
        history: history.into_iter().map(|change| HistoryRow::of(change, now)).collect(),
        facts: known(&facts, now),
        organization: facts.organization,
        administered,
        application: facts.application.map(|id| format!("/activation/{id}/keys/{}", key.id)),
    })
}

/// The form's fields as they stand. Asked for only where the person administers the key's License ID.
async fn edit_fields(state: &AppState, id: Uuid) -> Result<Vec<Field>> {
    // System scope: the form names the key's owner, whom this person may not know yet.
    let mut tx = state.db.begin(Scope::System).await?;
    let row = write::fields_of(&mut tx, Thing::Key, id).await?;
    let own = write::of_the_ledger(&mut tx, id).await?;
    let mut fields = input::fields(&mut tx, specs(own), &row).await?;
    fields.push(input::message(&Pairs::default()));
    Ok(fields)
}

/// The fields of its form. Moments that stop activations are an own application's page to set, see `write::LEDGER`.
fn specs(own: bool) -> Vec<&'static Spec> {
    Thing::Key.fields().iter().filter(|spec| !own || spec.kind != Kind::Since).collect()
}

fn remarks(key: &KeyFacts, now: time::OffsetDateTime) -> Vec<Remark> {
    let since = |at| When::moment(at, now).exact;
    let mut remarks = Vec::new();
    if let Some(at) = key.blocked_at {
        remarks.push(Remark::new(Tone::Bad, format!("Blocked since {}: it activates nothing any more.", since(at))));
    }
    if let Some(at) = key.superseded_at {
        remarks
            .push(Remark::new(Tone::Warn, format!("Superseded since {}: another key has taken its place.", since(at))));
    }
    if let Some(from) = key.usable_from.filter(|from| *from > now.date()) {
        let from = When::day(from, now.date());
        remarks.push(Remark::new(
            Tone::Warn,
            format!("This key can be used from {}, when its coverage begins.", from.exact),
        ));
    }
    remarks
}

fn known(key: &KeyFacts, now: time::OffsetDateTime) -> Vec<Fact> {
    let usable = key.usable_from.map(|day| When::day(day, now.date()).exact).unwrap_or_default();
    let seats = key.seats.map(number).unwrap_or_default();
    [
        Fact::maybe("Owner", key.owner.as_deref().unwrap_or_default(), false),
        Fact::maybe("Place of deployment", &key.place, false),
        Fact::maybe("Usable from", &usable, false),
        Fact::maybe("Seats", &seats, false),
        Fact::maybe("OSA status", &key.osa_status, false),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn reading_row(reading: Reading, now: time::OffsetDateTime) -> ReadingRow {
    let count = match (reading.used, reading.total, reading.seats) {
        (Some(used), Some(total), _) => [number(used), number(total)].join(" of "),
        (Some(used), None, _) => [number(used).as_str(), " used"].concat(),
        (None, Some(total), _) => [number(total).as_str(), " in all"].concat(),
        (None, None, Some(seats)) => [number(seats).as_str(), " seats"].concat(),
        (None, None, None) => "no count".to_owned(),
    };
    let source = match reading.source.as_str() {
        "import" => "Imported file".to_owned(),
        "typed" => "Typed with a request".to_owned(),
        "request" => "Raised by a request".to_owned(),
        other => other.to_owned(),
    };
    let source = match reading.who {
        Some(who) => [&source, ", read by ", &who].concat(),
        None => source,
    };
    ReadingRow { day: When::day(reading.read_at.date(), now.date()), count, source }
}

/// Changes note, owner, place and what else a person says about a key.
///
/// # Errors
/// When the database fails.
pub async fn edit(key: OnKey<Administer>, State(state): State<AppState>, form: Pairs) -> Result<Response> {
    let head = &key.key;
    // System scope: the owner may be somebody whom this person doesn't know yet, and nobody's own scope writes
    // keys. The right is asked again here, in the same transaction.
    let mut tx = state.db.begin(Scope::System).await?;
    let allowed = Allowed::on(&mut tx, key.person().id, Some(head.contract_id)).await?.ok_or(Error::NotFound)?;
    let before = write::fields_of(&mut tx, Thing::Key, head.id).await?;
    let own = write::of_the_ledger(&mut tx, head.id).await?;
    // Its form has no such field: whoever sends one goes around the password that blocking wants.
    if own && (form.has("blocked_at") || form.has("superseded_at")) {
        return Err(Error::Conflict(write::LEDGER.to_owned()));
    }
    let mut draft = input::read(&mut tx, specs(own), &form).await?;
    let message = input::message(&form);
    draft.fields.push(message);
    if draft.is_wrong() {
        drop(tx);
        let sent = Sent { fields: Some(draft.fields), ..Sent::default() };
        let page = page(&state, &key, head, sent).await?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response());
    }
    input::settle_moments(Thing::Key, tx.now(), &before, &mut draft.row);
    let mut set = write::Set::new(key.person().id, form.one("message"));
    let changed = set.edit(&mut tx, allowed, Thing::Key, head.id, &draft.row).await?;
    let here = format!("/keys/{}", head.id);
    undo::finish(&state, key.visitor(), tx, set, usize::from(changed), "changed", &here).await
}

/// The address of a key's page with nothing else in it.
pub(super) fn redirect(id: Uuid, word: &str) -> Redirect {
    Redirect::to(&way_back::done(&format!("/keys/{id}"), word, 1, None))
}

#[cfg(test)]
impl KeyPage {
    /// A MAK as its Administrator sees it.
    pub fn sample() -> Self {
        use time::macros::date;
        let day = |day| When::day(day, date!(2026 - 11 - 22));
        let reading =
            |at, count: &str, source: &str| ReadingRow { day: day(at), count: count.into(), source: source.into() };
        Self {
            shell: Shell::sample("/keys/7"),
            id: "7".into(),
            product: "Windows 11 Pro".into(),
            slug: "windows-11-pro".into(),
            license_id: "8671204".into(),
            organization: "Northwind Holding AG".into(),
            kind: "MAK".into(),
            key: KeyCell::masked("7", "AB12C"),
            meter: Some(Meter { used: 42, total: 50 }),
            remarks: vec![Remark::new(Tone::Warn, "Superseded since 1 Nov 2026: another key has taken its place.")],
            facts: vec![Fact { label: "Owner", value: "Ilya Petrov".into(), mono: false }],
            note: "For the lab image only.".into(),
            fields: vec![Field::new("area", "note", "Note").value("For the lab image only.").optional()],
            reading_fields: vec![Field::new("number", "used", "Activations used").value("42")],
            no_reading: "",
            readings: vec![
                reading(date!(2026 - 11 - 20), "42 of 50", "Admin centre, read by Mara Lindqvist"),
                reading(date!(2026 - 10 - 01), "40 of 50", "Imported file"),
            ],
            history: vec![HistoryRow::sample()],
            administered: true,
            application: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_page_shows_everything_but_the_key() {
        let html = KeyPage::sample().render().expect("renders");
        for part in [
            "•••••-AB12C",
            "For the lab image only.",
            "42 of 50",
            "read by Mara Lindqvist",
            "Superseded",
            "Archive this key",
        ] {
            assert!(html.contains(part), "{part}");
        }
        let reader =
            KeyPage { administered: false, fields: Vec::new(), reading_fields: Vec::new(), ..KeyPage::sample() };
        let html = reader.render().expect("renders");
        assert!(
            !html.contains("/keys/7/edit")
                && !html.contains("/keys/7/reading")
                && html.contains("For the lab image only.")
        );
    }
}
