//! Extended Security Updates: which years cover which days (`reference/esu.csv`), read from a product's name.

use std::sync::LazyLock;

use serde::Deserialize;
use time::{Date, macros::format_description};

const TABLE: &str = include_str!("../../reference/esu.csv");

/// One year of coverage of one product.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Year {
    /// The product as the table names it, e.g. `Windows Server 2012 R2`.
    pub product: String,
    /// Which year, from 1.
    pub esu_year: u8,
    /// Its first day, `YYYY-MM-DD`.
    coverage_start: String,
    /// Its last day, `YYYY-MM-DD`.
    coverage_end: String,
}

impl Year {
    /// Its last day; `None` for a line that names none.
    #[must_use]
    pub fn ends_on(&self) -> Option<Date> {
        Date::parse(&self.coverage_end, format_description!("[year]-[month]-[day]")).ok()
    }
}

static YEARS: LazyLock<Vec<Year>> =
    LazyLock::new(|| csv::Reader::from_reader(TABLE.as_bytes()).deserialize().filter_map(Result::ok).collect());

/// The year of coverage that a product of this name gives, such as `Windows 10 ESU Year 2`; `None` for every
/// other product, and for a year that the table doesn't know.
#[must_use]
pub fn year_of(name: &str) -> Option<&'static Year> {
    let name = name.to_lowercase();
    let words: Vec<&str> = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let spelled = words.windows(3).any(|words| words == ["extended", "security", "updates"]);
    if !spelled && !words.contains(&"esu") {
        return None;
    }
    let number: u8 = words.windows(2).find(|pair| pair[0] == "year").and_then(|pair| pair[1].parse().ok())?;
    let begins = |year: &&Year| {
        let product = year.product.to_lowercase();
        name.strip_prefix(&product).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
    };
    // The longest name: Windows Server 2012 R2 isn't Windows Server 2012.
    let product = &YEARS.iter().filter(begins).max_by_key(|year| year.product.len())?.product;
    YEARS.iter().find(|year| year.product == *product && year.esu_year == number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::date;

    #[test]
    fn every_line_of_the_table_is_read() {
        assert_eq!(YEARS.len(), TABLE.lines().count() - 1);
        for year in YEARS.iter() {
            assert!(year.ends_on().is_some() && year.coverage_start < year.coverage_end, "{year:?}");
        }
    }

    #[test]
    fn a_name_tells_product_and_year() {
        let ends = |name| year_of(name).and_then(Year::ends_on);
        assert_eq!(ends("Windows 10 ESU Year 2"), Some(date!(2027 - 10 - 12)));
        assert_eq!(ends("Windows Server 2012 R2 ESU Year 3"), Some(date!(2026 - 10 - 13)));
        assert_eq!(year_of("Windows Server 2012 R2 ESU Year 3").unwrap().product, "Windows Server 2012 R2");
        assert_eq!(
            year_of("Windows Server 2012 Extended Security Updates (Year 1)").unwrap().product,
            "Windows Server 2012"
        );
        for other in ["Windows 10 Enterprise", "Windows 10 ESU", "Windows 10 ESU Year 9", "Windows 100 ESU Year 1", ""]
        {
            assert_eq!(year_of(other), None, "{other}");
        }
    }
}
