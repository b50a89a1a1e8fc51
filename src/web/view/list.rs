//! What surrounds a table: sortable headings, chips for the active filters, pages, tabs.
use super::{Address, number};

/// A heading of a table, sortable or not.
#[derive(Clone, Debug)]
pub struct Column {
    /// What it says.
    pub label: &'static str,
    /// Where a click sorts by it; `None` where it can't be sorted.
    pub href: Option<String>,
    /// `ascending`, `descending`, or nothing when another column sorts.
    pub sorted: &'static str,
    /// Numbers stand to the right.
    pub numeric: bool,
    /// What gives way when room is short: `spare` columns first, then `less`, beside a panel `least`; empty for the
    /// others.
    pub class: &'static str,
}

impl Column {
    /// A heading that sorts nothing.
    #[must_use]
    pub const fn plain(label: &'static str) -> Self {
        Self { label, href: None, sorted: "", numeric: false, class: "" }
    }

    /// A heading that sorts by `key`: `sort=key` upwards, `sort=-key` downwards. A second click turns it.
    #[must_use]
    pub fn sortable(label: &'static str, key: &str, address: &Address) -> Self {
        let down = ["-", key].concat();
        let (sorted, next) = match address.get("sort") {
            current if current == key => ("ascending", down.as_str()),
            current if current == down => ("descending", key),
            _ => ("", key),
        };
        let href = address.clone().without("page").with("sort", next).href();
        Self { label, href: Some(href), sorted, numeric: false, class: "" }
    }

    /// The same for numbers.
    #[must_use]
    pub const fn numeric(mut self) -> Self {
        self.numeric = true;
        self
    }

    /// The same, giving way before all others.
    #[must_use]
    pub const fn spare(mut self) -> Self {
        self.class = "spare";
        self
    }

    /// The same, giving way when room is short.
    #[must_use]
    pub const fn less(mut self) -> Self {
        self.class = "less";
        self
    }
}

/// An active filter and the address without it.
#[derive(Clone, Debug)]
pub struct Chip {
    /// What it filters, in words: `Category: Servers`, `Expired hidden`.
    pub label: String,
    /// The list without it.
    pub href: String,
}

impl Chip {
    /// A chip.
    #[must_use]
    pub fn new(label: impl Into<String>, href: impl Into<String>) -> Self {
        Self { label: label.into(), href: href.into() }
    }

    /// A chip for each of these parts of a list's address that narrows it: what goes before its value, and how that is
    /// said. Taking one off leads back to the first page.
    #[must_use]
    pub fn active(
        address: &Address,
        parts: &[(&'static str, &'static str)],
        said: impl Fn(&str, &str) -> String,
    ) -> Vec<Self> {
        let active = parts.iter().filter(|(part, _)| !address.get(part).is_empty());
        let chip = |(part, lead): &(&'static str, &'static str)| {
            let label = [*lead, &said(part, address.get(part))].concat();
            Self::new(label, address.clone().without(part).without("page").href())
        };
        active.map(chip).collect()
    }
}

/// Where one is in a long list.
#[derive(Clone, Debug, Default)]
pub struct Pager {
    /// The first row shown, counted from 1; 0 when there is none.
    pub first: u64,
    /// The last row shown.
    pub last: u64,
    /// How many rows match, or are shown of them.
    pub total: u64,
    /// Whether more match than are shown.
    pub more: bool,
    /// The page before, if there is one.
    pub previous: Option<String>,
    /// The page after, if there is one.
    pub next: Option<String>,
}

impl Pager {
    /// The footer for page `page` (from 1) of `total` rows at `size` a page; `part` names the page in the address.
    #[must_use]
    pub fn new(address: &Address, part: &str, page: u64, size: u64, total: u64) -> Self {
        let before = page.saturating_sub(1).saturating_mul(size);
        let last = before.saturating_add(size).min(total);
        let at = |page: u64| {
            let value = if page > 1 { page.to_string() } else { String::new() };
            address.clone().with(part, value).href()
        };
        Self {
            first: if total == 0 { 0 } else { before + 1 },
            last,
            total,
            more: false,
            previous: (page > 1).then(|| at(page - 1)),
            next: (last < total).then(|| at(page + 1)),
        }
    }

    /// The same for a list that shows no more than `total` of the rows that match.
    #[must_use]
    pub const fn of_more(mut self) -> Self {
        self.more = true;
        self
    }

    /// `1–50 of 12,304`.
    #[must_use]
    pub fn range(&self) -> String {
        if self.total == 0 {
            return "0 of 0".to_owned();
        }
        let of = if self.more { " of more than " } else { " of " };
        [number(self.first), "–".into(), number(self.last), of.into(), number(self.total)].concat()
    }

    /// Whether there is more than one page.
    #[must_use]
    pub const fn pages(&self) -> bool {
        self.previous.is_some() || self.next.is_some()
    }
}

/// A tab of a side panel: a link to the same panel.
#[derive(Clone, Debug)]
pub struct Tab {
    /// What it says.
    pub label: &'static str,
    /// A number beside it.
    pub count: Option<u64>,
    /// Its address.
    pub href: String,
    /// Whether it is open.
    pub current: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_click_turns_the_order() {
        let list = Address::new("/products").with("page", "3");
        let fresh = Column::sortable("Keys", "keys", &list);
        assert_eq!((fresh.sorted, fresh.href.as_deref()), ("", Some("/products?sort=keys")));
        let up = Column::sortable("Keys", "keys", &list.clone().with("sort", "keys"));
        assert_eq!((up.sorted, up.href.as_deref()), ("ascending", Some("/products?sort=-keys")));
        let down = Column::sortable("Keys", "keys", &list.with("sort", "-keys"));
        assert_eq!((down.sorted, down.href.as_deref()), ("descending", Some("/products?sort=keys")));
    }

    #[test]
    fn pages_know_where_they_are() {
        let list = Address::new("/orders");
        let first = Pager::new(&list, "page", 1, 50, 120);
        assert_eq!(first.range(), "1–50 of 120");
        assert_eq!((first.previous, first.next.as_deref()), (None, Some("/orders?page=2")));
        let last = Pager::new(&list, "page", 3, 50, 120);
        assert_eq!(last.range(), "101–120 of 120");
        assert_eq!((last.previous.as_deref(), last.next), (Some("/orders?page=2"), None));
        assert_eq!(Pager::new(&list, "page", 2, 50, 60).previous.as_deref(), Some("/orders"));
        assert_eq!(Pager::new(&list, "page", 1, 50, 0).range(), "0 of 0");
        assert_eq!(Pager::new(&list, "page", 2, 50, 100).of_more().range(), "51–100 of more than 100");
    }
}
