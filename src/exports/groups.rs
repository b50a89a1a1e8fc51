//! The keys of one License ID as they leave the database: one row, whose columns hold what all of them have.

use sqlx::{Row, postgres::PgRow};
use uuid::Uuid;

/// The chosen keys of one License ID, sealed.
#[derive(Debug)]
pub struct Group {
    /// The License ID's row.
    pub contract: Uuid,
    /// The rows of its keys.
    pub ids: Vec<Uuid>,
    row: PgRow,
}

/// One key, borrowed from its group.
#[derive(Debug)]
pub struct SealedRow<'r> {
    /// The row.
    pub id: Uuid,
    /// The product's row.
    pub product: Uuid,
    /// MAK, KMS, VLK, OSA, SETUP or NONE.
    pub kind: &'r str,
    /// The key, or what stands in its place.
    pub secret: Secret<'r>,
    /// Activations used.
    pub used: Option<i64>,
    /// Activations in all.
    pub total: Option<i64>,
    /// Seats.
    pub seats: Option<i64>,
    /// OSA status.
    pub osa_status: &'r str,
}

/// What a row of the table holds of a key: the one or the other (`product_keys_have_a_secret_or_none`).
#[derive(Debug)]
pub enum Secret<'r> {
    /// The ciphertext, sealed under the License ID's data key.
    Sealed(&'r [u8]),
    /// The product needs no key; this stands in its place.
    NotNeeded(&'r str),
}

impl Group {
    /// What [`super::db::read`] selects of a License ID, in the order that [`Group::of`] takes it.
    pub const COLUMNS: &str = "mine.contract_id, chosen.*";
    /// What it gathers of the License ID's keys; the first column is null where there are none. What is of one
    /// length is strung together, which costs PostgreSQL half of what an array does, with -1 for a number that isn't
    /// there: no count is negative. Null stands for the empty text, which nearly all keys have as their OSA status.
    pub const STRUNG: &str = "string_agg(uuid_send(k.id), '') AS id, string_agg(uuid_send(k.product_id), ''), string_agg(k.kind, ','),
        string_agg(int8send(coalesce(k.used, -1)), ''), string_agg(int8send(coalesce(k.total, -1)), ''), string_agg(int8send(coalesce(k.seats, -1)), ''),
        array_agg(coalesce(k.sealed, convert_to(k.no_key_text, 'UTF8'))), array_agg(nullif(k.osa_status, ''))";

    /// Takes one row.
    ///
    /// # Errors
    /// Never on a row of [`super::db::read`].
    pub fn of(row: PgRow) -> sqlx::Result<Self> {
        let ids = strung::<16>(&row, 1)?.iter().map(|id| Uuid::from_bytes(*id)).collect();
        Ok(Self { contract: row.try_get(0)?, ids, row })
    }

    /// Calls `each` with every key, in the order of [`Group::ids`].
    ///
    /// # Errors
    /// The first error of `each`; and never on a row of [`super::db::read`] one of its own.
    pub fn for_each<E: From<sqlx::Error>>(
        &self,
        mut each: impl FnMut(SealedRow<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let products = strung::<16>(&self.row, 2)?;
        let mut kinds = self.row.try_get::<&str, _>(3)?.split(',');
        let [used, totals, seats] =
            [strung::<8>(&self.row, 4)?, strung::<8>(&self.row, 5)?, strung::<8>(&self.row, 6)?];
        let (mut secrets, mut statuses) = (self.array(7)?, self.array(8)?);
        let number = |strung: &[[u8; 8]], at: usize| {
            let number = strung.get(at).map(|bytes| i64::from_be_bytes(*bytes)).ok_or_else(malformed)?;
            Ok::<_, sqlx::Error>((number >= 0).then_some(number))
        };
        for (at, id) in self.ids.iter().enumerate() {
            let kind = kinds.next().ok_or_else(malformed)?;
            let secret = secrets.next()?.ok_or_else(malformed)?;
            each(SealedRow {
                id: *id,
                product: products.get(at).map(|id| Uuid::from_bytes(*id)).ok_or_else(malformed)?,
                kind,
                secret: if kind == NO_KEY { Secret::NotNeeded(text(secret)?) } else { Secret::Sealed(secret) },
                used: number(used, at)?,
                total: number(totals, at)?,
                seats: number(seats, at)?,
                osa_status: text(statuses.next()?.unwrap_or_default())?,
            })?;
        }
        Ok(())
    }

    fn array(&self, index: usize) -> sqlx::Result<Elements<'_>> {
        let bytes = self.row.try_get_raw(index)?.as_bytes().map_err(sqlx::Error::Decode)?;
        // Dimensions, flags, type; then length and lower bound of the one dimension there is.
        bytes.get(HEAD..).map(Elements).ok_or_else(malformed)
    }
}

/// A column of values of `N` bytes each.
fn strung<const N: usize>(row: &PgRow, index: usize) -> sqlx::Result<&[[u8; N]]> {
    let (values, rest) = row.try_get::<&[u8], _>(index)?.as_chunks();
    if rest.is_empty() { Ok(values) } else { Err(malformed()) }
}

/// The kind of a row whose product needs no key.
const NO_KEY: &str = "NONE";

/// Bytes before the first element of an array of one dimension, in PostgreSQL's binary format
/// (its `array_send`).
const HEAD: usize = 20;

/// The elements of an array as they lie in its message: decoding each array into one of its own would
/// allocate for every text of every key.
struct Elements<'r>(&'r [u8]);

impl<'r> Elements<'r> {
    /// The next one's bytes; `None` for null.
    fn next(&mut self) -> sqlx::Result<Option<&'r [u8]>> {
        let (length, rest) = self.0.split_first_chunk().ok_or_else(malformed)?;
        // A null's length is -1.
        let Ok(length) = usize::try_from(i32::from_be_bytes(*length)) else {
            self.0 = rest;
            return Ok(None);
        };
        let (element, rest) = rest.split_at_checked(length).ok_or_else(malformed)?;
        self.0 = rest;
        Ok(Some(element))
    }
}

fn text(bytes: &[u8]) -> sqlx::Result<&str> {
    std::str::from_utf8(bytes).map_err(|_| malformed())
}

fn malformed() -> sqlx::Error {
    sqlx::Error::Decode("a License ID's keys aren't what their statement says".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_read_with_their_nulls() {
        let mut elements = Elements(b"\0\0\0\x02ab\xff\xff\xff\xff\0\0\0\0");
        assert_eq!(elements.next().unwrap(), Some(&b"ab"[..]));
        assert_eq!(elements.next().unwrap(), None);
        assert_eq!(elements.next().unwrap(), Some(&b""[..]));
        assert!(elements.next().is_err(), "there is no fourth");
    }

    #[test]
    fn an_element_longer_than_its_message_is_an_error() {
        assert!(Elements(b"\0\0\0\x05ab").next().is_err());
    }
}
