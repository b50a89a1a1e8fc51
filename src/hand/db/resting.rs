//! What rests in the archive and may be brought back by the person who asks: `app_archive()` is the wall.

use serde_json::{Map, Value};
use sqlx::{AssertSqlSafe, types::Json};
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use crate::postgres::{Scoped, like};

/// Words of a search that are looked at: more say no more.
const WORDS: usize = 12;

/// What is known of a row by the names of its list's address: texts, numbers, days as `2027-06-30`.
pub type Facts = Map<String, Value>;

/// Something in the archive.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Archived {
    /// Its kind, by its code.
    pub thing: String,
    /// The row.
    pub id: Uuid,
    /// What it is called.
    pub name: String,
    /// More about it.
    pub about: String,
    /// Its License ID, or empty.
    pub license_id: String,
    /// Since when.
    pub archived_at: OffsetDateTime,
    /// What its list shows of it.
    pub facts: Json<Facts>,
    /// Who put it away; empty where the person doesn't read its history.
    pub who: String,
    /// Why, in that one's words, or empty.
    pub why: String,
}

/// What the archive is narrowed to; what is empty narrows nothing.
#[derive(Clone, Debug, Default)]
pub struct Resting<'a> {
    /// A kind of thing, by its code.
    pub thing: &'a str,
    /// Words, each to be found somewhere.
    pub q: &'a str,
    /// Facts that are exactly this.
    pub facts: Vec<(&'static str, &'a str)>,
    /// Whether it is about Extended Security Updates.
    pub esu: bool,
    /// Facts that are a day: the first and the last that it may be, either left open.
    pub days: Vec<(&'static str, Option<Date>, Option<Date>)>,
}

impl Resting<'_> {
    fn exactly(&self) -> Json<Facts> {
        let told = self.facts.iter().filter(|(_, value)| !value.is_empty());
        let facts = told.map(|(name, value)| ((*name).to_owned(), Value::from(*value)));
        Json(facts.chain(self.esu.then(|| ("esu".to_owned(), Value::from(true)))).collect())
    }

    /// Whether it leaves anything of its kind out.
    #[must_use]
    pub fn narrows(&self) -> bool {
        !self.q.is_empty() || !self.exactly().is_empty() || !self.days.is_empty()
    }
}

/// What the archive is put in order by, and whether from the end: names are ours, nothing of a request gets into a
/// statement's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// When it was put away.
    At(bool),
    /// What it is called.
    Name(bool),
    /// One of its facts.
    Fact(&'static str, bool),
}

impl Order {
    fn sql(self) -> String {
        let (column, descending) = match self {
            Self::At(descending) => ("a.archived_at".to_owned(), descending),
            Self::Name(descending) => ("lower(a.name)".to_owned(), descending),
            Self::Fact(name, descending) => (format!("a.facts -> '{name}'"), descending),
        };
        format!("{column} {} NULLS LAST, a.archived_at DESC, a.id", if descending { "DESC" } else { "ASC" })
    }
}

/// Which rows of `app_archive() a` are asked for: $1 to $6, see [`bind!`].
const MATCHES: &str = "
    app_archive($1) a WHERE a.facts @> $2
    AND NOT EXISTS (SELECT FROM unnest($3::text[]) AS word WHERE a.words NOT ILIKE '%' || word || '%')
    AND NOT EXISTS (SELECT FROM unnest($4::text[], $5::date[], $6::date[]) AS d (fact, first, last)
                    WHERE ((a.facts ->> d.fact)::date BETWEEN coalesce(d.first, '-infinity') AND coalesce(d.last, 'infinity')) IS NOT TRUE)";

/// Binds what is asked for to a statement made of [`MATCHES`].
macro_rules! bind {
    ($query:expr, $of:expr) => {
        $query
            .bind($of.thing)
            .bind($of.exactly())
            .bind($of.q.split_whitespace().take(WORDS).map(like).collect::<Vec<String>>())
            .bind($of.days.iter().map(|(name, _, _)| *name).collect::<Vec<&str>>())
            .bind($of.days.iter().map(|(_, first, _)| *first).collect::<Vec<Option<Date>>>())
            .bind($of.days.iter().map(|(_, _, last)| *last).collect::<Vec<Option<Date>>>())
    };
}

#[derive(sqlx::FromRow)]
struct Counted {
    #[sqlx(flatten)]
    row: Archived,
    total: i64,
}

/// A page of what the person may bring back, and how many there are in all.
///
/// # Errors
/// When the database fails.
pub async fn list(
    tx: &mut Scoped,
    of: &Resting<'_>,
    order: Order,
    limit: i64,
    offset: i64,
) -> sqlx::Result<(Vec<Archived>, i64)> {
    let order = order.sql();
    // Who and why is history, which row-level security cuts as it does on its own page.
    let statement = format!(
        "WITH page AS (SELECT a.*, count(*) OVER () AS total, row_number() OVER (ORDER BY {order}) AS place FROM {MATCHES}
                       ORDER BY place LIMIT $7 OFFSET $8)
         SELECT page.*, coalesce(h.who, '') AS who, coalesce(h.message, '') AS why FROM page
         LEFT JOIN LATERAL (SELECT coalesce(p.name, 'Somebody') AS who, h.message FROM changes h LEFT JOIN people p ON p.id = h.person_id
                            WHERE h.row_id = page.id AND h.after ->> 'archived_at' IS NOT NULL ORDER BY h.at DESC, h.id DESC LIMIT 1) h ON true
         ORDER BY place"
    );
    let rows: Vec<Counted> =
        bind!(sqlx::query_as(AssertSqlSafe(statement)), of).bind(limit).bind(offset).fetch_all(&mut **tx).await?;
    let total = rows.first().map_or(0, |row| row.total);
    Ok((rows.into_iter().map(|counted| counted.row).collect(), total))
}

/// How many there are.
///
/// # Errors
/// When the database fails.
pub async fn count(tx: &mut Scoped, of: &Resting<'_>) -> sqlx::Result<i64> {
    bind!(sqlx::query_scalar(AssertSqlSafe(format!("SELECT count(*) FROM {MATCHES}"))), of).fetch_one(&mut **tx).await
}

/// What a fact is among what is asked for, in the order of the alphabet.
///
/// # Errors
/// When the database fails.
pub async fn values(tx: &mut Scoped, of: &Resting<'_>, fact: &str) -> sqlx::Result<Vec<String>> {
    let statement = format!("SELECT DISTINCT a.facts ->> $7 FROM {MATCHES} AND a.facts ->> $7 <> '' ORDER BY 1");
    bind!(sqlx::query_scalar(AssertSqlSafe(statement)), of).bind(fact).fetch_all(&mut **tx).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_empty_narrows_nothing() {
        let bare = Resting { thing: "order", facts: vec![("reseller", ""), ("country", "")], ..Resting::default() };
        assert!(!bare.narrows() && bare.exactly().is_empty());
        let esu = Resting { esu: true, ..bare.clone() };
        assert!(esu.narrows());
        let named = Resting { facts: vec![("reseller", "Bechtle"), ("country", "")], ..bare };
        assert_eq!(serde_json::to_string(&named.exactly().0).unwrap(), "{\"reseller\":\"Bechtle\"}");
    }
}
