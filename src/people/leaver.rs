//! `/people/{id}/leaver`: the keys that a person really revealed, copied or exported, as the log says: what to look
//! at when they leave. Cut to the License IDs whose events the reader may read.
use askama::Template;
use axum::{
    extract::{RawQuery, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde_json::json;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    paths::{self, KeyTaken},
    person::Head,
};
use crate::{
    app::AppState,
    audit::Event,
    auth::proof::{AuditorOrAdministrator, OnPerson},
    error::{Error, Result},
    exports::{TextFormat, append_row, header_bytes},
    keys::kind_of,
    web::{
        form::Pairs,
        page::{Html, Shell},
        paging::page_of,
        view::{Address, Empty, EmptyKind, Pager, When, count},
    },
};

/// Rows of a page: a sheet is printed as a whole where it can be.
const ROWS: i64 = 200;

/// The columns of the file; no key among them.
pub const COLUMNS: [&str; 9] =
    ["License ID", "Product", "Type", "Last five characters", "Revealed", "Copied", "Exported", "First", "Last"];

/// A key that was taken.
#[derive(Clone, Debug)]
pub struct TakenRow {
    /// Its product.
    pub product: String,
    /// MAK, KMS, VLK, OSA or Setup.
    pub kind: String,
    /// The last group.
    pub last_five: String,
    /// Its License ID.
    pub license_id: String,
    /// How: `revealed 2 times, exported once`.
    pub how: String,
    /// The last time.
    pub last: When,
    /// Whether it is archived by now.
    pub archived: bool,
}

/// The page.
#[derive(Template)]
#[template(path = "people/leaver.html")]
pub struct LeaverPage {
    /// The frame.
    pub shell: Shell,
    /// Who.
    pub head: Head,
    /// Where the file is asked for.
    pub export: String,
    /// The keys, the latest first.
    pub rows: Vec<TakenRow>,
    /// Which page.
    pub pager: Pager,
    /// What to show when there is no row.
    pub empty: Empty,
}

impl LeaverPage {
    fn total_words(&self) -> String {
        count(self.pager.total, "key was", "keys were")
    }
}

/// The sheet.
///
/// # Errors
/// When the database fails.
pub async fn get(
    person: OnPerson<AuditorOrAdministrator>,
    State(state): State<AppState>,
    RawQuery(query): RawQuery,
) -> Result<Response> {
    let number = page_of(Pairs::parse(query.unwrap_or_default().as_bytes()).one("page"));
    let mut tx = person.begin(&state).await?;
    let now = tx.now();
    let (keys, total) = paths::keys_taken(&mut tx, person.person.id, ROWS, (number - 1) * ROWS).await?;
    let address = Address::new(format!("/people/{}/leaver", person.person.id));
    let page = LeaverPage {
        shell: person.visitor().shell(&state),
        head: Head::new(&person.person, person.signed_in().person(), true, now),
        export: address.href(),
        rows: keys.into_iter().map(|key| row(key, now)).collect(),
        pager: Pager::new(&address, "page", number.unsigned_abs(), ROWS.unsigned_abs(), total.unsigned_abs()),
        empty: Empty::new(
            EmptyKind::NothingYet,
            "No key was taken",
            "The log has no reveal, copy or export of a key by this person, on the License IDs whose log you read.",
        ),
    };
    Ok(Html(page).into_response())
}

fn kind(code: &str) -> &'static str {
    kind_of(code).map_or("", crate::keys::KeyKind::label)
}

fn row(key: KeyTaken, now: OffsetDateTime) -> TakenRow {
    TakenRow {
        kind: kind(&key.kind).to_owned(),
        how: how(&key),
        last: When::moment(key.last_at, now),
        product: key.product,
        last_five: key.last_five,
        license_id: key.license_id,
        archived: key.archived,
    }
}

fn how(key: &KeyTaken) -> String {
    let part = |n: i64, word: &str| match n {
        0 => None,
        1 => Some(format!("{word} once")),
        n => Some(format!("{word} {}", count(n.unsigned_abs(), "time", "times"))),
    };
    let parts = [part(key.revealed, "revealed"), part(key.copied, "copied"), part(key.exported, "exported")];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// The sheet as a CSV file; that it left is recorded.
///
/// # Errors
/// When the database fails.
pub async fn export(person: OnPerson<AuditorOrAdministrator>, State(state): State<AppState>) -> Result<Response> {
    let mut tx = person.begin(&state).await?;
    let (keys, _) = paths::keys_taken(&mut tx, person.person.id, 0, 0).await?;
    let event = Event::done("leaver.export", person.person.email.clone()).with(json!({ "keys": keys.len() }));
    person.record(&state, &mut tx, event).await?;
    tx.commit().await?;
    let mut out = header_bytes(TextFormat::Csv, &COLUMNS);
    for key in &keys {
        append(&mut out, key)?;
    }
    let head = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8")),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"keyward-leaver.csv\"")),
    ];
    Ok((head, out).into_response())
}

fn append(out: &mut Vec<u8>, key: &KeyTaken) -> Result<()> {
    let moment = |at: OffsetDateTime| at.format(&Rfc3339).map_err(|fault| Error::Internal(fault.into()));
    let (first, last) = (moment(key.first_at)?, moment(key.last_at)?);
    let [revealed, copied, exported] = [key.revealed, key.copied, key.exported].map(|n| n.to_string());
    let cells = [
        key.license_id.as_str(),
        &key.product,
        kind(&key.kind),
        &key.last_five,
        &revealed,
        &copied,
        &exported,
        &first,
        &last,
    ];
    append_row(out, TextFormat::Csv, &cells);
    Ok(())
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::people::person::PersonPage;

    fn taken() -> KeyTaken {
        KeyTaken {
            license_id: "0086".into(),
            product: "Windows 11 Pro".into(),
            kind: "MAK".into(),
            last_five: "G3GH4".into(),
            archived: true,
            revealed: 2,
            copied: 0,
            exported: 1,
            first_at: datetime!(2026-11-01 10:00 UTC),
            last_at: datetime!(2026-11-20 10:00 UTC),
        }
    }

    impl LeaverPage {
        fn sample() -> Self {
            let PersonPage { shell, head, pager, empty, .. } = PersonPage::sample();
            let rows = vec![row(taken(), datetime!(2026-11-22 10:00 UTC))];
            Self { shell, head, export: "/people/1/leaver".into(), rows, pager, empty }
        }
    }

    #[test]
    fn a_key_stands_with_its_last_five_and_how_it_was_taken() {
        let html = LeaverPage::sample().render().expect("renders");
        for part in ["G3GH4", "revealed 2 times, exported once", "Archived", "action=\"/people/1/leaver\""] {
            assert!(html.contains(part), "{part}\n{html}");
        }
    }

    #[test]
    fn the_file_has_every_column_and_no_key() {
        let mut out = header_bytes(TextFormat::Csv, &COLUMNS);
        append(&mut out, &taken()).expect("writes");
        let rows: Vec<csv::StringRecord> =
            csv::Reader::from_reader(&out[..]).records().map(|row| row.expect("reads")).collect();
        let cells: Vec<&str> = rows[0].iter().collect();
        assert_eq!(cells[..7], ["0086", "Windows 11 Pro", "MAK", "G3GH4", "2", "0", "1"]);
    }
}
