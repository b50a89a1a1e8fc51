//! `/orders`: what was ordered under the person's License IDs.
use askama::Template;

use super::{esu::EsuAnswer, model::Said, panel::OrderPanel};
use crate::web::page::Shell;
use crate::web::view::{
    Address, Archived, Chip, Choice, Columns, Empty, Export, Field, Offered, Pager, Tab, When, contract_path, number,
};

/// What the list has to show of an order line.
pub(super) const COLUMNS: [Offered; 10] = [
    Offered::new("description", "Description").sorts(),
    Offered::new("quantity", "Quantity").sorts().numeric(),
    Offered::new("license_id", "License ID").sorts(),
    Offered::new("ordered_on", "Ordered on").sorts(),
    Offered::new("usage_start", "Usage start").sorts().gives_way("less"),
    Offered::new("customer_number", "Order numbers").sorts().gives_way("least"),
    Offered::new("reseller", "Reseller").sorts().gives_way("spare"),
    Offered::new("country", "Country").sorts().gives_way("spare"),
    // Of Select Plus alone: empty for whoever buys under another programme.
    Offered::new("renewal", "Up for Renewal").sorts().more(),
    Offered::new("step_up", "Step-up").sorts().more(),
];

/// An order line.
#[derive(Clone, Debug)]
pub struct OrderRow {
    /// The row.
    pub id: String,
    /// Its form, for whoever may correct it.
    pub edit: Option<String>,
    /// The License ID it was ordered under.
    pub license_id: String,
    /// The reseller's number.
    pub reseller_number: String,
    /// The organisation's own number.
    pub customer_number: String,
    /// When it was ordered.
    pub ordered_on: Option<When>,
    /// From when it may be used.
    pub usage_start: Option<When>,
    /// Who sold it.
    pub reseller: String,
    /// The part number.
    pub part_number: String,
    /// What it is.
    pub description: String,
    /// How many.
    pub quantity: i64,
    /// Where it is used.
    pub country: String,
    /// Whether it is up for renewal; empty where that isn't said.
    pub renewal: &'static str,
    /// Whether it is a step-up; empty where that isn't said.
    pub step_up: &'static str,
}

impl OrderRow {
    fn contract_href(&self) -> String {
        contract_path(&self.license_id)
    }

    fn quantity_text(&self) -> String {
        number(self.quantity)
    }

    /// A line without a description is known by its part number.
    fn name(&self) -> &str {
        if self.description.is_empty() { &self.part_number } else { &self.description }
    }
}

/// The list, with a panel open or not.
#[derive(Template)]
#[template(path = "orders/list.html")]
pub struct OrdersPage {
    /// The frame.
    pub shell: Shell,
    /// The list's address: what [`super::filter::PARTS`] names, `sort`, `page`, `columns`, under the path
    /// `/orders`.
    pub address: Address,
    /// Which columns are shown.
    pub columns: Columns,
    /// What was searched.
    pub q: String,
    /// What the product is called whose orders alone are shown.
    pub product: String,
    /// The filters that are offered ready-made.
    pub only: Vec<Tab>,
    /// Resellers to filter by, "All" with the value "" first.
    pub resellers: Vec<Choice>,
    /// Countries to filter by, "All" with the value "" first.
    pub countries: Vec<Choice>,
    /// What only Select Plus tells, to filter by: each with its part of the address and its label. None where no order
    /// line tells it.
    pub told: Vec<Field>,
    /// License ID, and the days between which it was ordered; each may say what is wrong.
    pub fields: [Field; 3],
    /// Whether an ESU order exists, where that was asked.
    pub esu: Option<EsuAnswer>,
    /// The order lines on this page.
    pub rows: Vec<OrderRow>,
    /// Which page.
    pub pager: Pager,
    /// "Export"; owns the form that the ticks belong to.
    pub export: Export,
    /// What to show when there is no row.
    pub empty: Empty,
    /// Those that rest in the archive.
    pub archived: Archived,
    /// The order whose panel is open.
    pub panel: Option<OrderPanel>,
}

impl OrdersPage {
    fn chips(&self) -> Vec<Chip> {
        let mut chips = chips(&self.address, &self.only, &self.product);
        chips.extend(self.shell.edits().then(|| self.archived.chip.clone()));
        chips
    }

    /// Without any filter; nowhere where the archive's chip stands alone.
    fn clear(&self) -> &str {
        if self.chips().len() > usize::from(self.shell.edits()) { self.address.path() } else { "" }
    }

    fn panel_href(&self, row: &OrderRow) -> String {
        self.address.clone().at(["/orders/", &row.id].concat()).href()
    }

    fn is_open(&self, row: &OrderRow) -> bool {
        self.panel.as_ref().is_some_and(|panel| panel.id == row.id)
    }

    /// The export of this list: the ticked lines, or all that the filters show.
    #[must_use]
    pub fn exported(address: &Address) -> Export {
        let mut export = Export { action: "/exports/orders", ..Export::of_contracts("ticked-orders", "Export") }
            .text("The ticked order lines; without a tick, all that the filters show.");
        let narrowed = address.clone().without("columns");
        export.fields =
            narrowed.filters().into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        export
    }
}

/// The filters that an address names, each with the way to take it off; `only` are those that are offered ready-made,
/// `product` is what the product is called that it names.
pub(super) fn chips(address: &Address, only: &[Tab], product: &str) -> Vec<Chip> {
    let parts = [
        ("q", "Search: "),
        ("license_id", "License ID: "),
        ("product", "Product: "),
        ("reseller", "Reseller: "),
        ("country", "Country: "),
        ("renewal", "Up for Renewal: "),
        ("step_up", "Step-up: "),
        ("from", "Ordered from "),
        ("to", "Ordered until "),
    ];
    let ready = only.iter().skip(1).find(|tab| tab.current);
    let ready = ready.map(|tab| Chip::new(tab.label, address.clone().without("only").without("page").href()));
    let mut chips = Chip::active(address, &parts, |part, value| match part {
        "product" => product.to_owned(),
        "renewal" | "step_up" => Said::parse(value).label().to_owned(),
        _ => value.to_owned(),
    });
    chips.extend(ready);
    chips
}

#[cfg(test)]
pub(super) fn sample_order(description: &str, usage: Option<time::Date>) -> super::model::Order {
    super::model::Order {
        administered: false,
        id: uuid::Uuid::from_u128(7),
        license_id: "8671377".into(),
        organization: "Northwind Retail Ltd".into(),
        reseller_order_no: "R0610985".into(),
        customer_order_no: "PO-55118".into(),
        ordered_on: Some(time::macros::date!(2026 - 10 - 02)),
        usage_starts_on: usage,
        reseller: "Bechtle".into(),
        part_number: "EQA-00004".into(),
        description: description.into(),
        quantity: 1_250,
        country: "United Kingdom".into(),
        up_for_renewal: None,
        step_up: None,
        slug: "windows-10-esu-year-2".into(),
    }
}

#[cfg(test)]
impl OrdersPage {
    /// A few order lines.
    pub fn sample() -> Self {
        use super::model::OrderHead;
        use time::macros::date;
        let today = date!(2026 - 11 - 22);
        let address = Address::new("/orders").with("license_id", "8671377");
        let order = |description: &str, usage| sample_order(description, Some(usage));
        let rows = [
            order("Windows 10 ESU Year 2", date!(2027 - 03 - 03)),
            order("SharePoint Server Subscription Edition", date!(2025 - 10 - 22)),
        ];
        let head = OrderHead {
            id: rows[0].id,
            contract_id: rows[0].id,
            reseller_order_no: "R0610985".into(),
            customer_order_no: "PO-55118".into(),
            reseller: "Bechtle".into(),
        };
        let choices = |value: &str| vec![Choice::new("", "All", ""), Choice::new(value, value, "")];
        let panel = OrderPanel::of(&head, rows.to_vec(), address.clone(), today);
        Self {
            shell: Shell::sample("/orders"),
            q: String::new(),
            product: String::new(),
            only: super::screens::only(&address),
            resellers: choices("Bechtle"),
            countries: choices("United Kingdom"),
            told: super::screens::told(&address),
            fields: super::screens::fields(&address, &super::filter::Narrowed::default()),
            esu: Some(super::esu::sample()),
            pager: Pager::new(&address, "page", 1, 50, 2),
            rows: rows.into_iter().map(|order| super::screens::row(order, today)).collect(),
            export: Self::exported(&address),
            empty: Empty::new(
                crate::web::view::EmptyKind::NothingYet,
                "No orders yet",
                "Import an order file to see them here.",
            ),
            archived: Archived::sample(&address),
            panel: Some(panel),
            columns: Columns::parse(&COLUMNS, &[]),
            address,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_archived_is_marked_in_words_and_can_be_restored() {
        let html = OrdersPage::sample().render().expect("renders");
        for part in [
            "Archived shown",
            "In the archive",
            "</svg>Archived</span> Windows 10 ESU Year 1",
            "11 more in the archive",
        ] {
            assert!(html.contains(part), "{part}");
        }
        assert_eq!(html.matches("action=\"/archive/restore\"").count(), 1);
        assert!(html.contains("name=\"back\" value=\"/orders?license_id=8671377&#38;archived=shown\""), "{html}");
        // Those in force stand below as ever.
        assert!(html.contains("Pages of orders"));
        let mut page = OrdersPage::sample();
        // Who corrects nothing by hand brings nothing back.
        page.shell.nav.clear();
        let html = page.render().expect("renders");
        assert!(!html.contains("rchived") && html.contains("Pages of orders"));
    }

    #[test]
    fn an_order_shows_all_it_carries() {
        let html = OrdersPage::sample().render().expect("renders");
        for part in [
            "R0610985",
            "PO-55118",
            "EQA-00004",
            "1,250",
            "United Kingdom",
            "22 Oct 2025",
            "License ID: 8671377",
            "Yes: 1 ESU order line",
            "href=\"/products/windows-10-esu-year-2\"",
            "form=\"ticked-orders\" name=\"order_id\"",
            "Northwind Retail Ltd",
        ] {
            assert!(html.contains(part), "{part}");
        }
    }

    #[test]
    fn every_filter_has_a_chip() {
        let address = ["q", "product", "reseller", "country", "from", "to"]
            .into_iter()
            .fold(Address::new("/orders").with("only", "esu"), |address, part| address.with(part, "x"));
        let page = OrdersPage { only: super::super::screens::only(&address), address, ..OrdersPage::sample() };
        let chips = page.chips();
        assert_eq!((chips.len(), chips[7].label.as_str()), (8, "Archived shown"));
        assert_eq!(chips[6].label, "ESU");
        assert!(!chips[6].href.contains("only="));
    }
}
