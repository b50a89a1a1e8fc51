//! What a list of order lines is made of.

use time::Date;
use uuid::Uuid;

/// An order line.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Order {
    /// The row.
    pub id: Uuid,
    /// Whether the person may correct it.
    pub administered: bool,
    /// The License ID it was ordered under.
    pub license_id: String,
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
}

/// What a list of order lines is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Part of a description, part number, order number, License ID or reseller.
    pub q: String,
    /// A License ID, or empty for all.
    pub license_id: String,
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
}
