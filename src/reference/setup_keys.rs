//! `GET /setup-keys`: the published setup keys, searched as one types.
use askama::Template;
use axum::{
    extract::{RawQuery, State},
    response::{IntoResponse, Redirect, Response},
};

use super::{
    gvlk::{self, Gvlk, SOURCES, Source},
    resemblance::{self, Near, Typed},
};
use crate::{
    app::AppState,
    auth::proof::SignedIn,
    error::Result,
    web::{
        form::Pairs,
        page::{Html, Shell},
        view::{Address, Chip, Choice, Empty, EmptyKind, count},
    },
};

/// What a typed key turned out to be, above the list.
pub enum Verdict {
    /// Nothing was typed that is a key.
    None,
    /// A published key: the editions it is for.
    Published {
        /// The key.
        key: &'static str,
        /// Its editions.
        editions: String,
    },
    /// Nearly a published key.
    Near {
        /// The two, side by side.
        near: Near,
        /// The editions of the published one.
        editions: String,
    },
    /// A key that isn't published and resembles none; it is kept out of the page and its address.
    Unknown {
        /// Its last five characters, where it was whole.
        last_five: String,
    },
}

/// The page.
#[derive(Template)]
#[template(path = "reference/setup_keys.html")]
pub struct SetupKeysPage {
    shell: Shell,
    address: Address,
    products: Vec<Choice>,
    verdict: Verdict,
    rows: Vec<&'static Gvlk>,
}

/// The page.
///
/// # Errors
/// Never but for what its proof refuses.
pub async fn get(person: SignedIn, State(state): State<AppState>, RawQuery(query): RawQuery) -> Result<Response> {
    let query = Pairs::parse(query.unwrap_or_default().as_bytes());
    let typed = resemblance::look(query.one("q"));
    if let Typed::Unknown { last_five } = typed {
        // It may be one of the organisation's own: nothing of it may stay in an address.
        let elsewhere = Address::new("/setup-keys").with("product", query.one("product")).with("unknown", "1");
        return Ok(Redirect::to(&elsewhere.with("last_five", last_five).href()).into_response());
    }
    let shell = person.visitor().shell(&state);
    Ok(Html(SetupKeysPage::new(shell, &query, typed)).into_response())
}

impl SetupKeysPage {
    fn new(shell: Shell, query: &Pairs, typed: Typed) -> Self {
        let q = query.one("q").trim();
        let product = Some(query.one("product")).filter(|name| gvlk::products().contains(name)).unwrap_or_default();
        let address = Address::new("/setup-keys").with("q", q).with("product", product);
        let (verdict, rows) = match typed {
            Typed::Published(key) => (Verdict::Published { key, editions: editions(key) }, gvlk::of_key(key)),
            Typed::Near(near) => {
                let (key, editions) = (near.key, editions(near.key));
                (Verdict::Near { near, editions }, gvlk::of_key(key))
            }
            Typed::Words | Typed::Unknown { .. } if query.one("unknown") == "1" && q.is_empty() => {
                let last_five = query.one("last_five");
                let five = last_five.len() == 5 && last_five.bytes().all(|byte| byte.is_ascii_alphanumeric());
                let last_five = if five { last_five.to_owned() } else { String::new() };
                (Verdict::Unknown { last_five }, gvlk::search("", product))
            }
            Typed::Words | Typed::Unknown { .. } => (Verdict::None, gvlk::search(q, product)),
        };
        let products = std::iter::once(Choice::new("", "All products", product))
            .chain(gvlk::products().into_iter().map(|name| Choice::new(name, name, product)))
            .collect();
        Self { shell, address, products, verdict, rows }
    }

    fn chips(&self) -> Vec<Chip> {
        [("q", "Search: "), ("product", "Product: ")]
            .into_iter()
            .filter(|(part, _)| !self.address.get(part).is_empty())
            .map(|(part, lead)| {
                Chip::new([lead, self.address.get(part)].concat(), self.address.clone().without(part).href())
            })
            .collect()
    }

    fn count(&self) -> String {
        let rows = u64::try_from(self.rows.len()).unwrap_or(u64::MAX);
        if self.chips().is_empty() {
            [&count(rows, "edition", "editions"), ", newest first"].concat()
        } else {
            [&count(rows, "edition", "editions"), " of ", &gvlk::all().len().to_string()].concat()
        }
    }

    fn sources(&self) -> [Source; 2] {
        SOURCES
    }

    fn empty(&self) -> Empty {
        Empty::new(
            EmptyKind::NothingMatches,
            "No setup key matches",
            "Try fewer words, or part of an edition’s name. Editions that aren’t sold by volume have no setup key.",
        )
        .action("Show all", "/setup-keys")
    }
}

/// Every edition that a key stands for: "A", "A and B", "A, B and C".
fn editions(key: &str) -> String {
    let names: Vec<&str> = gvlk::of_key(key).into_iter().map(|row| row.edition.as_str()).collect();
    match names.split_last() {
        None => String::new(),
        Some((only, [])) => (*only).to_owned(),
        Some((last, rest)) => [&rest.join(", "), " and ", last].concat(),
    }
}

#[cfg(test)]
impl SetupKeysPage {
    /// The page for a query.
    pub fn sample(query: &str) -> Self {
        let query = Pairs::parse(query.as_bytes());
        let typed = resemblance::look(query.one("q"));
        Self::new(Shell::sample("/setup-keys"), &query, typed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(query: &str) -> String {
        SetupKeysPage::sample(query).render().expect("renders")
    }

    #[test]
    fn every_row_has_its_line_to_copy_and_the_sources_their_dates() {
        let html = page("");
        assert_eq!(html.matches("slmgr /ipk ").count(), 2 * 159, "shown, and named to screen readers");
        assert_eq!(html.matches("ospp.vbs /inpkey:").count(), 2 * 52);
        assert!(html.contains("25 June 2025") && html.contains("18 September 2024"));
        assert!(html.contains("159 editions"));
    }

    #[test]
    fn s002_a_wrong_key_is_told_what_differs() {
        let html = page("q=W269N-WFGWX-YVC9B-4J6C9-T83GV");
        assert!(html.contains("Windows 11 Pro and Windows 10 Pro"));
        assert!(html.contains("T83GV was typed, T83GX is published (character 5)"));
        assert!(html.contains("<mark>V</mark>") && html.contains("<mark>X</mark>"));
    }

    #[test]
    fn a_filter_is_a_chip() {
        let html = page("q=datacenter&product=Windows+Server+2025");
        assert!(html.contains("2 editions of 159"));
        assert!(html.contains("Product: Windows Server 2025") && html.contains("href=\"/setup-keys?q=datacenter\""));
        assert!(page("q=%3Cscript%3E").contains("No setup key matches"));
    }

    #[test]
    fn a_key_of_ones_own_is_looked_for_elsewhere() {
        let html = page("unknown=1&last_five=84YNX");
        assert!(html.contains("/products?q=84YNX"));
        assert!(!page("unknown=1&last_five=%3Cb%3E84").contains("<b>84"));
    }
}
