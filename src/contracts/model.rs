//! What other slices may know of a License ID.

use time::Date;
use uuid::Uuid;

use crate::auth::roles::{Permission, Role};

/// A License ID with the roles that the asking person holds on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractHead {
    /// The row.
    pub id: Uuid,
    /// As the vendor writes it, leading zeros and letters included.
    pub license_id: String,
    /// The person's roles in force, strongest first; empty where the vendor hasn't approved the organisation, which its
    /// Administrators may see and nothing more.
    pub roles: Vec<Role>,
}

impl ContractHead {
    /// Whether one of the roles carries the permission.
    pub fn may(&self, permission: Permission) -> bool {
        if self.roles.is_empty() {
            return permission.rests_not();
        }
        self.roles.iter().any(|role| role.may(permission))
    }
}

/// Whether a programme is Select Plus, whose License IDs are customer numbers (DOMAIN §1, "Hierarchy") and whose orders
/// alone tell what is up for renewal and what is a step-up (DOMAIN §1, "Orders").
#[must_use]
pub fn is_select_plus(program: &str) -> bool {
    program.trim().to_lowercase().starts_with("select plus")
}

/// Everything recorded about one License ID itself.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Contract {
    /// The row.
    pub id: Uuid,
    /// As the vendor writes it.
    pub license_id: String,
    /// The organisation's name.
    pub organization: String,
    /// The organisations above it, nearest first.
    pub parents: Vec<String>,
    /// City, country.
    pub location: String,
    /// Programme: Enterprise, Open Value, …
    pub program: String,
    /// Agreement type within the programme.
    pub agreement_type: String,
    /// Number of the agreement above, or empty.
    pub agreement: String,
    /// Number of the MBSA above that agreement, or empty.
    pub mbsa: String,
    /// Open License authorization number, or empty.
    pub authorization_number: String,
    /// MPSA purchase account number, or empty.
    pub purchase_account_number: String,
    /// First day.
    pub starts_on: Option<Date>,
    /// Last day.
    pub ends_on: Option<Date>,
    /// As the vendor writes it.
    pub status: String,
    /// Codes of the person's roles.
    pub roles: Vec<String>,
}

/// One line of a licence summary.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Offering {
    /// Product family.
    pub product_family: String,
    /// Version, or empty.
    pub version: String,
    /// Applications, Systems or Servers.
    pub product_pool: String,
    /// License, License/SA, Upgrade, …
    pub r#type: String,
    /// Licences in effect.
    pub effective_quantity: i64,
    /// Of these with Software Assurance; always 0 for online services.
    pub active_sa_quantity: i64,
}

/// Somebody named in the agreement.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Contact {
    /// The row.
    pub id: Uuid,
    /// Notices/Primary, Online, …
    pub role: String,
    /// Name.
    pub name: String,
    /// E-mail address.
    pub email: String,
}

/// What a list of License IDs is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Part of a License ID or of an organisation's name.
    pub q: String,
    /// A programme, or empty for all.
    pub program: String,
    /// A status, or empty for all.
    pub status: String,
    /// What becomes of License IDs that have ended.
    pub expired: Expired,
    /// Those alone that end within so many days from today.
    pub ending: Option<i32>,
    /// Those alone that end in the month of which this is the first day.
    pub month: Option<Date>,
}

/// What a list does with License IDs that have ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expired {
    /// Leaves them out.
    #[default]
    Hidden,
    /// Shows them with the others.
    Shown,
    /// Shows only them.
    Only,
}

impl Expired {
    /// Whether License IDs that are in force, and those that have ended, are shown.
    pub fn shows(self) -> (bool, bool) {
        match self {
            Self::Hidden => (true, false),
            Self::Shown => (true, true),
            Self::Only => (false, true),
        }
    }
}

/// The order of a list of License IDs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// By License ID.
    LicenseId,
    /// By organisation.
    Organization,
    /// By location.
    Location,
    /// By programme.
    Program,
    /// By end date.
    End,
    /// By status.
    Status,
}

/// The order of a licence summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SummarySort {
    /// By License ID.
    LicenseId,
    /// By product family.
    Family,
    /// By version.
    Version,
    /// By product pool.
    Pool,
    /// By licence type.
    Type,
    /// By licences in effect.
    Effective,
    /// By licences with active Software Assurance.
    Assured,
}

/// A License ID that a licence summary is asked for.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Chosen {
    /// The row.
    pub id: Uuid,
    /// As the vendor writes it.
    pub license_id: String,
    /// Whether the person reads its licence position.
    pub reads: bool,
    /// Whether its programme has no licence summary: MPSA, OEM, retail.
    pub outside: bool,
    /// Whether its organisation is approved; else it is hidden (DOMAIN §1, "Status").
    pub approved: bool,
}

/// A summed line of a licence summary.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Summarized {
    /// The License ID; empty where several are summed.
    pub license_id: String,
    /// Product family.
    pub product_family: String,
    /// Version, or empty.
    pub version: String,
    /// Applications, Systems or Servers.
    pub product_pool: String,
    /// License, License/SA, Upgrade, …
    pub r#type: String,
    /// Licences in effect.
    pub effective: i64,
    /// Of these with active Software Assurance; always 0 for online services.
    pub assured: i64,
    /// On how many License IDs.
    pub license_ids: i64,
}

/// What a product pool adds up to.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct PoolTotal {
    /// Applications, Systems or Servers; empty where a file left it out.
    pub product_pool: String,
    /// Licences in effect.
    pub effective: i64,
    /// Of these with active Software Assurance.
    pub assured: i64,
}

/// A role that the person holds on a License ID.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct HeldRole {
    /// Its code.
    pub role: String,
    /// `mbsa`, `agreement`, `organization` or `all` for one that is inherited; empty for one given here.
    pub covers: String,
    /// The agreement's number or the organisation's name.
    pub name: String,
}

/// A License ID under the same agreement as another.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Sister {
    /// As the vendor writes it.
    pub license_id: String,
    /// Who holds it.
    pub organization_id: Uuid,
    /// Whether it is the one that was asked for.
    pub own: bool,
    /// How many there are.
    pub total: i64,
}

/// An organisation and the one above it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct OrganizationNode {
    /// The row.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// The one above; none for a root.
    pub parent_id: Option<Uuid>,
}

/// How far a MAK is used.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct MakUse {
    /// Its product.
    pub product: String,
    /// Its last group.
    pub last_five: String,
    /// Activations used.
    pub used: i64,
    /// Activations in all.
    pub total: i64,
    /// How many such keys there are.
    pub keys: i64,
}
