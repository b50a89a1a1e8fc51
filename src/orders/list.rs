//! `/orders`: what was ordered under the person's License IDs.
use askama::Template;

use crate::web::page::Shell;
use crate::web::view::{Address, Chip, Column, Empty, Pager, When, number};

/// An order line.
#[derive(Clone, Debug)]
pub struct OrderRow {
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
}

impl OrderRow {
    fn contract_href(&self) -> String {
        ["/contracts/", &self.license_id].concat()
    }

    fn quantity_text(&self) -> String {
        number(self.quantity)
    }
}

/// The list.
#[derive(Template)]
#[template(path = "orders/list.html")]
pub struct OrdersPage {
    /// The frame.
    pub shell: Shell,
    /// The list's address: `q`, `license_id`, `sort`, `page`.
    pub address: Address,
    /// What was searched.
    pub q: String,
    /// The order lines on this page.
    pub rows: Vec<OrderRow>,
    /// Which page.
    pub pager: Pager,
    /// What to show when there is no row.
    pub empty: Empty,
}

impl OrdersPage {
    fn columns(&self) -> [Column; 8] {
        let sortable = |label, key| Column::sortable(label, key, &self.address);
        [
            sortable("Description", "description"),
            sortable("Quantity", "quantity").numeric(),
            sortable("License ID", "license_id"),
            sortable("Ordered on", "ordered_on"),
            sortable("Usage start", "usage_start").less(),
            sortable("Order numbers", "customer_number"),
            sortable("Reseller", "reseller").less(),
            sortable("Country", "country").less(),
        ]
    }

    fn chips(&self) -> Vec<Chip> {
        let parts = [("q", "Search: "), ("license_id", "License ID: ")];
        let active = parts.iter().filter(|(part, _)| !self.address.get(part).is_empty());
        active
            .map(|(part, lead)| {
                let without = self.address.clone().without(part).without("page");
                Chip::new([lead, self.address.get(part)].concat(), without.href())
            })
            .collect()
    }
}

#[cfg(test)]
impl OrdersPage {
    /// A few order lines.
    pub fn sample() -> Self {
        use time::macros::date;
        let today = date!(2026 - 11 - 22);
        let address = Address::new("/orders").with("license_id", "8671377");
        let row = |description: &str, part: &str, quantity, ordered, start, reseller: &str| OrderRow {
            edit: Some("/orders/7/edit".into()),
            license_id: "8671377".into(),
            reseller_number: "R0610985".into(),
            customer_number: "PO-55118".into(),
            ordered_on: Some(When::day(ordered, today)),
            usage_start: Some(When::day(start, today)),
            reseller: reseller.into(),
            part_number: part.into(),
            description: description.into(),
            quantity,
            country: "United Kingdom".into(),
        };
        let rows = vec![
            row("Windows 10 ESU Year 2", "EQA-00004", 1_250, date!(2026 - 10 - 02), date!(2026 - 10 - 14), "Bechtle"),
            row(
                "SharePoint Server Subscription Edition",
                "B5C-02199",
                25,
                date!(2025 - 09 - 22),
                date!(2025 - 10 - 22),
                "SoftwareONE",
            ),
            row("Windows 11 Enterprise", "C7A-23359", 2_000, date!(2025 - 03 - 05), date!(2025 - 03 - 06), "Insight"),
        ];
        Self {
            shell: Shell::sample("/orders"),
            q: String::new(),
            pager: Pager::new(&address, "page", 1, 50, 3),
            rows,
            empty: Empty::new(
                crate::web::view::EmptyKind::NothingYet,
                "No orders yet",
                "Import an order file to see them here.",
            ),
            address,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_shows_all_it_carries() {
        let html = OrdersPage::sample().render().expect("renders");
        for part in
            ["R0610985", "PO-55118", "B5C-02199", "1,250", "United Kingdom", "22 Oct 2025", "License ID: 8671377"]
        {
            assert!(html.contains(part), "{part}");
        }
    }
}
