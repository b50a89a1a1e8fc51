//! `POST /activation/offline/codes`: codes that somebody read off machines and typed, a line each.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::offline::{Desk, OfflinePage, said_words};
use crate::{
    activation::{
        code::{BadCode, CodedRequest},
        typed::Unserved,
        wire::MACHINE,
    },
    app::AppState,
    audit::Event,
    auth::proof::{OperatorOrAdministrator, Site},
    error::Result,
    web::{
        form::Pairs,
        page::{Html, Tone},
    },
};

/// Codes at a time.
const MOST: usize = 100;

/// A code that was typed.
#[derive(Clone, Debug)]
pub struct TypedRow {
    /// Its line in the field.
    pub line: usize,
    /// The machine's name, as typed.
    pub machine: String,
    /// How it ended.
    pub tone: Tone,
    /// In words.
    pub words: String,
    /// The code to type at the machine.
    pub code: Option<String>,
}

impl TypedRow {
    fn failed(line: usize, machine: &str, words: impl Into<String>) -> Self {
        Self { line, machine: machine.to_owned(), tone: Tone::Bad, words: words.into(), code: None }
    }
}

/// Serves typed codes. The same code may be typed again: it is the same request.
///
/// # Errors
/// 422 with the page where no code could be read; else when the database fails.
pub async fn post(
    person: Site<OperatorOrAdministrator>,
    State(state): State<AppState>,
    form: Pairs,
) -> Result<Response> {
    let text = form.one("codes");
    let lines: Vec<(usize, &str)> =
        text.lines().map(str::trim).enumerate().filter(|(_, line)| !line.is_empty()).collect();
    let mut page = OfflinePage::new(person.visitor().shell(&state));
    page.codes = text.chars().take(40_000).collect();
    match lines.len() {
        0 => page.errors.push("No code was typed. Write one a line: the machine’s name, then its code.".to_owned()),
        1..=MOST => {
            let desk = Desk::open(&state, &person).await?;
            for (at, line) in lines {
                page.typed.push(desk.typed(at + 1, line).await?);
            }
        }
        more => page.errors.push(format!("{more} codes were typed, at most {MOST} are taken at a time.")),
    }
    let taken = page.typed.iter().any(|row| row.code.is_some());
    if page.typed.iter().all(|row| row.code.is_some()) && taken {
        page.codes.clear();
    }
    let status = if taken { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok((status, Html(page)).into_response())
}

impl Desk<'_> {
    async fn typed(&self, line: usize, text: &str) -> Result<TypedRow> {
        let (machine, code) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let row = self.answer(line, machine, code).await?;
        let event = if row.code.is_some() {
            Event::done("activation.carried", format!("Code of {}", row.machine))
        } else {
            Event::denied("activation.carried", format!("Code on line {line}"))
        };
        self.record(event.with(json!({ "answer": row.words }))).await?;
        Ok(row)
    }

    async fn answer(&self, line: usize, machine: &str, code: &str) -> Result<TypedRow> {
        if code.trim().is_empty() {
            let words = "Write the machine’s name, a space, and its code.";
            return Ok(TypedRow::failed(line, "", words));
        }
        if machine.chars().count() > MACHINE || machine.chars().any(char::is_control) {
            return Ok(TypedRow::failed(line, "", format!("A machine’s name has at most {MACHINE} characters.")));
        }
        let asked = match CodedRequest::read(code) {
            Ok(asked) => asked,
            Err(bad) => return Ok(TypedRow::failed(line, machine, sentence(&bad))),
        };
        let typed = match self.ledger.typed(&asked, machine, &self.contracts, &self.actor()).await {
            Ok(typed) => typed,
            Err(Unserved::Unwritten(fault)) => return Err(super::offline::unwritten(fault)),
            Err(other) => return Ok(TypedRow::failed(line, machine, capital(&other.to_string()))),
        };
        let (tone, words) = said_words(&typed.said);
        Ok(match typed.code {
            Ok(code) => TypedRow { line, machine: machine.to_owned(), tone, words, code },
            Err(bad) => TypedRow::failed(line, machine, format!("{words}. {}", sentence(&bad))),
        })
    }
}

fn sentence(bad: &BadCode) -> String {
    format!("{}.", capital(&bad.to_string()))
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
