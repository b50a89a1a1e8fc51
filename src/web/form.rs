//! Urlencoded forms whose fields may repeat, as ticked boxes do.

/// The fields of a form, in order.
#[derive(Debug, Default)]
pub struct Pairs(Vec<(String, String)>);

impl Pairs {
    /// Reads a urlencoded body or query; broken escapes are kept as they stand. A NUL, which no text
    /// of ours has and PostgreSQL refuses, is left out.
    pub fn parse(body: &[u8]) -> Self {
        let whole = |text: std::borrow::Cow<'_, str>| text.replace('\0', "");
        Self(url::form_urlencoded::parse(body).map(|(name, value)| (whole(name), whole(value))).collect())
    }

    /// The first value of a field; empty where there is none.
    pub fn one(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// Every value of a field that isn't empty.
    pub fn all(&self, name: &str) -> Vec<String> {
        self.0
            .iter()
            .filter(|(known, value)| known == name && !value.is_empty())
            .map(|(_, value)| value.clone())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nul_never_gets_past_the_form() {
        assert_eq!(Pairs::parse(b"q=a%00b&q=c").one("q"), "ab");
    }
}
