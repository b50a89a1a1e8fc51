//! What a list shows of the archive: nothing, unless its address asks.
use super::{Address, Chip, Column, Pager, When};

/// What a list does with rows that rest in the archive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Archive {
    /// Leaves them out.
    #[default]
    Hidden,
    /// Shows the last of them apart from the others.
    Shown,
    /// Shows only them.
    Only,
}

impl Archive {
    /// The part of a list's address that names it.
    pub const LIST: &'static str = "archived";
    /// The same for the keys of a panel, behind which a list of its own stands.
    pub const KEYS: &'static str = "keys_archived";

    /// Reads it; anything unknown hides.
    #[must_use]
    pub fn of(address: &Address, part: &str) -> Self {
        Self::parse(address.get(part))
    }

    /// Reads the part's value; anything unknown hides.
    #[must_use]
    pub fn parse(value: &str) -> Self {
        match value {
            "shown" => Self::Shown,
            "only" => Self::Only,
            _ => Self::Hidden,
        }
    }
}

/// What a list says of an archived row beside its name.
#[derive(Clone, Debug)]
pub struct ArchivedCell {
    /// Its heading.
    pub label: &'static str,
    /// What it says.
    pub text: String,
    /// The cell's classes.
    pub class: &'static str,
}

/// A row that rests in the archive.
#[derive(Clone, Debug)]
pub struct ArchivedRow {
    /// Its kind, by its code.
    pub thing: &'static str,
    /// The row.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// More about it.
    pub about: String,
    /// Its License ID, or empty.
    pub license_id: String,
    /// What else its list says of it, one for each heading between its name and when it was put away.
    pub cells: Vec<ArchivedCell>,
    /// Since when.
    pub at: When,
    /// Who put it away, or empty.
    pub who: String,
    /// Why, in that one's words, or empty.
    pub why: String,
}

/// A table of them.
#[derive(Clone, Debug, Default)]
pub struct ArchivedTable {
    /// Its headings, but for the way back.
    pub headings: Vec<Column>,
    /// Its rows.
    pub rows: Vec<ArchivedRow>,
    /// Where the person comes back to.
    pub back: String,
}

impl ArchivedTable {
    /// Its headings, but for the way back.
    #[must_use]
    pub fn headings(&self) -> &[Column] {
        &self.headings
    }
}

/// The rows of a list that rest in the archive and that the person may bring back, in a box beside the others.
#[derive(Clone, Debug)]
pub struct Archived {
    /// What the list does with them.
    pub show: Archive,
    /// Says so, and leads on: hidden, shown, hidden again.
    pub chip: Chip,
    /// The last that were put away; a page of them where they are shown alone.
    pub table: ArchivedTable,
    /// How many there are, and which page where they are shown alone.
    pub pager: Pager,
    /// The other way to look at them: only these, or with the others.
    pub other: String,
}

impl Archived {
    /// A list's address as the list itself has it, with rows of those in force: it shows archived ones at most beside
    /// them, and none to whoever may not bring them back.
    #[must_use]
    pub fn beside(address: Address, may: bool) -> Address {
        match Archive::of(&address, Archive::LIST) {
            _ if !may => address.without(Archive::LIST),
            Archive::Only => address.with(Archive::LIST, "shown"),
            Archive::Hidden | Archive::Shown => address,
        }
    }

    /// None of them yet, as the part `part` of a list's address wants them.
    #[must_use]
    pub fn of(address: &Address, part: &'static str) -> Self {
        let show = Archive::of(address, part);
        let bare = address.clone().without("page").without("keys_page");
        let (label, next) = match show {
            Archive::Hidden => ("Archived hidden", "shown"),
            Archive::Shown => ("Archived shown", ""),
            Archive::Only => ("Only archived", ""),
        };
        let other = if show == Archive::Only { "shown" } else { "only" };
        Self {
            show,
            chip: Chip::new(label, bare.clone().with(part, next).href()),
            table: ArchivedTable { back: address.href(), ..ArchivedTable::default() },
            pager: Pager::default(),
            other: bare.with(part, other).href(),
        }
    }

    /// Whether the list itself is left out.
    #[must_use]
    pub fn only(&self) -> bool {
        self.show == Archive::Only
    }

    /// Whether there is anything to show of them.
    #[must_use]
    pub fn shown(&self) -> bool {
        self.show != Archive::Hidden
    }

    /// The chip alone.
    #[must_use]
    pub fn chips(&self) -> &[Chip] {
        std::slice::from_ref(&self.chip)
    }

    /// How many of them the box leaves out.
    #[must_use]
    pub fn more(&self) -> u64 {
        if self.only() { 0 } else { self.pager.total.saturating_sub(self.table.rows.len() as u64) }
    }
}

#[cfg(test)]
impl ArchivedTable {
    /// One order line.
    pub fn sample(back: &str) -> Self {
        let row = ArchivedRow {
            thing: "order",
            id: "7".into(),
            name: "Windows 10 ESU Year 1".into(),
            about: "EQA-00003".into(),
            license_id: "8671204".into(),
            cells: vec![ArchivedCell { label: "License ID", text: "8671204".into(), class: "mono" }],
            at: When::moment(
                time::macros::datetime!(2026-11-20 09:00 UTC),
                time::macros::datetime!(2026-11-22 14:13 UTC),
            ),
            who: "Mara Lindqvist".into(),
            why: "Ordered <twice>".into(),
        };
        let headings = ["Name", "License ID", "Archived", "Why"].map(Column::plain).to_vec();
        Self { headings, rows: vec![row], back: back.to_owned() }
    }
}

#[cfg(test)]
impl Archived {
    /// One order line of twelve.
    pub fn sample(address: &Address) -> Self {
        let address = address.clone().with(Archive::LIST, "shown");
        let table = ArchivedTable::sample(&address.href());
        Self { table, pager: Pager::new(&address, "page", 1, 10, 12), ..Self::of(&address, Archive::LIST) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_archived_is_hidden_until_the_address_asks() {
        let list = Address::new("/orders").with("q", "esu").with("page", "3");
        let hidden = Archived::of(&list, Archive::LIST);
        assert_eq!(
            (hidden.chip.label.as_str(), hidden.chip.href.as_str()),
            ("Archived hidden", "/orders?q=esu&archived=shown")
        );
        assert!(!hidden.shown());
        for (word, label, other) in [("shown", "Archived shown", "only"), ("only", "Only archived", "shown")] {
            let asked = Archived::of(&list.clone().with("archived", word), Archive::LIST);
            assert_eq!((asked.chip.label.as_str(), asked.chip.href.as_str()), (label, "/orders?q=esu"));
            assert_eq!(asked.other, format!("/orders?q=esu&archived={other}"));
            assert_eq!(asked.table.back, format!("/orders?q=esu&page=3&archived={word}"));
        }
        assert!(!Archived::of(&list.with("archived", "perhaps"), Archive::LIST).shown());
    }

    #[test]
    fn a_box_says_how_many_it_leaves_out_and_a_list_leaves_out_none() {
        let some = Archived::sample(&Address::new("/orders"));
        assert_eq!(some.more(), 11);
        assert_eq!(Archived { show: Archive::Only, ..some }.more(), 0);
    }
}
