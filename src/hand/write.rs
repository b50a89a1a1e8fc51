//! Writing by hand: every change leaves a row of history and an event; what was done at once is one set, and is
//! taken back as one.
//!
//! Each thing's columns are those of [`super::model`]: nothing of a request gets into a statement's text.

use serde_json::{Map, Value, json};
use sqlx::AssertSqlSafe;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use super::{archive, model::Thing, rights::Allowed, rows, words};
use crate::{
    audit::Event,
    error::{Error, Result},
    postgres::Scoped,
};

/// Columns and their values.
pub type Row = Map<String, Value>;

/// The column of what is put away; every thing has it.
const ARCHIVED: &str = "archived_at";

/// Columns of a key that stop and resume activations.
const OF_THE_LEDGER: [&str; 3] = ["blocked_at", "superseded_at", ARCHIVED];
/// Said of them where activations are counted here.
pub(super) const LEDGER: &str = "A key of an own application is blocked and unblocked on the application’s own page, under Activation, after your password; it isn’t superseded, archived or restored by hand.";

/// Whether a key is an own application's, whose activations are counted here.
///
/// # Errors
/// When the database fails.
pub(super) async fn of_the_ledger(tx: &mut Scoped, key: Uuid) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM product_keys WHERE id = $1 AND ledger)")
        .bind(key)
        .fetch_one(&mut **tx)
        .await
}

/// What a person does at once.
#[derive(Debug)]
pub struct Set {
    /// Its id, for the way back.
    pub id: Uuid,
    person: Uuid,
    message: String,
    undoes: Option<Uuid>,
    /// What of it there is to record.
    pub events: Vec<Event>,
}

/// What came of taking a set back.
#[derive(Debug, Default)]
pub struct Undone {
    /// How many things are as they were.
    pub rows: usize,
    /// Things that stay, because they were changed since, or aren't the person's to change any more.
    pub changed_since: Vec<String>,
}

/// A thing as it stands.
struct Present {
    contract: Option<Uuid>,
    subject: String,
    row: Row,
}

fn object(thing: Thing) -> String {
    let columns = thing.fields().iter().map(|spec| spec.column).chain([ARCHIVED]);
    let pairs: Vec<String> = columns.map(|column| format!("'{column}', t.{column}")).collect();
    format!("jsonb_build_object({})", pairs.join(", "))
}

async fn present(tx: &mut Scoped, thing: Thing, id: Uuid) -> Result<Present> {
    let (table, contract, subject, object) = (thing.table(), thing.contract(), thing.subject(), object(thing));
    let statement = format!("SELECT {contract}, {subject}, {object} FROM {table} t WHERE t.id = $1 FOR UPDATE OF t");
    let found: Option<(Option<Uuid>, String, Value)> =
        sqlx::query_as(AssertSqlSafe(statement)).bind(id).fetch_optional(&mut **tx).await?;
    match found {
        Some((contract, subject, Value::Object(row))) => Ok(Present { contract, subject, row }),
        _ => Err(Error::NotFound),
    }
}

/// A thing's fields as they stand, for a form; `None` where it is absent.
///
/// # Errors
/// When the database fails.
pub async fn fields_of(tx: &mut Scoped, thing: Thing, id: Uuid) -> Result<Row> {
    Ok(present(tx, thing, id).await?.row)
}

impl Set {
    /// Begins one. Nothing is written yet.
    #[must_use]
    pub fn new(person: Uuid, message: &str) -> Self {
        Self { id: Uuid::now_v7(), person, message: message.trim().to_owned(), undoes: None, events: Vec::new() }
    }

    /// Changes columns of a thing; whether anything is different now.
    ///
    /// # Errors
    /// [`Error::NotFound`] where the thing is absent or not this person's; a violated constraint as it comes.
    pub async fn edit(
        &mut self,
        tx: &mut Scoped,
        allowed: Allowed,
        thing: Thing,
        id: Uuid,
        patch: &Row,
    ) -> Result<bool> {
        let before = present(tx, thing, id).await?;
        if !allowed.may(thing, before.contract) {
            return Err(Error::NotFound);
        }
        let status = |row: &Row| row.get("status").and_then(Value::as_str).unwrap_or_default().to_owned();
        let may_status = allowed.may_set_status(&status(&before.row), &status(patch));
        let may = |column: &String| {
            column == ARCHIVED
                || thing.field(column).is_some_and(|spec| allowed.may_field(spec))
                    && (thing != Thing::Contract || column != "status" || may_status)
        };
        let columns: Vec<&str> =
            patch.iter().filter(|(c, v)| may(c) && before.row.get(*c) != Some(*v)).map(|(c, _)| c.as_str()).collect();
        if columns.is_empty() {
            return Ok(false);
        }
        if thing == Thing::Key
            && columns.iter().any(|column| OF_THE_LEDGER.contains(column))
            && of_the_ledger(tx, id).await?
        {
            return Err(Error::Conflict(LEDGER.to_owned()));
        }
        let after = update(tx, thing, id, &columns, patch).await?;
        if columns.contains(&ARCHIVED) && after.get(ARCHIVED).is_some_and(Value::is_null) {
            raise(tx, thing, id).await?;
        }
        if thing == Thing::Order && columns.contains(&"description") {
            relink(tx, id).await?;
        }
        let differs = |column: &&str| before.row.get(*column) != after.get(*column);
        let columns: Vec<&str> = columns.into_iter().filter(differs).collect();
        if columns.is_empty() {
            return Ok(false);
        }
        let of = |row: &Row| columns.iter().filter_map(|c| row.get(*c).map(|v| ((*c).to_owned(), v.clone()))).collect();
        let (old, new): (Row, Row) = (of(&before.row), of(&after));
        self.note(tx, thing, id, &before, Some(old), new).await?;
        Ok(true)
    }

    /// Puts a thing away, or brings it back; whether that is a change.
    ///
    /// # Errors
    /// As [`Set::edit`].
    pub async fn archive(
        &mut self,
        tx: &mut Scoped,
        allowed: Allowed,
        thing: Thing,
        id: Uuid,
        away: bool,
    ) -> Result<bool> {
        let now = tx.now().format(&Rfc3339).unwrap_or_default();
        let before = present(tx, thing, id).await?;
        if before.row.get(ARCHIVED).is_some_and(Value::is_null) != away {
            return if allowed.may(thing, before.contract) { Ok(false) } else { Err(Error::NotFound) };
        }
        let patch = Row::from_iter([(ARCHIVED.to_owned(), if away { json!(now) } else { Value::Null })]);
        self.edit(tx, allowed, thing, id, &patch).await
    }

    /// Notes that a thing was added, by whoever inserted it in this transaction.
    ///
    /// # Errors
    /// As [`Set::edit`].
    pub async fn added(&mut self, tx: &mut Scoped, allowed: Allowed, thing: Thing, id: Uuid) -> Result<()> {
        let mut now = present(tx, thing, id).await?;
        if !allowed.may(thing, now.contract) {
            return Err(Error::NotFound);
        }
        let row = std::mem::take(&mut now.row);
        self.note(tx, thing, id, &now, None, row).await
    }

    async fn note(
        &mut self,
        tx: &mut Scoped,
        thing: Thing,
        id: Uuid,
        what: &Present,
        before: Option<Row>,
        after: Row,
    ) -> Result<()> {
        let shown = words::shown(tx, thing, before.as_ref(), &after).await?;
        let now = tx.now();
        sqlx::query(
            "INSERT INTO changes (id, set_id, at, person_id, thing, row_id, contract_id, subject, message, before, after, shown, undoes)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        )
        .bind(Uuid::now_v7())
        .bind(self.id)
        .bind(now)
        .bind(self.person)
        .bind(thing.code())
        .bind(id)
        .bind(what.contract)
        .bind(&what.subject)
        .bind(&self.message)
        .bind(before.clone().map(Value::Object))
        .bind(Value::Object(after.clone()))
        .bind(&shown)
        .bind(self.undoes)
        .execute(&mut **tx)
        .await?;
        let fields: Vec<&str> = after.keys().map(|column| label(thing, column)).collect();
        let did = match (&before, after.get(ARCHIVED)) {
            (None, _) => "added",
            (Some(_), Some(Value::Null)) => "restored",
            (Some(_), Some(_)) => "archived",
            _ => "changed",
        };
        let mut detail = json!({ "did": did, "fields": fields.join(", "), "set": self.id });
        if let Some(undoes) = self.undoes {
            detail["undoes"] = json!(undoes);
        }
        let event = Event::done(thing.event(), what.subject.clone()).with(detail);
        self.events.push(match what.contract {
            Some(contract) => event.on(contract),
            None => event,
        });
        Ok(())
    }
}

/// An order's product is the one that its description names, where its License ID covers that already: what is typed
/// opens no product, as an imported order does.
pub(super) async fn relink(tx: &mut Scoped, order: Uuid) -> Result<()> {
    sqlx::query(
        "UPDATE orders o SET product_id = (
             SELECT p.id FROM products p JOIN contract_products cp ON cp.product_id = p.id AND cp.contract_id = o.contract_id
             WHERE p.name = o.description)
         WHERE o.id = $1",
    )
    .bind(order)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// What is in use again comes back, as for imports: a product, an organisation or an agreement is put away only while
/// nothing hangs on it.
async fn raise(tx: &mut Scoped, thing: Thing, id: Uuid) -> Result<()> {
    let statements: &[&'static str] = match thing {
        Thing::Key => &["UPDATE products SET archived_at = NULL
             WHERE archived_at IS NOT NULL AND id = (SELECT product_id FROM product_keys WHERE id = $1)"],
        Thing::Order => &["UPDATE products SET archived_at = NULL
             WHERE archived_at IS NOT NULL AND id = (SELECT product_id FROM orders WHERE id = $1)"],
        Thing::Contract => &[
            "WITH RECURSIVE above (id) AS (
                 SELECT organization_id FROM contracts WHERE id = $1
                 UNION SELECT o.parent_id FROM organizations o JOIN above a ON a.id = o.id)
             UPDATE organizations SET archived_at = NULL WHERE archived_at IS NOT NULL AND id IN (SELECT id FROM above)",
            "UPDATE agreements SET archived_at = NULL
             WHERE archived_at IS NOT NULL AND id IN (
                 SELECT unnest(ARRAY[a.id, a.mbsa_id]) FROM contracts c JOIN agreements a ON a.id = c.agreement_id WHERE c.id = $1)",
        ],
        Thing::Organization => &["WITH RECURSIVE above (id) AS (
                 SELECT parent_id FROM organizations WHERE id = $1
                 UNION SELECT o.parent_id FROM organizations o JOIN above a ON a.id = o.id)
             UPDATE organizations SET archived_at = NULL WHERE archived_at IS NOT NULL AND id IN (SELECT id FROM above)"],
        Thing::Agreement => &["UPDATE agreements SET archived_at = NULL
             WHERE archived_at IS NOT NULL AND id = (SELECT mbsa_id FROM agreements WHERE id = $1)"],
        Thing::Contact | Thing::Product => &[],
    };
    for statement in statements {
        sqlx::query(*statement).bind(id).execute(&mut **tx).await?;
    }
    Ok(())
}

/// What a page calls a column.
pub(super) fn label(thing: Thing, column: &str) -> &'static str {
    if column == ARCHIVED { "Archived" } else { thing.field(column).map_or("", |spec| spec.label) }
}

async fn update(tx: &mut Scoped, thing: Thing, id: Uuid, columns: &[&str], patch: &Row) -> Result<Row> {
    let (table, object) = (thing.table(), object(thing));
    let set: Vec<String> = columns.iter().map(|column| format!("{column} = (SELECT r.{column} FROM r)")).collect();
    // The patch over the row as it stands, so that the database casts each value to its column's type.
    let statement = format!(
        "WITH r AS (SELECT (jsonb_populate_record(t, $2)).* FROM {table} t WHERE t.id = $1)
         UPDATE {table} t SET {} WHERE t.id = $1 RETURNING {object}",
        set.join(", ")
    );
    let after: Value = sqlx::query_scalar(AssertSqlSafe(statement))
        .bind(id)
        .bind(Value::Object(patch.clone()))
        .fetch_one(&mut **tx)
        .await?;
    match after {
        Value::Object(row) => Ok(row),
        _ => Err(Error::Internal(anyhow::anyhow!("a row came back as no object"))),
    }
}

#[derive(sqlx::FromRow)]
struct Past {
    thing: String,
    row_id: Uuid,
    contract_id: Option<Uuid>,
    subject: String,
    before: Option<Value>,
    after: Value,
}

/// Takes a set back: each thing whose fields still are as the set left them gets those from before; what was added is
/// put away. The others stay, and are named.
///
/// # Errors
/// [`Error::NotFound`] where nothing of it is this person's to change.
pub async fn undo(tx: &mut Scoped, person: Uuid, past: Uuid, set: &mut Set) -> Result<Undone> {
    set.undoes = Some(past);
    let rows: Vec<Past> = sqlx::query_as(
        "SELECT thing, row_id, contract_id, subject, before, after FROM changes WHERE set_id = $1 ORDER BY id DESC",
    )
    .bind(past)
    .fetch_all(&mut **tx)
    .await?;
    let mut undone = Undone::default();
    let mut mine = false;
    for row in rows {
        let Some(thing) = Thing::parse(&row.thing) else { continue };
        let Some(allowed) = Allowed::on(tx, person, row.contract_id).await? else { continue };
        if !allowed.may(thing, row.contract_id) {
            continue;
        }
        mine = true;
        let now = present(tx, thing, row.row_id).await?;
        let as_left = row.after.as_object().is_some_and(|after| after.iter().all(|(c, v)| now.row.get(c) == Some(v)));
        let away = row.before.as_ref().is_none_or(|before| before.get(ARCHIVED).is_some_and(|at| !at.is_null()));
        // What has come to hang on it since would be left hanging.
        let stops =
            row.before.as_ref().is_none_or(|before| OF_THE_LEDGER.iter().any(|column| before.get(column).is_some()));
        let ledger = thing == Thing::Key && stops && of_the_ledger(tx, row.row_id).await?;
        let levels = match row.before.as_ref().and_then(|before| before.get("mbsa_id")).and_then(Value::as_str) {
            Some(mbsa) if thing == Thing::Agreement => rows::check_levels(tx, row.row_id, mbsa.parse().ok()).await?,
            _ => None,
        };
        let stays =
            ledger || !as_left || levels.is_some() || (away && archive::is_free(tx, thing, row.row_id).await.is_err());
        let back = match row.before {
            _ if stays => false,
            Some(Value::Object(before)) => set.edit(tx, allowed, thing, row.row_id, &before).await?,
            _ => set.archive(tx, allowed, thing, row.row_id, true).await?,
        };
        if back {
            undone.rows += 1;
        } else {
            undone.changed_since.push(row.subject);
        }
    }
    if mine { Ok(undone) } else { Err(Error::NotFound) }
}

/// Inserts a thing with the columns of `row` and these further ones, which the program itself names.
///
/// # Errors
/// A violated constraint as it comes.
pub async fn insert(tx: &mut Scoped, thing: Thing, id: Uuid, mut row: Row, further: &[(&str, Value)]) -> Result<()> {
    row.retain(|column, _| thing.field(column).is_some());
    row.extend(further.iter().map(|(column, value)| ((*column).to_owned(), value.clone())));
    row.insert("id".to_owned(), json!(id));
    let stamped = matches!(thing, Thing::Contract | Thing::Product);
    if stamped {
        row.insert("created_at".to_owned(), json!(tx.now().format(&Rfc3339).unwrap_or_default()));
    }
    let table = thing.table();
    let columns: Vec<&str> = row.keys().map(String::as_str).collect();
    let values: Vec<String> = columns.iter().map(|column| format!("r.{column}")).collect();
    let statement = format!(
        "INSERT INTO {table} ({}) SELECT {} FROM jsonb_populate_record(NULL::{table}, $1) r",
        columns.join(", "),
        values.join(", ")
    );
    sqlx::query(AssertSqlSafe(statement)).bind(Value::Object(row)).execute(&mut **tx).await?;
    if thing == Thing::Order { relink(tx, id).await } else { Ok(()) }
}
