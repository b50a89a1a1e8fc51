//! What other slices may know of a product key: everything but the key.

use time::{Date, OffsetDateTime};
use uuid::Uuid;

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

/// How keys stand: what lists of products and keys are narrowed to, and the overview counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Any key, whatever it is.
    Any,
    /// MAKs of which nothing is left.
    UsedUp,
    /// MAKs from 80 % on, where their meter changes colour, that aren't used up.
    Low,
    /// Keys whose day hasn't come: ESU before its coverage.
    NotYet,
}

impl Standing {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Any, Self::UsedUp, Self::Low, Self::NotYet];

    /// Reads the address's `keys`; anything unknown narrows nothing.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|standing| standing.code() == text)
    }

    /// As addresses name it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::UsedUp => "used-up",
            Self::Low => "low",
            Self::NotYet => "not-yet",
        }
    }

    /// As a chip names it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Any => "Keys you may read",
            Self::UsedUp => "MAKs used up",
            Self::Low => "MAKs running low",
            Self::NotYet => "Keys not usable yet",
        }
    }

    /// The condition on a key in force, in a statement where `k` is the key's row.
    #[must_use]
    pub const fn condition(self) -> &'static str {
        match self {
            Self::Any => "k.kind <> 'NONE'",
            Self::UsedUp => "(k.kind = 'MAK' AND k.used >= k.total)",
            Self::Low => "(k.kind = 'MAK' AND k.used < k.total AND k.used * 5 >= k.total * 4)",
            Self::NotYet => {
                "coalesce(k.usable_from, (SELECT own.usable_from FROM products own WHERE own.id = k.product_id)) > (app_now() AT TIME ZONE 'UTC')::date"
            }
        }
    }
}

/// Which keys a list is about.
#[derive(Clone, Copy, Debug)]
pub enum Of<'a> {
    /// Those of a product, where they may be seen on the product's page; of one standing, or all.
    Product(&'a Product, Option<Standing>),
    /// Those of a License ID.
    Contract(Uuid),
}
