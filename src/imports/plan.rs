//! What a file would do to what is known: row by row, and the writes behind it.
//!
//! A plan is made inside the transaction that may write it, from a few set-based reads; the
//! comparing happens in memory. [`super::write`] turns its [`Work`] into as few statements.

mod agreements;
mod contracts;
mod estate;
mod esu;
mod keys;
mod listed;
mod orders;
mod organizations;
mod sheet;
mod work;

use std::{fmt, sync::Arc};

use uuid::Uuid;

use super::{
    ParsedFile, RowError, RowWarning, Rows,
    kinds::Kind,
    list::Tally,
    preview::{Change, RowAction},
    rows::{ContactRow, ContractRow, KeyRow, OrderRow, SummaryRow},
};
use crate::{postgres::Scoped, vault::Vault};

pub(super) use work::{
    ContactRecord, ContractRecord, EsuRecord, Fill, KeyChange, KeyRecord, NewProduct, OrderRecord, Organization,
    SummaryRecord, Work,
};

/// The organisation of a License ID that only keys or orders have named so far.
pub const UNKNOWN_ORGANIZATION: &str = "Unknown organization";

/// Said of every License ID that an Administrator may not import, known or not: the sentence must
/// not tell which.
pub const NOT_YOURS: &str =
    "You aren't an Administrator of this License ID, or it isn't known yet. A site operator can import it.";

/// Most bytes of a text that identifies something: what the database's indexes can hold, four of
/// them together.
const NAME_LIMIT: usize = 500;

/// For whom a file is taken, and so how far it reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The command line: everything.
    System,
    /// A site operator: everything, without seeing a key.
    Operator(Uuid),
    /// A person: the License IDs he administers now, and nothing that decides who else sees them.
    Administrator(Uuid),
}

impl Who {
    /// The person, if it is one.
    pub const fn person(self) -> Option<Uuid> {
        match self {
            Self::System => None,
            Self::Operator(id) | Self::Administrator(id) => Some(id),
        }
    }

    /// Whose grants bound the import; `None` where nothing does.
    const fn bound_to(self) -> Option<Uuid> {
        match self {
            Self::System | Self::Operator(_) => None,
            Self::Administrator(id) => Some(id),
        }
    }
}

/// What would happen to a row, or did.
#[derive(Clone, Debug)]
pub struct PlannedRow {
    /// The line in the file, from 1.
    pub line: u64,
    /// What happens to it.
    pub action: RowAction,
    /// The License ID it names; empty for what holds for the whole site.
    pub license_id: Arc<str>,
    /// The organisation, contact, product family, product or ordered thing it is about.
    pub subject: Arc<str>,
    /// What changes.
    pub changes: Vec<Change>,
    /// Why it is skipped or refused, or what to know about it.
    pub note: String,
    last_five: [u8; 5],
}

impl PlannedRow {
    /// The last five characters of its key; empty where it carries none.
    pub fn last_five(&self) -> &str {
        std::str::from_utf8(&self.last_five).unwrap_or_default().trim_end_matches('\0')
    }
}

/// `7: changed: 8671204, Windows 11 Pro …AB12C: Seats: 10 → 20`, for the command line.
impl fmt::Display for PlannedRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: ", self.line, self.action.word())?;
        if !self.license_id.is_empty() {
            write!(f, "{}, ", self.license_id)?;
        }
        write!(f, "{}", self.subject)?;
        if !self.last_five().is_empty() {
            write!(f, " …{}", self.last_five())?;
        }
        let changes = self.changes.iter().map(|change| format!("{}: {} → {}", change.column, change.old, change.new));
        let said: Vec<String> = changes.chain((!self.note.is_empty()).then(|| self.note.clone())).collect();
        if said.is_empty() { Ok(()) } else { write!(f, ": {}", said.join("; ")) }
    }
}

/// What a whole file would do.
pub struct Plan {
    /// The file's name.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// Its rows, in its order.
    pub rows: Vec<PlannedRow>,
    /// How many rows are treated in which way.
    pub tally: Tally,
    /// Why rows are refused: the first hundred, then one that counts the others.
    pub errors: Vec<RowError>,
    /// What is odd but kept, likewise.
    pub warnings: Vec<RowWarning>,
    pub(super) work: Work,
}

impl Plan {
    /// Whether a row is refused, and with it the file.
    pub const fn is_refused(&self) -> bool {
        self.tally.refused > 0
    }
}

/// Plans a file against what this transaction sees. Writes nothing.
///
/// # Errors
/// When the database fails.
pub(super) async fn plan(tx: &mut Scoped, vault: &Vault, who: Who, file: &ParsedFile) -> sqlx::Result<Plan> {
    match &file.rows {
        Rows::Contracts(rows) => contracts::plan(tx, who, file, rows).await,
        Rows::Contacts(rows) => listed::contacts(tx, who, file, rows).await,
        Rows::Summaries(rows) => listed::summaries(tx, who, file, rows).await,
        Rows::Keys(rows) => keys::plan(tx, vault, who, file, rows).await,
        Rows::Orders(rows) => orders::plan(tx, who, file, rows).await,
        Rows::Esu(rows) => esu::plan(tx, who, file, rows).await,
    }
}

/// What planning asks of every kind of row.
trait Said {
    /// The first column of what identifies it.
    const IDENTITY: &'static str;
    fn line(&self) -> u64;
    /// Whether another row says the same, the line aside.
    fn same(&self, other: &Self) -> bool;
}

/// A row under a License ID.
trait Placed: Said {
    fn license_id(&self) -> &Arc<str>;
}

macro_rules! said {
    ($($row:ty { $($field:ident),* })*) => { $(
        impl Said for $row {
            const IDENTITY: &'static str = "License ID";
            fn line(&self) -> u64 { self.line }
            fn same(&self, other: &Self) -> bool { self.license_id == other.license_id $(&& self.$field == other.$field)* }
        }
        impl Placed for $row {
            fn license_id(&self) -> &Arc<str> { &self.license_id }
        }
    )* };
}
said! {
    ContractRow { organization, parent_organization, location, parent_program, agreement_type, parent_agreement,
        authorization_number, purchase_account_number, start_date, end_date, status, mbsa }
    ContactRow { role, name, email }
    SummaryRow { product_family, version, product_pool, licence_type, effective_quantity, active_sa_quantity }
    KeyRow { parent_program, organization, product, key, kind, activations, seats, osa_status }
    OrderRow { reseller_order, customer_order, ordered_on, usage_start, reseller, part_number, description, quantity, country, up_for_renewal, step_up }
}
