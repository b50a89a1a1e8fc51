//! `/orders/{id}`: the side panel of an order, with all its lines; the list stands behind it.

use time::Date;

use super::model::{Order, OrderHead, yes_no};
use crate::web::view::{Address, Fact, Link, When, contract_path, number, product_path};

/// A line of the order.
#[derive(Clone, Debug)]
pub struct ItemRow {
    /// What it is.
    pub description: String,
    /// Its product's page.
    pub product: Option<String>,
    /// The part number.
    pub part_number: String,
    /// How many.
    pub quantity: String,
    /// From when it may be used.
    pub usage: Option<When>,
    /// The License ID it is under.
    pub license_id: String,
    /// Where it is used.
    pub country: String,
    /// What only Select Plus tells of it, as far as it is said: `Up for Renewal: Yes`.
    pub told: Vec<String>,
    /// Whether the list's row is this one.
    pub current: bool,
}

/// The panel.
#[derive(Clone, Debug)]
pub struct OrderPanel {
    /// The line that was opened.
    pub id: String,
    /// The list to go back to.
    pub list: Address,
    /// The order's number.
    pub number: String,
    /// Whose it is.
    pub organizations: String,
    /// What is known about the order.
    pub facts: Vec<Fact>,
    /// The License IDs it is under.
    pub contracts: Vec<Link>,
    /// Its lines.
    pub items: Vec<ItemRow>,
    /// Whether it is under more than one License ID.
    pub several: bool,
}

impl OrderPanel {
    /// Makes it of an order's lines, which are never none.
    #[must_use]
    pub fn of(head: &OrderHead, items: Vec<Order>, list: Address, today: Date) -> Self {
        let each = |value: fn(&Order) -> &str| {
            let mut all: Vec<String> =
                items.iter().map(|item| value(item).to_owned()).filter(|text| !text.is_empty()).collect();
            all.sort();
            all.dedup();
            all
        };
        let license_ids = each(|item| &item.license_id);
        let ordered: Vec<String> = {
            let mut days: Vec<Date> = items.iter().filter_map(|item| item.ordered_on).collect();
            days.sort_unstable();
            days.dedup();
            days.into_iter()
                .map(|day| When::day(day, today))
                .map(|when| format!("{} ({})", when.exact, when.words))
                .collect()
        };
        let number = [&head.reseller_order_no, &head.customer_order_no].into_iter().find(|number| !number.is_empty());
        let facts = [
            Fact::maybe("Reseller order no.", &head.reseller_order_no, true),
            Fact::maybe("Customer order no.", &each(|item| &item.customer_order_no).join(", "), true),
            Fact::maybe("Ordered on", &ordered.join(", "), false),
            Fact::maybe("Reseller", &head.reseller, false),
        ];
        Self {
            id: head.id.to_string(),
            number: number.cloned().unwrap_or_else(|| "without a number".to_owned()),
            organizations: each(|item| &item.organization).join(", "),
            facts: facts.into_iter().flatten().collect(),
            several: license_ids.len() > 1,
            contracts: license_ids.into_iter().map(|id| Link::new(id.clone(), contract_path(&id))).collect(),
            items: items.into_iter().map(|item| row(item, head, today)).collect(),
            list,
        }
    }
}

fn row(item: Order, head: &OrderHead, today: Date) -> ItemRow {
    let told = [("Up for Renewal", item.up_for_renewal), ("Step-up", item.step_up)];
    let told = told.into_iter().filter(|(_, said)| said.is_some());
    ItemRow {
        told: told.map(|(label, said)| format!("{label}: {}", yes_no(said))).collect(),
        current: item.id == head.id,
        product: (!item.slug.is_empty()).then(|| product_path(&item.slug)),
        description: item.description,
        part_number: item.part_number,
        quantity: number(item.quantity),
        usage: item.usage_starts_on.map(|day| When::day(day, today)),
        license_id: item.license_id,
        country: item.country,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orders::list::sample_order;
    use time::macros::date;

    #[test]
    fn an_order_over_two_license_ids_names_both_and_all_its_lines() {
        let first = sample_order("Windows 10 ESU Year 2", Some(date!(2027 - 03 - 03)));
        let second = Order {
            license_id: "8671204".into(),
            customer_order_no: "PO-2".into(),
            ..sample_order("Visio 2024", None)
        };
        let head = OrderHead {
            id: first.id,
            contract_id: first.id,
            reseller_order_no: "R0610985".into(),
            customer_order_no: "PO-55118".into(),
            reseller: "Bechtle".into(),
        };
        let panel = OrderPanel::of(&head, vec![first, second], Address::new("/orders"), date!(2026 - 11 - 22));
        assert_eq!((panel.number.as_str(), panel.several, panel.items.len()), ("R0610985", true, 2));
        assert_eq!(panel.contracts.iter().map(|link| link.label.as_str()).collect::<Vec<_>>(), ["8671204", "8671377"]);
        let facts: Vec<&str> = panel.facts.iter().map(|fact| fact.value.as_str()).collect();
        assert_eq!(facts, ["R0610985", "PO-2, PO-55118", "2 Oct 2026 (51 days ago)", "Bechtle"]);
    }
}
