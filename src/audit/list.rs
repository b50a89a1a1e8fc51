//! `/audit`: what was done, by whom, and whether the record is whole.
use askama::Template;

use super::Outcome;
use crate::web::page::{Shell, Tone};
use crate::web::view::{Address, Chip, Choice, Columns, Empty, Offered, Pager, When};

impl Outcome {
    /// Its name.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Done => "Done",
            Self::Denied => "Denied",
            Self::Failed => "Failed",
        }
    }

    /// How it is marked.
    #[must_use]
    pub const fn tone(self) -> Tone {
        match self {
            Self::Done => Tone::Good,
            Self::Denied => Tone::Warn,
            Self::Failed => Tone::Bad,
        }
    }
}

/// What the list has to show of an event.
pub(super) const COLUMNS: [Offered; 7] = [
    Offered::new("action", "Action"),
    Offered::new("when", "When"),
    Offered::new("who", "Who"),
    Offered::new("license_id", "License ID").gives_way("less"),
    Offered::new("subject", "Subject"),
    Offered::new("outcome", "Outcome"),
    Offered::new("address", "Address").gives_way("spare"),
];

/// An event.
#[derive(Clone, Debug)]
pub struct AuditRow {
    /// When it was recorded.
    pub at: When,
    /// Who did it: a person's address, or the system actor's name.
    pub who: String,
    /// What was done, in words: "Key revealed".
    pub action: String,
    /// The License ID it was about; empty for none.
    pub license_id: String,
    /// What it was about: a product and last five characters, a person, a file. Never a secret.
    pub subject: String,
    /// How it ended.
    pub outcome: Outcome,
    /// The network address it came from; empty for the command line.
    pub address: String,
}

/// Whether the record is whole.
#[derive(Clone, Debug)]
pub struct ChainState {
    /// Good when whole, bad when a link is broken, info when it can't be checked now.
    pub tone: Tone,
    /// The sentence: "The chain is whole: 1,932 events in 12 chains, checked just now."
    pub text: String,
    /// Where a check of it can be asked for.
    pub check: Option<String>,
}

/// The page.
#[derive(Template)]
#[template(path = "audit/list.html")]
pub struct AuditPage {
    /// The frame.
    pub shell: Shell,
    /// The list's address: `person`, `action`, `license_id`, `key`, `from`, `to`, `page`, `columns`.
    pub address: Address,
    /// Which columns are shown.
    pub columns: Columns,
    /// The actions to filter by, "All" with the value "" first.
    pub actions: Vec<Choice>,
    /// The events on this page, the latest first.
    pub rows: Vec<AuditRow>,
    /// Which page.
    pub pager: Pager,
    /// The state of the chain.
    pub chain: ChainState,
    /// What to show when there is no row.
    pub empty: Empty,
}

impl AuditPage {
    fn chips(&self) -> Vec<Chip> {
        let parts = [
            ("person", "Person: "),
            ("action", "Action: "),
            ("license_id", "License ID: "),
            ("key", "Key ending in "),
            ("from", "From "),
            ("to", "To "),
        ];
        // An action by its label, the others as they are.
        Chip::active(&self.address, &parts, |part, value| {
            let label = self.actions.iter().find(|choice| part == "action" && choice.value == value);
            label.map_or(value, |choice| &choice.label).to_owned()
        })
    }
}

#[cfg(test)]
impl AuditPage {
    /// A few events.
    pub fn sample() -> Self {
        use time::macros::datetime;
        let now = datetime!(2026-11-22 14:13 UTC);
        let address = Address::new("/audit").with("license_id", "8671204").with("action", "key.revealed");
        let row = |at, who: &str, action: &str, subject: &str, outcome, address: &str| AuditRow {
            at: When::moment(at, now),
            who: who.into(),
            action: action.into(),
            license_id: "8671204".into(),
            subject: subject.into(),
            outcome,
            address: address.into(),
        };
        let rows = vec![
            row(
                datetime!(2026-11-22 14:11 UTC),
                "mara.lindqvist@northwind.example",
                "Key revealed",
                "Windows 11 Pro, …G3GH4",
                Outcome::Done,
                "10.20.4.17",
            ),
            row(
                datetime!(2026-11-22 13:40 UTC),
                "ilya.petrov@northwind.example",
                "Role given",
                "jo.ashby@northwind.example",
                Outcome::Denied,
                "10.20.4.88",
            ),
            row(datetime!(2026-11-20 09:30 UTC), "system", "File imported", "admin-center-keys.csv", Outcome::Done, ""),
        ];
        Self {
            shell: Shell::sample("/audit"),
            actions: vec![Choice::new("", "All", ""), Choice::new("key.revealed", "Key revealed", "key.revealed")],
            pager: Pager::new(&address, "page", 1, 50, 1_932),
            rows,
            chain: ChainState {
                tone: Tone::Good,
                text: "The chain is whole: 1,932 events in 12 chains, checked just now.".into(),
                check: Some("/audit?check=1".into()),
            },
            empty: Empty::new(crate::web::view::EmptyKind::NothingMatches, "No event matches", "Take a filter off."),
            columns: Columns::parse(&COLUMNS, &[]),
            address,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_kept_in_the_form_and_told_in_chips() {
        let html = AuditPage::sample().render().expect("renders");
        assert!(html.contains("name=\"license_id\" value=\"8671204\""));
        assert!(html.contains("Action: Key revealed"));
        assert!(html.contains("The chain is whole"));
        assert!(html.contains("Denied"));
        assert!(html.contains("action=\"/exports/audit\"") && html.contains("value=\"jsonl\""));
    }
}
