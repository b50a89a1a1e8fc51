//! Which columns of a list are shown: chosen in the address, as `columns=license_id.organization.end`.
use super::{Address, Column};

/// Columns that a window of the usual width holds.
const MANY: usize = 7;

/// A column that a list has to offer. Its key is what the address names, for the sort too.
#[derive(Clone, Copy, Debug)]
pub struct Offered {
    key: &'static str,
    label: &'static str,
    sorts: bool,
    numeric: bool,
    class: &'static str,
    more: bool,
}

impl Offered {
    /// A column that is shown unless it is taken off, and sorts nothing.
    #[must_use]
    pub const fn new(key: &'static str, label: &'static str) -> Self {
        Self { key, label, sorts: false, numeric: false, class: "", more: false }
    }

    /// The same, sorting by its key.
    #[must_use]
    pub const fn sorts(mut self) -> Self {
        self.sorts = true;
        self
    }

    /// The same for numbers.
    #[must_use]
    pub const fn numeric(mut self) -> Self {
        self.numeric = true;
        self
    }

    /// The same, giving way to the others where room is short, unless columns were chosen: [`Column::class`].
    #[must_use]
    pub const fn gives_way(mut self, class: &'static str) -> Self {
        self.class = class;
        self
    }

    /// The same, shown only where it is chosen.
    #[must_use]
    pub const fn more(mut self) -> Self {
        self.more = true;
        self
    }

    fn heading(&self, address: &Address) -> Column {
        let column =
            if self.sorts { Column::sortable(self.label, self.key, address) } else { Column::plain(self.label) };
        Column { numeric: self.numeric, class: self.class, ..column }
    }
}

/// A box of the chooser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColumnChoice {
    /// What is sent.
    pub key: &'static str,
    /// What is read.
    pub label: &'static str,
    /// Whether it is ticked.
    pub shown: bool,
}

/// The columns of a list, and which of them are shown. The first identifies the row and is always among them.
#[derive(Clone, Debug)]
pub struct Columns {
    all: &'static [Offered],
    shown: Vec<&'static str>,
    chosen: bool,
}

impl Columns {
    /// Reads `columns`, in one value or as the chooser's boxes send it. Unknown names are left out; where none is
    /// known, the list shows what it shows by itself.
    #[must_use]
    pub fn parse(all: &'static [Offered], asked: &[String]) -> Self {
        let named: Vec<&str> = asked.iter().flat_map(|value| value.split('.')).collect();
        let keys = |keep: &dyn Fn(usize, &Offered) -> bool| -> Vec<&'static str> {
            all.iter().enumerate().filter(|(at, one)| keep(*at, one)).map(|(_, one)| one.key).collect()
        };
        let usual = keys(&|_, one| !one.more);
        let asked = all.iter().any(|one| named.contains(&one.key));
        let shown = if asked { keys(&|at, one| at == 0 || named.contains(&one.key)) } else { usual.clone() };
        Self { all, chosen: shown != usual, shown }
    }

    /// What the address says of it; empty where the list shows what it shows by itself.
    #[must_use]
    pub fn part(&self) -> String {
        if self.chosen { self.shown.join(".") } else { String::new() }
    }

    /// Whether other columns are shown than by themselves.
    #[must_use]
    pub const fn chosen(&self) -> bool {
        self.chosen
    }

    /// The table's further classes: where columns were chosen none gives way, and where they are many the table scrolls.
    #[must_use]
    pub fn class(&self) -> &'static str {
        match (self.chosen, self.shown.len()) {
            (false, _) => "",
            (true, ..=MANY) => " chosen",
            (true, _) => " chosen many",
        }
    }

    /// Whether a column is shown.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.shown.contains(&key)
    }

    /// The key of the column that always is.
    #[must_use]
    pub fn lead(&self) -> &'static str {
        self.all.first().map_or("", |lead| lead.key)
    }

    /// The boxes: every column but the first.
    #[must_use]
    pub fn choices(&self) -> Vec<ColumnChoice> {
        let others = self.all.iter().skip(1);
        others.map(|one| ColumnChoice { key: one.key, label: one.label, shown: self.has(one.key) }).collect()
    }

    /// The headings of what is shown, in the list at `address`.
    #[must_use]
    pub fn headings(&self, address: &Address) -> Vec<Column> {
        self.all.iter().filter(|one| self.has(one.key)).map(|one| one.heading(address)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Offered; 4] = [
        Offered::new("name", "Name").sorts(),
        Offered::new("place", "Place").gives_way("less"),
        Offered::new("keys", "Keys").sorts().numeric(),
        Offered::new("note", "Note").more(),
    ];

    fn read(query: &str) -> Columns {
        Columns::parse(&ALL, &crate::web::form::Pairs::parse(query.as_bytes()).all("columns"))
    }

    fn labels(columns: &Columns) -> Vec<&'static str> {
        columns.headings(&Address::new("/x")).iter().map(|column| column.label).collect()
    }

    #[test]
    fn columns_are_chosen_and_the_first_stays() {
        let usual = read("");
        assert_eq!((labels(&usual), usual.part().as_str(), usual.chosen()), (vec!["Name", "Place", "Keys"], "", false));
        let boxes = read("columns=name&columns=note&columns=keys");
        assert_eq!(labels(&boxes), ["Name", "Keys", "Note"]);
        assert_eq!(boxes.part(), "name.keys.note");
        assert_eq!(labels(&read(&format!("columns={}", boxes.part()))), labels(&boxes));
        assert!(boxes.has("note") && !boxes.has("place"));
        assert_eq!(labels(&read("columns=keys")), ["Name", "Keys"], "the first is always there");
        assert_eq!(labels(&read("columns=name")), ["Name"], "and may be alone");
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        assert_eq!(labels(&read("columns=secret.key.<b>")), ["Name", "Place", "Keys"]);
        assert_eq!(read("columns=secret.place").part(), "name.place");
        assert_eq!(read("columns=keys.place.name").part(), "", "what is shown anyway needs no part in the address");
    }

    #[test]
    fn headings_sort_and_keep_the_columns() {
        let columns = read("columns=keys");
        let heading = &columns.headings(&Address::new("/x").with("columns", columns.part()))[1];
        assert_eq!(heading.href.as_deref(), Some("/x?columns=name.keys&sort=keys"));
        assert!(heading.numeric);
    }
}
