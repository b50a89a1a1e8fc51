//! What other slices may know of a product key: everything but the key.

use time::{Date, OffsetDateTime};
use uuid::Uuid;

pub use super::standing::Standing;
use crate::products::model::Product;

/// A key as a permission check sees it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct KeyHead {
    /// The row.
    pub id: Uuid,
    /// Its License ID's row.
    pub contract_id: Uuid,
    /// Its License ID.
    pub license_id: String,
    /// Its product's name and address.
    pub product: String,
    /// Its product's address.
    pub slug: String,
    /// MAK, KMS, VLK, OSA, SETUP or NONE.
    pub kind: String,
    /// The last group; none where no key is needed.
    pub last_five: Option<String>,
}

/// A key as lists show it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct KeyRow {
    /// The row.
    pub id: Uuid,
    /// Its License ID.
    pub license_id: String,
    /// The License ID's organisation.
    pub organization: String,
    /// Its product.
    pub product: String,
    /// Its product's address.
    pub slug: String,
    /// MAK, KMS, VLK, OSA, SETUP or NONE.
    pub kind: String,
    /// The last group; none where no key is needed.
    pub last_five: Option<String>,
    /// Activations used.
    pub used: Option<i64>,
    /// Activations in all.
    pub total: Option<i64>,
    /// Seats.
    pub seats: Option<i64>,
    /// OSA status as the vendor writes it.
    pub osa_status: String,
    /// When the counts were read.
    pub read_at: OffsetDateTime,
    /// From when it can be used.
    pub usable_from: Option<Date>,
    /// When it was blocked.
    pub blocked_at: Option<OffsetDateTime>,
    /// When another took its place.
    pub superseded_at: Option<OffsetDateTime>,
    /// What is said where no key is needed.
    pub no_key_text: String,
    /// The first place of this key in the list; its own id where the list doesn't group.
    pub same_as: Uuid,
    /// Other License IDs in the person's sight on which the same key stands.
    pub shared_with: Vec<String>,
}

/// A MAK of which 80 % are used at least.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Filling {
    /// Its License ID.
    pub license_id: String,
    /// Its product.
    pub product: String,
    /// Its product's address.
    pub slug: String,
    /// The last group.
    pub last_five: String,
    /// Activations used.
    pub used: i64,
    /// Activations in all.
    pub total: i64,
}

/// Which keys a list is about.
#[derive(Clone, Copy, Debug)]
pub enum Of<'a> {
    /// Those of a product, where they may be seen on the product's page; of one standing, or all.
    Product(&'a Product, Option<Standing>),
    /// Those of a License ID.
    Contract(Uuid),
}
