//! `/activation/{application}/devices`: codes by which devices enrol. A code is told once, when it is made.
use askama::Template;
use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use secrecy::{ExposeSecret, SecretString};
use time::{Duration, OffsetDateTime};

use super::{
    db,
    frame::{Frame, Place, noticed},
    input::Input,
    model::Code,
};
use crate::{
    activation::administration,
    app::AppState,
    auth::proof::{Fresh, OnApplication},
    error::{Error, Result},
    postgres::Scope,
    web::{
        form::Pairs,
        page::{Html, Shell, Tone},
        view::{Field, When, number},
    },
};

/// A code in the list.
#[derive(Clone, Debug)]
pub struct CodeRow {
    /// Its id.
    pub id: String,
    /// What it is for.
    pub note: String,
    /// Devices enrolled of those it enrols.
    pub uses: String,
    /// How it stands.
    pub state: (Tone, &'static str),
    /// Whether it enrols.
    pub usable: bool,
    /// When it was made.
    pub made: When,
    /// Until when it holds.
    pub ends: When,
}

/// The page.
#[derive(Template)]
#[template(path = "pools/devices.html")]
pub struct DevicesPage {
    /// The frame.
    pub shell: Shell,
    /// The application.
    pub frame: Frame,
    /// The code that was just made.
    pub made: Option<SecretString>,
    /// The form's fields: `note`, `devices`, `days`.
    pub fields: Vec<Field>,
    /// The codes.
    pub codes: Vec<CodeRow>,
}

impl DevicesPage {
    fn form_open(&self) -> bool {
        Field::any_wrong(&self.fields)
    }

    fn made_text(&self) -> &str {
        self.made.as_ref().map_or("", |code| code.expose_secret())
    }
}

/// The form that makes a code.
struct CodeForm {
    note: Input,
    devices: Input,
    days: Input,
}

impl Default for CodeForm {
    fn default() -> Self {
        Self { note: Input::default(), devices: Input::of("25"), days: Input::of("14") }
    }
}

impl CodeForm {
    fn fields(self) -> Vec<Field> {
        vec![
            self.note.field("text", "note", "For whom").help("For example: machines of the first floor."),
            self.devices.field("number", "devices", "Devices").help("So many may enrol with it."),
            self.days.field("number", "days", "Days").help("It ends by itself after so many days."),
        ]
    }
}

/// The page.
///
/// # Errors
/// When the database fails.
pub async fn list(
    application: OnApplication,
    State(state): State<AppState>,
    RawQuery(query): RawQuery,
) -> Result<Response> {
    let query = Pairs::parse(query.unwrap_or_default().as_bytes());
    Ok(Html(page(&state, &application, &query, CodeForm::default(), None).await?).into_response())
}

async fn page(
    state: &AppState,
    proof: &OnApplication,
    query: &Pairs,
    form: CodeForm,
    made: Option<SecretString>,
) -> Result<DevicesPage> {
    let mut tx = proof.begin(state).await?;
    let now = tx.now();
    let codes = db::codes(&mut tx, proof.application.id).await?;
    Ok(DevicesPage {
        shell: noticed(proof.visitor().shell(state), query.one("notice")),
        frame: Frame::new(&proof.application, Place::Devices, now),
        made,
        fields: form.fields(),
        codes: codes.into_iter().map(|code| row(code, now)).collect(),
    })
}

fn row(code: Code, now: OffsetDateTime) -> CodeRow {
    let (usable, state) = match code {
        _ if code.revoked_at.is_some() => (false, (Tone::Info, "Taken back")),
        _ if code.ends_at <= now => (false, (Tone::Info, "Ended")),
        _ if code.uses >= code.most_uses => (false, (Tone::Info, "Used up")),
        _ => (true, (Tone::Good, "Enrols")),
    };
    CodeRow {
        id: code.id.to_string(),
        uses: format!("{} of {}", number(code.uses), number(code.most_uses)),
        state,
        usable,
        made: When::moment(code.created_at, now),
        ends: When::day(code.ends_at.date(), now.date()),
        note: code.note,
    }
}

/// Makes a code and shows it, this once.
///
/// # Errors
/// 422 with the page where the form is wrong; else when the database fails.
pub async fn add(application: Fresh<OnApplication>, State(state): State<AppState>, pairs: Pairs) -> Result<Response> {
    let read = |name| Input::read(&pairs, name);
    let mut form = CodeForm { note: read("note"), devices: read("devices"), days: read("days") };
    let note = form.note.text(100);
    let devices = form.devices.number(1, 100_000);
    let days = form.days.number(1, 365);
    if [&form.note, &form.devices, &form.days].iter().any(|input| input.error.is_some()) {
        let page = page(&state, &application, &Pairs::default(), form, None).await?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response());
    }
    let mut tx = state.db.begin(Scope::System).await?;
    let uses = i32::try_from(devices).unwrap_or(i32::MAX);
    let (site, lasts) = (state.vault.site_keys(), Duration::days(days));
    let (code, event) = administration::add_code(&mut tx, site, application.application.id, uses, lasts, &note).await?;
    application.record(&state, &mut tx, event).await?;
    tx.commit().await?;
    let page = page(&state, &application, &Pairs::default(), CodeForm::default(), Some(code)).await?;
    Ok(Html(page).into_response())
}

/// Takes a code back.
///
/// # Errors
/// 404 where it isn't the application's; else when the database fails.
pub async fn revoke(application: OnApplication, State(state): State<AppState>) -> Result<Response> {
    let own = &application.application;
    let id = application.part("enrolment")?;
    let mut tx = application.begin(&state).await?;
    let codes = db::codes(&mut tx, own.id).await?;
    drop(tx);
    let code = codes.into_iter().find(|code| code.id == id).ok_or(Error::NotFound)?;
    if code.revoked_at.is_none() {
        let mut tx = state.db.begin(Scope::System).await?;
        let event = administration::revoke_code(&mut tx, own.id, id).await?;
        application.record(&state, &mut tx, event).await?;
        tx.commit().await?;
    }
    Ok(Redirect::to(&format!("{}/devices?notice=taken-back", own.href())).into_response())
}

#[cfg(test)]
impl DevicesPage {
    /// A code just made, and one that is used up.
    pub fn sample() -> Self {
        use time::macros::datetime;
        use uuid::Uuid;

        let now = datetime!(2026-11-22 12:00 UTC);
        let code = |uses| Code {
            id: Uuid::from_u128(4),
            note: "First floor".into(),
            uses,
            most_uses: 25,
            created_at: now,
            ends_at: now + Duration::days(14),
            revoked_at: None,
        };
        let frame = Frame::sample(Place::Devices);
        Self {
            shell: Shell::sample(&frame.at("/devices")),
            frame,
            made: Some(SecretString::from("HJ4K-2WXM-9RTP")),
            fields: CodeForm::default().fields(),
            codes: vec![row(code(3), now), row(code(25), now)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_told_once_and_a_used_one_says_so() {
        let html = DevicesPage::sample().render().expect("renders");
        for part in ["HJ4K-2WXM-9RTP", "3 of 25", "Used up", "Take back"] {
            assert!(html.contains(part), "{part}");
        }
        let later = DevicesPage { made: None, ..DevicesPage::sample() };
        assert!(!later.render().expect("renders").contains("HJ4K"));
    }
}
