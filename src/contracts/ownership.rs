//! Whose a License ID is: the agreement above it and its MBSA, the organisations, and the other License IDs under that agreement
//! that the person sees. Source: DOMAIN §1, "Hierarchy".

use askama::Template;
use uuid::Uuid;

use super::{
    db,
    model::{HeldRole, OrganizationNode, Sister, is_select_plus},
};
use crate::{
    auth::roles::Role,
    error::Result,
    people::model::source_words,
    postgres::Scoped,
    web::view::{Address, contract_path, count, number},
};

/// License IDs in a tree at most: an agreement may have thousands.
const LIMIT: i64 = 40;

/// A License ID in the tree.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// The License ID.
    pub license_id: String,
    /// Its page; none for the one whose page this is.
    pub href: Option<String>,
}

/// An organisation with what it holds and the organisations below it.
#[derive(Clone, Debug, Template)]
#[template(path = "contracts/branch.html")]
pub struct Branch {
    /// Its name.
    pub name: String,
    /// Its License IDs.
    pub leaves: Vec<Leaf>,
    /// The organisations below it.
    pub below: Vec<Branch>,
}

// Escaped by its own template.
impl askama::filters::HtmlSafe for Branch {}

/// The tree.
#[derive(Clone, Debug)]
pub struct Ownership {
    /// The number of the agreement above; empty where there is none.
    pub agreement: String,
    /// The number of the MBSA above that one; empty where there is none.
    pub mbsa: String,
    /// The organisations at the top.
    pub roots: Vec<Branch>,
    /// License IDs under the agreement, this one included.
    pub license_ids: i64,
    /// Those that aren't shown.
    pub hidden: i64,
}

impl Ownership {
    /// `Agreement 4E61138, 4 License IDs`.
    #[must_use]
    pub fn title(&self) -> String {
        if self.agreement.is_empty() {
            return "Ownership".to_owned();
        }
        let ids = count(self.license_ids.unsigned_abs(), "License ID", "License IDs");
        let mbsa = if self.mbsa.is_empty() { String::new() } else { ["MBSA ", &self.mbsa, ", "].concat() };
        format!("Ownership: {mbsa}agreement {}, {ids}", self.agreement)
    }

    /// How many more there are.
    #[must_use]
    pub fn more(&self) -> String {
        number(self.hidden)
    }

    /// The list of all under the agreement.
    #[must_use]
    pub fn list(&self) -> String {
        Address::new("/contracts").with("q", &self.agreement).with("expired", "shown").href()
    }

    /// The list of all under the MBSA.
    #[must_use]
    pub fn under_mbsa(&self) -> String {
        Address::new("/contracts").with("q", &self.mbsa).with("expired", "shown").href()
    }
}

/// The tree around a License ID.
///
/// # Errors
/// When the database fails.
pub async fn tree(tx: &mut Scoped, contract: Uuid, agreement: &str, mbsa: &str) -> Result<Ownership> {
    let sisters = db::beside::sisters(tx, contract, LIMIT).await?;
    let mut holders: Vec<Uuid> = sisters.iter().map(|sister| sister.organization_id).collect();
    holders.sort_unstable();
    holders.dedup();
    let organizations = db::beside::organizations(tx, &holders).await?;
    Ok(grow((agreement, mbsa), &sisters, &organizations))
}

fn grow((agreement, mbsa): (&str, &str), sisters: &[Sister], organizations: &[OrganizationNode]) -> Ownership {
    let shown = i64::try_from(sisters.len()).unwrap_or(i64::MAX);
    let license_ids = sisters.first().map_or(0, |sister| sister.total);
    let known = |id: Uuid| organizations.iter().any(|organization| organization.id == id);
    let roots = organizations.iter().filter(|one| !one.parent_id.is_some_and(known));
    Ownership {
        agreement: agreement.to_owned(),
        mbsa: mbsa.to_owned(),
        roots: roots.map(|root| branch(root, sisters, organizations, 0)).collect(),
        license_ids,
        hidden: license_ids - shown,
    }
}

fn branch(here: &OrganizationNode, sisters: &[Sister], organizations: &[OrganizationNode], depth: usize) -> Branch {
    let mut held: Vec<&Sister> = sisters.iter().filter(|sister| sister.organization_id == here.id).collect();
    held.sort_by(|a, b| a.license_id.cmp(&b.license_id));
    let leaf = |sister: &&Sister| Leaf {
        license_id: sister.license_id.clone(),
        href: (!sister.own).then(|| contract_path(&sister.license_id)),
    };
    // A ring of organisations, which a correction by hand could make, must not turn for ever.
    let below = organizations.iter().filter(|one| depth < 20 && one.parent_id == Some(here.id));
    Branch {
        name: here.name.clone(),
        leaves: held.iter().map(leaf).collect(),
        below: below.map(|one| branch(one, sisters, organizations, depth + 1)).collect(),
    }
}

/// The roles that a person holds, and where inherited ones come from (DOMAIN §1, "Roles": inheritance is shown, and
/// not editable here).
#[must_use]
pub fn role_words(held: &[HeldRole]) -> Vec<String> {
    let roles = Role::ALL.into_iter().filter_map(|role| {
        let mine: Vec<&HeldRole> = held.iter().filter(|one| one.role == role.code()).collect();
        let direct = mine.iter().any(|one| one.covers.is_empty());
        let sources: Vec<String> =
            mine.iter().filter(|one| !one.covers.is_empty()).map(|one| source_words(&one.covers, &one.name)).collect();
        match (mine.is_empty(), sources.is_empty()) {
            (true, _) => None,
            (false, true) => Some(role.label().to_owned()),
            (false, false) => {
                let also = if direct { "also " } else { "" };
                Some(format!("{} ({also}inherited from {})", role.label(), sources.join(" and ")))
            }
        }
    });
    roles.collect()
}

/// What a License ID of a programme is (DOMAIN §1, "Hierarchy": the orderable level); nothing for a programme that
/// the source doesn't name.
#[must_use]
pub fn level(program: &str) -> &'static str {
    if is_select_plus(program) {
        return "Public customer number (PCN)";
    }
    let program = program.to_lowercase();
    let starts = |names: &[&str]| names.iter().any(|name| program.starts_with(name));
    if starts(&["enterprise", "select", "campus", "school"]) {
        "Enrollment"
    } else if starts(&["open value"]) {
        "Agreement"
    } else if starts(&["open license", "open licence"]) {
        "Licence"
    } else {
        ""
    }
}

#[cfg(test)]
pub(super) fn sample() -> Ownership {
    let organization = |n, name: &str, parent: Option<u128>| OrganizationNode {
        id: Uuid::from_u128(n),
        name: name.into(),
        parent_id: parent.map(Uuid::from_u128),
    };
    let sister = |license_id: &str, organization, own| Sister {
        license_id: license_id.into(),
        organization_id: Uuid::from_u128(organization),
        own,
        total: 43,
    };
    let organizations = [
        organization(1, "Northwind Holding AG", None),
        organization(2, "Northwind Logistics GmbH", Some(1)),
        organization(3, "Tailspin \"Toys\" & Co", None),
    ];
    grow(
        ("4E61138", "U1234567"),
        &[sister("8671311", 2, true), sister("8671204", 1, false), sister("8671377", 3, false)],
        &organizations,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contracts_faq_hierarchy_agreement_organisations_license_ids() {
        let tree = sample();
        assert_eq!(tree.title(), "Ownership: MBSA U1234567, agreement 4E61138, 43 License IDs");
        assert_eq!((tree.roots.len(), tree.hidden), (2, 40));
        let html = tree.roots[0].render().unwrap();
        let at = |text: &str| html.find(text).unwrap_or_else(|| panic!("{text} in {html}"));
        assert!(at("Northwind Holding AG") < at("8671204") && at("8671204") < at("Northwind Logistics GmbH"));
        assert!(at("Northwind Logistics GmbH") < at("8671311"));
        assert!(html.contains("href=\"/contracts/8671204\"") && !html.contains("href=\"/contracts/8671311\""));
        assert!(tree.roots[1].render().unwrap().contains("Tailspin &#34;Toys&#34; &#38; Co"), "escaped once");
    }

    #[test]
    fn contracts_faq_orderable_level_by_programme() {
        for (program, what) in [
            ("Enterprise", "Enrollment"),
            ("Enterprise Subscription", "Enrollment"),
            ("Select", "Enrollment"),
            ("Select Plus", "Public customer number (PCN)"),
            ("Open Value Subscription", "Agreement"),
            ("Open License", "Licence"),
            ("MPSA", ""),
        ] {
            assert_eq!(level(program), what, "{program}");
        }
    }

    #[test]
    fn manage_user_roles_vl_inherited_roles_are_shown_as_such() {
        let held = |role: &str, covers: &str, name: &str| HeldRole {
            role: role.into(),
            covers: covers.into(),
            name: name.into(),
        };
        let words = role_words(&[
            held("product-keys-reader", "", ""),
            held("administrator", "agreement", "4E61138"),
            held("administrator", "mbsa", "U1234567"),
            held("product-keys-reader", "organization", "Northwind Holding AG"),
        ]);
        assert_eq!(
            words,
            [
                "Administrator (inherited from agreement 4E61138 and MBSA U1234567)",
                "Product keys reader (also inherited from the organisation Northwind Holding AG)"
            ]
        );
    }
}
