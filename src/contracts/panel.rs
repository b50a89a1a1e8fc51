//! `/contracts/{license_id}`: the side panel of a License ID; the list stands behind it.
use super::{
    actions::Action,
    list::{ContractStatus, end_words},
    ownership::{Ownership, level},
};
use crate::web::view::{Address, Empty, EmptyKind, Fact, KeyList, Locked, Plot, Tab, When, contract_path, number};

/// Which tab of the panel is open: the `tab` of the address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ContractTab {
    /// The licence summary.
    #[default]
    Offerings,
    /// Its keys.
    Keys,
    /// Whom the partner named.
    Contacts,
}

impl ContractTab {
    /// Reads the address's `tab`; anything unknown opens the first one.
    #[must_use]
    pub fn parse(tab: &str) -> Self {
        match tab {
            "keys" => Self::Keys,
            "contacts" => Self::Contacts,
            _ => Self::Offerings,
        }
    }
}

/// A line of the licence summary.
#[derive(Clone, Debug)]
pub struct Offering {
    /// The product family.
    pub family: String,
    /// The version; empty for services.
    pub version: String,
    /// The product pool.
    pub pool: String,
    /// The licence type.
    pub kind: String,
    /// The effective quantity.
    pub effective: i64,
    /// The quantity with active Software Assurance.
    pub assured: i64,
}

impl Offering {
    /// The effective quantity with separators.
    #[must_use]
    pub fn effective_text(&self) -> String {
        number(self.effective)
    }

    /// The assured quantity with separators.
    #[must_use]
    pub fn assured_text(&self) -> String {
        number(self.assured)
    }
}

/// Somebody the partner named for the agreement.
#[derive(Clone, Debug)]
pub struct Contact {
    /// The id in `/contacts/{id}/edit`.
    pub id: String,
    /// "Notices/Primary", "Online".
    pub role: String,
    /// The name.
    pub name: String,
    /// The address.
    pub email: String,
}

/// The panel, shown by [`super::list::ContractsPage`].
#[derive(Clone, Debug)]
pub struct ContractPanel {
    /// The License ID.
    pub license_id: String,
    /// The list to go back to.
    pub list: Address,
    /// The open tab.
    pub tab: ContractTab,
    /// The programme.
    pub program: String,
    /// The agreement type.
    pub agreement_type: String,
    /// The number of the agreement above it.
    pub parent_agreement: String,
    /// The number of the MBSA above that one.
    pub mbsa: String,
    /// The authorization number, of an Open License.
    pub authorization_number: String,
    /// The purchase account number, of an MPSA.
    pub purchase_account_number: String,
    /// When it began.
    pub start: Option<When>,
    /// When it ends.
    pub end: Option<When>,
    /// Its state.
    pub status: ContractStatus,
    /// The organisation that holds it, then its parents up to the root.
    pub organizations: Vec<String>,
    /// City and country.
    pub location: String,
    /// The person's own roles on it, with where inherited ones come from.
    pub roles: Vec<String>,
    /// Where one can go from it.
    pub actions: Vec<Action>,
    /// Whose it is.
    pub ownership: Ownership,
    /// Used of total of its MAKs, when the tab of keys is open.
    pub used: Option<Plot>,
    /// The licence summary, when its tab is open.
    pub offerings: Vec<Offering>,
    /// Said where the person may not read the licence position.
    pub offerings_locked: Option<Locked>,
    /// The keys, when their tab is open.
    pub keys: Option<KeyList>,
    /// How many keys the person may see; `None` where they may see none.
    pub key_count: Option<u64>,
    /// The contacts, when their tab is open.
    pub contacts: Vec<Contact>,
    /// Whether vendor requests are decided by somebody other than the asker.
    pub second_person: bool,
    /// Whether this person may change that.
    pub administered: bool,
}

impl ContractPanel {
    /// `ends in 7 months`.
    #[must_use]
    pub fn end_words(&self) -> String {
        self.end.as_ref().map(end_words).unwrap_or_default()
    }

    /// The organisation and its parents, the root first.
    #[must_use]
    pub fn organization_path(&self) -> String {
        let path: Vec<&str> = self.organizations.iter().rev().map(String::as_str).collect();
        path.join(" › ")
    }

    /// What is known about the agreement.
    #[must_use]
    pub fn facts(&self) -> Vec<Fact> {
        let exact = |when: &Option<When>| when.as_ref().map(|when| when.exact.clone()).unwrap_or_default();
        let facts = [
            Fact::maybe("Licence type", &self.program, false),
            Fact::maybe("Agreement type", &self.agreement_type, false),
            Fact::maybe("Kind of License ID", level(&self.program), false),
            Fact::maybe("MBSA", &self.mbsa, true),
            Fact::maybe("Parent agreement", &self.parent_agreement, true),
            Fact::maybe("Authorization number", &self.authorization_number, true),
            Fact::maybe("Purchase account number", &self.purchase_account_number, true),
            Fact::maybe("Start date", &exact(&self.start), false),
            Fact::maybe("Renewal end date", &exact(&self.end), false),
            Fact::maybe("Location", &self.location, false),
            Fact::maybe("My roles", &self.roles.join(", "), false),
        ];
        facts.into_iter().flatten().collect()
    }

    /// Its page, without the list behind it.
    #[must_use]
    pub fn path(&self) -> String {
        contract_path(&self.license_id)
    }

    /// The tabs, each an address of its own that keeps the list behind it.
    #[must_use]
    pub fn tabs(&self) -> [Tab; 3] {
        let at = |tab: &str| self.list.clone().at(contract_path(&self.license_id)).with("tab", tab).href();
        let tab = |label, name, count, which| Tab { label, count, href: at(name), current: self.tab == which };
        [
            tab("Offerings", "offerings", None, ContractTab::Offerings),
            tab("Keys", "keys", self.key_count, ContractTab::Keys),
            tab("Contacts", "contacts", None, ContractTab::Contacts),
        ]
    }

    /// What the Offerings tab shows without a licence summary.
    #[must_use]
    pub fn no_offerings(&self) -> Empty {
        let text = "Import a licence summary that holds this License ID to see quantities here.";
        Empty::new(EmptyKind::NothingYet, "No licence summary yet", text)
    }

    /// What the Contacts tab shows without contacts.
    #[must_use]
    pub fn no_contacts(&self) -> Empty {
        let text = "Import a contacts file that holds this License ID to see them here.";
        Empty::new(EmptyKind::NothingYet, "No contacts yet", text)
    }
}

#[cfg(test)]
impl ContractPanel {
    /// An enterprise enrollment.
    pub fn sample(tab: ContractTab) -> Self {
        use time::macros::date;
        let today = date!(2026 - 11 - 22);
        let offering = |family: &str, version: &str, pool: &str, kind: &str, effective, assured| Offering {
            family: family.into(),
            version: version.into(),
            pool: pool.into(),
            kind: kind.into(),
            effective,
            assured,
        };
        let keys = (tab == ContractTab::Keys).then(|| KeyList {
            lead: crate::web::view::KeyLead::Product,
            place: "/contracts/8671204".into(),
            back: "/contracts/8671204?tab=keys".into(),
            locked: None,
            ..KeyList::sample()
        });
        Self {
            license_id: "8671204".into(),
            list: Address::new("/contracts"),
            tab,
            program: "Enterprise".into(),
            agreement_type: "Enterprise 6".into(),
            parent_agreement: "4E61138".into(),
            mbsa: "U1234567".into(),
            authorization_number: String::new(),
            purchase_account_number: String::new(),
            start: Some(When::day(date!(2024 - 07 - 01), today)),
            end: Some(When::day(date!(2027 - 06 - 30), today)),
            status: ContractStatus::of("Active"),
            organizations: vec!["Northwind Logistics GmbH".into(), "Northwind Holding AG".into()],
            location: "Zurich, Switzerland".into(),
            roles: vec!["Administrator".into()],
            actions: super::actions::elsewhere("8671204", &[crate::auth::roles::Role::Administrator]),
            ownership: super::ownership::sample(),
            used: (tab == ContractTab::Keys).then(super::used::sample).flatten(),
            offerings: vec![
                offering("Windows Server Datacenter", "2025", "Servers", "License/SA", 1_024, 1_024),
                offering("Office LTSC Professional Plus", "2024", "Applications", "License", 2_500, 0),
                offering("SQL Server Enterprise Core", "2022", "Servers", "License/SA", 64, 64),
                offering("Power BI Report Server", "", "Servers", "Upgrade", 25, 25),
            ],
            offerings_locked: None,
            keys,
            key_count: Some(52),
            second_person: false,
            administered: true,
            contacts: vec![
                Contact {
                    id: "7".into(),
                    role: "Notices/Primary".into(),
                    name: "Licence Desk".into(),
                    email: "licence.desk@northwind.example".into(),
                },
                Contact {
                    id: "8".into(),
                    role: "Online".into(),
                    name: "IT Operations".into(),
                    email: "it.operations@northwind.example".into(),
                },
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_facts_are_shown() {
        let labels: Vec<_> = ContractPanel::sample(ContractTab::Keys).facts().iter().map(|fact| fact.label).collect();
        assert!(labels.contains(&"Parent agreement") && !labels.contains(&"Authorization number"));
    }

    #[test]
    fn the_organisation_is_shown_below_its_parents() {
        let panel = ContractPanel::sample(ContractTab::Offerings);
        assert_eq!(panel.organization_path(), "Northwind Holding AG › Northwind Logistics GmbH");
        assert_eq!(panel.end_words(), "ends in 7 months");
    }
}
