//! What can be changed by hand: the things, their fields, and who may change which.

use time::OffsetDateTime;
use uuid::Uuid;

/// A kind of thing, one table each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thing {
    /// A License ID.
    Contract,
    /// A contact of a License ID.
    Contact,
    /// A product key.
    Key,
    /// An order line.
    Order,
    /// An organisation.
    Organization,
    /// A parent agreement.
    Agreement,
    /// A product.
    Product,
}

/// How a field is typed and kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A text on one line, of at most so many characters.
    Text(usize),
    /// A text of several lines, of at most so many characters.
    Area(usize),
    /// A day, or none.
    Day,
    /// A whole number, or none.
    Count,
    /// Yes or no.
    YesNo,
    /// Yes, no, or nothing said.
    Said,
    /// A moment that stands while the box is ticked.
    Since,
    /// An organisation by its name.
    Organization,
    /// An agreement by its number.
    Agreement,
    /// A person by the address they sign in with.
    Person,
}

/// A field of a thing: a column that may be changed by hand.
#[derive(Debug)]
pub struct Spec {
    /// The column; the form's field has the same name.
    pub column: &'static str,
    /// What a page calls it.
    pub label: &'static str,
    /// How it is typed and kept.
    pub kind: Kind,
    /// Whether it has to be filled in.
    pub required: bool,
    /// A sentence below the field.
    pub help: &'static str,
    /// Whether it decides who sees a License ID: then it is a site operator's to change.
    pub structural: bool,
    /// Whether an import writes it too, and so overwrites what was written by hand.
    pub imported: bool,
}

impl Spec {
    const fn new(column: &'static str, label: &'static str, kind: Kind) -> Self {
        Self { column, label, kind, required: false, help: "", structural: false, imported: true }
    }

    const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    const fn help(self, help: &'static str) -> Self {
        Self { help, ..self }
    }

    const fn structural(self) -> Self {
        Self { structural: true, ..self }
    }

    /// Never in a file: an import leaves it alone.
    const fn ours(self) -> Self {
        Self { imported: false, ..self }
    }
}

/// Most characters of a name, a place or a number: what imports take too (500 bytes).
const NAME: usize = 120;
const NOTE: usize = 2_000;

const CONTRACT: &[Spec] = &[
    Spec::new("organization_id", "Organization", Kind::Organization)
        .required()
        .structural()
        .help("One that is known. It decides who inherits roles here."),
    Spec::new("agreement_id", "Parent agreement", Kind::Agreement)
        .structural()
        .help("The number of one that is known, or empty. Roles may be inherited from it."),
    Spec::new("program", "Parent Program", Kind::Text(NAME)).help("Enterprise, Select Plus, Open Value, MPSA, …"),
    Spec::new("agreement_type", "Agreement type", Kind::Text(NAME)),
    Spec::new("location", "Location", Kind::Text(NAME)).help("City, country."),
    Spec::new("authorization_number", "Authorization number", Kind::Text(NAME)).help("Open License asks for it."),
    Spec::new("purchase_account_number", "Purchase account number", Kind::Text(NAME)).help("MPSA asks for it."),
    Spec::new("starts_on", "Start date", Kind::Day),
    Spec::new("ends_on", "End date", Kind::Day),
    Spec::new("status", "Status", Kind::Text(64)).required().help(
        "As the vendor writes it. “Organization not approved” blocks the License ID and hides it from all but its Administrators: only a site operator sets or lifts it.",
    ),
];

const CONTACT: &[Spec] = &[
    Spec::new("role", "Role", Kind::Text(NAME)).required().help("Notices, Primary, Bill to, …"),
    Spec::new("name", "Name", Kind::Text(NAME)).required(),
    Spec::new("email", "Email", Kind::Text(254)),
];

const KEY: &[Spec] = &[
    Spec::new("note", "Note", Kind::Area(NOTE)).ours().help("For whoever reads this key. Never write a key here."),
    Spec::new("owner_id", "Owner", Kind::Person)
        .ours()
        .help("The address that somebody with an account signs in with, or empty."),
    Spec::new("place", "Place of deployment", Kind::Text(NAME))
        .ours()
        .help("Where it is used: a site, an image, a cluster."),
    Spec::new("usable_from", "Usable from", Kind::Day).ours().help("The day its coverage begins, e.g. of an ESU year."),
    Spec::new("blocked_at", "Blocked", Kind::Since).ours().help("It activates nothing any more."),
    Spec::new("superseded_at", "Superseded", Kind::Since).ours().help("Another key has taken its place."),
];

const ORDER: &[Spec] = &[
    Spec::new("description", "Description", Kind::Text(NAME))
        .required()
        .help("What was ordered. It leads to the product of this name where the License ID covers it already."),
    Spec::new("part_number", "Part number", Kind::Text(NAME)).required(),
    Spec::new("quantity", "Quantity", Kind::Count).required(),
    Spec::new("reseller_order_no", "Reseller order no.", Kind::Text(NAME)).required(),
    Spec::new("customer_order_no", "Customer order no.", Kind::Text(NAME)),
    Spec::new("ordered_on", "Ordered on", Kind::Day).required(),
    Spec::new("usage_starts_on", "Usage start date", Kind::Day),
    Spec::new("reseller", "Reseller", Kind::Text(NAME)),
    Spec::new("country", "Country", Kind::Text(NAME)),
    Spec::new("up_for_renewal", "Up for Renewal", Kind::Said).help(OF_SELECT_PLUS),
    Spec::new("step_up", "Step-up", Kind::Said).help(OF_SELECT_PLUS),
];

/// What is said at a field that only Select Plus has.
const OF_SELECT_PLUS: &str = "Of orders under Select Plus alone. Any other stays at “Not said”.";

const ORGANIZATION: &[Spec] = &[
    Spec::new("name", "Name", Kind::Text(NAME)).required().help("An import finds it by this name."),
    Spec::new("parent_id", "Parent organisation", Kind::Organization).help("The one above it, or empty."),
];

const AGREEMENT: &[Spec] = &[
    Spec::new("number", "Number", Kind::Text(NAME)).required().help("An import finds it by this number."),
    Spec::new("mbsa_id", "Under MBSA", Kind::Agreement).help(
        "The number of the master agreement above it, or empty. Roles given on that one hold under this one too.",
    ),
];

const PRODUCT: &[Spec] = &[
    Spec::new("name", "Name", Kind::Text(NAME)).required().help("An import finds it by this name."),
    Spec::new("category", "Category", Kind::Text(NAME)).required().ours(),
    Spec::new("family", "Family", Kind::Text(NAME)).required().ours(),
    Spec::new("version", "Version", Kind::Text(NAME)).ours(),
    Spec::new("edition", "Edition", Kind::Text(NAME)).ours(),
    Spec::new("needs_key", "Needs a key", Kind::YesNo).ours(),
    Spec::new("no_key_reason", "Why it needs none", Kind::Area(NOTE))
        .ours()
        .help("Said where a key would stand. Leave it empty for a product that needs a key."),
];

impl Thing {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Contract, Self::Contact, Self::Key, Self::Order, Self::Organization, Self::Agreement, Self::Product];

    /// As stored, and in addresses.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Contract => "contract",
            Self::Contact => "contact",
            Self::Key => "key",
            Self::Order => "order",
            Self::Organization => "organization",
            Self::Agreement => "agreement",
            Self::Product => "product",
        }
    }

    /// What it is called.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Contract => "License ID",
            Self::Contact => "Contact",
            Self::Key => "Product key",
            Self::Order => "Order",
            Self::Organization => "Organisation",
            Self::Agreement => "Parent agreement",
            Self::Product => "Product",
        }
    }

    /// One of it, within a sentence.
    #[must_use]
    pub const fn one(self) -> &'static str {
        match self {
            Self::Contract => "a License ID",
            Self::Contact => "a contact",
            Self::Key => "a product key",
            Self::Order => "an order",
            Self::Organization => "an organisation",
            Self::Agreement => "a parent agreement",
            Self::Product => "a product",
        }
    }

    /// The thing of a code.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|thing| thing.code() == code)
    }

    /// Its fields, in the order of the form.
    #[must_use]
    pub const fn fields(self) -> &'static [Spec] {
        match self {
            Self::Contract => CONTRACT,
            Self::Contact => CONTACT,
            Self::Key => KEY,
            Self::Order => ORDER,
            Self::Organization => ORGANIZATION,
            Self::Agreement => AGREEMENT,
            Self::Product => PRODUCT,
        }
    }

    /// The field of a column.
    #[must_use]
    pub fn field(self, column: &str) -> Option<&'static Spec> {
        self.fields().iter().find(|spec| spec.column == column)
    }

    /// Its table.
    pub(super) const fn table(self) -> &'static str {
        match self {
            Self::Contract => "contracts",
            Self::Contact => "contacts",
            Self::Key => "product_keys",
            Self::Order => "orders",
            Self::Organization => "organizations",
            Self::Agreement => "agreements",
            Self::Product => "products",
        }
    }

    /// An expression over its table `t`: the License ID it belongs to.
    pub(super) const fn contract(self) -> &'static str {
        match self {
            Self::Contract => "t.id",
            Self::Contact | Self::Key | Self::Order => "t.contract_id",
            Self::Organization | Self::Agreement | Self::Product => "NULL::uuid",
        }
    }

    /// An expression over its table `t`: what history calls it.
    pub(super) const fn subject(self) -> &'static str {
        match self {
            Self::Contract => "t.license_id",
            Self::Contact => "t.name || ', ' || t.role",
            Self::Key => {
                "(SELECT p.name FROM products p WHERE p.id = t.product_id) || coalesce(' …' || t.last_five, '')"
            }
            Self::Order => "t.description || ', ' || t.part_number",
            Self::Organization | Self::Product => "t.name",
            Self::Agreement => "t.number",
        }
    }

    /// Whether it belongs to the site and not to a License ID: then it is a site operator's.
    #[must_use]
    pub const fn of_the_site(self) -> bool {
        matches!(self, Self::Organization | Self::Agreement | Self::Product)
    }

    /// Its event in the audit log.
    pub(super) const fn event(self) -> &'static str {
        match self {
            Self::Contract => "contract.change",
            Self::Contact => "contact.change",
            Self::Key => "key.change",
            Self::Order => "order.change",
            Self::Organization => "organization.change",
            Self::Agreement => "agreement.change",
            Self::Product => "product.change",
        }
    }
}

/// A change of one thing.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Changed {
    /// The row.
    pub id: Uuid,
    /// What was done at once.
    pub set_id: Uuid,
    /// When.
    pub at: OffsetDateTime,
    /// Who.
    pub who: String,
    /// The kind of thing, by its code.
    pub thing: String,
    /// The thing.
    pub row_id: Uuid,
    /// The License ID it belongs to, by its number.
    pub license_id: String,
    /// What it was called.
    pub subject: String,
    /// Why.
    pub message: String,
    /// Whether it was added then.
    pub added: bool,
    /// The columns that changed, as they were afterwards.
    pub after: serde_json::Value,
    /// An array of `[label, old, new]`.
    pub shown: serde_json::Value,
    /// Whether it takes another change back.
    pub is_undo: bool,
    /// Whether it was taken back.
    pub undone: bool,
}

impl Changed {
    /// The values that changed: label, old, new.
    #[must_use]
    pub fn values(&self) -> Vec<(String, String, String)> {
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let triple = |row: &serde_json::Value| Some((text(row.get(0)?), text(row.get(1)?), text(row.get(2)?)));
        self.shown.as_array().map(|rows| rows.iter().filter_map(triple).collect()).unwrap_or_default()
    }

    /// What of it an import would overwrite, by the fields' labels.
    #[must_use]
    pub fn at_risk(&self) -> Vec<&'static str> {
        let Some(thing) = Thing::parse(&self.thing) else { return Vec::new() };
        let columns = self.after.as_object();
        let of = |spec: &&Spec| spec.imported && columns.is_some_and(|columns| columns.contains_key(spec.column));
        thing.fields().iter().filter(of).map(|spec| spec.label).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_holds_a_key_is_a_field() {
        for thing in Thing::ALL {
            for spec in thing.fields() {
                let secret = ["sealed", "fingerprint", "data_key_id", "password_hash", "last_five"];
                assert!(!secret.contains(&spec.column), "{}", spec.column);
            }
            assert_eq!(Thing::parse(thing.code()), Some(thing));
        }
    }

    #[test]
    fn what_decides_who_sees_a_license_id_is_the_operators() {
        let structural: Vec<_> = Thing::Contract.fields().iter().filter(|spec| spec.structural).collect();
        assert_eq!(structural.iter().map(|spec| spec.column).collect::<Vec<_>>(), ["organization_id", "agreement_id"]);
    }
}
