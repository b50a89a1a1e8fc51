//! The setup keys (GVLKs) that the vendor publishes: 159 rows, 134 different keys. One key may stand
//! for several editions, so nothing here takes a key for an edition's name.

use std::sync::LazyLock;

use serde::Deserialize;

/// A row of the published tables.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Gvlk {
    /// The product: "Windows Server 2025".
    #[serde(rename = "product_family")]
    pub product: String,
    /// The edition by its whole name: "Windows Server 2025 Datacenter".
    pub edition: String,
    /// LTSC, Semi-Annual Channel, Earlier version, …
    pub channel: String,
    /// The key, upper case, five groups.
    #[serde(rename = "gvlk")]
    pub key: String,
    #[serde(rename = "source_document")]
    source: String,
}

/// Where rows come from, and as of when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// What the vendor calls the page.
    pub title: &'static str,
    /// Its file in the vendor's public documentation.
    pub document: &'static str,
    /// The date that page bears.
    pub as_of: &'static str,
    /// What it covers.
    pub covers: &'static str,
}

/// DOMAIN §5: 82 keys of Windows and Windows Server, 52 of Office, Project and Visio.
pub const SOURCES: [Source; 2] = [
    Source {
        title: "KMS client activation and product keys",
        document: "MicrosoftDocs/windowsserverdocs, get-started/kms-client-activation-keys.md",
        as_of: "25 June 2025",
        covers: "Windows and Windows Server",
    },
    Source {
        title: "GVLKs for KMS and Active Directory-based activation of Office, Project, and Visio",
        document: "MicrosoftDocs/OfficeDocs-DeployOffice, volume-license-activation/gvlks.md",
        as_of: "18 September 2024",
        covers: "Office, Project and Visio",
    },
];

static ROWS: LazyLock<Vec<Gvlk>> = LazyLock::new(|| {
    let mut reader = csv::Reader::from_reader(include_str!("../../reference/gvlk.csv").as_bytes());
    // A test counts the rows: one that doesn't read can't get lost unseen.
    reader.deserialize().filter_map(Result::ok).collect()
});

/// All rows, in the order in which they are published: newest first.
pub fn all() -> &'static [Gvlk] {
    &ROWS
}

/// The products, each once, in the order of the rows.
pub fn products() -> Vec<&'static str> {
    let mut products: Vec<&str> = Vec::new();
    for row in all() {
        if !products.contains(&row.product.as_str()) {
            products.push(&row.product);
        }
    }
    products
}

/// The row of one edition of a product, by their whole names; letter case doesn't matter.
pub fn of_edition(product: &str, edition: &str) -> Option<&'static Gvlk> {
    all().iter().find(|row| row.product.eq_ignore_ascii_case(product) && row.edition.eq_ignore_ascii_case(edition))
}

impl Gvlk {
    /// Whether it is Office, Project or Visio, which take their key from a script of their own.
    pub fn is_office(&self) -> bool {
        self.product.starts_with("Office")
    }

    /// The line that installs it on Windows; one for everything that Windows' own script knows.
    pub fn slmgr(&self) -> String {
        ["slmgr /ipk ", &self.key].concat()
    }

    /// The line for Office's own script, run in Office's program folder.
    pub fn ospp(&self) -> Option<String> {
        self.is_office().then(|| ["cscript ospp.vbs /inpkey:", &self.key].concat())
    }

    /// Whether every word is in its names or its key.
    fn matches(&self, words: &[String]) -> bool {
        let text = [&self.product, &self.edition, &self.channel, &self.key].map(|part| part.to_lowercase()).join(" ");
        words.iter().all(|word| text.contains(word))
    }
}

/// The rows in which every word of `q` stands, of one product or all.
pub fn search(q: &str, product: &str) -> Vec<&'static Gvlk> {
    let words: Vec<String> = q.to_lowercase().split_whitespace().map(str::to_owned).collect();
    all().iter().filter(|row| (product.is_empty() || row.product == product) && row.matches(&words)).collect()
}

/// The rows of one key: every edition it stands for.
pub fn of_key(key: &str) -> Vec<&'static Gvlk> {
    all().iter().filter(|row| row.key == key).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::keys::ProductKey;

    #[test]
    fn domain_5_159_rows_134_keys_82_of_windows_and_52_keys_of_office() {
        let keys = |office: bool| {
            all().iter().filter(|row| row.is_office() == office).map(|row| &row.key).collect::<BTreeSet<_>>().len()
        };
        assert_eq!(all().len(), 159);
        assert_eq!(keys(true) + keys(false), 134);
        assert_eq!(keys(true), 52);
        let of_windows = keys(false);
        assert_eq!(of_windows, 82);
        for row in all() {
            assert_eq!(ProductKey::parse(&row.key).expect("well formed").expose(), row.key);
            assert!(SOURCES.iter().any(|source| row.source.contains(source.document.rsplit('/').next().unwrap())));
        }
    }

    #[test]
    fn domain_5_one_key_may_stand_for_several_editions() {
        let editions: Vec<_> = of_key("W269N-WFGWX-YVC9B-4J6C9-T83GX").iter().map(|row| row.edition.as_str()).collect();
        assert_eq!(editions, ["Windows 11 Pro", "Windows 10 Pro"]);
        let ltsc: Vec<_> = of_key("M7XTQ-FN8P6-TTKYV-9D4CC-J462D").iter().map(|row| row.edition.as_str()).collect();
        assert!(ltsc.contains(&"Windows 11 Enterprise LTSC 2024") && ltsc.contains(&"Windows 10 Enterprise LTSC 2021"));
    }

    #[test]
    fn every_word_of_a_search_must_be_there() {
        let found = |q, product| search(q, product).len();
        assert_eq!(found("", ""), 159);
        assert_eq!(found("server 2022 DATACENTER", ""), 2);
        assert_eq!(found("datacenter", "Windows Server 2025"), 2);
        assert_eq!(found("wx4nm", ""), 1);
        assert_eq!(found("6vm33", ""), 1, "the last five");
        assert_eq!(found("no such edition", ""), 0);
    }

    #[test]
    fn office_takes_its_key_by_its_own_script_too() {
        let office = of_edition("Office LTSC 2024", "office ltsc professional plus 2024").expect("is there");
        assert_eq!(office.ospp().as_deref(), Some("cscript ospp.vbs /inpkey:XJ2XN-FW8RK-P4HMP-DKDBV-GCVGB"));
        assert!(of_edition("Windows 11", "Windows 11 Pro").expect("is there").ospp().is_none());
    }
}
