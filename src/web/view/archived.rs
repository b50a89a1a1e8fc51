//! What a list shows of the archive: nothing, unless its address asks.
use super::{Address, Chip, When};

/// What a list does with rows that rest in the archive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Archive {
    /// Leaves them out.
    #[default]
    Hidden,
    /// Shows them after the others.
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
        match address.get(part) {
            "shown" => Self::Shown,
            "only" => Self::Only,
            _ => Self::Hidden,
        }
    }
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
    /// Since when.
    pub at: When,
}

/// The rows of a list that rest in the archive and that the person may bring back.
#[derive(Clone, Debug)]
pub struct Archived {
    /// What the list does with them.
    pub show: Archive,
    /// Says so, and leads on: hidden, shown, hidden again.
    pub chip: Chip,
    /// The last that were put away.
    pub rows: Vec<ArchivedRow>,
    /// How many there are.
    pub total: u64,
    /// Where the person comes back to.
    pub back: String,
    /// The other way to look at them: only these, or with the others.
    pub other: String,
    /// All of them, in the archive itself.
    pub all: String,
}

impl Archived {
    /// None of them yet, as the part `part` of a list's address wants them.
    #[must_use]
    pub fn of(address: &Address, part: &'static str) -> Self {
        let show = Archive::of(address, part);
        let bare = address.clone().without("page");
        let (label, next) = match show {
            Archive::Hidden => ("Archived hidden", "shown"),
            Archive::Shown => ("Archived shown", ""),
            Archive::Only => ("Only archived", ""),
        };
        let other = if show == Archive::Only { "shown" } else { "only" };
        Self {
            show,
            chip: Chip::new(label, bare.clone().with(part, next).href()),
            rows: Vec::new(),
            total: 0,
            back: address.href(),
            other: bare.with(part, other).href(),
            all: String::new(),
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

    /// How many of them stand in the archive alone.
    #[must_use]
    pub fn more(&self) -> u64 {
        self.total.saturating_sub(self.rows.len() as u64)
    }
}

#[cfg(test)]
impl Archived {
    /// One order line of two.
    pub fn sample(address: &Address) -> Self {
        let row = ArchivedRow {
            thing: "order",
            id: "7".into(),
            name: "Windows 10 ESU Year 1".into(),
            about: "EQA-00003".into(),
            license_id: "8671204".into(),
            at: When::moment(
                time::macros::datetime!(2026-11-20 09:00 UTC),
                time::macros::datetime!(2026-11-22 14:13 UTC),
            ),
        };
        let address = address.clone().with(Archive::LIST, "shown");
        Self { rows: vec![row], total: 2, all: "/archive?thing=order".into(), ..Self::of(&address, Archive::LIST) }
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
            assert_eq!(asked.back, format!("/orders?q=esu&page=3&archived={word}"));
        }
        assert!(!Archived::of(&list.with("archived", "perhaps"), Archive::LIST).shown());
    }
}
