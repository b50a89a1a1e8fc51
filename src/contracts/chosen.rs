//! Which License IDs a licence summary is of: those that are named, or those that a list's filter shows. What isn't
//! the person's, or has no licence summary, is left out, and said.

use super::{
    db,
    model::{Chosen, Filter},
    screens,
};
use crate::{
    error::Result,
    postgres::Scoped,
    web::{
        form::Pairs,
        view::{Address, Chip, Export, count, number},
    },
};
use uuid::Uuid;

/// License IDs named in a sentence or as chips at most.
const NAMED: usize = 12;

/// What a page or an export asks for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The License IDs that are named, each once.
    pub license_ids: Vec<String>,
    /// What a list is narrowed to, where none is named.
    pub filter: Filter,
    /// How many the list showed, where all that match were chosen.
    pub expected: Option<i64>,
    /// Whether each License ID stands for itself.
    pub apart: bool,
    list: Address,
}

/// What there is of it.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// The rows of the License IDs that are summed up.
    pub contracts: Vec<Uuid>,
    /// License IDs of the person that were chosen, summed up or not.
    pub found: i64,
    named: Vec<String>,
    unreadable: Vec<String>,
    outside: Vec<String>,
    closed: Vec<String>,
    unknown: usize,
}

impl Asked {
    /// Reads an address or a form.
    #[must_use]
    pub fn parse(query: &Pairs) -> Self {
        let mut license_ids = query.all("license_id");
        license_ids.sort();
        license_ids.dedup();
        Self {
            expected: query.one("expected").parse().ok().filter(|_| license_ids.is_empty()),
            license_ids,
            filter: screens::filter(query),
            apart: query.one("by") == "license_id",
            list: screens::address(query).without("page").without("sort").without("columns"),
        }
    }

    /// The page's address, without its sort and page.
    #[must_use]
    pub fn address(&self) -> Address {
        let by = if self.apart { "license_id" } else { "" };
        let path = "/contracts/summary";
        let base = if self.license_ids.is_empty() { self.list.clone().at(path) } else { Address::new(path) };
        self.license_ids.iter().fold(base.with("by", by), |address, id| address.also("license_id", id))
    }

    /// The list of contracts that it was chosen in.
    #[must_use]
    pub fn list(&self) -> Address {
        self.list.clone()
    }

    /// Looks up what there is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn choose(&self, tx: &mut Scoped) -> Result<Choice> {
        let today = tx.today();
        let chosen = db::summary::chosen(tx, &self.license_ids, &self.filter, today).await?;
        Ok(Choice::of(&chosen, self.license_ids.len()))
    }

    /// Whether the list showed another number than there is.
    #[must_use]
    pub fn changed(&self, choice: &Choice) -> bool {
        self.expected.is_some_and(|shown| shown != choice.found)
    }

    /// What narrows it, each with the way to take it off.
    pub(super) fn chips(&self, choice: &Choice) -> Vec<Chip> {
        if self.license_ids.is_empty() {
            return super::list::chips(&self.address());
        }
        let without = |gone: &String| {
            let left = Self {
                license_ids: self.license_ids.iter().filter(|id| *id != gone).cloned().collect(),
                ..self.clone()
            };
            left.address().href()
        };
        if choice.named.len() > NAMED {
            let all = Self { license_ids: Vec::new(), ..self.clone() };
            return vec![Chip::new(
                count(choice.named.len() as u64, "License ID", "License IDs"),
                all.address().href(),
            )];
        }
        choice.named.iter().map(|id| Chip::new(format!("License ID {id}"), without(id))).collect()
    }

    /// The export of what the page shows.
    pub(super) fn export(&self, choice: &Choice) -> Export {
        let mut export = Export { action: "/exports/summary", ..Export::of_contracts("summary", "Export") }
            .text("Every line of this summary, on this page or not.");
        let fields =
            self.address().filters().into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        export.fields = fields;
        if self.license_ids.is_empty() { export.field("expected", choice.found.to_string()) } else { export }
    }
}

impl Choice {
    fn of(chosen: &[Chosen], asked: usize) -> Self {
        let mut choice = Self {
            found: i64::try_from(chosen.len()).unwrap_or(i64::MAX),
            unknown: asked.saturating_sub(chosen.len()),
            ..Self::default()
        };
        for one in chosen {
            choice.named.push(one.license_id.clone());
            if !one.approved {
                choice.closed.push(one.license_id.clone());
            } else if one.outside {
                choice.outside.push(one.license_id.clone());
            } else if one.reads {
                choice.contracts.push(one.id);
            } else {
                choice.unreadable.push(one.license_id.clone());
            }
        }
        choice
    }

    /// What was left out, and why.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if !self.unreadable.is_empty() {
            notes.push(format!(
                "Left out: {}. You lack the role License position reader there; ask an Administrator of the License ID for it.",
                some(&self.unreadable)
            ));
        }
        if !self.outside.is_empty() {
            notes.push(format!(
                "Left out: {}. MPSA, OEM and retail licences have no licence summary.",
                some(&self.outside)
            ));
        }
        if !self.closed.is_empty() {
            notes.push(format!("Left out: {}. The vendor hasn’t approved the organisation.", some(&self.closed)));
        }
        if self.unknown > 0 {
            let noun = count(self.unknown as u64, "License ID that isn’t", "License IDs that aren’t");
            notes.push(format!("Left out: {noun} among yours."));
        }
        notes
    }
}

/// The first few, and how many more.
fn some(license_ids: &[String]) -> String {
    let (first, rest) = license_ids.split_at(license_ids.len().min(NAMED));
    let more = if rest.is_empty() { String::new() } else { format!(" and {} more", number(rest.len() as i64)) };
    [first.join(", "), more].concat()
}

#[cfg(test)]
impl Choice {
    pub(super) fn sample() -> Self {
        let one = |license_id: &str, reads, outside| Chosen {
            id: Uuid::nil(),
            license_id: license_id.into(),
            reads,
            outside,
            approved: license_id != "9020011",
        };
        let chosen = [
            one("0005512873", true, true),
            one("8671204", true, false),
            one("8671377", false, false),
            one("9020011", true, false),
        ];
        Self::of(&chosen, 5)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(query: &str) -> Asked {
        Asked::parse(&Pairs::parse(query.as_bytes()))
    }

    #[test]
    fn what_is_named_goes_before_what_a_filter_shows() {
        let named = asked("license_id=2&license_id=1&license_id=2&q=x&expected=3&by=license_id");
        assert_eq!(named.address().href(), "/contracts/summary?by=license_id&license_id=1&license_id=2");
        assert_eq!((named.expected, named.apart), (None, true));
        let all = asked("scope=matching&expected=14&program=Campus&expired=shown&page=2&sort=end");
        assert_eq!(all.address().href(), "/contracts/summary?program=Campus&expired=shown");
        assert_eq!(all.list().href(), "/contracts?program=Campus&expired=shown");
        assert!(all.changed(&Choice { found: 15, ..Choice::default() }));
        assert!(!all.changed(&Choice { found: 14, ..Choice::default() }));
    }

    #[test]
    fn what_is_left_out_is_said_with_its_reason() {
        let notes = Choice::sample().notes();
        assert!(notes[0].contains("8671377") && notes[0].contains("License position reader"), "{notes:?}");
        assert!(notes[1].contains("0005512873") && notes[1].contains("MPSA"), "{notes:?}");
        assert!(notes[2].contains("9020011") && notes[2].contains("approved"), "{notes:?}");
        assert_eq!(notes[3], "Left out: 1 License ID that isn’t among yours.");
        assert_eq!(Choice::sample().contracts.len(), 1);
        let many: Vec<String> = (0..20).map(|n| n.to_string()).collect();
        assert!(some(&many).ends_with("10, 11 and 8 more"));
    }

    #[test]
    fn each_license_id_has_a_chip_that_takes_it_off() {
        let asked = asked("license_id=8671204&license_id=0005512873");
        let chips = asked.chips(&Choice::sample());
        assert_eq!(chips[1].label, "License ID 8671204");
        assert_eq!(chips[1].href, "/contracts/summary?license_id=0005512873");
    }
}
