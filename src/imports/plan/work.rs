//! What a plan writes: records with their ids made, ready for one statement a table.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use time::Date;
use uuid::Uuid;

/// Everything a file writes.
#[derive(Default)]
pub(in crate::imports) struct Work {
    pub organizations: Vec<Organization>,
    /// Known organisations and the one that stands above them from now on.
    pub parents: Vec<(Uuid, Uuid)>,
    pub agreements: Vec<(Uuid, Arc<str>)>,
    /// Agreements and the MBSA that stands above them from now on.
    pub mbsas: Vec<(Uuid, Uuid)>,
    pub contracts: Vec<ContractRecord>,
    pub changed_contracts: Vec<ContractRecord>,
    /// License IDs that get the organisation or programme they lacked.
    pub filled_contracts: Vec<Fill>,
    pub products: Vec<NewProduct>,
    pub contacts: Vec<ContactRecord>,
    pub changed_contacts: Vec<ContactRecord>,
    pub summaries: Vec<SummaryRecord>,
    pub changed_summaries: Vec<SummaryRecord>,
    pub keys: Vec<KeyRecord>,
    pub changed_keys: Vec<KeyChange>,
    pub orders: Vec<OrderRecord>,
    pub changed_orders: Vec<OrderRecord>,
    /// Years of ESU coverage, new ones and changed ones: written over each other.
    pub esu: Vec<EsuRecord>,
    /// Every License ID that a row which isn't refused is about: what was corrected there by hand before was met.
    pub met: BTreeSet<Uuid>,
    /// What happens to each License ID, for the audit log.
    pub touched: BTreeMap<Uuid, Touched>,
}

/// A License ID that a file writes to.
#[derive(Default)]
pub(in crate::imports) struct Touched {
    pub added: u64,
    pub changed: u64,
}

/// A new organisation.
pub(in crate::imports) struct Organization {
    pub id: Uuid,
    pub name: Arc<str>,
    pub parent: Option<Uuid>,
}

/// A License ID as it shall stand.
#[derive(Clone)]
pub(in crate::imports) struct ContractRecord {
    pub id: Uuid,
    pub license_id: Arc<str>,
    pub organization: Uuid,
    pub agreement: Option<Uuid>,
    pub program: Arc<str>,
    pub agreement_type: Arc<str>,
    pub location: Arc<str>,
    pub authorization_number: Arc<str>,
    pub purchase_account_number: Arc<str>,
    pub starts_on: Option<Date>,
    pub ends_on: Option<Date>,
    pub status: Arc<str>,
}

/// The organisation or programme that a License ID lacked.
pub(in crate::imports) struct Fill {
    pub contract: Uuid,
    pub organization: Option<Uuid>,
    pub program: Option<Arc<str>>,
}

/// A product that only a name is known of.
pub(in crate::imports) struct NewProduct {
    pub id: Uuid,
    pub name: Arc<str>,
    pub slug: String,
    /// Said in a file in place of its key; `None` where a key came with it.
    pub no_key: Option<Arc<str>>,
    /// Whether a key came with it.
    pub has_key: bool,
}

/// A contact as it shall stand.
pub(in crate::imports) struct ContactRecord {
    pub id: Uuid,
    pub contract: Uuid,
    pub role: Arc<str>,
    pub name: Arc<str>,
    pub email: Arc<str>,
}

/// A line of a licence summary as it shall stand.
pub(in crate::imports) struct SummaryRecord {
    pub id: Uuid,
    pub contract: Uuid,
    pub product_family: Arc<str>,
    pub version: Arc<str>,
    pub product_pool: Arc<str>,
    pub licence_type: Arc<str>,
    pub effective_quantity: i64,
    pub active_sa_quantity: i64,
}

/// A new key; the rest is in the file's row.
pub(in crate::imports) struct KeyRecord {
    /// Which row of the file.
    pub row: usize,
    pub contract: Uuid,
    pub product: Uuid,
    pub fingerprint: Option<[u8; 32]>,
}

/// A known key as it shall stand.
pub(in crate::imports) struct KeyChange {
    pub id: Uuid,
    pub contract: Uuid,
    pub kind: &'static str,
    pub used: Option<i64>,
    pub total: Option<i64>,
    pub seats: Option<i64>,
    pub osa_status: Arc<str>,
    /// Whether there is something for its history.
    pub read: bool,
}

/// An order line as it shall stand.
pub(in crate::imports) struct OrderRecord {
    pub id: Uuid,
    pub contract: Uuid,
    pub product: Option<Uuid>,
    pub reseller_order: Arc<str>,
    pub customer_order: Arc<str>,
    pub ordered_on: Option<Date>,
    pub usage_starts_on: Option<Date>,
    pub reseller: Arc<str>,
    pub part_number: Arc<str>,
    pub description: Arc<str>,
    pub quantity: i64,
    pub country: Arc<str>,
    pub up_for_renewal: Option<bool>,
    pub step_up: Option<bool>,
    pub occurrence: i32,
}

/// A year of ESU coverage as it shall stand.
pub(in crate::imports) struct EsuRecord {
    pub product: Arc<str>,
    pub year: i16,
    pub starts_on: Date,
    pub ends_on: Date,
    pub source: Arc<str>,
}
