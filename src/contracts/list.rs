//! `/contracts`: every License ID the person holds a role on.
use askama::Template;

use super::actions::Action;
use super::ends::{parse_month, words_of};
use super::panel::{ContractPanel, ContractTab};
use crate::web::page::{Shell, Tone};
use crate::web::view::{
    Address, Archived, Chip, Choice, Columns, Empty, Export, Offered, Pager, Plot, When, contract_path,
};

/// The state of a License ID: the vendor's word, which follows no published vocabulary, and how it
/// is marked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractStatus {
    word: String,
    tone: Tone,
}

impl ContractStatus {
    /// Takes the vendor's word.
    pub fn of(word: &str) -> Self {
        let tone = match word.to_lowercase().as_str() {
            "active" => Tone::Good,
            "expired" => Tone::Info,
            _ => Tone::Warn,
        };
        Self { word: word.to_owned(), tone }
    }

    /// The word.
    pub fn label(&self) -> &str {
        &self.word
    }

    /// How it is marked.
    pub const fn tone(&self) -> Tone {
        self.tone
    }
}

/// `ends in 8 days`, `ended 4 years ago`.
#[must_use]
pub(super) fn end_words(end: &When) -> String {
    let verb = if end.days < 0 { "ended " } else { "ends " };
    [verb, &end.words].concat()
}

/// What the list has to show of a License ID.
pub(super) const COLUMNS: [Offered; 13] = [
    Offered::new("license_id", "License ID").sorts(),
    Offered::new("organization", "Organization").sorts(),
    Offered::new("location", "Location").sorts().gives_way("spare"),
    Offered::new("program", "Parent Program").sorts().gives_way("less"),
    Offered::new("end", "End date").sorts(),
    Offered::new("status", "Status").sorts().gives_way("least"),
    Offered::new("roles", "My roles").gives_way("less"),
    Offered::new("agreement", "Parent agreement").more(),
    Offered::new("mbsa", "MBSA").more(),
    Offered::new("agreement_type", "Agreement type").more(),
    Offered::new("authorization", "Authorization number").more(),
    Offered::new("purchase_account", "Purchase account").more(),
    Offered::new("start", "Start date").more(),
];

/// A License ID in the list.
#[derive(Clone, Debug)]
pub struct ContractRow {
    /// The License ID.
    pub license_id: String,
    /// Who holds it.
    pub organization: String,
    /// City and country.
    pub location: String,
    /// The programme it belongs to.
    pub program: String,
    /// When it ends.
    pub end: Option<When>,
    /// Its state.
    pub status: ContractStatus,
    /// The number of its parent agreement.
    pub agreement: String,
    /// The number of the MBSA above that.
    pub mbsa: String,
    /// The type of that agreement.
    pub agreement_type: String,
    /// Open License's second number.
    pub authorization_number: String,
    /// The purchase account of its MPSA.
    pub purchase_account_number: String,
    /// When it began.
    pub start: Option<When>,
    /// The person's own roles on it.
    pub roles: Vec<String>,
    /// The row's menu.
    pub actions: Vec<Action>,
}

impl ContractRow {
    fn end_words(&self) -> String {
        self.end.as_ref().map(end_words).unwrap_or_default()
    }

    fn urgency(&self) -> &'static str {
        match &self.end {
            Some(end) if (0..=30).contains(&end.days) => "soon bad",
            Some(end) if (0..=90).contains(&end.days) => "soon warn",
            _ => "",
        }
    }

    fn my_roles(&self) -> String {
        self.roles.join(", ")
    }
}

/// The list, with a panel open or not.
#[derive(Template)]
#[template(path = "contracts/list.html")]
pub struct ContractsPage {
    /// The frame.
    pub shell: Shell,
    /// The list's address: `q`, `program`, `status`, `ending`, `month`, `expired`, `archived`, `sort`, `page`,
    /// `columns`, under the path `/contracts`.
    pub address: Address,
    /// Which columns are shown.
    pub columns: Columns,
    /// What was searched.
    pub q: String,
    /// Programmes to filter by, "All" with the value "" first.
    pub programs: Vec<Choice>,
    /// States to filter by, "All" with the value "" first.
    pub statuses: Vec<Choice>,
    /// Within how many days they end, "Any time" with the value "" first.
    pub endings: Vec<Choice>,
    /// "Hidden" with the value "" first, then "Shown" with `shown`, and "Only" with `only`.
    pub expired: Vec<Choice>,
    /// When those in force end.
    pub ends: Option<Plot>,
    /// Whether a licence summary can be made.
    pub summary: bool,
    /// The License IDs on this page.
    pub rows: Vec<ContractRow>,
    /// Which page.
    pub pager: Pager,
    /// "Export keys"; `None` for a person who may not. Shares the form of the other one.
    pub export_keys: Option<Export>,
    /// "Export the list"; owns the form that the ticks belong to.
    pub export_list: Export,
    /// What to show when there is no row.
    pub empty: Empty,
    /// Those that rest in the archive.
    pub archived: Archived,
    /// The License ID whose panel is open.
    pub panel: Option<ContractPanel>,
}

impl ContractsPage {
    fn chips(&self) -> Vec<Chip> {
        let archived = self.shell.edits().then(|| self.archived.chip.clone());
        chips(&self.address).into_iter().chain(archived).collect()
    }

    fn clear(&self) -> String {
        Address::new(self.address.path())
            .with("sort", self.address.get("sort"))
            .with("expired", "shown")
            .with("columns", self.columns.part())
            .href()
    }

    fn panel_href(&self, row: &ContractRow, tab: &str) -> String {
        self.address.clone().at(contract_path(&row.license_id)).with("tab", tab).href()
    }

    fn is_open(&self, row: &ContractRow) -> bool {
        self.panel.as_ref().is_some_and(|panel| panel.license_id == row.license_id)
    }

    /// The exports of this list: keys of the ticked License IDs, and the list itself; they share one form.
    #[must_use]
    pub fn exports(address: &Address) -> (Export, Export) {
        let keys = Export::of_keys("ticked", "Export keys", "all")
            .sharing_form()
            .text("The keys of the ticked License IDs; without a tick, all that you may see.");
        let mut list = Export::of_contracts("ticked", "Export the list")
            .text("The ticked License IDs; without a tick, all that the filters show.");
        let narrowed = address.clone().without("columns");
        list.fields = narrowed.filters().into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        // "Select all that match" means the License IDs of this list, not keys.
        let list = list.field("list", "contracts");
        (keys, list)
    }
}

/// The filters that an address names, each with the way to take it off, and the one that stands by itself.
pub(super) fn chips(address: &Address) -> Vec<Chip> {
    let mut chips = narrowing(address);
    if address.get("expired").is_empty() {
        chips.push(Chip::new("Expired hidden", address.clone().without("page").with("expired", "shown").href()));
    }
    chips
}

/// The filters that an address names.
pub(super) fn narrowing(address: &Address) -> Vec<Chip> {
    let mut chips = Vec::new();
    let without = |part| address.clone().without(part).without("page").href();
    for (part, lead) in [("q", "Search: "), ("program", "Programme: "), ("status", "Status: ")] {
        let value = address.get(part);
        if !value.is_empty() {
            chips.push(Chip::new([lead, value].concat(), without(part)));
        }
    }
    let ending = address.get("ending");
    if !ending.is_empty() {
        chips.push(Chip::new(["Ends within ", ending, " days"].concat(), without("ending")));
    }
    if let Some(month) = parse_month(address.get("month")) {
        chips.push(Chip::new(["Ends in ", &words_of(month)].concat(), without("month")));
    }
    if address.get("expired") == "only" {
        chips.push(Chip::new("Only expired", address.clone().without("page").with("expired", "shown").href()));
    }
    chips
}

#[cfg(test)]
impl ContractsPage {
    /// A list without a panel.
    pub fn sample() -> Self {
        use time::macros::date;
        let address = Address::new("/contracts");
        let row = |id: &str, organization: &str, location: &str, program: &str, end, status| ContractRow {
            license_id: id.into(),
            organization: organization.into(),
            location: location.into(),
            program: program.into(),
            end: Some(When::day(end, date!(2026 - 11 - 22))),
            status,
            agreement: "4E61138".into(),
            mbsa: "U1234567".into(),
            agreement_type: "Corporate".into(),
            authorization_number: String::new(),
            purchase_account_number: String::new(),
            start: Some(When::day(date!(2024 - 07 - 01), date!(2026 - 11 - 22))),
            roles: vec!["Administrator".into()],
            actions: super::actions::of_row(
                id,
                &[crate::auth::roles::Role::Administrator],
                &Address::new(contract_path(id)),
            ),
        };
        let active = ContractStatus::of("Active");
        let rows = vec![
            row(
                "7740032",
                "Northwind Research S.A.",
                "Luxembourg, Luxembourg",
                "Enterprise Subscription",
                date!(2026 - 11 - 30),
                active.clone(),
            ),
            row(
                "5133027",
                "Fabrikam Universität Köln",
                "Köln, Germany",
                "Campus",
                date!(2026 - 12 - 31),
                active.clone(),
            ),
            row(
                "5133419",
                "Fabrikam Universität Köln",
                "Köln, Germany",
                "School",
                date!(2026 - 12 - 31),
                active.clone(),
            ),
            row("V6219054", "Tailspin Toys K.K.", "Osaka, Japan", "Open Value", date!(2027 - 01 - 31), active.clone()),
            row(
                "S4471902",
                "Northwind Holding AG",
                "Zurich, Switzerland",
                "Select Plus",
                date!(2027 - 03 - 14),
                active.clone(),
            ),
            row("0005512873", "Tailspin Toys K.K.", "Osaka, Japan", "MPSA", date!(2027 - 04 - 30), active.clone()),
            row(
                "8671204",
                "Northwind Holding AG",
                "Zurich, Switzerland",
                "Enterprise",
                date!(2027 - 06 - 30),
                active.clone(),
            ),
            row(
                "8671311",
                "Northwind Logistics GmbH",
                "Hamburg, Germany",
                "Enterprise",
                date!(2027 - 06 - 30),
                active.clone(),
            ),
            row(
                "9020011",
                "Northwind Logistics GmbH",
                "Hamburg, Germany",
                "Enterprise",
                date!(2028 - 12 - 31),
                ContractStatus::of("Organization not approved"),
            ),
            row(
                "68403177",
                "Wide World \"Imports\", Inc.",
                "Austin, United States",
                "Open License",
                date!(2021 - 12 - 31),
                ContractStatus::of("Expired"),
            ),
        ];
        let choice = |value: &str, label: &str| Choice::new(value, label, "");
        let (keys, export_list) = Self::exports(&address);
        Self {
            shell: Shell::sample("/contracts"),
            q: String::new(),
            programs: vec![choice("", "All"), choice("Enterprise", "Enterprise"), choice("MPSA", "MPSA")],
            statuses: vec![choice("", "All"), choice("Active", "Active")],
            endings: vec![choice("", "Any time"), choice("90", "In 90 days")],
            expired: vec![choice("", "Hidden"), choice("shown", "Shown"), choice("only", "Only")],
            pager: Pager::new(&address, "page", 1, 10, 1_234),
            ends: super::ends::sample(&address),
            summary: true,
            rows,
            export_keys: Some(keys),
            export_list,
            columns: Columns::parse(&COLUMNS, &[]),
            empty: Empty::new(
                crate::web::view::EmptyKind::NothingMatches,
                "No License ID matches",
                "Take a filter off.",
            )
            .action("Clear filters", "/contracts"),
            archived: Archived::of(&address, crate::web::view::Archive::LIST),
            panel: None,
            address,
        }
    }

    /// The same list with a panel open.
    pub fn sample_open(tab: ContractTab) -> Self {
        let panel = Some(ContractPanel::sample(tab));
        Self { shell: Shell::sample("/contracts/8671204"), panel, ..Self::sample() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_hides_the_expired_behind_a_visible_chip() {
        let html = ContractsPage::sample().render().expect("renders");
        assert!(html.contains("Expired hidden"));
        assert!(html.contains("href=\"/contracts?expired=shown\""));
        assert!(html.contains("ends in 8 days") && html.contains("30 Nov 2026"));
        assert!(html.contains("href=\"/contracts/8671204?tab=keys\""));
    }

    #[test]
    fn a_column_that_is_not_shown_is_not_in_the_page() {
        let columns =
            |query: &str| Columns::parse(&COLUMNS, &crate::web::form::Pairs::parse(query.as_bytes()).all("columns"));
        let chosen = ContractsPage { columns: columns("columns=start.agreement"), ..ContractsPage::sample() };
        let html = chosen.render().expect("renders");
        let label = |name: &str| html.contains(&format!("data-label=\"{name}\""));
        assert!(label("Start date") && label("Parent agreement") && html.contains("4E61138"));
        for name in ["Organization", "Location", "Parent Program", "End date", "Status", "My roles", "Agreement type"] {
            assert!(!label(name) && !html.contains(&format!(">{name}<svg")), "{name}");
        }
        let html = ContractsPage::sample().render().expect("renders");
        assert!(html.contains("data-label=\"My roles\"") && !html.contains("data-label=\"Start date\""));
    }

    #[test]
    fn the_ticks_go_to_the_summary_too() {
        let html = ContractsPage::sample().render().expect("renders");
        assert!(html.contains("form=\"ticked\" formmethod=\"get\" formaction=\"/contracts/summary\""));
        assert!(html.contains("href=\"/people?license_id=8671204\""));
        let html = ContractsPage { summary: false, ..ContractsPage::sample() }.render().expect("renders");
        assert!(!html.contains("formaction=\"/contracts/summary\""));
    }

    #[test]
    fn one_form_takes_the_ticks_to_either_export() {
        let html = ContractsPage::sample().render().expect("renders");
        assert_eq!(html.matches("<form id=\"ticked\"").count(), 1);
        assert!(html.contains("form=\"ticked\" formaction=\"/exports/keys\""));
        assert!(html.contains("form=\"ticked\" formaction=\"/exports/contracts\""));
        let html = ContractsPage { export_keys: None, ..ContractsPage::sample() }.render().expect("renders");
        assert!(!html.contains("/exports/keys"));
    }

    #[test]
    fn every_tab_of_the_panel_renders() {
        for (tab, expected) in [
            (ContractTab::Offerings, "Windows Server Datacenter"),
            (ContractTab::Keys, "Export selected keys"),
            (ContractTab::Contacts, "licence.desk@northwind.example"),
        ] {
            let html = ContractsPage::sample_open(tab).render().expect("renders");
            assert!(html.contains(expected), "{expected}");
            assert!(html.contains("4E61138"));
        }
    }
}
