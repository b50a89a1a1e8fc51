//! The keys of one License ID as they leave the database: one row, whose columns hold what all of them have.

use sqlx::{Row, postgres::PgRow};
use uuid::Uuid;

use crate::keys::KeyKind;

/// The chosen keys of one License ID, sealed.
#[derive(Debug)]
pub struct Group {
    /// The License ID's row.
    pub contract: Uuid,
    row: PgRow,
}

/// One key, borrowed from its group.
#[derive(Debug)]
pub struct SealedRow<'r> {
    /// The row.
    pub id: Uuid,
    /// The product's row.
    pub product: Uuid,
    /// What kind of key it is; `None` where the product needs none.
    pub kind: Option<KeyKind>,
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
    pub const COLUMNS: &str = "mine.id, chosen.*";
    /// What it gathers of the License ID's keys, each strung together, which costs PostgreSQL half of what an array
    /// does; the first column is null where there are none.
    pub const STRUNG: &str =
        "string_agg(k.strung, '') AS strung, string_agg(coalesce(k.sealed, convert_to(k.no_key_text, 'UTF8')), ''),
        string_agg(k.osa_status, '')";

    /// Takes one row.
    ///
    /// # Errors
    /// Never on a row of [`super::db::read`].
    pub fn of(row: PgRow) -> sqlx::Result<Self> {
        Ok(Self { contract: row.try_get(0)?, row })
    }

    /// The rows of its keys.
    ///
    /// # Errors
    /// As [`Group::for_each`] of its own.
    pub fn ids(&self) -> sqlx::Result<Vec<Uuid>> {
        Ok(heads(self.row.try_get(1)?)?.iter().map(|head| Head(head).id()).collect())
    }

    /// How many keys it holds.
    ///
    /// # Errors
    /// As [`Group::for_each`] of its own.
    pub fn count(&self) -> sqlx::Result<usize> {
        Ok(heads(self.row.try_get(1)?)?.len())
    }

    /// Calls `each` with every key.
    ///
    /// # Errors
    /// The first error of `each`; and never on a row of [`super::db::read`] one of its own.
    pub fn for_each<E: From<sqlx::Error>>(&self, each: impl FnMut(SealedRow<'_>) -> Result<(), E>) -> Result<(), E> {
        take_apart(self.row.try_get(1)?, self.row.try_get(2)?, self.row.try_get(3)?, each)
    }
}

fn take_apart<E: From<sqlx::Error>>(
    strung: &[u8],
    mut secrets: &[u8],
    mut statuses: &str,
    mut each: impl FnMut(SealedRow<'_>) -> Result<(), E>,
) -> Result<(), E> {
    for head in heads(strung)? {
        let head = Head(head);
        let (secret, status) = head.lengths();
        let (secret, later) = secrets.split_at_checked(secret).ok_or_else(malformed)?;
        let (osa_status, later_statuses) = statuses.split_at_checked(status).ok_or_else(malformed)?;
        (secrets, statuses) = (later, later_statuses);
        let kind = head.kind()?;
        each(SealedRow {
            id: head.id(),
            product: head.product(),
            kind,
            secret: match kind {
                Some(_) => Secret::Sealed(secret),
                None => Secret::NotNeeded(std::str::from_utf8(secret).map_err(|_| malformed())?),
            },
            used: head.number(32),
            total: head.number(40),
            seats: head.number(48),
            osa_status,
        })?;
    }
    if secrets.is_empty() && statuses.is_empty() { Ok(()) } else { Err(malformed().into()) }
}

/// Bytes of `product_keys.strung`.
const HEAD: usize = 65;

/// A key's `product_keys.strung`; where each part stands, its migration says.
struct Head<'r>(&'r [u8; HEAD]);

impl Head<'_> {
    fn bytes<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut bytes = [0; N];
        bytes.copy_from_slice(&self.0[at..at + N]);
        bytes
    }

    fn id(&self) -> Uuid {
        Uuid::from_bytes(self.bytes(0))
    }

    fn product(&self) -> Uuid {
        Uuid::from_bytes(self.bytes(16))
    }

    fn number(&self, at: usize) -> Option<i64> {
        let number = i64::from_be_bytes(self.bytes(at));
        (number >= 0).then_some(number)
    }

    /// Bytes of the secret, and of the OSA status.
    fn lengths(&self) -> (usize, usize) {
        let length = |at| usize::try_from(u32::from_be_bytes(self.bytes(at))).unwrap_or(usize::MAX);
        (length(56), length(60))
    }

    fn kind(&self) -> sqlx::Result<Option<KeyKind>> {
        let letter = self.0[HEAD - 1];
        let kind = KeyKind::ALL.into_iter().find(|kind| kind.code().as_bytes().first() == Some(&letter));
        if kind.is_some() || letter == b'N' { Ok(kind) } else { Err(malformed()) }
    }
}

fn heads(strung: &[u8]) -> sqlx::Result<&[[u8; HEAD]]> {
    let (heads, rest) = strung.as_chunks();
    if rest.is_empty() { Ok(heads) } else { Err(malformed()) }
}

fn malformed() -> sqlx::Error {
    sqlx::Error::Decode("a License ID's keys aren't what their statement says".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strung(kind: u8, secret: u32, status: u32) -> Vec<u8> {
        let numbers = [7_i64, 50, -1].map(i64::to_be_bytes);
        [&[1; 16], &[2; 16], numbers.as_flattened(), &secret.to_be_bytes(), &status.to_be_bytes(), &[kind]].concat()
    }

    fn all(strung: &[u8], secrets: &[u8], statuses: &str) -> sqlx::Result<Vec<String>> {
        let mut rows = Vec::new();
        take_apart(strung, secrets, statuses, |row| {
            rows.push(format!(
                "{:?} {:?} {:?} {:?} {:?} {}",
                row.kind, row.secret, row.used, row.total, row.seats, row.osa_status
            ));
            Ok::<_, sqlx::Error>(())
        })?;
        Ok(rows)
    }

    #[test]
    fn each_key_takes_what_is_its_own() {
        let strung = [strung(b'M', 3, 0), strung(b'N', 4, 6), strung(b'V', 1, 0)].concat();
        let rows = all(&strung, b"\x01\x02\x03none\x04", "Active").unwrap();
        assert_eq!(
            rows,
            [
                "Some(Mak) Sealed([1, 2, 3]) Some(7) Some(50) None ",
                "None NotNeeded(\"none\") Some(7) Some(50) None Active",
                "Some(Vlk) Sealed([4]) Some(7) Some(50) None ",
            ]
        );
    }

    #[test]
    fn what_is_too_short_or_too_long_is_an_error() {
        let one = strung(b'M', 3, 1);
        assert!(all(&one, b"abc", "x").is_ok());
        assert!(all(&one[1..], b"abc", "x").is_err(), "a byte missing");
        for (secrets, statuses) in [("ab", "x"), ("abcd", "x"), ("abc", ""), ("abc", "xy")] {
            assert!(all(&one, secrets.as_bytes(), statuses).is_err(), "{secrets} {statuses}");
        }
        assert!(all(&strung(b'X', 3, 1), b"abc", "x").is_err(), "a kind that isn't one");
    }
}
