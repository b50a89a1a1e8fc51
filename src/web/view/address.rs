//! The address of a list: its filter, sort, page and open panel, so that a link can be sent.
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use url::form_urlencoded;

/// Parts that say where in a list one is, not what it shows.
const STATE: [&str; 3] = ["page", "tab", "keys_page"];
/// All but what RFC 3986 (2.3) says may stand in a path as it is.
const SEGMENT: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A name as one part of a path: a License ID may hold `/`, `?`, `#`, `%` and spaces.
#[must_use]
pub fn segment(name: &str) -> String {
    utf8_percent_encode(name, &SEGMENT).to_string()
}

/// Words below `/contracts/` that are pages of their own, and so no License ID's name.
pub const CONTRACT_PAGES: [&str; 2] = ["new", "summary"];

/// The page of a License ID.
#[must_use]
pub fn contract_path(license_id: &str) -> String {
    ["/contracts/", &segment(license_id)].concat()
}

/// The page of a product, by its slug: letters of any script.
#[must_use]
pub fn product_path(slug: &str) -> String {
    ["/products/", &segment(slug)].concat()
}

/// The name that is the one part of a path below `under`, which ends with a slash; none where it is something else.
#[must_use]
pub fn named_in(path: &str, under: &str) -> Option<String> {
    let name = path.strip_prefix(under).filter(|name| !name.is_empty() && !name.contains('/'))?;
    percent_decode_str(name).decode_utf8().ok().map(Into::into)
}

/// A path and its query, with the parts that are empty left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    path: String,
    pairs: Vec<(String, String)>,
}

impl Address {
    /// A bare path.
    #[must_use]
    pub fn new(path: impl Into<String>) -> Self {
        Self { path: path.into(), pairs: Vec::new() }
    }

    /// The same address with one part set; an empty value takes the part out.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        let value = value.into();
        self.pairs.retain(|(known, _)| known != name);
        if !value.is_empty() {
            self.pairs.push((name.to_owned(), value));
        }
        self
    }

    /// The same address with one more value of a part that may stand there several times.
    #[must_use]
    pub fn also(mut self, name: &str, value: impl Into<String>) -> Self {
        self.pairs.push((name.to_owned(), value.into()));
        self
    }

    /// The same address without one part.
    #[must_use]
    pub fn without(self, name: &str) -> Self {
        self.with(name, "")
    }

    /// The same query under another path: a row's panel keeps the list behind it as it is.
    #[must_use]
    pub fn at(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// The value of a part, or nothing.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        self.pairs.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// The path alone.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The path as a name: without its slash.
    #[must_use]
    pub fn name(&self) -> &str {
        self.path.trim_start_matches('/')
    }

    /// The list without any filter, its columns as they are.
    #[must_use]
    pub fn cleared(&self) -> String {
        Self::new(self.path.as_str()).with("columns", self.get("columns")).href()
    }

    /// What the list shows, as a query: filters, sort and columns, not where in it one is.
    #[must_use]
    pub fn query(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(self.filters()).finish()
    }

    /// The parts, for hidden fields; without `page` and `tab`, which no filter needs.
    #[must_use]
    pub fn filters(&self) -> Vec<(&str, &str)> {
        self.pairs
            .iter()
            .filter(|(name, _)| !STATE.contains(&name.as_str()))
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect()
    }

    /// The parts except one, for the hidden fields of the form that sets that one.
    #[must_use]
    pub fn filters_but(&self, name: &str) -> Vec<(&str, &str)> {
        let mut filters = self.filters();
        filters.retain(|(known, _)| *known != name);
        filters
    }

    /// Path and query as they stand in a link.
    #[must_use]
    pub fn href(&self) -> String {
        if self.pairs.is_empty() {
            return self.path.clone();
        }
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.pairs).finish();
        [self.path.as_str(), "?", query.as_str()].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_any_characters_is_one_part_of_a_path() {
        for name in ["8671204", "A/B 1%?#", "V 62/1", "+a&b", "Köln", "a.b-c_d~"] {
            let path = contract_path(name);
            let read = url::Url::parse("http://keyward.invalid").and_then(|base| base.join(&path)).unwrap();
            assert_eq!((read.path(), read.query(), read.fragment()), (path.as_str(), None, None), "{name}");
            assert_eq!(named_in(&path, "/contracts/").as_deref(), Some(name));
        }
        // What stands in a header's address holds no letter beyond ASCII.
        assert_eq!(product_path("universität-köln"), "/products/universit%C3%A4t-k%C3%B6ln");
        assert_eq!(contract_path("A/B 1%?#"), "/contracts/A%2FB%201%25%3F%23");
        for other in ["/contracts/", "/contracts/a/ask", "/contracts/%ff", "/orders/a"] {
            assert_eq!(named_in(other, "/contracts/"), None, "{other}");
        }
    }

    #[test]
    fn an_address_keeps_what_is_set_and_drops_what_is_empty() {
        let list = Address::new("/products").with("q", "a&b ü").with("page", "2").with("sort", "");
        assert_eq!(list.href(), "/products?q=a%26b+%C3%BC&page=2");
        assert_eq!(list.clone().without("q").with("page", "3").href(), "/products?page=3");
        assert_eq!(list.clone().at("/products/x").get("q"), "a&b ü");
        assert_eq!(list.filters(), [("q", "a&b ü")]);
        assert!(list.filters_but("q").is_empty());
        assert_eq!((list.query().as_str(), list.name()), ("q=a%26b+%C3%BC", "products"));
        assert_eq!(list.cleared(), "/products");
        assert_eq!(list.clone().with("columns", "name.keys").cleared(), "/products?columns=name.keys");
        let many = list.also("id", "1").also("id", "2");
        assert_eq!(many.href(), "/products?q=a%26b+%C3%BC&page=2&id=1&id=2");
        assert_eq!(many.without("id").href(), "/products?q=a%26b+%C3%BC&page=2");
    }
}
