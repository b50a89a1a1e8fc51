//! `/requests`: what was asked on the person's License IDs, and by them.
use askama::Template;

use super::machine::State;
use super::page::{icon, tone};
use crate::web::page::{Shell, Tone};
use crate::web::view::{Address, Chip, Choice, Columns, Empty, Offered, Pager, When};

/// What the list has to show of a request.
pub(super) const COLUMNS: [Offered; 6] = [
    Offered::new("number", "Request").sorts(),
    Offered::new("license_id", "License ID").sorts(),
    Offered::new("asker", "Asked by").gives_way("less"),
    Offered::new("state", "State").sorts(),
    Offered::new("due", "Needed by").sorts(),
    Offered::new("asked", "Asked").gives_way("less"),
];

/// A request in the list.
#[derive(Clone, Debug)]
pub struct RequestRow {
    /// Its number.
    pub number: i64,
    /// What is asked, in a line.
    pub title: String,
    /// What kind it is.
    pub kind: &'static str,
    /// The License ID.
    pub license_id: String,
    /// Who asks.
    pub asker: String,
    /// Where it is.
    pub state: State,
    /// When it should be settled.
    pub due: Option<When>,
    /// Whether that day has passed and it is open.
    pub late: bool,
    /// When it was asked.
    pub asked: When,
}

impl RequestRow {
    fn href(&self) -> String {
        super::model::href(self.number)
    }

    fn tone(&self) -> Tone {
        tone(self.state)
    }

    fn icon(&self) -> &'static str {
        icon(self.state)
    }
}

/// The list.
#[derive(Template)]
#[template(path = "requests/list.html")]
pub struct RequestsPage {
    /// The frame.
    pub shell: Shell,
    /// The list's address: `q`, `state`, `kind`, `who`, `license_id`, `sort`, `page`, `columns`.
    pub address: Address,
    /// Which columns are shown.
    pub columns: Columns,
    /// What was searched.
    pub q: String,
    /// The requests on this page.
    pub rows: Vec<RequestRow>,
    /// Which page.
    pub pager: Pager,
    /// The states to filter by, the open ones first.
    pub states: Vec<Choice>,
    /// The kinds to filter by, "All" with the value "" first.
    pub kinds: Vec<Choice>,
    /// Whose turn it is, "Anybody" with the value "" first.
    pub turns: Vec<Choice>,
    /// What to show when there is no row.
    pub empty: Empty,
}

impl RequestsPage {
    fn clear(&self) -> String {
        Address::new(self.address.path()).with("state", "all").with("columns", self.columns.part()).href()
    }

    fn chips(&self) -> Vec<Chip> {
        let label = |choices: &[Choice], value: &str| {
            choices.iter().find(|choice| choice.value == value).map_or(value, |choice| choice.label.as_str()).to_owned()
        };
        let parts = [("q", "Search: "), ("kind", "What: "), ("who", "Whose turn: "), ("license_id", "License ID: ")];
        let mut chips = Vec::new();
        let state = self.address.get("state");
        // The default hides something, so it is a filter like any other.
        let (text, without) = match state {
            "" => ("Ended hidden".to_owned(), self.address.clone().with("state", "all")),
            "all" => (String::new(), self.address.clone()),
            state => (["State: ", &label(&self.states, state)].concat(), self.address.clone().with("state", "all")),
        };
        if !text.is_empty() {
            chips.push(Chip::new(text, without.without("page").href()));
        }
        for (part, lead) in parts.into_iter().filter(|(part, _)| !self.address.get(part).is_empty()) {
            let value = match part {
                "kind" => label(&self.kinds, self.address.get(part)),
                "who" => label(&self.turns, self.address.get(part)),
                _ => self.address.get(part).to_owned(),
            };
            chips.push(Chip::new([lead, &value].concat(), self.address.clone().without(part).without("page").href()));
        }
        chips
    }
}

#[cfg(test)]
impl RequestsPage {
    /// Two requests.
    pub fn sample() -> Self {
        use time::macros::{date, datetime};
        let now = datetime!(2026-11-22 14:13 UTC);
        let address = Address::new("/requests").with("who", "decide");
        let row = |number, title: &str, state, due: Option<time::Date>| RequestRow {
            number,
            title: title.into(),
            kind: "More MAK activations",
            license_id: "8671204".into(),
            asker: "Help Desk".into(),
            state,
            due: due.map(|day| When::day(day, now.date())),
            late: due.is_some_and(|day| day < now.date()),
            asked: When::moment(datetime!(2026-11-20 09:00 UTC), now),
        };
        Self {
            shell: Shell::sample("/requests"),
            q: String::new(),
            rows: vec![
                row(8, "200 more activations", State::Submitted, Some(date!(2026 - 11 - 20))),
                row(7, "Product keys reader on License ID 8671204", State::Question, None),
            ],
            pager: Pager::new(&address, "page", 1, 50, 2),
            states: vec![Choice::new("", "Open", "")],
            kinds: vec![Choice::new("", "All", "")],
            turns: vec![Choice::new("decide", "Waits for my decision", "decide")],
            empty: Empty::new(crate::web::view::EmptyKind::NothingYet, "No requests yet", "Ask at a key."),
            columns: Columns::parse(&COLUMNS, &[]),
            address,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_says_where_it_is_and_whether_it_is_late() {
        let html = RequestsPage::sample().render().expect("renders");
        for part in
            ["Waiting for a decision", "Overdue", "Ended hidden", "Whose turn: Waits for my decision", "/requests/8"]
        {
            assert!(html.contains(part), "{part}");
        }
    }
}
