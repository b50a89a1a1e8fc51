//! What "Which key?" asks, and what it understands of the answers.

use super::{
    advice::{Kind, Network, Program, Question},
    gvlk::{self, Gvlk},
};
use crate::{
    products::classify::{self, classify},
    web::{form::Pairs, view::Choice},
};

/// More machines than anybody has: a slip of typing.
const MOST: u32 = 10_000_000;

/// Editions by product: those with a setup key, the person's own products, and what needs no key.
pub struct Catalogue(Vec<(String, Vec<String>)>);

impl Catalogue {
    /// Puts the person's products, by name, among those that have a setup key.
    pub fn new(own: &[String]) -> Self {
        let mut products: Vec<(String, Vec<String>)> = Vec::new();
        let mut add = |product: &str, edition: &str| match products.iter_mut().find(|(name, _)| name == product) {
            Some((_, editions)) if editions.iter().any(|known| known == edition) => {}
            Some((_, editions)) => editions.push(edition.to_owned()),
            None => products.push((product.to_owned(), vec![edition.to_owned()])),
        };
        for row in gvlk::all() {
            add(&row.product, &row.edition);
        }
        for name in own {
            add(&product_of(name), name);
        }
        add("SQL Server", "SQL Server 2019 or older");
        add("SQL Server", "SQL Server 2022 or newer");
        add("Remote Desktop Services", "Remote Desktop Services CAL");
        products.sort_by_key(|(name, _)| name.to_lowercase());
        Self(products)
    }

    fn editions(&self, product: &str) -> &[String] {
        self.0.iter().find(|(name, _)| name == product).map_or(&[], |(_, editions)| editions)
    }
}

/// The product that a name belongs to: the one with a setup key that begins it, else what stands
/// before the edition.
fn product_of(name: &str) -> String {
    if let Some(row) = gvlk::all().iter().find(|row| row.edition.eq_ignore_ascii_case(name)) {
        return row.product.clone();
    }
    let begins = |product: &&str| name.strip_prefix(product).is_some_and(|rest| rest.starts_with(' '));
    if let Some(product) = gvlk::products().into_iter().filter(begins).max_by_key(|product| product.len()) {
        return product.to_owned();
    }
    let class = classify(name);
    [class.family.as_str(), &class.version].join(" ").trim().to_owned()
}

/// The answers, as they stand in the address.
#[derive(Debug, Default)]
pub struct Answers {
    /// The product.
    pub product: String,
    /// The edition, by its whole name.
    pub edition: String,
    /// The programme; empty where it is open.
    pub program: String,
    /// The machines' way to the vendor.
    pub isolated: bool,
    /// Whether there is a KMS host.
    pub host: bool,
    /// How many machines, as typed.
    pub machines: String,
    /// What is wrong with that.
    pub machines_error: Option<String>,
    count: Option<u32>,
}

/// How far the answers go.
#[derive(Debug)]
pub enum Asked {
    /// Something is missing: what to do, in a sentence.
    Missing(&'static str),
    /// A whole question.
    Whole(Question),
}

impl Answers {
    /// Reads them; what no catalogue offers counts as not answered.
    pub fn read(query: &Pairs, catalogue: &Catalogue) -> Self {
        let product = match query.one("product") {
            // a link from a product's page names the edition alone
            "" if !query.one("edition").is_empty() => product_of(query.one("edition")),
            named => named.to_owned(),
        };
        let editions = catalogue.editions(&product);
        let product = if editions.is_empty() { String::new() } else { product };
        let edition = match editions {
            [only] => only.clone(),
            _ => editions.iter().find(|name| *name == query.one("edition")).cloned().unwrap_or_default(),
        };
        let machines = query.one("machines").trim().to_owned();
        let count = machines.replace([',', '.', ' ', '’'], "").parse().ok().filter(|n| (1..=MOST).contains(n));
        let machines_error = (!machines.is_empty() && count.is_none())
            .then(|| "Give a whole number from 1 on, for example 40.".to_owned());
        Self {
            product,
            edition,
            program: query.one("program").to_owned(),
            isolated: query.one("network") == "isolated",
            host: query.one("host") == "yes",
            machines,
            machines_error,
            count,
        }
    }

    /// The setup key of the edition.
    pub fn gvlk(&self) -> Option<&'static Gvlk> {
        gvlk::of_edition(&self.product, &self.edition)
    }

    /// What is to be activated.
    pub fn kind(&self) -> Kind {
        match self.gvlk() {
            Some(row) if row.is_office() => Kind::Office,
            Some(row) if row.product.starts_with("Windows Server") => Kind::WindowsServer,
            Some(_) => Kind::WindowsClient,
            None => kind(&self.edition),
        }
    }

    /// The question they make.
    pub fn asked(&self) -> Asked {
        if self.product.is_empty() {
            return Asked::Missing("Choose a product to begin with.");
        }
        if self.edition.is_empty() {
            return Asked::Missing("Choose the edition.");
        }
        let kind = self.kind();
        let machines = match self.count {
            Some(count) => count,
            None if !kind.activates() => 1,
            None => return Asked::Missing("Say how many machines there are."),
        };
        Asked::Whole(Question {
            kind,
            machines,
            network: if self.isolated { Network::Isolated } else { Network::Online },
            host: self.host,
            program: program(&self.program),
        })
    }

    /// The products to choose from.
    pub fn products(&self, catalogue: &Catalogue) -> Vec<Choice> {
        let first = Choice::new("", "Choose a product", &self.product);
        std::iter::once(first)
            .chain(catalogue.0.iter().map(|(name, _)| Choice::new(name, name, &self.product)))
            .collect()
    }

    /// The editions of the chosen product.
    pub fn editions(&self, catalogue: &Catalogue) -> Vec<Choice> {
        let editions = catalogue.editions(&self.product);
        let lead = if self.product.is_empty() { "Choose a product first" } else { "Choose the edition" };
        let first = (editions.len() != 1).then(|| Choice::new("", lead, &self.edition));
        first.into_iter().chain(editions.iter().map(|name| Choice::new(name, name, &self.edition))).collect()
    }
}

fn program(name: &str) -> Program {
    match name {
        "Open Value" | "Open Value Subscription" => Program::OpenValue,
        "Open License" => Program::OpenLicense,
        _ => Program::Other,
    }
}

/// What a name without a setup key stands for.
fn kind(name: &str) -> Kind {
    let class = classify(name);
    match (class.no_key, class.category) {
        (Some(classify::RDS), _) => Kind::Rds,
        (Some(classify::SQL_SERVER), _) => Kind::SqlServer,
        (Some(_), _) => Kind::Cal,
        (None, "Extended Security Updates") => Kind::Esu,
        (None, "SQL Server") => Kind::SqlServer2022,
        (None, "Windows Server") => Kind::WindowsServer,
        (None, "Windows") => Kind::WindowsClient,
        (None, "Office" | "Project and Visio") => Kind::Office,
        (None, _) if name.starts_with("Dynamics") => Kind::Online,
        (None, _) => Kind::Typed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalogue() -> Catalogue {
        Catalogue::new(&[
            "Windows 11 Pro".to_owned(),
            "Windows 10 ESU Year 2".to_owned(),
            "Windows Server 2025 Remote Desktop Services CAL".to_owned(),
            "Exchange Server 2019 Standard".to_owned(),
            "SQL Server 2019 Standard".to_owned(),
        ])
    }

    fn read(query: &str) -> Answers {
        Answers::read(&Pairs::parse(query.as_bytes()), &catalogue())
    }

    #[test]
    fn own_products_stand_under_the_product_they_belong_to() {
        let catalogue = catalogue();
        let has = |product: &str, edition: &str| catalogue.editions(product).iter().any(|name| name == edition);
        assert!(has("Windows 10", "Windows 10 ESU Year 2"));
        assert!(has("Windows Server 2025", "Windows Server 2025 Remote Desktop Services CAL"));
        assert!(has("Exchange Server 2019", "Exchange Server 2019 Standard"));
        assert_eq!(catalogue.editions("Windows 11").iter().filter(|name| *name == "Windows 11 Pro").count(), 1);
    }

    #[test]
    fn each_edition_is_what_it_is() {
        let kind = |product: &str, edition: &str| {
            let query = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("product", product)
                .append_pair("edition", edition)
                .finish();
            read(&query).kind()
        };
        assert_eq!(kind("Windows 11", "Windows 11 Pro"), Kind::WindowsClient);
        assert_eq!(kind("Windows Server 2008", "Windows Web Server 2008"), Kind::WindowsServer);
        assert_eq!(kind("Windows Server, version 20H2", "Windows Server Datacenter"), Kind::WindowsServer);
        assert_eq!(kind("Office LTSC 2024", "Project Standard 2024"), Kind::Office);
        assert_eq!(kind("Windows 10", "Windows 10 ESU Year 2"), Kind::Esu);
        assert_eq!(kind("SQL Server", "SQL Server 2019 or older"), Kind::SqlServer);
        assert_eq!(kind("SQL Server", "SQL Server 2022 or newer"), Kind::SqlServer2022);
        assert_eq!(kind("Remote Desktop Services", "Remote Desktop Services CAL"), Kind::Rds);
        assert_eq!(kind("Windows Server 2025", "Windows Server 2025 Remote Desktop Services CAL"), Kind::Rds);
        assert_eq!(kind("Exchange Server 2019", "Exchange Server 2019 Standard"), Kind::Typed);
    }

    #[test]
    fn what_is_missing_is_asked_for_one_by_one() {
        let missing = |query| match read(query).asked() {
            Asked::Missing(sentence) => sentence,
            Asked::Whole(question) => panic!("{question:?}"),
        };
        assert!(missing("").contains("product"));
        assert!(missing("product=No+such").contains("product"));
        assert!(missing("product=Windows+11&edition=Windows+Server+2025+Standard").contains("edition"));
        assert!(missing("product=Windows+11&edition=Windows+11+Pro").contains("how many"));
        assert!(missing("edition=Windows+11+Pro").contains("how many"), "its product is known");
        assert!(matches!(read("product=Exchange+Server+2019").asked(), Asked::Whole(_)), "its only edition, no count");
    }

    #[test]
    fn a_number_of_machines_may_have_separators_and_must_be_one() {
        let answers = |machines: &str| read(&format!("product=Windows+11&edition=Windows+11+Pro&machines={machines}"));
        assert!(matches!(answers("1,200").asked(), Asked::Whole(Question { machines: 1_200, .. })));
        for wrong in ["0", "-3", "many", "99999999999"] {
            assert!(answers(wrong).machines_error.is_some(), "{wrong}");
        }
    }

    #[test]
    fn only_three_programmes_decide_anything() {
        assert_eq!(program("Open Value Subscription"), Program::OpenValue);
        assert_eq!(program("Open License"), Program::OpenLicense);
        assert_eq!(program("Enterprise"), Program::Other);
    }
}
