//! `/products/esu`: which year of Extended Security Updates covers which days; and the days that a site operator sets
//! for a year, an Administrator for a key.
use askama::Template;
use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use time::Date;

use super::{
    about::WrongDay,
    db,
    esu::{self, Year},
    screens::{self, Extra},
};
use crate::{
    app::AppState,
    audit::Event,
    auth::proof::{Administer, OnKey, Operator, SignedIn, Site},
    error::{Error, Result},
    web::{
        form::Pairs,
        page::{Html, Shell, Tone},
        view::{Empty, EmptyKind, When, product_path},
    },
};

/// A year on the page.
#[derive(Clone, Debug)]
pub struct YearRow {
    /// The product.
    pub product: String,
    /// Which year.
    pub year: i16,
    /// Its first day.
    pub from: When,
    /// Its last day.
    pub until: When,
    /// A site operator's own day, or what was typed.
    pub own: String,
    /// The same in words, where there is one.
    pub own_day: Option<When>,
    /// What is wrong with what was typed.
    pub error: Option<String>,
    /// How much today's state matters.
    pub tone: Tone,
    /// Today's state in a word.
    pub state: &'static str,
    /// Where the days are from.
    pub source: String,
}

/// The page.
#[derive(Template)]
#[template(path = "products/esu.html")]
pub struct EsuPage {
    shell: Shell,
    operator: bool,
    rows: Vec<YearRow>,
    empty: Empty,
}

/// What was typed for a year and isn't a day.
struct Typed {
    product: String,
    year: i16,
    value: String,
    error: String,
}

/// The years.
///
/// # Errors
/// When the database fails.
pub async fn get(person: SignedIn, State(state): State<AppState>, RawQuery(query): RawQuery) -> Result<Response> {
    let query = Pairs::parse(query.unwrap_or_default().as_bytes());
    let mut page = page(&state, &person, None).await?;
    if query.one("notice") == "set" {
        page.shell =
            page.shell.notice(Tone::Good, "The day was set. Lists, notices and product pages go by it from now on.");
    }
    Ok(Html(page).into_response())
}

async fn page(state: &AppState, person: &SignedIn, typed: Option<Typed>) -> Result<EsuPage> {
    let mut tx = person.begin(state).await?;
    let today = tx.today();
    let rows = esu::years(&mut tx).await?.into_iter().map(|year| row(year, today, typed.as_ref())).collect();
    Ok(EsuPage { shell: person.visitor().shell(state), operator: person.person().site_operator, rows, empty: empty() })
}

fn empty() -> Empty {
    Empty::new(
        EmptyKind::NothingYet,
        "No year of coverage is known",
        "A site operator imports a table with the columns product, esu_year, coverage_start and coverage_end.",
    )
}

fn row(year: Year, today: Date, typed: Option<&Typed>) -> YearRow {
    let typed = typed.filter(|typed| typed.product == year.product && typed.year == year.year);
    let (tone, _) = year.means(today);
    YearRow {
        from: When::day(year.covers_from, today),
        until: When::day(year.covers_until, today),
        own: typed.map_or_else(
            || year.usable_from.map(|day| day.to_string()).unwrap_or_default(),
            |typed| typed.value.clone(),
        ),
        own_day: year.usable_from.map(|day| When::day(day, today)),
        error: typed.map(|typed| typed.error.clone()),
        state: match tone {
            Tone::Warn => "Not usable yet",
            Tone::Info => "Usable, not covered yet",
            Tone::Good => "Covered",
            Tone::Bad => "Ended",
        },
        tone,
        product: year.product,
        year: year.year,
        source: year.source,
    }
}

/// Sets a site operator's own day for a year, or takes it away.
///
/// # Errors
/// 422 with the page where it isn't a day; [`Error::NotFound`] where there is no such year.
pub async fn set_year(person: Site<Operator>, State(state): State<AppState>, form: Pairs) -> Result<Response> {
    let product = form.one("product").to_owned();
    let year: i16 = form.one("year").parse().map_err(|_| Error::NotFound)?;
    let day = match esu::day(form.one("day").trim()) {
        Ok(day) => day,
        Err(error) => {
            let typed = Typed { product, year, value: form.one("day").to_owned(), error };
            let page = page(&state, &person, Some(typed)).await?;
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response());
        }
    };
    let mut tx = person.begin(&state).await?;
    if !esu::set_day(&mut tx, &product, year, day).await? {
        return Err(Error::NotFound);
    }
    let subject = format!("{product}, ESU year {year}: {}", words(day));
    person.record(&state, &mut tx, Event::done("esu.day", subject)).await?;
    tx.commit().await?;
    Ok(Redirect::to("/products/esu?notice=set").into_response())
}

/// Sets a key's own day, or takes it away.
///
/// # Errors
/// 422 with the product's page where it isn't a day.
pub async fn set_key(key: OnKey<Administer>, State(state): State<AppState>, form: Pairs) -> Result<Response> {
    let mut tx = key.begin(&state).await?;
    let head = &key.key;
    let day = match esu::day(form.one("day").trim()) {
        Ok(day) => day,
        Err(error) => {
            let product = db::by_slug(&mut tx, &head.slug).await?.ok_or(Error::NotFound)?;
            let day = Some(WrongDay { key: head.id, value: form.one("day").to_owned(), error });
            let page =
                screens::with(&state, &key, &mut tx, &product, "about", Extra { day, ..Extra::default() }).await?;
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response());
        }
    };
    if !esu::set_key_day(&mut tx, head.id, day).await? {
        return Err(Error::NotFound);
    }
    let subject = format!("{} …{}: {}", head.product, head.last_five.as_deref().unwrap_or_default(), words(day));
    let event = Event::done("key.day", subject).on(head.contract_id).keys(vec![head.id]);
    key.record(&state, &mut tx, event).await?;
    tx.commit().await?;
    Ok(Redirect::to(&[&product_path(&head.slug), "?tab=about&notice=day-set"].concat()).into_response())
}

fn words(day: Option<Date>) -> String {
    day.map_or_else(|| "no day of its own".to_owned(), |day| format!("usable from {day}"))
}

#[cfg(test)]
impl EsuPage {
    /// A year that has not begun, with a day that isn't one.
    pub fn sample() -> Self {
        let today = time::macros::date!(2026 - 11 - 22);
        let typed =
            Typed { product: "Windows 10".into(), year: 3, value: "soon".into(), error: "This isn’t a day.".into() };
        Self {
            shell: Shell::sample("/products/esu"),
            operator: true,
            rows: vec![row(Year::sample(), today, Some(&typed))],
            empty: empty(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_operator_has_a_form_for_each_year_and_nobody_else() {
        let html = EsuPage::sample().render().expect("renders");
        for part in [
            "Windows 10",
            "13 Oct 2027",
            "Not usable yet",
            "This isn’t a day.",
            "value=\"soon\"",
            "action=\"/products/esu\"",
        ] {
            assert!(html.contains(part), "{part}");
        }
        let html = EsuPage { operator: false, ..EsuPage::sample() }.render().expect("renders");
        assert!(!html.contains("action=\"/products/esu\""));
        let html = EsuPage { rows: Vec::new(), ..EsuPage::sample() }.render().expect("renders");
        assert!(html.contains("No year of coverage is known"));
    }
}
