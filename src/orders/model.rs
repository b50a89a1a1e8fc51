//! What a list of order lines is made of.

use time::Date;
use uuid::Uuid;

/// An order line as a permission check sees it: what tells its order from others.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct OrderHead {
    /// The row.
    pub id: Uuid,
    /// The License ID's row.
    pub contract_id: Uuid,
    /// The reseller's number; may be empty.
    pub reseller_order_no: String,
    /// The organisation's own number; may be empty.
    pub customer_order_no: String,
    /// Who sold it; may be empty.
    pub reseller: String,
}

/// An order line.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Order {
    /// The row.
    pub id: Uuid,
    /// Whether the person may correct it.
    pub administered: bool,
    /// The License ID it was ordered under.
    pub license_id: String,
    /// The License ID's organisation.
    pub organization: String,
    /// The reseller's number.
    pub reseller_order_no: String,
    /// The organisation's own number.
    pub customer_order_no: String,
    /// When it was ordered.
    pub ordered_on: Option<Date>,
    /// From when it may be used.
    pub usage_starts_on: Option<Date>,
    /// Who sold it.
    pub reseller: String,
    /// The part number.
    pub part_number: String,
    /// What it is.
    pub description: String,
    /// How many.
    pub quantity: i64,
    /// Where it is used.
    pub country: String,
    /// Whether it is up for renewal; none where that isn't said. Select Plus alone says it.
    pub up_for_renewal: Option<bool>,
    /// Whether it is a step-up; none where that isn't said. Select Plus alone says it.
    pub step_up: Option<bool>,
    /// The address of its product; empty where none is known.
    pub slug: String,
}

/// Yes or no, as pages and files write it; nothing where it isn't said.
#[must_use]
pub const fn yes_no(said: Option<bool>) -> &'static str {
    match said {
        Some(true) => "Yes",
        Some(false) => "No",
        None => "",
    }
}

/// What a list of order lines is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Words that all stand somewhere in the description, part number, order numbers, License ID, organisation or
    /// reseller.
    pub q: String,
    /// A License ID, or empty for all.
    pub license_id: String,
    /// The address of a product, or empty for all.
    pub product: String,
    /// A reseller, or empty for all.
    pub reseller: String,
    /// A country, or empty for all.
    pub country: String,
    /// What is said of being up for renewal.
    pub renewal: Said,
    /// What is said of being a step-up.
    pub step_up: Said,
    /// Ordered on this day or later.
    pub from: Option<Date>,
    /// Ordered on this day or before.
    pub to: Option<Date>,
    /// One of the filters that are offered.
    pub only: Only,
    /// These lines alone.
    pub ids: Option<Vec<Uuid>>,
}

/// What an order line has to say of something that only Select Plus tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Said {
    /// Whatever it says.
    #[default]
    Anything,
    /// Yes.
    Yes,
    /// No.
    No,
    /// Nothing, under a programme that could.
    Nothing,
}

impl Said {
    /// Each with its word in an address and its label.
    pub const CHOICES: [(Self, &'static str, &'static str); 4] = [
        (Self::Anything, "", "All"),
        (Self::Yes, "yes", "Yes"),
        (Self::No, "no", "No"),
        (Self::Nothing, "unknown", "Not said"),
    ];

    /// Reads the word of an address; anything unknown narrows nothing.
    #[must_use]
    pub fn parse(word: &str) -> Self {
        Self::CHOICES.into_iter().find(|(_, known, _)| *known == word).map_or(Self::Anything, |(said, ..)| said)
    }

    /// Its word in an address.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::CHOICES.into_iter().find(|(said, ..)| *said == self).map_or("", |(_, word, _)| word)
    }

    /// What a page calls it.
    #[must_use]
    pub fn label(self) -> &'static str {
        Self::CHOICES.into_iter().find(|(said, ..)| *said == self).map_or("", |(.., label)| label)
    }
}

/// What the person's order lines give a list to filter by.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Vocabulary {
    /// Who sold them.
    pub resellers: Vec<String>,
    /// Where they are used.
    pub countries: Vec<String>,
    /// Whether any says what only Select Plus tells.
    pub tells: bool,
}

/// The filters that are offered ready-made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Only {
    /// All lines.
    #[default]
    All,
    /// Extended Security Updates.
    Esu,
    /// What may not be used yet.
    Ahead,
    /// Ordered within the last twelve months.
    Year,
}

impl Only {
    /// Each with its word in an address and its label.
    pub const CHOICES: [(Self, &'static str, &'static str); 4] = [
        (Self::All, "", "All"),
        (Self::Esu, "esu", "ESU"),
        (Self::Ahead, "ahead", "Not usable yet"),
        (Self::Year, "year", "Last 12 months"),
    ];

    /// Reads the word of an address; anything unknown is all.
    #[must_use]
    pub fn parse(word: &str) -> Self {
        Self::CHOICES.into_iter().find(|(_, known, _)| *known == word).map_or(Self::All, |(only, ..)| only)
    }
}

/// How far the person's sight of orders goes.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Sight {
    /// License IDs that the person sees.
    pub seen: i64,
    /// Those whose orders the person reads.
    pub read: i64,
    /// The day of the newest order among these.
    pub newest: Option<Date>,
}

/// The order of a list of order lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// By what was ordered.
    Description,
    /// By how many.
    Quantity,
    /// By License ID.
    LicenseId,
    /// By the day of the order.
    OrderedOn,
    /// By the day from which it may be used.
    UsageStart,
    /// By the organisation's own order number.
    CustomerNumber,
    /// By reseller.
    Reseller,
    /// By country.
    Country,
    /// By whether it is up for renewal: no, yes, not said.
    Renewal,
    /// By whether it is a step-up: no, yes, not said.
    StepUp,
}
