//! The keys of one License ID as they leave the database: one row, whose columns are arrays.

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
    /// Which data key opens it, and the ciphertext.
    pub sealed: Option<(Uuid, &'r [u8])>,
    /// What stands in place of a key.
    pub no_key_text: &'r str,
    /// Activations used.
    pub used: Option<i64>,
    /// Activations in all.
    pub total: Option<i64>,
    /// Seats.
    pub seats: Option<i64>,
    /// OSA status.
    pub osa_status: &'r str,
}

impl Group {
    /// What [`super::db::read`] selects of a License ID, in the order that [`Group::of`] takes it.
    pub const COLUMNS: &str = "mine.contract_id, chosen.*";
    /// What it gathers of the License ID's keys; the first column is null where there are none.
    /// Null stands for the empty text, which most keys have in two columns: PostgreSQL sends nulls quicker.
    pub const ARRAYS: &str = "array_agg(k.id) AS id, array_agg(k.product_id), array_agg(k.kind), array_agg(k.data_key_id), array_agg(k.sealed),
        array_agg(nullif(k.no_key_text, '')), array_agg(k.used), array_agg(k.total), array_agg(k.seats), array_agg(nullif(k.osa_status, ''))";

    /// Takes one row.
    ///
    /// # Errors
    /// Never on a row of [`super::db::read`].
    pub fn of(row: PgRow) -> sqlx::Result<Self> {
        Ok(Self { contract: row.try_get(0)?, ids: row.try_get(1)?, row })
    }

    /// Calls `each` with every key, in the order of [`Group::ids`].
    ///
    /// # Errors
    /// The first error of `each`; and never on a row of [`super::db::read`] one of its own.
    pub fn for_each<E: From<sqlx::Error>>(
        &self,
        mut each: impl FnMut(SealedRow<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let (mut products, mut kinds, mut data_keys) = (self.column(2)?, self.column(3)?, self.column(4)?);
        let (mut sealed, mut texts, mut used) = (self.column(5)?, self.column(6)?, self.column(7)?);
        let (mut totals, mut seats, mut statuses) = (self.column(8)?, self.column(9)?, self.column(10)?);
        for id in &self.ids {
            each(SealedRow {
                id: *id,
                product: uuid(products.next()?)?.ok_or_else(malformed)?,
                kind: text(kinds.next()?)?,
                sealed: uuid(data_keys.next()?)?.zip(sealed.next()?),
                no_key_text: text(texts.next()?)?,
                used: number(used.next()?)?,
                total: number(totals.next()?)?,
                seats: number(seats.next()?)?,
                osa_status: text(statuses.next()?)?,
            })?;
        }
        Ok(())
    }

    fn column(&self, index: usize) -> sqlx::Result<Elements<'_>> {
        let bytes = self.row.try_get_raw(index)?.as_bytes().map_err(sqlx::Error::Decode)?;
        // Dimensions, flags, type; then length and lower bound of the one dimension there is.
        bytes.get(HEAD..).map(Elements).ok_or_else(malformed)
    }
}

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

fn uuid(bytes: Option<&[u8]>) -> sqlx::Result<Option<Uuid>> {
    bytes.map(|bytes| Uuid::from_slice(bytes).map_err(|_| malformed())).transpose()
}

fn text(bytes: Option<&[u8]>) -> sqlx::Result<&str> {
    std::str::from_utf8(bytes.unwrap_or_default()).map_err(|_| malformed())
}

fn number(bytes: Option<&[u8]>) -> sqlx::Result<Option<i64>> {
    bytes.map(|bytes| bytes.try_into().map(i64::from_be_bytes).map_err(|_| malformed())).transpose()
}

fn malformed() -> sqlx::Error {
    sqlx::Error::Decode("an array of keys isn't what its statement says".into())
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
        assert!(number(Some(b"\0\0\0\x05")).is_err());
        assert!(uuid(Some(b"short")).is_err());
    }
}
