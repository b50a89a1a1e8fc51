//! What other slices may know of a product.

use time::Date;
use uuid::Uuid;

use crate::keys::model::Standing;

/// A product, of a vendor or the organisation's own.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Product {
    /// The row.
    pub id: Uuid,
    /// Its address.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// `vendor` or `own`.
    pub estate: String,
    /// What the category filter goes by.
    pub category: String,
    /// Family, e.g. Windows Server.
    pub family: String,
    /// Version, e.g. 2025.
    pub version: String,
    /// Edition, e.g. Datacenter.
    pub edition: String,
    /// Whether installing or activating it takes a key.
    pub needs_key: bool,
    /// Why not, in a sentence.
    pub no_key_reason: String,
    /// From when its keys can be used, where they have no day of their own: ESU.
    pub usable_from: Option<Date>,
}

/// A product as a list shows it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Listed {
    /// Its address.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Its category.
    pub category: String,
    /// Whether it takes a key.
    pub needs_key: bool,
    /// On how many of the person's License IDs.
    pub license_ids: i64,
    /// How many keys the person may see.
    pub keys: i64,
}

/// What a list of products is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Part of a name, or the last five characters of a key.
    pub q: String,
    /// A category, or empty for all.
    pub category: String,
    /// Those that have such keys in the person's sight; they alone are counted then.
    pub keys: Option<Standing>,
}

/// The order of a list of products.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// By name.
    Name,
    /// By category.
    Category,
    /// By number of License IDs.
    LicenseIds,
    /// By number of keys.
    Keys,
}
