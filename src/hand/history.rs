//! Changes as pages show them.

use time::OffsetDateTime;

use super::model::{Changed, Thing};
use crate::web::view::{When, contract_path, read_out};

/// A line of history.
#[derive(Clone, Debug)]
pub struct HistoryRow {
    /// When.
    pub at: When,
    /// Who.
    pub who: String,
    /// What was changed: "Product key Windows 11 Pro …AB12C".
    pub what: String,
    /// What was done: "Added", "Archived", "Changed".
    pub did: &'static str,
    /// The License ID, or empty.
    pub license_id: String,
    /// Why.
    pub message: String,
    /// Label, old, new; nothing where "Archived" or "Restored" says it all.
    pub values: Vec<(String, String, String)>,
    /// Everything that was done at once.
    pub href: String,
    /// Whether it was taken back.
    pub undone: bool,
    /// What of it the next import would overwrite.
    pub at_risk: String,
}

impl HistoryRow {
    /// The page of its License ID.
    #[must_use]
    pub fn contract_href(&self) -> String {
        contract_path(&self.license_id)
    }

    /// A change as of `now`.
    #[must_use]
    pub fn of(change: Changed, now: OffsetDateTime) -> Self {
        let values = change.values();
        let thing = Thing::parse(&change.thing).map_or("", Thing::label);
        let archived = values.iter().find(|(label, _, _)| label == "Archived");
        let did = match archived {
            _ if change.is_undo => "Taken back",
            _ if change.added => "Added",
            Some((_, _, new)) if new.is_empty() => "Restored",
            Some(_) => "Archived",
            None => "Changed",
        };
        let at_risk = change.at_risk().join(", ");
        let says_it = matches!(did, "Archived" | "Restored");
        let values = values.into_iter().filter(|(label, _, _)| !(says_it && label == "Archived"));
        let values = values.map(|(label, old, new)| (label, read_out(old), read_out(new))).collect();
        Self {
            at: When::moment(change.at, now),
            what: [thing, " ", &change.subject].concat(),
            did,
            href: format!("/changes/{}", change.set_id),
            undone: change.undone,
            who: change.who,
            license_id: change.license_id,
            message: change.message,
            values,
            at_risk,
        }
    }

    /// What the next import does to it, as far as it still stands.
    #[must_use]
    pub fn risk(&self) -> String {
        if self.undone || self.did == "Taken back" {
            String::new()
        } else if self.at_risk.is_empty() {
            "An import leaves this alone.".to_owned()
        } else {
            ["The next import may overwrite: ", &self.at_risk].concat()
        }
    }
}

#[cfg(test)]
impl HistoryRow {
    /// A note that was written.
    pub fn sample() -> Self {
        let now = time::macros::datetime!(2026-11-22 14:13 UTC);
        Self {
            at: When::moment(time::macros::datetime!(2026-11-22 13:50 UTC), now),
            who: "Mara Lindqvist".into(),
            what: "Product key Windows 11 Pro …AB12C".into(),
            did: "Changed",
            license_id: "8671204".into(),
            message: "Found in the binder".into(),
            values: vec![("Note".into(), String::new(), "Lab image".into())],
            href: "/changes/7".into(),
            undone: false,
            at_risk: "End date".into(),
        }
    }
}
