//! What a product's name tells: category, family, version, edition, and whether it takes a key.
//!
//! Key files carry a name and nothing else; this reads it the way the vendor builds it. What it
//! gets wrong an Administrator corrects by hand.

/// What a name tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Class {
    /// For the category filter.
    pub category: &'static str,
    /// Name up to the version.
    pub family: String,
    /// Year or number, with "R2" where there is one.
    pub version: String,
    /// What follows the version.
    pub edition: String,
    /// Why no key is needed, or `None` where one is.
    pub no_key: Option<&'static str>,
}

/// Said for SQL Server before 2022 (S000, "Find a SQL Server license product key").
pub const SQL_SERVER: &str = "This product does not require a product key. The key of SQL Server is part of its setup and is found by itself; to read it, open x64\\DefaultSetup.ini on the installation medium.";
/// Said for Remote Desktop Services (S000, "Activate Windows Terminal Server and RDS without a product key").
pub const RDS: &str = "This product does not require a product key. The activation wizard asks for the licence programme and a number instead: the authorization number for Open License, the purchase account number for MPSA, else the agreement number.";
/// Said for other client access licences (DOMAIN §1, "Downloads").
pub const CAL: &str = "This product does not require a product key. Client access licences are held on paper: nothing is downloaded or activated.";

/// First match wins; more special words stand before more general ones.
const CATEGORIES: [(&str, &str); 20] = [
    (" esu ", "Extended Security Updates"),
    (" cal", "Client access licences"),
    ("sql server", "SQL Server"),
    ("windows server", "Windows Server"),
    ("windows multipoint", "Windows Server"),
    ("windows", "Windows"),
    ("project server", "Office servers"),
    ("exchange", "Office servers"),
    ("sharepoint", "Office servers"),
    ("skype for business", "Office servers"),
    ("project", "Project and Visio"),
    ("visio", "Project and Visio"),
    ("office", "Office"),
    ("system center", "System Center"),
    ("visual studio", "Developer tools"),
    ("dynamics", "Business applications"),
    ("power bi", "Business applications"),
    ("biztalk", "Business applications"),
    ("core infrastructure", "System Center"),
    ("azure", "Other"),
];

/// Reads a product's name.
pub fn classify(name: &str) -> Class {
    let lower = format!(" {} ", name.to_lowercase());
    let category = CATEGORIES.iter().find(|(word, _)| lower.contains(word)).map_or("Other", |(_, category)| category);
    let (family, version, edition) = parts(name);
    let no_key = if lower.contains("remote desktop services") || lower.contains("terminal server") {
        Some(RDS)
    } else if category == "Client access licences" {
        Some(CAL)
    } else if category == "SQL Server" && year(&version).is_some_and(|year| year < 2022) {
        Some(SQL_SERVER)
    } else {
        None
    };
    Class { category, family, version, edition, no_key }
}

fn year(version: &str) -> Option<u32> {
    version.split(' ').next()?.parse().ok().filter(|year| (1990..=2100).contains(year))
}

/// Splits at the first word that is a version: a year or a one- or two-digit number; "R2" belongs
/// to it. Office puts its year last and its edition before, so the edition may be empty there.
fn parts(name: &str) -> (String, String, String) {
    let words: Vec<&str> = name.split_whitespace().collect();
    let is_version = |word: &&str| word.chars().all(|c| c.is_ascii_digit()) && (word.len() <= 2 || word.len() == 4);
    // "Dynamics 365" and "Year 2" are names, not versions.
    let at = words.iter().enumerate().position(|(n, word)| is_version(word) && n > 0 && words[n - 1] != "Year");
    let Some(at) = at else { return (name.to_owned(), String::new(), String::new()) };
    let end = if words.get(at + 1) == Some(&"R2") { at + 2 } else { at + 1 };
    (words[..at].join(" "), words[at..end].join(" "), words[end..].join(" "))
}

/// Words below `/products/` that are pages of their own.
const PAGES: [&str; 4] = ["new", "which-key", "rds", "esu"];

/// The address of a product: lower-case words joined by hyphens.
pub fn slug(name: &str) -> String {
    let mut slug = String::with_capacity(name.len());
    for c in name.chars().flat_map(char::to_lowercase) {
        if c.is_alphanumeric() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-').to_owned();
    match slug.as_str() {
        "" => "product".to_owned(),
        page if PAGES.contains(&page) => [page, "-product"].concat(),
        _ => slug,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_the_way_the_vendor_builds_them() {
        let read = |name| {
            let class = classify(name);
            (class.category, class.family, class.version, class.edition)
        };
        let expect = |category, family: &str, version: &str, edition: &str| {
            (category, family.to_owned(), version.to_owned(), edition.to_owned())
        };
        assert_eq!(
            read("Windows Server 2012 R2 ESU Year 3"),
            expect("Extended Security Updates", "Windows Server", "2012 R2", "ESU Year 3")
        );
        assert_eq!(read("Windows 11 Pro"), expect("Windows", "Windows", "11", "Pro"));
        assert_eq!(
            read("Office LTSC Professional Plus 2024"),
            expect("Office", "Office LTSC Professional Plus", "2024", "")
        );
        assert_eq!(
            read("Dynamics 365 Business Central on-premises"),
            expect("Business applications", "Dynamics 365 Business Central on-premises", "", "")
        );
        assert_eq!(read("SharePoint Server Subscription Edition").0, "Office servers");
        assert_eq!(read("Project Professional 2024").0, "Project and Visio");
    }

    #[test]
    fn s000_sql_server_before_2022_needs_no_key() {
        assert_eq!(classify("SQL Server 2019 Standard").no_key, Some(SQL_SERVER));
        assert_eq!(classify("SQL Server 2022 Enterprise Core").no_key, None);
    }

    #[test]
    fn s000_rds_needs_no_key() {
        assert_eq!(classify("Windows Server 2025 Remote Desktop Services CAL").no_key, Some(RDS));
    }

    #[test]
    fn addresses_are_words_and_hyphens() {
        assert_eq!(slug("Windows Server 2012 R2 ESU Year 3"), "windows-server-2012-r2-esu-year-3");
        assert_eq!(slug("  Üben/+ "), "üben");
        assert_eq!(slug("+++"), "product");
    }
}
