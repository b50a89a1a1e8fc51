//! Urlencoded forms whose fields may repeat, as ticked boxes do.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::header,
};

use crate::{
    app::AppState,
    error::{Error, Result},
};

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

    /// Fields that the program itself names.
    pub fn of(fields: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        Self(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// The first value of a field; empty where there is none.
    pub fn one(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// Whether a field was sent at all.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
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

/// The form of a post. A script may post without any body; another content type is refused.
impl FromRequest<AppState> for Pairs {
    type Rejection = Error;
    async fn from_request(request: Request, state: &AppState) -> Result<Self> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let urlencoded = kind.starts_with("application/x-www-form-urlencoded");
        let body = Bytes::from_request(request, state)
            .await
            .map_err(|_| Error::TooLarge("A form may have at most 4 MiB. Select less, or export all.".to_owned()))?;
        if urlencoded || body.is_empty() {
            Ok(Self::parse(&body))
        } else {
            Err(Error::Malformed("Send the form as application/x-www-form-urlencoded.".to_owned()))
        }
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
