//! The things that have a form of their own, as types: what their address is, and what making one takes.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    input::{Draft, LOOKS_LIKE_A_KEY},
    model::{Spec, Thing},
    rights::Allowed,
    select_plus,
    write::Row as Columns,
};
use crate::{
    auth::proof::{self, Operator, OperatorOrAdministrator, SiteRight, SomeAdministrator},
    error::Result,
    imports,
    postgres::Scoped,
    products::classify,
    web::{
        form::Pairs,
        view::{Field, Link, contract_path, product_path},
    },
};

/// What a form's page says of its thing, and what making one takes.
pub trait Made: proof::Row {
    /// Who may come to the page that makes one.
    type Right: SiteRight;
    /// Where its form is sent.
    fn edit_path(name: &str, id: Uuid) -> String;
    /// Where one makes a new one.
    const NEW: &'static str;
    /// The list it stands in.
    fn list() -> Link;
    /// What is to be known before one is made.
    const LEAD: &'static str;
    /// Fields beside those that can be changed later.
    fn first_fields(_form: &Pairs) -> Vec<Field> {
        Vec::new()
    }
}

macro_rules! rows {
    ($($(#[$doc:meta])* $name:ident = $thing:ident by $param:literal;)*) => { $(
        $(#[$doc])*
        pub struct $name;
        impl proof::Row for $name {
            const THING: Thing = Thing::$thing;
            const PARAM: &'static str = $param;
        }
    )* };
}
rows! {
    /// A License ID.
    Contract = Contract by "license_id";
    /// A contact of a License ID.
    Contact = Contact by "id";
    /// An order line.
    Order = Order by "id";
    /// An organisation.
    Organization = Organization by "id";
    /// A parent agreement.
    Agreement = Agreement by "id";
    /// A product.
    Product = Product by "slug";
}

impl Made for Contract {
    type Right = Operator;
    const NEW: &'static str = "/contracts/new";
    const LEAD: &'static str = "A License ID that no file has brought yet. Afterwards name its first Administrator on the page Role assignments.";
    fn edit_path(name: &str, _id: Uuid) -> String {
        format!("{}/edit", contract_path(name))
    }
    fn list() -> Link {
        Link::new("Contracts", "/contracts")
    }
    fn first_fields(form: &Pairs) -> Vec<Field> {
        vec![license_id(form, "Letter by letter, leading zeros too. It can’t be changed later.")]
    }
}

impl Made for Contact {
    type Right = SomeAdministrator;
    const NEW: &'static str = "/contacts/new";
    const LEAD: &'static str = "Somebody whom the contract names. It gives them no role here.";
    fn edit_path(_name: &str, id: Uuid) -> String {
        format!("/contacts/{id}/edit")
    }
    fn list() -> Link {
        Link::new("Contracts", "/contracts")
    }
    fn first_fields(form: &Pairs) -> Vec<Field> {
        under_contract(form)
    }
}

impl Made for Order {
    type Right = SomeAdministrator;
    const NEW: &'static str = "/orders/new";
    const LEAD: &'static str = "A line of an order that no file has brought yet.";
    fn edit_path(_name: &str, id: Uuid) -> String {
        format!("/orders/{id}/edit")
    }
    fn list() -> Link {
        Link::new("Orders", "/orders")
    }
    fn first_fields(form: &Pairs) -> Vec<Field> {
        under_contract(form)
    }
}

impl Made for Organization {
    type Right = Operator;
    const NEW: &'static str = "/organizations/new";
    const LEAD: &'static str = "An organisation that holds License IDs. Roles given on it hold for all below it.";
    fn edit_path(_name: &str, id: Uuid) -> String {
        format!("/organizations/{id}/edit")
    }
    fn list() -> Link {
        Link::new("Organisations", "/organizations")
    }
}

impl Made for Agreement {
    type Right = Operator;
    const NEW: &'static str = "/agreements/new";
    const LEAD: &'static str =
        "The level above License IDs, or the MBSA above that, by its number. Roles may be inherited from either.";
    fn edit_path(_name: &str, id: Uuid) -> String {
        format!("/agreements/{id}/edit")
    }
    fn list() -> Link {
        Link::new("Organisations", "/organizations?kind=agreements")
    }
}

impl Made for Product {
    type Right = Operator;
    const NEW: &'static str = "/products/new";
    const LEAD: &'static str =
        "A product that no file has brought yet. It shows to others with its first key or order.";
    fn edit_path(name: &str, _id: Uuid) -> String {
        format!("{}/edit", product_path(name))
    }
    fn list() -> Link {
        Link::new("Products and services", "/products")
    }
}

/// Whoever may add keys: the same who may import them.
pub type TypesKeys = OperatorOrAdministrator;

fn under_contract(form: &Pairs) -> Vec<Field> {
    vec![license_id(form, "One that you administer.")]
}

/// The field of a License ID. What looks like a product key is refused, and not sent back.
fn license_id(form: &Pairs, help: &'static str) -> Field {
    let typed = form.one("license_id").trim();
    let field = Field::new("text", "license_id", "License ID").help(help);
    if imports::holds_key(typed) { field.error(Some(LOOKS_LIKE_A_KEY.to_owned())) } else { field.value(typed) }
}

/// What else a new row needs, and the right to it; says in the draft what is wrong.
///
/// # Errors
/// When the database fails.
pub(super) async fn further(
    tx: &mut Scoped,
    person: Uuid,
    thing: Thing,
    form: &Pairs,
    draft: &mut Draft,
) -> Result<Option<(Allowed, Vec<(&'static str, Value)>)>> {
    let license_id = form.one("license_id").trim();
    let (contract, columns) = match thing {
        Thing::Contract => {
            if let Err(sentence) = imports::license_id(license_id) {
                draft.wrong("license_id", &["This can’t be a License ID: ", &sentence, "."].concat());
            }
            (None, vec![("license_id", json!(license_id))])
        }
        Thing::Contact | Thing::Order => {
            let found: Option<Uuid> =
                sqlx::query_scalar("SELECT id FROM contracts WHERE license_id = $1 AND archived_at IS NULL")
                    .bind(license_id)
                    .fetch_optional(&mut **tx)
                    .await?;
            let allowed = match found {
                Some(contract) => Allowed::on(tx, person, Some(contract)).await?,
                None => None,
            };
            let Some(allowed) = allowed.filter(|allowed| allowed.may(thing, found)) else {
                // Absent or foreign: nobody can tell which.
                draft.wrong("license_id", "You administer no License ID with this number.");
                return Ok(None);
            };
            let mut columns = vec![("contract_id", json!(found))];
            if thing == Thing::Order {
                select_plus::check(tx, "SELECT program FROM contracts WHERE id = $1", found, draft).await?;
                columns.push(("occurrence", json!(occurrence(tx, found, &draft.row).await?)));
            }
            return Ok(Some((allowed, columns)));
        }
        Thing::Product => {
            let name = draft.row.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
            (None, vec![("slug", json!(slug(tx, &name).await?))])
        }
        Thing::Organization | Thing::Agreement | Thing::Key => (None, Vec::new()),
    };
    Ok(Allowed::on(tx, person, contract).await?.map(|allowed| (allowed, columns)))
}

/// Two equal lines of one order are two lines: the second has occurrence 2.
async fn occurrence(tx: &mut Scoped, contract: Option<Uuid>, row: &Columns) -> Result<i32> {
    let text = |column: &str| row.get(column).and_then(Value::as_str).unwrap_or_default().to_owned();
    let last: i32 = sqlx::query_scalar(
        "SELECT coalesce(max(occurrence), 0) FROM orders
         WHERE contract_id = $1 AND reseller_order_no = $2 AND customer_order_no = $3 AND part_number = $4",
    )
    .bind(contract)
    .bind(text("reseller_order_no"))
    .bind(text("customer_order_no"))
    .bind(text("part_number"))
    .fetch_one(&mut **tx)
    .await?;
    Ok(last + 1)
}

/// An address that is free.
async fn slug(tx: &mut Scoped, name: &str) -> Result<String> {
    let base = classify::slug(name);
    let taken: Vec<String> = sqlx::query_scalar("SELECT slug FROM products WHERE starts_with(slug, $1)")
        .bind(&base)
        .fetch_all(&mut **tx)
        .await?;
    let free = |slug: &String| !taken.contains(slug);
    if free(&base) {
        return Ok(base);
    }
    let numbered = (2_u32..).map(|number| format!("{base}-{number}")).find(free);
    Ok(numbered.unwrap_or(base))
}

/// What the database found wrong with a row, at its field; anything else is a fault of ours.
pub(super) fn violated(fault: &sqlx::Error) -> Option<(&'static str, &'static str)> {
    let constraint = fault.as_database_error()?.constraint()?;
    Some(match constraint {
        "contracts_license_id_is_unique" => {
            ("license_id", "There is a License ID with this number already, perhaps in the archive.")
        }
        "organizations_name_is_unique" => {
            ("name", "There is an organisation of this name already, perhaps in the archive.")
        }
        "organizations_not_own_parent" => ("parent_id", "An organisation can’t stand above itself."),
        "agreements_number_is_unique" => {
            ("number", "There is an agreement of this number already, perhaps in the archive.")
        }
        "agreements_not_own_mbsa" => ("mbsa_id", OWN_MBSA),
        "agreements_two_levels" => {
            ("mbsa_id", "One of the two has just come to stand under another. Look at both, and send the form again.")
        }
        "products_name_is_unique" => ("name", "There is a product of this name already, perhaps in the archive."),
        "products_slug_is_unique" => ("name", "Another product has just taken this address. Send the form again."),
        "orders_are_unique" => ("part_number", "The order has an equal line already. Correct that one."),
        "contacts_are_unique" => {
            ("email", "There is a contact with this role and address already, perhaps in the archive.")
        }
        _ => return None,
    })
}

/// What can't stand although no constraint says so.
///
/// # Errors
/// When the database fails.
pub(super) async fn check(tx: &mut Scoped, thing: Thing, id: Uuid, draft: &mut Draft) -> Result<()> {
    match thing {
        Thing::Organization => {
            let parent: Option<Uuid> =
                draft.row.get("parent_id").and_then(Value::as_str).and_then(|id| id.parse().ok());
            let circle: bool = sqlx::query_scalar("SELECT $2 IN (SELECT organization_and_below($1))")
                .bind(id)
                .bind(parent)
                .fetch_one(&mut **tx)
                .await
                .map(|circle: Option<bool>| circle.unwrap_or(false))?;
            if circle {
                draft.wrong("parent_id", "This one stands below it, so it can’t stand above it too.");
            }
        }
        Thing::Contract => {
            let day = |column: &str| draft.row.get(column).and_then(Value::as_str).map(str::to_owned);
            if let (Some(starts), Some(ends)) = (day("starts_on"), day("ends_on"))
                && ends < starts
            {
                draft.wrong("ends_on", "This is before the start date.");
            }
        }
        Thing::Order => {
            let program = "SELECT c.program FROM orders o JOIN contracts c ON c.id = o.contract_id WHERE o.id = $1";
            select_plus::check(tx, program, Some(id), draft).await?;
        }
        Thing::Product => {
            let needs_key = draft.row.get("needs_key") == Some(&json!(true));
            let silent = draft.row.get("no_key_reason").and_then(Value::as_str) == Some("");
            if !needs_key && silent {
                draft.wrong("no_key_reason", "Say why it needs no key, or choose that it needs one.");
            }
        }
        Thing::Agreement => {
            let mbsa: Option<Uuid> = draft.row.get("mbsa_id").and_then(Value::as_str).and_then(|id| id.parse().ok());
            if let Some(sentence) = check_levels(tx, id, mbsa).await? {
                draft.wrong("mbsa_id", sentence);
            }
        }
        Thing::Contact | Thing::Key => {}
    }
    Ok(())
}

/// Why an agreement can't stand under this one, which is to be its MBSA: there are two levels of agreements and no more.
///
/// # Errors
/// When the database fails.
pub(super) async fn check_levels(tx: &mut Scoped, id: Uuid, mbsa: Option<Uuid>) -> Result<Option<&'static str>> {
    let Some(mbsa) = mbsa else { return Ok(None) };
    let (under, above): (bool, bool) = sqlx::query_as(
        "SELECT EXISTS (SELECT FROM agreements WHERE id = $2 AND mbsa_id IS NOT NULL),
                EXISTS (SELECT FROM agreements WHERE mbsa_id = $1)",
    )
    .bind(id)
    .bind(mbsa)
    .fetch_one(&mut **tx)
    .await?;
    Ok(match (id == mbsa, under, above) {
        (true, ..) => Some(OWN_MBSA),
        (false, true, _) => Some("That agreement stands under an MBSA itself. Name that MBSA, or leave this empty."),
        (false, false, true) => Some("Other agreements stand under this one, so it is an MBSA and stands under none."),
        _ => None,
    })
}

const OWN_MBSA: &str = "An agreement can’t stand under itself.";

/// Whether this person may set the status from what it is to what was typed.
pub(super) fn check_status(allowed: Allowed, before: &Columns, draft: &mut Draft) {
    let status = |row: &Columns| row.get("status").and_then(Value::as_str).map(str::to_owned);
    if let (Some(before), Some(after)) = (status(before), status(&draft.row))
        && !allowed.may_set_status(&before, &after)
    {
        draft
            .wrong("status", "Only a site operator can say that the organisation isn’t approved, or that it is again.");
    }
}

/// The fields that this person may write.
pub(super) fn open_to(thing: Thing, allowed: Allowed) -> Vec<&'static Spec> {
    thing.fields().iter().filter(|spec| allowed.may_field(spec)).collect()
}
