//! `/requests/{number}/packet`: what the vendor's form asks, filled in, to copy field by field, to print,
//! or to say on the telephone. Source of the fields: S000, "Request an increase to MAK activation
//! limits", "Request more KMS host keys", "KMS keys for Open Value".
use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};

use super::{
    db,
    machine::Kind,
    model::{Place, Reading, Request},
    plot,
};
use crate::{
    app::AppState,
    auth::proof::OnRequest,
    error::{Error, Result},
    web::{
        page::{Html, Shell},
        view::{Cell, Numbers, Plot, When, number},
    },
};

/// A field of the vendor's form.
#[derive(Clone, Debug)]
pub struct PacketField {
    /// What the form calls it.
    pub label: &'static str,
    /// What belongs there.
    pub value: String,
    /// Whether it is an identifier.
    pub mono: bool,
}

/// The sheet.
#[derive(Template)]
#[template(path = "requests/packet.html")]
pub struct PacketPage {
    /// The frame.
    pub shell: Shell,
    /// The request's number.
    pub number: i64,
    /// What is asked, in a line.
    pub title: String,
    /// Which of the vendor's forms.
    pub form: &'static str,
    /// The fields, in the form's order.
    pub fields: Vec<PacketField>,
    /// What to say on the telephone, in order.
    pub telephone: Vec<String>,
    /// The counts over time.
    pub plot: Option<Plot>,
    /// The same as a table, the latest first; none where nothing was read.
    pub history: Option<Numbers>,
}

/// The sheet of a vendor request; there is none of the others.
///
/// # Errors
/// 404 for access, for own products, and for who may not ask there.
pub async fn get(request: OnRequest, State(state): State<AppState>) -> Result<Response> {
    let asked = &request.request;
    let (true, true, Some(contract)) = (asked.has_packet(), asked.may_ask, asked.contract_id) else {
        return Err(Error::NotFound);
    };
    let mut tx = request.begin(&state).await?;
    let place = db::place_of(&mut tx, contract).await?.ok_or(Error::NotFound)?;
    let (readings, counts) = match asked.key_id {
        Some(key) => (db::readings(&mut tx, key).await?, db::counts(&mut tx, key).await?),
        None => (Vec::new(), None),
    };
    let now = tx.now();
    Ok(Html(PacketPage {
        shell: request.visitor().shell(&state),
        number: asked.number,
        title: asked.title(),
        form: form(asked.kind),
        fields: fields(asked, &place),
        telephone: telephone(asked, &place, counts.unwrap_or_default(), &request.person().name),
        plot: plot::plot(&readings, history(&readings, now)),
        history: (!readings.is_empty()).then(|| history(&readings, now)),
    })
    .into_response())
}

fn form(kind: Kind) -> &'static str {
    match kind {
        Kind::MakLimit => "An increase of a MAK’s activation limit",
        Kind::KmsHosts => "More than six KMS hosts",
        Kind::KmsException | Kind::Access => "A KMS key by exception",
    }
}

/// Exactly what the form asks, in its order.
fn fields(request: &Request, place: &Place) -> Vec<PacketField> {
    let field = |label, value: String, mono| PacketField { label, value, mono };
    let mut fields = Vec::new();
    if request.kind == Kind::MakLimit {
        fields.push(field("License ID", place.license_id.clone(), true));
        fields.push(field("Authorization, agreement or enrollment number", request.authorization_number.clone(), true));
    } else {
        fields.push(field("Agreement or enrollment number, or License ID", place.license_id.clone(), true));
    }
    fields.push(field("Product name, with version and edition", request.product.clone(), false));
    if request.kind == Kind::MakLimit {
        fields.push(field(
            "Last five characters of the product key",
            request.last_five.clone().unwrap_or_default(),
            true,
        ));
    }
    fields.push(field("Number of activations required", how_many(request), false));
    let mut why = request.justification.clone();
    if let Some(computers) = request.computers {
        why = format!("{why}\n{} computers will use the KMS host.", number(computers));
    }
    fields.push(field("Business justification or reason for deployment", why, false));
    fields.retain(|field| !field.value.is_empty());
    fields
}

/// Said so that nobody takes the one number for the other: how many more, and how many that makes.
fn how_many(request: &Request) -> String {
    let unit = request.kind.unit();
    let quantity = number(request.quantity.unwrap_or(0));
    match request.wanted_total {
        Some(wanted) if request.kind != Kind::KmsException => {
            format!("{quantity} {unit} more, which makes {} in all", number(wanted))
        }
        _ => format!("{quantity} {unit}"),
    }
}

/// What to say, in the order in which it is asked.
fn telephone(request: &Request, place: &Place, (used, total): (Option<i64>, Option<i64>), me: &str) -> Vec<String> {
    let mut lines = vec![
        format!("My name is {me}, I call for {}.", place.organization),
        format!("It is about License ID {}.", spelled(&place.license_id)),
    ];
    if request.kind == Kind::MakLimit && !request.authorization_number.is_empty() {
        lines.push(format!("The authorization or agreement number is {}.", spelled(&request.authorization_number)));
    }
    lines.push(format!("The product is {}.", request.product));
    if let (Kind::MakLimit, Some(five)) = (request.kind, &request.last_five) {
        lines.push(format!("The last five characters of the key are {}. I don’t say more of it.", spelled(five)));
    }
    if let (Some(used), Some(total)) = (used, total) {
        lines.push(format!("{} of {} are used.", number(used), number(total)));
    }
    lines.push(format!("We need {}.", how_many(request)));
    lines.push("The reason is the one in the form; I can read it out or send it.".to_owned());
    lines.push("What is the case number, and by when can I expect an answer?".to_owned());
    lines
}

/// Letter by letter, on one line: whoever reads it out must not lose the place.
fn spelled(text: &str) -> String {
    text.chars().map(String::from).collect::<Vec<_>>().join("\u{a0}")
}

/// The counts that were read, the latest first.
fn history(readings: &[Reading], now: time::OffsetDateTime) -> Numbers {
    let row = |reading: &Reading| {
        let count = |n: Option<i64>| n.map_or_else(|| Cell::text(""), Cell::number);
        let source = match reading.source.as_str() {
            "import" => "Import",
            "typed" => "Typed",
            "request" => "Request approved",
            _ => "Counted",
        };
        let at = Cell::when(When::moment(reading.read_at, now));
        vec![at, count(reading.used), count(reading.total), Cell::text(source)]
    };
    Numbers {
        caption: "Counts that were read, the latest first",
        columns: vec![("Read", false), ("Used", true), ("Limit", true), ("From", false)],
        rows: readings.iter().rev().take(24).map(row).collect(),
    }
}

#[cfg(test)]
impl PacketPage {
    /// A MAK with two readings.
    pub fn sample() -> Self {
        use time::macros::datetime;
        let now = datetime!(2026-11-22 14:13 UTC);
        let reading = |at, used| Reading { read_at: at, source: "import".into(), used: Some(used), total: Some(500) };
        let readings = [reading(datetime!(2026-01-10 08:00 UTC), 120), reading(datetime!(2026-11-20 08:00 UTC), 480)];
        Self {
            shell: Shell::sample("/requests/7/packet"),
            number: 7,
            title: "200 more activations of Windows 11 Pro (AB12C)".into(),
            form: form(Kind::MakLimit),
            fields: vec![
                PacketField { label: "License ID", value: "8671204".into(), mono: true },
                PacketField { label: "Last five characters of the product key", value: "AB12C".into(), mono: true },
            ],
            telephone: vec![format!("It is about License ID {}.", spelled("8671204"))],
            plot: plot::plot(&readings, history(&readings, now)),
            history: Some(history(&readings, now)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_has_words_and_a_table_beside_it() {
        let html = PacketPage::sample().render().expect("renders");
        for part in [
            "<polyline",
            "role=\"img\"",
            "10 Jan 2026 (120 of 500)",
            "8\u{a0}6\u{a0}7\u{a0}1\u{a0}2\u{a0}0\u{a0}4",
            "data-copy-text",
            "480",
        ] {
            assert!(html.contains(part), "{part}");
        }
    }
}
