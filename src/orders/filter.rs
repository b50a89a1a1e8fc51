//! What an address or a form narrows order lines to, and what is wrong with it.

use time::{Date, macros::format_description};

use super::{
    list::COLUMNS,
    model::{Filter, Only, Said},
};
use crate::web::{
    form::Pairs,
    view::{Address, Columns},
};

/// A filter and what of it couldn't be read.
#[derive(Clone, Debug, Default)]
pub struct Narrowed {
    /// What could be read.
    pub filter: Filter,
    /// What is wrong with the first day.
    pub from_error: Option<String>,
    /// What is wrong with the last day.
    pub to_error: Option<String>,
}

/// The parts of an address that narrow the list.
pub const PARTS: [&str; 10] =
    ["q", "license_id", "product", "reseller", "country", "renewal", "step_up", "from", "to", "only"];

/// The list's address.
pub fn address(query: &Pairs) -> Address {
    let parts = PARTS.into_iter().chain(["archived", "sort", "page"]);
    parts
        .fold(Address::new("/orders"), |address, part| address.with(part, query.one(part).trim()))
        .with("columns", Columns::parse(&COLUMNS, &query.all("columns")).part())
}

/// The filter that an address or an export's form names. A day that isn't one narrows nothing and is told.
pub fn filter(query: &Pairs) -> Narrowed {
    let text = |name| query.one(name).trim().to_owned();
    let (from, from_error) = day(query.one("from").trim());
    let (to, mut to_error) = day(query.one("to").trim());
    if from.zip(to).is_some_and(|(from, to)| from > to) {
        to_error = Some("This day lies before the first one: nothing can match.".to_owned());
    }
    let filter = Filter {
        q: text("q"),
        license_id: text("license_id"),
        product: text("product"),
        reseller: text("reseller"),
        country: text("country"),
        renewal: Said::parse(query.one("renewal").trim()),
        step_up: Said::parse(query.one("step_up").trim()),
        from,
        to,
        only: Only::parse(query.one("only").trim()),
        ids: None,
    };
    Narrowed { filter, from_error, to_error }
}

fn day(text: &str) -> (Option<Date>, Option<String>) {
    if text.is_empty() {
        return (None, None);
    }
    match Date::parse(text, format_description!("[year]-[month]-[day]")) {
        Ok(day) => (Some(day), None),
        Err(_) => (None, Some(format!("“{text}” isn’t a day: write it as 2026-12-31."))),
    }
}

impl Filter {
    /// Whether it leaves anything out.
    #[must_use]
    pub fn narrows(&self) -> bool {
        let texts = [&self.q, &self.license_id, &self.product, &self.reseller, &self.country];
        texts.into_iter().any(|text| !text.is_empty())
            || self.from.is_some()
            || self.to.is_some()
            || self.only != Only::All
            || [self.renewal, self.step_up].into_iter().any(|said| said != Said::Anything)
    }

    /// Whether it asks for Extended Security Updates.
    #[must_use]
    pub fn asks_for_esu(&self) -> bool {
        let q = self.q.to_lowercase();
        let spelled = q.contains("extended security");
        self.only == Only::Esu || spelled || q.split(|c: char| !c.is_alphanumeric()).any(|word| word == "esu")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::date;

    fn read(query: &str) -> Narrowed {
        filter(&Pairs::parse(query.as_bytes()))
    }

    #[test]
    fn a_day_that_is_none_is_told_and_narrows_nothing() {
        let narrowed = read("from=31.12.2026&to=2026-02-29");
        assert!(!narrowed.filter.narrows());
        assert_eq!(narrowed.from_error.unwrap(), "“31.12.2026” isn’t a day: write it as 2026-12-31.");
        assert!(narrowed.to_error.is_some());
        let narrowed = read("from=2026-12-31&to=2026-01-01");
        assert_eq!(narrowed.filter.from, Some(date!(2026 - 12 - 31)));
        assert!(narrowed.to_error.unwrap().contains("before the first"));
    }

    #[test]
    fn a_search_for_esu_is_understood_in_words() {
        for q in ["ESU", "esu+8671204", "windows+10+esu", "Extended+Security+Updates"] {
            assert!(read(&format!("q={q}")).filter.asks_for_esu(), "{q}");
        }
        assert!(read("only=esu").filter.asks_for_esu());
        for q in ["", "measure", "windows"] {
            assert!(!read(&format!("q={q}")).filter.asks_for_esu(), "{q}");
        }
    }
}
