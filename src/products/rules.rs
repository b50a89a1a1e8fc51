//! What holds for a product of its kind, and for what it was bought under: pure, each rule with its source.

use super::model::Product;
use crate::web::view::Link;

/// A rule, and where to read on.
#[derive(Clone, Debug)]
pub struct Rule {
    /// A few words.
    pub title: &'static str,
    /// The rule.
    pub text: &'static str,
    /// Where to read on.
    pub link: Option<Link>,
}

fn rule(title: &'static str, text: &'static str) -> Rule {
    Rule { title, text, link: None }
}

/// Whether a product is activated by volume: MAK or KMS.
fn by_volume(product: &Product) -> bool {
    product.needs_key
        && matches!(product.category.as_str(), "Windows" | "Windows Server" | "Office" | "Project and Visio")
}

/// Whether there is nothing to download, whatever was bought (DOMAIN §1, "Downloads": CALs).
pub fn has_no_media(product: &Product) -> bool {
    product.category == "Client access licences"
}

/// The rules for a vendor's product, of which the person sees License IDs under these programmes.
pub fn rules(product: &Product, programs: &[String]) -> Vec<Rule> {
    if product.estate == "own" {
        return Vec::new();
    }
    let mut rules = Vec::new();
    if product.category == "SQL Server" && product.needs_key {
        // S000, "Find a SQL Server license product key".
        rules.push(rule(
            "Key in the setup, and on the Keys tab",
            "SQL Server’s setup carries its key and finds it by itself. From 2022 on the key is on the Keys tab as well.",
        ));
    }
    if by_volume(product) {
        volume(programs, &mut rules);
    }
    for program in programs {
        match program.as_str() {
            // S000; DOMAIN §4: orders ended with 2021.
            "Open License" => rules.push(rule(
                "Open License is retired",
                "Nothing more is ordered under it since the end of 2021. What was bought before stays here, with its keys.",
            )),
            // M365 view-vl-contracts, "License summary".
            "MPSA" => rules.push(rule(
                "MPSA stands outside the licence summary",
                "What was bought under MPSA isn’t counted in any licence summary; its License ID’s orders tell how much there is.",
            )),
            _ => {}
        }
    }
    rules
}

fn volume(programs: &[String], rules: &mut Vec<Rule>) {
    if programs.iter().any(|program| matches!(program.as_str(), "Open Value" | "Open Value Subscription")) {
        // S000, "KMS keys for Open Value and Open Value Subscription".
        rules.push(Rule {
            link: Some(Link::new("Ask for one in Requests.", "/requests")),
            ..rule(
                "Under Open Value: a MAK",
                "The MAK is the recommended key there. A KMS host key is assigned by exception, to those who reach the threshold.",
            )
        });
    }
    // S000, "Reimaging rights" and "downgrade purposes".
    rules.push(rule(
        "Reimaging",
        if programs.iter().any(|program| program == "Open License") {
            "Machines licensed with the device or in a box may be set up anew from volume media and with these keys, where the copy is the same as what was licensed. Under Open License one unit of the product has to be bought first."
        } else {
            "Machines licensed with the device or in a box may be set up anew from volume media and with these keys, where the copy is the same as what was licensed."
        },
    ));
    rules.push(rule(
        "Downgrade",
        "An earlier version may be run in its place, with a key of that earlier version. The licence stays one for this version.",
    ));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::products::classify::classify;

    fn product(name: &str) -> Product {
        let class = classify(name);
        Product {
            id: uuid::Uuid::nil(),
            slug: String::new(),
            name: name.into(),
            estate: "vendor".into(),
            category: class.category.into(),
            family: class.family,
            version: class.version,
            edition: class.edition,
            needs_key: class.no_key.is_none(),
            no_key_reason: class.no_key.unwrap_or_default().into(),
            usable_from: None,
        }
    }

    fn titles(name: &str, programs: &[&str]) -> Vec<&'static str> {
        let programs: Vec<String> = programs.iter().map(|program| (*program).to_owned()).collect();
        rules(&product(name), &programs).into_iter().map(|rule| rule.title).collect()
    }

    #[test]
    fn s000_sql_server_2022_has_its_key_on_the_keys_tab_and_older_ones_none() {
        assert_eq!(titles("SQL Server 2022 Standard", &["Enterprise"]), ["Key in the setup, and on the Keys tab"]);
        assert!(titles("SQL Server 2019 Standard", &["Enterprise"]).is_empty(), "its sentence says that it needs none");
        assert!(!product("SQL Server 2019 Standard").needs_key);
    }

    #[test]
    fn s000_open_value_a_mak_is_recommended_and_kms_by_exception() {
        for program in ["Open Value", "Open Value Subscription"] {
            assert_eq!(titles("Windows 11 Pro", &[program])[0], "Under Open Value: a MAK");
            assert!(
                titles("Exchange Server 2019 Standard", &[program]).is_empty(),
                "nothing there activates by volume"
            );
        }
    }

    #[test]
    fn s000_open_license_is_retired_and_what_it_has_stays_visible() {
        let rules = rules(&product("Office LTSC Standard 2021"), &["Open License".to_owned()]);
        assert_eq!(
            rules.iter().map(|rule| rule.title).collect::<Vec<_>>(),
            ["Reimaging", "Downgrade", "Open License is retired"]
        );
        assert!(rules[0].text.contains("one unit of the product has to be bought first"));
        assert!(rules[2].text.contains("stays here"));
    }

    #[test]
    fn m365_view_vl_contracts_mpsa_is_outside_the_licence_summary() {
        assert!(titles("Power BI Report Server", &["MPSA"]).contains(&"MPSA stands outside the licence summary"));
    }

    #[test]
    fn m365_download_vl_products_cals_need_neither_download_nor_key() {
        let cal = product("Windows Server 2025 User CAL");
        assert!(has_no_media(&cal) && !cal.needs_key);
        assert!(!has_no_media(&product("Windows Server 2025 Standard")));
    }

    #[test]
    fn s000_reimaging_and_downgrade_are_told_where_keys_activate_by_volume() {
        assert_eq!(titles("Windows 11 Pro", &["Enterprise"]), ["Reimaging", "Downgrade"]);
        assert!(titles("Windows 10 ESU Year 2", &["Enterprise"]).is_empty());
    }
}
