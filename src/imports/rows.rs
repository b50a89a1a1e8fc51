//! Typed rows: what each kind of file says, line by line.
//!
//! Texts that repeat from row to row (License IDs, products, organisations) are shared, so that a
//! file of a million keys takes about 200 MiB beside its own bytes.
use std::sync::Arc;

use time::Date;

use crate::keys::{Activations, KeyKind, ProductKey};

/// A License ID with its organisation and agreement. `None` is an empty cell or a missing column.
#[derive(Debug, Clone)]
pub struct ContractRow {
    /// Line in the file.
    pub line: u64,
    /// License ID, leading zeros included.
    pub license_id: Arc<str>,
    /// The organisation that holds it.
    pub organization: Arc<str>,
    /// The organisation above that one.
    pub parent_organization: Option<Arc<str>>,
    /// City and country.
    pub location: Option<Arc<str>>,
    /// Programme, such as Enterprise.
    pub parent_program: Option<Arc<str>>,
    /// Agreement type.
    pub agreement_type: Option<Arc<str>>,
    /// Number of the agreement above.
    pub parent_agreement: Option<Arc<str>>,
    /// Authorization number (Open License).
    pub authorization_number: Option<Arc<str>>,
    /// Purchase account number (MPSA).
    pub purchase_account_number: Option<Arc<str>>,
    /// First day.
    pub start_date: Option<Date>,
    /// Last day; may lie before the first, with a warning.
    pub end_date: Option<Date>,
    /// The vendor's status, in its own words.
    pub status: Option<Arc<str>>,
    /// Number of the MBSA above the agreement above.
    pub mbsa: Option<Arc<str>>,
}

/// A person or desk named in a contract.
#[derive(Debug, Clone)]
pub struct ContactRow {
    /// Line in the file.
    pub line: u64,
    /// License ID, leading zeros included.
    pub license_id: Arc<str>,
    /// Role in the contract, in the vendor's words.
    pub role: Arc<str>,
    /// Name.
    pub name: Arc<str>,
    /// E-mail address, letter case as written.
    pub email: Option<Arc<str>>,
}

/// How much of a product family a License ID holds.
#[derive(Debug, Clone)]
pub struct SummaryRow {
    /// Line in the file.
    pub line: u64,
    /// License ID, leading zeros included.
    pub license_id: Arc<str>,
    /// Product family.
    pub product_family: Arc<str>,
    /// Version.
    pub version: Option<Arc<str>>,
    /// Applications, Systems or Servers, in the vendor's words.
    pub product_pool: Option<Arc<str>>,
    /// Licence type, in the vendor's words.
    pub licence_type: Option<Arc<str>>,
    /// Licences that count.
    pub effective_quantity: u32,
    /// Licences with active Software Assurance.
    pub active_sa_quantity: Option<u32>,
}

/// The `Product Key` cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyCell {
    /// A key.
    Key(ProductKey),
    /// The vendor's sentence that the product needs none.
    NotNeeded(Arc<str>),
}

/// A product key of a License ID, or the word that a product needs none.
#[derive(Debug, Clone)]
pub struct KeyRow {
    /// Line in the file.
    pub line: u64,
    /// License ID, leading zeros included.
    pub license_id: Arc<str>,
    /// Programme.
    pub parent_program: Option<Arc<str>>,
    /// Organisation.
    pub organization: Option<Arc<str>>,
    /// Product name.
    pub product: Arc<str>,
    /// The key.
    pub key: KeyCell,
    /// `None` exactly where no key is needed.
    pub kind: Option<KeyKind>,
    /// The vendor's reading; used may be above the limit, with a warning.
    pub activations: Option<Activations>,
    /// Seats.
    pub seats: Option<u32>,
    /// The vendor's status of an OSA key, at most 64 characters.
    pub osa_status: Option<Arc<str>>,
}

/// An order line.
#[derive(Debug, Clone)]
pub struct OrderRow {
    /// Line in the file.
    pub line: u64,
    /// License ID, leading zeros included.
    pub license_id: Arc<str>,
    /// The reseller's order number.
    pub reseller_order: Arc<str>,
    /// The customer's order number.
    pub customer_order: Option<Arc<str>>,
    /// Day of the order.
    pub ordered_on: Date,
    /// Day from which it may be used.
    pub usage_start: Option<Date>,
    /// Reseller.
    pub reseller: Option<Arc<str>>,
    /// Part number.
    pub part_number: Arc<str>,
    /// What was ordered.
    pub description: Option<Arc<str>>,
    /// How many.
    pub quantity: u32,
    /// Country of use.
    pub country: Option<Arc<str>>,
    /// Whether it is up for renewal; Select Plus alone says it.
    pub up_for_renewal: Option<bool>,
    /// Whether it is a step-up; Select Plus alone says it.
    pub step_up: Option<bool>,
}

/// A year of Extended Security Updates of a product.
#[derive(Debug, Clone)]
pub struct EsuRow {
    /// Line in the file.
    pub line: u64,
    /// As products begin, such as Windows 10.
    pub product: Arc<str>,
    /// Which year, from 1 to 99.
    pub year: i16,
    /// Its first day.
    pub starts_on: Date,
    /// Its last day, not before the first.
    pub ends_on: Date,
    /// Where that is from.
    pub source: Option<Arc<str>>,
}
