//! What a product's panel says on its About tab: what it is, the rules of its kind, and ESU's days.

use uuid::Uuid;

use super::{
    classify, db,
    esu::{self, OwnDay, Year},
    model::Product,
    rules::{self, Rule},
};
use crate::{
    error::Result,
    postgres::Scoped,
    web::{
        page::Tone,
        view::{Address, Fact, Link, When},
    },
};

/// What a product is.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// Its family: "Windows Server".
    pub family: String,
    /// Its version: "2025".
    pub version: String,
    /// Its edition: "Datacenter".
    pub edition: String,
    /// Its category.
    pub category: String,
    /// Who makes it: "The vendor" or "Your organisation".
    pub estate: String,
    /// Whether it needs a key.
    pub needs_key: bool,
    /// What kind of key it takes, or why it needs none, in a sentence.
    pub key_sentence: String,
    /// Where to read on: which way of activation fits, or what stands in place of a key.
    pub helper: Option<Link>,
    /// The rules of its kind.
    pub rules: Vec<Rule>,
    /// What is to be said of Extended Security Updates.
    pub esu: Option<Coverage>,
}

/// Extended Security Updates on a product's page.
#[derive(Clone, Debug)]
pub struct Coverage {
    /// `Windows 10, year 3`.
    pub title: String,
    /// Its first day.
    pub from: When,
    /// Its last day.
    pub until: When,
    /// From when its keys can be used.
    pub usable: When,
    /// Where the days are from.
    pub source: String,
    /// How much today's state matters.
    pub tone: Tone,
    /// What the days mean today.
    pub means: String,
    /// The orders of it: the proof that it was bought.
    pub orders: String,
    /// Keys whose own day the person may set.
    pub days: Vec<DayForm>,
}

/// A form for a key's own day.
#[derive(Clone, Debug)]
pub struct DayForm {
    /// The key.
    pub id: String,
    /// `8671204, key ending in AB12C`.
    pub called: String,
    /// The day it holds, or what was typed.
    pub value: String,
    /// What is wrong with it.
    pub error: Option<String>,
}

/// A day that was typed for a key, and what is wrong with it.
#[derive(Clone, Debug)]
pub struct WrongDay {
    /// The key.
    pub key: Uuid,
    /// As typed.
    pub value: String,
    /// The sentence.
    pub error: String,
}

impl About {
    /// What is known, for the list of facts.
    #[must_use]
    pub fn facts(&self) -> Vec<Fact> {
        let facts = [
            Fact::maybe("Family", &self.family, false),
            Fact::maybe("Version", &self.version, false),
            Fact::maybe("Edition", &self.edition, false),
            Fact::maybe("Category", &self.category, false),
            Fact::maybe("Made by", &self.estate, false),
        ];
        facts.into_iter().flatten().collect()
    }
}

/// What the About tab says. Behind the other tabs nothing of it is read but the category.
///
/// # Errors
/// When the database fails.
pub async fn about(tx: &mut Scoped, product: &Product, wrong: Option<&WrongDay>) -> Result<About> {
    let programs = db::programs(tx, product.id).await?;
    let esu = match esu::of_product(tx, product.id).await? {
        Some(year) => Some(coverage(tx, product, year, wrong).await?),
        None => None,
    };
    Ok(About { rules: rules::rules(product, &programs), esu, ..known(product) })
}

/// What the product's row says by itself.
pub fn known(product: &Product) -> About {
    About {
        family: product.family.clone(),
        version: product.version.clone(),
        edition: product.edition.clone(),
        category: product.category.clone(),
        estate: if product.estate == "own" { "Your organisation" } else { "The vendor" }.to_owned(),
        needs_key: product.needs_key,
        key_sentence: if product.needs_key {
            "Takes a product key. Those of your License IDs are on the Keys tab.".to_owned()
        } else {
            product.no_key_reason.clone()
        },
        helper: helper(product),
        rules: Vec::new(),
        esu: None,
    }
}

/// Which page helps on with a vendor's product; Keyward itself activates the organisation's own.
fn helper(product: &Product) -> Option<Link> {
    if product.estate == "own" {
        return None;
    }
    if product.no_key_reason == classify::RDS {
        return Some(Link::new("Programme and number for the wizard", "/products/rds"));
    }
    let which = Address::new("/products/which-key").with("edition", product.name.clone());
    Some(Link::new("Which key do I need?", which.href()))
}

async fn coverage(tx: &mut Scoped, product: &Product, year: Year, wrong: Option<&WrongDay>) -> Result<Coverage> {
    let today = tx.today();
    let (tone, means) = year.means(today);
    let days = esu::own_days(tx, product.id).await?.into_iter().map(|key| day_form(key, wrong)).collect();
    Ok(Coverage {
        title: format!("{}, year {}", year.product, year.year),
        from: When::day(year.covers_from, today),
        until: When::day(year.covers_until, today),
        usable: When::day(year.usable(), today),
        source: year.source,
        tone,
        means,
        orders: Address::new("/orders").with("q", product.name.clone()).href(),
        days,
    })
}

fn day_form(key: OwnDay, wrong: Option<&WrongDay>) -> DayForm {
    let wrong = wrong.filter(|wrong| wrong.key == key.id);
    DayForm {
        called: format!("{}, key ending in {}", key.license_id, key.last_five),
        value: wrong.map_or_else(
            || key.usable_from.map(|day| day.to_string()).unwrap_or_default(),
            |wrong| wrong.value.clone(),
        ),
        error: wrong.map(|wrong| wrong.error.clone()),
        id: key.id.to_string(),
    }
}

#[cfg(test)]
impl About {
    /// A year of ESU that has not begun.
    pub fn sample() -> Self {
        let today = time::macros::date!(2026 - 11 - 22);
        let year = Year::sample();
        let (tone, means) = year.means(today);
        Self {
            family: "Windows".into(),
            version: "11".into(),
            edition: "Pro".into(),
            category: "Windows".into(),
            estate: "The vendor".into(),
            needs_key: true,
            key_sentence: "It takes a MAK, or the published setup key with a KMS host.".into(),
            helper: Some(Link::new("Which key do I need?", "/products/which-key?edition=Windows+11+Pro")),
            rules: vec![Rule {
                title: "Reimaging",
                text: "Machines may be set up anew.",
                link: Some(Link::new("Guides", "/guides")),
            }],
            esu: Some(Coverage {
                title: "Windows 10, year 3".into(),
                from: When::day(year.covers_from, today),
                until: When::day(year.covers_until, today),
                usable: When::day(year.usable(), today),
                source: year.source.clone(),
                tone,
                means,
                orders: "/orders?q=Windows+10+ESU+Year+3".into(),
                days: vec![DayForm {
                    id: "7".into(),
                    called: "8671204, key ending in AB12C".into(),
                    value: "14.10.2027".into(),
                    error: Some("This isn’t a day.".into()),
                }],
            }),
        }
    }
}
