//! A thing's form: from what was typed to the columns to write, and back to the fields of the page.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    model::{Kind, Spec, Thing},
    write::Row,
};
use crate::{
    error::Result,
    imports,
    people::accounts,
    postgres::Scoped,
    web::{
        form::Pairs,
        view::{Choice, Field},
    },
};

/// Most that is counted, as in imports.
const MOST: i64 = 1_000_000_000;

/// What is said of a key at a field that is no key's.
pub(super) const LOOKS_LIKE_A_KEY: &str =
    "This looks like a product key, which must not stand in clear here. Leave it out.";

/// A form as it was sent.
#[derive(Debug, Default)]
pub struct Draft {
    /// The columns that can be written.
    pub row: Row,
    /// Its fields, with what is wrong.
    pub fields: Vec<Field>,
}

impl Draft {
    /// Whether anything is wrong with it.
    #[must_use]
    pub fn is_wrong(&self) -> bool {
        Field::any_wrong(&self.fields)
    }

    /// Says what is wrong with a field.
    pub fn wrong(&mut self, column: &str, sentence: &str) {
        if let Some(field) = self.fields.iter_mut().find(|field| field.name == column) {
            field.error.get_or_insert_with(|| sentence.to_owned());
        }
    }
}

/// Reads the fields of `specs` that the form has.
///
/// # Errors
/// When the database fails.
pub async fn read(tx: &mut Scoped, specs: Vec<&'static Spec>, form: &Pairs) -> Result<Draft> {
    let mut draft = Draft::default();
    for spec in specs {
        let typed = form.one(spec.column).replace("\r\n", "\n");
        let typed = typed.trim();
        let value = value(tx, spec, typed).await?;
        let error = match value {
            Ok(value) => {
                draft.row.insert(spec.column.to_owned(), value);
                None
            }
            Err(sentence) => Some(sentence),
        };
        // What looks like a key isn't sent back either.
        let kept = if imports::holds_key(typed) { "" } else { typed };
        draft.fields.push(field(spec, kept).error(error));
    }
    Ok(draft)
}

/// The fields of a form that holds what stands.
///
/// # Errors
/// When the database fails.
pub async fn fields(tx: &mut Scoped, specs: Vec<&'static Spec>, row: &Row) -> Result<Vec<Field>> {
    let mut fields = Vec::new();
    for spec in specs {
        let typed = super::words::typed(tx, spec, row.get(spec.column).unwrap_or(&Value::Null)).await?;
        fields.push(field(spec, &typed));
    }
    Ok(fields)
}

/// The field for the words about a change.
#[must_use]
pub fn message(form: &Pairs) -> Field {
    let typed = form.one("message").trim();
    Field::new("text", "message", "Why")
        .value(if imports::holds_key(typed) { "" } else { typed })
        .help("A word for whoever reads the history.")
        .error(message_fault(form))
        .optional()
}

fn message_fault(form: &Pairs) -> Option<String> {
    let text = form.one("message");
    if imports::holds_key(text) {
        return Some("This looks like a product key, which must not stand in clear. Leave it out.".to_owned());
    }
    (text.chars().count() > 500).then(|| "Write at most 500 characters.".to_owned())
}

fn field(spec: &Spec, typed: &str) -> Field {
    let kind = match spec.kind {
        Kind::Area(_) => "area",
        Kind::Day => "date",
        Kind::Count => "number",
        Kind::Person => "email",
        _ => "text",
    };
    let choices = |values: &[(&'static str, &'static str)]| {
        values.iter().map(|(value, label)| Choice::new(*value, *label, typed)).collect::<Vec<_>>()
    };
    let field = Field::new(kind, spec.column, spec.label).value(typed).help(spec.help);
    let field = match spec.kind {
        Kind::YesNo => field.choices(choices(&[("yes", "Yes"), ("no", "No")])),
        Kind::Since => field.choices(choices(&[("", "No"), ("yes", "Yes")])),
        Kind::Said => field.choices(choices(&[("", "Not said"), ("yes", "Yes"), ("no", "No")])),
        _ => field,
    };
    let chosen = matches!(spec.kind, Kind::YesNo | Kind::Since | Kind::Said);
    if spec.required || chosen { field } else { field.optional() }
}

/// The column's value, or what is wrong with the text.
async fn value(tx: &mut Scoped, spec: &Spec, text: &str) -> Result<Result<Value, String>> {
    if text.is_empty() && spec.required {
        return Ok(Err("Fill this in.".to_owned()));
    }
    if imports::holds_key(text) {
        return Ok(Err(LOOKS_LIKE_A_KEY.to_owned()));
    }
    Ok(match spec.kind {
        Kind::Text(most) | Kind::Area(most) if text.chars().count() > most => {
            Err(format!("Write at most {most} characters."))
        }
        Kind::Text(_) if text.chars().any(char::is_control) => {
            Err("Write it on one line, without control characters.".to_owned())
        }
        Kind::Text(_) | Kind::Area(_) => Ok(json!(text)),
        Kind::YesNo => Ok(json!(text != "no")),
        Kind::Said => Ok(if text.is_empty() { Value::Null } else { json!(text != "no") }),
        Kind::Day => day(text),
        Kind::Count => count(text),
        Kind::Since => Ok(if text.is_empty() { Value::Null } else { json!(true) }),
        Kind::Organization | Kind::Agreement | Kind::Person if text.is_empty() => Ok(Value::Null),
        Kind::Organization => found(tx, "SELECT id FROM organizations WHERE name = $1 AND archived_at IS NULL", text)
            .await?
            .ok_or_else(|| "There is no organisation of this name. Add it on the page Organisations first.".to_owned()),
        Kind::Agreement => found(tx, "SELECT id FROM agreements WHERE number = $1 AND archived_at IS NULL", text)
            .await?
            .ok_or_else(|| "There is no agreement of this number. Add it on the page Organisations first.".to_owned()),
        Kind::Person => person(tx, text).await?,
    })
}

fn day(text: &str) -> Result<Value, String> {
    let day = imports::date(text).map_err(|_| "This isn’t a date. Write it as 2027-03-31.".to_owned())?;
    Ok(day.map_or(Value::Null, |day| json!(day.to_string())))
}

fn count(text: &str) -> Result<Value, String> {
    let digits: String = text.chars().filter(|c| !matches!(c, ',' | ' ' | '\u{a0}' | '’')).collect();
    if digits.is_empty() {
        return Ok(Value::Null);
    }
    match digits.parse::<i64>() {
        Ok(number) if (0..=MOST).contains(&number) => Ok(json!(number)),
        _ => Err("Write a whole number from 0 to 1,000,000,000.".to_owned()),
    }
}

async fn found(tx: &mut Scoped, statement: &'static str, text: &str) -> Result<Option<Value>> {
    let id: Option<Uuid> = sqlx::query_scalar(statement).bind(text).fetch_optional(&mut **tx).await?;
    Ok(id.map(|id| json!(id)))
}

async fn person(tx: &mut Scoped, text: &str) -> Result<Result<Value, String>> {
    let Some(email) = accounts::address(text) else {
        return Ok(Err("This isn’t an email address. Write it as name@example.org.".to_owned()));
    };
    let statement = "SELECT id FROM people WHERE email = $1 AND disabled_at IS NULL";
    Ok(found(tx, statement, &email)
        .await?
        .ok_or_else(|| "Nobody who can sign in has this address. Ask a site operator for an account.".to_owned()))
}

/// A moment that stands while a box is ticked: kept while it stood before, else the present.
pub fn settle_moments(thing: Thing, now: time::OffsetDateTime, before: &Row, row: &mut Row) {
    let now = now.format(&time::format_description::well_known::Rfc3339).unwrap_or_default();
    for spec in thing.fields().iter().filter(|spec| spec.kind == Kind::Since) {
        if row.get(spec.column) == Some(&json!(true)) {
            let stood = before.get(spec.column).filter(|value| !value.is_null()).cloned();
            row.insert(spec.column.to_owned(), stood.unwrap_or_else(|| json!(now)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_days_are_taken_as_people_write_them() {
        assert_eq!(count("1,250"), Ok(json!(1250)));
        assert_eq!(count(""), Ok(Value::Null));
        for wrong in ["-1", "1.5", "x", "1000000001"] {
            assert!(count(wrong).is_err(), "{wrong}");
        }
        assert_eq!(day("2027-03-31"), Ok(json!("2027-03-31")));
        assert_eq!(day(""), Ok(Value::Null));
        for wrong in ["31.3.2027", "2027-02-30", "soon"] {
            assert!(day(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_blocked_key_keeps_the_moment_it_was_blocked_at() {
        let now = time::macros::datetime!(2026-11-22 12:00 UTC);
        let stood = Row::from_iter([("blocked_at".to_owned(), json!("2026-01-01T00:00:00+00:00"))]);
        let mut row =
            Row::from_iter([("blocked_at".to_owned(), json!(true)), ("superseded_at".to_owned(), json!(true))]);
        settle_moments(Thing::Key, now, &stood, &mut row);
        assert_eq!(row["blocked_at"], stood["blocked_at"]);
        assert_eq!(row["superseded_at"], json!("2026-11-22T12:00:00Z"));
    }
}
