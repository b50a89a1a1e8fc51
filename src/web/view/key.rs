//! A product key on a page: masked until it is asked for, with what is known about it in words.
use secrecy::{ExposeSecret, SecretString};

use super::{Archived, Empty, Export, Link, Locked, Pager, contract_path, number, product_path};
use crate::web::page::Tone;

/// The key itself: its last five characters, and the whole only where somebody just asked for it.
#[derive(Clone, Debug)]
pub struct KeyCell {
    /// The id in `/keys/{id}/copy` and `/keys/{id}/reveal`.
    pub id: String,
    /// The last group, in clear.
    pub last_five: String,
    /// The whole key, after a reveal without JavaScript.
    pub revealed: Option<SecretString>,
    /// Whether this person may copy and reveal it now.
    pub open: bool,
    /// What is said where the product needs no key.
    pub instead: Option<String>,
}

impl KeyCell {
    /// A masked key that may be copied and revealed.
    #[must_use]
    pub fn masked(id: impl Into<String>, last_five: impl Into<String>) -> Self {
        Self { id: id.into(), last_five: last_five.into(), revealed: None, open: true, instead: None }
    }

    /// The sentence that stands where no key is needed.
    pub fn none(id: impl Into<String>, sentence: impl Into<String>) -> Self {
        Self { id: id.into(), last_five: String::new(), revealed: None, open: false, instead: Some(sentence.into()) }
    }

    /// What stands in the cell.
    #[must_use]
    pub fn text(&self) -> String {
        match &self.revealed {
            Some(key) => key.expose_secret().to_owned(),
            None => ["•••••-•••••-•••••-•••••-", &self.last_five].concat(),
        }
    }

    /// The last group letter by letter, for a screen reader.
    #[must_use]
    pub fn spoken(&self) -> String {
        if let Some(sentence) = &self.instead {
            return sentence.clone();
        }
        let (lead, characters) = match &self.revealed {
            Some(key) => ("Key ", key.expose_secret()),
            None => ("Key ending in ", self.last_five.as_str()),
        };
        let groups: Vec<String> = characters.split('-').map(spell).collect();
        [lead, &groups.join(", ")].concat()
    }
}

fn spell(group: &str) -> String {
    let letters: Vec<String> = group.chars().map(String::from).collect();
    letters.join(" ")
}

/// How full a meter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Below 80 %.
    Calm,
    /// From 80 %.
    Warn,
    /// From 95 %.
    Bad,
}

/// Used of total.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meter {
    /// How many are used; vendors sometimes count beyond the limit.
    pub used: u64,
    /// How many there are.
    pub total: u64,
}

impl Meter {
    /// Whole percent, never above 100: the bar's length.
    #[must_use]
    pub fn percent(self) -> u64 {
        match self.total {
            0 => 100,
            total => (u128::from(self.used.min(total)) * 100 / u128::from(total)).try_into().unwrap_or(100),
        }
    }

    /// Amber from 80 %, red from 95 %.
    #[must_use]
    pub fn level(self) -> Level {
        let (used, total) = (u128::from(self.used), u128::from(self.total));
        if used * 100 >= total * 95 {
            Level::Bad
        } else if used * 100 >= total * 80 {
            Level::Warn
        } else {
            Level::Calm
        }
    }

    /// The class in the style sheet.
    #[must_use]
    pub fn class(self) -> &'static str {
        match self.level() {
            Level::Calm => "calm",
            Level::Warn => "warn",
            Level::Bad => "bad",
        }
    }

    /// What the colour says, in words; nothing below 80 %.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self.level() {
            Level::Calm => "",
            Level::Warn => "Running low",
            Level::Bad if self.used > self.total => "Above the limit",
            Level::Bad if self.used == self.total => "Used up",
            Level::Bad => "Nearly used up",
        }
    }

    /// `181 of 500`.
    #[must_use]
    pub fn text(self) -> String {
        [number(self.used), number(self.total)].join(" of ")
    }
}

/// What a key allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// Activations used of the limit.
    Activations(Meter),
    /// Seats bought; how many are used isn't counted.
    SeatsBought(u64),
    /// Nothing is counted.
    Uncounted,
}

impl Quantity {
    /// The meter, where something is counted against a limit.
    #[must_use]
    pub const fn meter(&self) -> Option<Meter> {
        match self {
            Self::Activations(meter) => Some(*meter),
            Self::SeatsBought(_) | Self::Uncounted => None,
        }
    }

    /// What is counted.
    #[must_use]
    pub const fn noun(&self) -> &'static str {
        match self {
            Self::Activations(_) => "Activations",
            Self::SeatsBought(_) => "Seats",
            Self::Uncounted => "",
        }
    }

    /// The number without a meter.
    #[must_use]
    pub fn plain(&self) -> String {
        match self {
            Self::SeatsBought(seats) => number(*seats),
            Self::Activations(_) | Self::Uncounted => String::new(),
        }
    }
}

/// Something to know about a key, in a sentence: not usable yet, shared, blocked, above its limit.
#[derive(Clone, Debug)]
pub struct Remark {
    /// How much it matters.
    pub tone: Tone,
    /// The sentence.
    pub text: String,
}

impl Remark {
    /// A remark.
    #[must_use]
    pub fn new(tone: Tone, text: impl Into<String>) -> Self {
        Self { tone, text: text.into() }
    }
}

/// A License ID that a key is assigned to.
#[derive(Clone, Debug)]
pub struct Place {
    /// The key's id there.
    pub id: String,
    /// The License ID.
    pub license_id: String,
    /// The organization that holds it.
    pub organization: String,
}

impl Place {
    /// The page of its contract.
    #[must_use]
    pub fn contract_href(&self) -> String {
        contract_path(&self.license_id)
    }
}

/// The way to ask for more of a key.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The form, filled in.
    pub href: String,
    /// Why it is offered by itself; nothing while there is enough.
    pub offer: Option<String>,
}

/// One key, with the places it stands in.
#[derive(Clone, Debug)]
pub struct KeyRow {
    /// The key.
    pub key: KeyCell,
    /// The License ID it is assigned to.
    pub license_id: String,
    /// The organization that holds the License ID.
    pub organization: String,
    /// The further License IDs of this list that the same key is assigned to.
    pub further: Vec<Place>,
    /// The product's name.
    pub product: String,
    /// The product's slug, for its panel.
    pub product_slug: String,
    /// MAK, KMS, VLK, OSA or Setup, as the export writes it.
    pub kind: String,
    /// What it allows.
    pub quantity: Quantity,
    /// Available or Redeemed, for OSA keys.
    pub osa_status: Option<String>,
    /// What to know about it.
    pub remarks: Vec<Remark>,
    /// The open request about it, where the person may see it.
    pub request: Option<Link>,
    /// How to ask for more, where the person may.
    pub ask: Option<Ask>,
    /// The page that says who can see it, for Administrators of its License ID.
    pub access: Option<String>,
}

impl KeyRow {
    /// The page of its contract.
    #[must_use]
    pub fn contract_href(&self) -> String {
        contract_path(&self.license_id)
    }

    /// What a screen reader calls it where it is ticked.
    #[must_use]
    pub fn called(&self) -> String {
        match &self.key.instead {
            None => self.key.spoken(),
            Some(_) => [&self.product, " on License ID ", &self.license_id].concat(),
        }
    }

    /// Why more is offered by itself, and where to ask for it.
    #[must_use]
    pub fn offered(&self) -> Option<(&str, &str)> {
        let ask = self.ask.as_ref()?;
        Some((ask.offer.as_deref()?, &ask.href))
    }

    /// The page of its product.
    #[must_use]
    pub fn product_href(&self) -> String {
        product_path(&self.product_slug)
    }
}

/// What each key of a list is told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyLead {
    /// In a product's panel: License ID and organization.
    Contract,
    /// In a contract's panel: the product.
    Product,
}

/// The Keys tab of a panel.
#[derive(Clone, Debug)]
pub struct KeyList {
    /// What each key is told apart by.
    pub lead: KeyLead,
    /// Where ticks are kept while paging: the panel's path.
    pub place: String,
    /// The address of the page the list is on, for coming back after a copy or reveal without JavaScript.
    pub back: String,
    /// The keys on this page of the list.
    pub rows: Vec<KeyRow>,
    /// Which page of them.
    pub pager: Pager,
    /// The export of the ticked ones; `None` for a person who may not.
    pub export: Option<Export>,
    /// Keys that are there, but not for this person.
    pub locked: Option<Locked>,
    /// What to show when there is no row: none yet, or none needed.
    pub empty: Empty,
    /// Those that rest in the archive.
    pub archived: Archived,
}

impl KeyList {
    /// Whether the product leads each row.
    #[must_use]
    pub fn by_product(&self) -> bool {
        self.lead == KeyLead::Product
    }
}

#[cfg(test)]
impl KeyList {
    /// Keys of each kind and remark.
    pub fn sample() -> Self {
        let address = super::Address::new("/products/windows-11-pro").with("tab", "keys");
        let mak = |used, total| Quantity::Activations(Meter { used, total });
        let row = |id: &str, last: &str, license: &str, organization: &str, kind: &str, quantity| KeyRow {
            key: KeyCell::masked(id, last),
            license_id: license.into(),
            organization: organization.into(),
            further: vec![],
            product: "Windows 11 Pro".into(),
            product_slug: "windows-11-pro".into(),
            kind: kind.into(),
            quantity,
            osa_status: None,
            remarks: vec![],
            request: None,
            ask: None,
            access: None,
        };
        let mut rows = vec![
            row("k1", "G3GH4", "8671204", "Northwind Holding AG", "MAK", mak(2_590, 5_000)),
            row("k2", "KXMT2", "8671204", "Northwind Holding AG", "MAK", mak(1_000, 1_000)),
            row("k3", "7RT2V", "7740032", "Northwind Research S.A.", "MAK", mak(412, 500)),
            row("k4", "WJM9F", "5133027", "Fabrikam Universität Köln", "KMS", Quantity::SeatsBought(1_200)),
            row("k5", "GHHK2", "0005512873", "Tailspin Toys K.K.", "MAK", mak(0, 250)),
            row("k6", "WRWHH", "V6219388", "Wide World \"Imports\", Inc.", "OSA", Quantity::SeatsBought(25)),
        ];
        rows[1].remarks = vec![Remark::new(Tone::Bad, "No activation is left. Ask for more before the next rollout.")];
        rows[3].remarks = vec![Remark::new(Tone::Info, "Shared with 2 other License IDs.")];
        rows[4].remarks = vec![Remark::new(Tone::Warn, "Can be used from 14 October 2027, when ESU year 2 begins.")];
        rows[1].ask = Some(Ask { href: "/requests/new?key=k2".into(), offer: Some("100 % used".into()) });
        rows[2].ask = Some(Ask { href: "/requests/new?key=k3".into(), offer: None });
        rows[2].request = Some(Link::new("Request 7: with the vendor", "/requests/7"));
        rows[5].osa_status = Some("Available".into());
        Self {
            lead: KeyLead::Contract,
            place: "/products/windows-11-pro".into(),
            back: address.href(),
            rows,
            pager: Pager::new(&address, "keys_page", 1, 6, 24),
            export: Some(
                Export::of_keys("export-selected", "Export selected keys", "selected")
                    .field("product", "windows-11-pro"),
            ),
            locked: Some(Locked {
                role: Some(crate::auth::roles::Role::ProductKeysReader),
                places: vec![super::LockedPlace { license_id: "V6219054".into(), open: None }],
                ask: vec!["Aiko Tanaka".into()],
            }),
            empty: Empty::new(super::EmptyKind::NothingYet, "No keys yet", "Import a key file to see them here."),
            archived: Archived::of(&address, super::Archive::KEYS),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meter_says_its_colour_in_words() {
        let word = |used, total| Meter { used, total }.word();
        assert_eq!(word(79, 100), "");
        assert_eq!(word(80, 100), "Running low");
        assert_eq!(word(95, 100), "Nearly used up");
        assert_eq!(word(100, 100), "Used up");
        assert_eq!(word(107, 100), "Above the limit");
        assert_eq!(Meter { used: 107, total: 100 }.percent(), 100);
        assert_eq!(Meter { used: 0, total: 0 }.percent(), 100);
    }

    #[test]
    fn a_key_is_masked_and_spelled() {
        let mut key = KeyCell::masked("1", "AB12C");
        assert_eq!(key.text(), "•••••-•••••-•••••-•••••-AB12C");
        assert_eq!(key.spoken(), "Key ending in A B 1 2 C");
        key.revealed = Some(SecretString::from("AAAAA-BBBBB-CCCCC-DDDDD-AB12C"));
        assert_eq!(key.spoken(), "Key A A A A A, B B B B B, C C C C C, D D D D D, A B 1 2 C");
        assert!(!format!("{key:?}").contains("BBBBB"));
    }
}
