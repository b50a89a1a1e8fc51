//! Values of fields as a person reads and types them: names for ids, days as they are written.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    model::{Kind, Spec, Thing},
    write::{self, Row},
};
use crate::{error::Result, postgres::Scoped};

/// The most that history keeps of one text for reading; the whole stands beside it, for undoing.
const SHOWN: usize = 200;

/// A field's value as it stands in a form.
///
/// # Errors
/// When the database fails.
pub async fn typed(tx: &mut Scoped, spec: &Spec, value: &Value) -> Result<String> {
    Ok(match (spec.kind, value) {
        (_, Value::Null) => String::new(),
        (Kind::Since, _) => "yes".to_owned(),
        (_, Value::Bool(yes)) => if *yes { "yes" } else { "no" }.to_owned(),
        (Kind::Organization, Value::String(id)) => name(tx, "SELECT name FROM organizations WHERE id = $1", id).await?,
        (Kind::Agreement, Value::String(id)) => name(tx, "SELECT number FROM agreements WHERE id = $1", id).await?,
        (Kind::Person, Value::String(id)) => name(tx, "SELECT email FROM people WHERE id = $1", id).await?,
        (_, Value::String(text)) => text.clone(),
        (_, other) => other.to_string(),
    })
}

async fn name(tx: &mut Scoped, statement: &'static str, id: &str) -> Result<String> {
    let Ok(id) = id.parse::<Uuid>() else { return Ok(String::new()) };
    Ok(sqlx::query_scalar(statement).bind(id).fetch_optional(&mut **tx).await?.unwrap_or_default())
}

/// What changed, for people: `[label, old, new]` a column.
///
/// # Errors
/// When the database fails.
pub async fn shown(tx: &mut Scoped, thing: Thing, before: Option<&Row>, after: &Row) -> Result<Value> {
    let nothing = Map::new();
    let before = before.unwrap_or(&nothing);
    let mut rows = Vec::new();
    let order = thing.fields().iter().map(|spec| spec.column).chain(["archived_at"]);
    for column in order.filter(|column| after.contains_key(*column)) {
        let (old, new) = (before.get(column).unwrap_or(&Value::Null), &after[column]);
        let (old, new) = match thing.field(column) {
            Some(spec) => (typed(tx, spec, old).await?, typed(tx, spec, new).await?),
            None => (yes_no(old), yes_no(new)),
        };
        if old != new {
            rows.push(json!([write::label(thing, column), short(&old), short(&new)]));
        }
    }
    Ok(Value::Array(rows))
}

fn yes_no(value: &Value) -> String {
    if value.is_null() { "" } else { "yes" }.to_owned()
}

fn short(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((at, _)) => [text[..at].trim_end(), "…"].concat(),
        None => text.to_owned(),
    }
}
