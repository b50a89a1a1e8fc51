//! What a list's address shows, in the words that the list itself has for it.

use std::str::FromStr;

use time::{Date, macros::format_description};

use super::model::List;
use crate::{
    audit,
    auth::roles::Role,
    contracts,
    hand::{model::Thing, organizations},
    keys::model::Standing,
    orders::model::{self as orders, Only},
    pools::model::Show,
    requests::{
        machine::{Kind, State},
        model::TURNS,
    },
    web::view::{Address, Archive, When},
};

/// Parts whose value says itself what it is, and what goes before it.
const PARTS: [(&str, &str); 17] = [
    ("q", "Search"),
    ("program", "Programme"),
    ("status", "Status"),
    ("expired", "Expired"),
    ("category", "Category"),
    ("license_id", "License ID"),
    ("product", "Product"),
    ("reseller", "Reseller"),
    ("country", "Country"),
    ("renewal", "Up for Renewal"),
    ("step_up", "Step-up"),
    ("from", "From"),
    ("to", "Until"),
    ("state", "State"),
    ("role", "Role"),
    ("person", "Person"),
    ("key", "Key ending in"),
];

/// What a list's address shows, in words: `Status: Active, Ends within 90 days`.
///
/// `product` is what the product is called that it names, see [`crate::products::db::called`].
pub(super) fn words(list: List, address: &Address, product: &str) -> String {
    let narrowing = address.filters();
    let narrowing = narrowing.iter().filter(|(part, _)| !matches!(*part, "sort" | "columns"));
    let each: Vec<String> = narrowing.map(|(part, value)| said(list, part, value, product)).collect();
    if each.is_empty() { "What the list shows by itself".to_owned() } else { each.join(", ") }
}

fn said(list: List, part: &str, value: &str, product: &str) -> String {
    let label = PARTS.iter().find(|(known, _)| *known == part).map(|(_, label)| *label);
    let told = |label: &str, value: &str| [label, ": ", value].concat();
    match (part, label) {
        (Archive::LIST, _) => match Archive::parse(value) {
            Archive::Only => "Only archived".to_owned(),
            _ => "With archived".to_owned(),
        },
        ("ending", _) => format!("Ends within {value} days"),
        ("month", _) => {
            contracts::month_in_words(value).map_or_else(|| told("Ends in", value), |month| format!("Ends in {month}"))
        }
        ("keys", _) => Standing::parse(value).map_or(value, |standing| standing.label()).to_owned(),
        ("show", _) => Show::parse(value).label().to_owned(),
        ("application", _) => "Machines of an application".to_owned(),
        ("since", _) => "Newer than the last import".to_owned(),
        ("only", _) => {
            let known = Only::CHOICES.iter().find(|(_, word, _)| *word == value);
            known.map_or(value, |(_, _, label)| *label).to_owned()
        }
        ("who", _) => TURNS.iter().find(|(word, _)| *word == value).map_or(value, |(_, label)| *label).to_owned(),
        ("thing", _) => told("Kind", Thing::parse(value).map_or(value, |thing| thing.label())),
        ("action", _) => told("Action", audit::action_in_words(value)),
        ("kind", _) if list == List::Organizations => organizations::kind_in_words(value).to_owned(),
        ("kind", _) => told("What", Kind::from_str(value).map_or(value, |kind| kind.label())),
        ("product", Some(label)) if list == List::Orders => told(label, product),
        (_, Some(label)) => told(label, &value_in_words(part, value)),
        (_, None) => told(part, value),
    }
}

/// A value that the address has as a code or a day.
fn value_in_words(part: &str, value: &str) -> String {
    let known = match part {
        "role" => Role::from_str(value).ok().map(|role| role.label().to_owned()),
        "expired" => Some(if value == "only" { "only" } else { "shown" }.to_owned()),
        "state" => match value {
            "all" => Some("all".to_owned()),
            "closed" => Some("Ended".to_owned()),
            code => State::from_str(code).ok().map(|state| state.label().to_owned()),
        },
        "renewal" | "step_up" => Some(orders::Said::parse(value).label().to_owned()),
        "from" | "to" => {
            let day = Date::parse(value, format_description!("[year]-[month]-[day]")).ok();
            day.map(|day| When::day(day, day).exact)
        }
        _ => None,
    };
    known.unwrap_or_else(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::form::Pairs;

    #[test]
    fn a_filter_is_told_in_the_words_of_its_list() {
        for (list, query, expected) in [
            (List::Contracts, "status=Expired&ending=90&sort=-end", "Status: Expired, Ends within 90 days"),
            (List::Contracts, "month=2027-06&expired=only", "Ends in June 2027, Expired: only"),
            (List::Contracts, "archived=only&q=harbour", "Search: harbour, Only archived"),
            (List::Orders, "columns=description.country", "What the list shows by itself"),
            (
                List::Orders,
                "only=ahead&from=2026-01-31&archived=shown",
                "From: 31 Jan 2026, Not usable yet, With archived",
            ),
            (List::Orders, "product=windows-11-pro", "Product: Alpha Suite"),
            (List::Orders, "renewal=yes&step_up=unknown", "Up for Renewal: Yes, Step-up: Not said"),
            (List::Products, "keys=used-up", "MAKs used up"),
            (List::Requests, "state=closed&who=me&kind=access", "State: Ended, What: Access, Asked by me"),
            (List::People, "role=license-position-reader", "Role: License position reader"),
            (List::Activation, "show=waiting", "Waiting for the count"),
            (
                List::Activation,
                "application=7f2f9c1e-0000-4000-8000-000000000000&state=waiting",
                "State: waiting, Machines of an application",
            ),
            (List::Organizations, "kind=agreements&q=4E", "Parent agreements, Search: 4E"),
            (List::Changes, "since=import&thing=order", "Kind: Order, Newer than the last import"),
            (List::Archive, "thing=contract", "Kind: License ID"),
            (List::Accounts, "q=mara", "Search: mara"),
            (List::Audit, "action=key.reveal&to=2026-11-30", "Action: Key revealed, Until: 30 Nov 2026"),
        ] {
            let address = list.address(&Pairs::parse(query.as_bytes()));
            assert_eq!(words(list, &address, "Alpha Suite"), expected, "{query}");
        }
    }

    #[test]
    fn every_part_of_every_list_has_its_words() {
        let parts = [
            "q",
            "kind",
            "thing",
            "since",
            "only",
            "who",
            "state",
            "role",
            "show",
            "keys",
            "archived",
            "expired",
            "ending",
            "month",
            "action",
            "program",
            "status",
            "category",
            "license_id",
            "product",
            "reseller",
            "country",
            "renewal",
            "step_up",
            "person",
            "from",
            "to",
            "key",
        ];
        for list in List::ALL {
            let query = parts.map(|part| [part, "=2027-06-30"].concat()).join("&");
            for (part, value) in list.address(&Pairs::parse(query.as_bytes())).filters() {
                assert_ne!(said(list, part, value, ""), [part, ": ", value].concat(), "{list:?}");
            }
        }
    }
}
