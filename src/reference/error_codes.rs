//! `GET /error-codes` and `GET /error-codes/{code}`: what an activation error means, found in
//! whatever is pasted.
use askama::Template;
use axum::{
    extract::{RawQuery, State},
    response::{IntoResponse, Redirect, Response},
};

use super::{
    codes::{self, ErrorCode},
    events::{self, Event},
};
use crate::{
    app::AppState,
    auth::proof::SignedIn,
    error::{Error, Result},
    web::{
        form::Pairs,
        page::{Html, Shell, Tone},
        view::{Empty, EmptyKind, count},
    },
};

/// Characters of a paste that are looked at: an address can't carry much more.
const CAP: usize = 4_000;

/// A code that a paste holds.
pub struct Hit {
    /// As the table writes it.
    pub code: String,
    /// What is to be said about its spelling.
    pub spelling: String,
    /// What the table says.
    pub known: Option<&'static ErrorCode>,
    /// What its upper half tells, where the table says nothing.
    pub family: String,
}

/// The page with the list.
#[derive(Template)]
#[template(path = "reference/error_codes.html")]
pub struct ErrorCodesPage {
    shell: Shell,
    q: String,
    cut: bool,
    hits: Vec<Hit>,
    events: Vec<Event>,
    named: Vec<(&'static str, &'static str)>,
    rows: Vec<&'static ErrorCode>,
}

/// The page of one code.
#[derive(Template)]
#[template(path = "reference/error_code.html")]
pub struct ErrorCodePage {
    shell: Shell,
    code: &'static ErrorCode,
}

/// The list, or what a paste holds.
///
/// # Errors
/// Never but for what its proof refuses.
pub async fn list(person: SignedIn, State(state): State<AppState>, RawQuery(query): RawQuery) -> Result<Response> {
    let query = Pairs::parse(query.unwrap_or_default().as_bytes());
    let shell = person.visitor().shell(&state);
    Ok(Html(ErrorCodesPage::new(shell, query.one("q"))).into_response())
}

/// One code; however it is written, it has one address.
///
/// # Errors
/// 404 for what isn't in the table.
pub async fn one(person: SignedIn, State(state): State<AppState>) -> Result<Response> {
    let path = person.visitor().path();
    let name = path.split('?').next().and_then(|path| path.strip_prefix("/error-codes/")).unwrap_or_default();
    let found = codes::find(name);
    let code = found.first().and_then(|found| codes::by_number(found.number)).ok_or(Error::NotFound)?;
    if name != code.code {
        return Ok(Redirect::to(&code.href()).into_response());
    }
    Ok(Html(ErrorCodePage { shell: person.visitor().shell(&state), code }).into_response())
}

impl ErrorCodesPage {
    fn new(shell: Shell, q: &str) -> Self {
        let q = q.trim();
        let end = q.char_indices().nth(CAP).map_or(q.len(), |(end, _)| end);
        let (cut, q) = (end < q.len(), &q[..end]);
        let events = events::find(q);
        let hits: Vec<Hit> = codes::find(q).into_iter().map(Hit::of).collect();
        let named = if events.is_empty() { events::named(q) } else { Vec::new() };
        // Words are searched for only where nothing was recognised: a paste is full of words.
        let rows = if hits.is_empty() && events.is_empty() && named.is_empty() { codes::search(q) } else { Vec::new() };
        Self { shell, q: q.to_owned(), cut, hits, events, named, rows }
    }

    fn recognised(&self) -> bool {
        !(self.hits.is_empty() && self.events.is_empty() && self.named.is_empty())
    }

    fn count(&self) -> String {
        let rows = u64::try_from(self.rows.len()).unwrap_or(u64::MAX);
        count(rows, "code", "codes")
    }

    fn empty(&self) -> Empty {
        Empty::new(
            EmptyKind::NothingMatches,
            "No code in it, and no code matches these words",
            "Paste the whole message: a code looks like 0xC004F038 or -1073418184.",
        )
        .action("Show all codes", "/error-codes")
    }
}

impl Hit {
    fn of(found: codes::Found) -> Self {
        let known = codes::by_number(found.number);
        let family = if known.is_some() { String::new() } else { codes::family(found.number) };
        Self { code: codes::written(found.number), spelling: found.spelling, known, family }
    }
}

#[cfg(test)]
impl ErrorCodesPage {
    /// The page for a paste.
    pub fn sample(q: &str) -> Self {
        Self::new(Shell::sample("/error-codes"), q)
    }
}

#[cfg(test)]
impl ErrorCodePage {
    /// The page of a code.
    pub fn sample(number: u32) -> Self {
        Self { shell: Shell::sample("/error-codes"), code: codes::by_number(number).expect("a code of the table") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(q: &str) -> String {
        ErrorCodesPage::sample(q).render().expect("renders")
    }

    #[test]
    fn all_codes_are_listed_and_each_leads_to_its_page() {
        let html = page("");
        assert!(html.contains("40 codes"));
        for code in codes::all() {
            assert!(html.contains(&format!("href=\"/error-codes/{}\"", code.code)), "{}", code.code);
        }
        assert_eq!(html.matches("Weak source").count(), 6 + 1, "and once where it is explained");
    }

    #[test]
    fn a_paste_answers_with_its_codes_and_the_fields_of_its_event() {
        let html = page(
            "0xC004F06C, 0x00000000, h:1688, 0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0, 2010/09/29 17:52, 0, 2, 41760, 68531fb9-5511-4989-97be-d11a0f55633f, 5",
        );
        assert!(html.contains("Event 12288") && html.contains("The clocks of client and host differ too much"));
        assert!(html.contains("Client machine ID") && html.contains("Initial grace"));
        assert!(!html.contains("40 codes"), "the list gives way");
        assert!(page("0xC004CF038").contains("a code has eight"));
        assert!(page("0xC004D302").contains("software protection"));
    }

    #[test]
    fn what_is_beyond_the_cap_is_left_out_and_said() {
        let long = ["ä".repeat(CAP).as_str(), " 0xC004F038"].concat();
        let html = page(&long);
        assert!(html.contains("first 4,000 characters") && !html.contains("/error-codes/0xC004F038\""));
        assert!(page("<b>").contains("No code in it"));
    }

    #[test]
    fn a_page_says_side_cause_and_what_to_do() {
        let html = ErrorCodePage::sample(0xC004_F038).render().expect("renders");
        assert!(html.contains("KMS client") && html.contains("25 for Windows clients, 5 for Windows Server"));
        assert!(html.contains("href=\"/guides/kms-host\"") && !html.contains("Weak source"));
        assert!(ErrorCodePage::sample(0xC004_E002).render().expect("renders").contains("Weak source"));
    }
}
