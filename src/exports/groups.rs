//! The keys of some License IDs as they leave the database: one row, whose columns hold what all of them have.

use sqlx::{Row, postgres::PgRow};
use uuid::Uuid;

use crate::keys::KeyKind;

/// The chosen keys of some License IDs, sealed.
#[derive(Debug)]
pub struct Group {
    contracts: Vec<Contract>,
    row: PgRow,
}

/// What an export says of a License ID, and needs to open its keys.
#[derive(Debug)]
pub struct Contract {
    /// The License ID's row.
    pub id: Uuid,
    /// License ID.
    pub license_id: String,
    /// Programme.
    pub program: String,
    /// Its organisation's row.
    pub organization: Uuid,
    /// The id of its data key, and that key wrapped; `None` where none of its products needs a key.
    pub data_key: Option<(Uuid, Vec<u8>)>,
    /// Bytes of what its chosen keys have strung together, at least one key's.
    strung: usize,
    /// Bytes of their secrets.
    secrets: usize,
}

/// The chosen keys of one License ID, borrowed from their group.
#[derive(Debug)]
pub struct Chosen<'r> {
    /// Whose they are.
    pub contract: &'r Contract,
    strung: &'r [u8],
    secrets: &'r [u8],
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
    pub used: Option<u32>,
    /// Activations in all.
    pub total: Option<u32>,
    /// Seats.
    pub seats: Option<u32>,
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
    /// What [`super::db::read`] gathers of the License IDs of a row, in the order that [`Group::of`] takes it; null
    /// where none of them has a chosen key.
    pub const COLUMNS: &str =
        "array_agg(one.id) AS ids, array_agg(one.license_id), array_agg(one.program), array_agg(one.organization_id),
        array_agg(one.data_key_id), array_agg(one.wrapped),
        array_agg(octet_length(one.strung)), array_agg(octet_length(one.secrets)), string_agg(one.strung, ''), string_agg(one.secrets, '')";
    /// What it gathers of one License ID's keys, each strung together, which costs PostgreSQL half of what an array
    /// does.
    pub const STRUNG: &str = "string_agg(k.strung, '') AS strung,
        string_agg(coalesce(k.sealed, convert_to(k.no_key_text, 'UTF8')), '') AS secrets";

    /// Takes one row.
    ///
    /// # Errors
    /// Never on a row of [`super::db::read`].
    pub fn of(row: PgRow) -> sqlx::Result<Self> {
        let (ids, license_ids): (Vec<Uuid>, Vec<String>) = (row.try_get(0)?, row.try_get(1)?);
        let (programs, organizations): (Vec<String>, Vec<Uuid>) = (row.try_get(2)?, row.try_get(3)?);
        let (data_keys, wrapped): (Vec<Option<Uuid>>, Vec<Option<Vec<u8>>>) = (row.try_get(4)?, row.try_get(5)?);
        let (strung, secrets): (Vec<i32>, Vec<i32>) = (row.try_get(6)?, row.try_get(7)?);
        let contracts = ids
            .into_iter()
            .zip(license_ids)
            .zip(programs.into_iter().zip(organizations))
            .zip(data_keys.into_iter().zip(wrapped))
            .zip(strung.into_iter().zip(secrets))
            .map(|((((id, license_id), (program, organization)), (data_key, wrapped)), (strung, secrets))| {
                let length = |bytes: i32| usize::try_from(bytes).map_err(|_| malformed());
                let (strung, secrets) = (length(strung)?, length(secrets)?);
                Ok(Contract { id, license_id, program, organization, data_key: data_key.zip(wrapped), strung, secrets })
            })
            .collect::<sqlx::Result<_>>()?;
        Ok(Self { contracts, row })
    }

    /// How many keys it holds, by their bytes: a few more where they have long OSA statuses.
    pub fn count(&self) -> usize {
        self.contracts.iter().map(|contract| contract.strung / HEAD).sum()
    }

    fn chosen(&self) -> sqlx::Result<Vec<Chosen<'_>>> {
        deal(&self.contracts, self.row.try_get(8)?, self.row.try_get(9)?)
    }
}

/// The keys of some groups, by their License IDs.
///
/// # Errors
/// Never on rows of [`super::db::read`].
pub fn chosen(groups: &[Group]) -> sqlx::Result<Vec<Chosen<'_>>> {
    let mut all = Vec::new();
    for group in groups {
        all.extend(group.chosen()?);
    }
    Ok(all)
}

/// Gives each License ID what is its own.
fn deal<'r>(contracts: &'r [Contract], strung: &'r [u8], secrets: &'r [u8]) -> sqlx::Result<Vec<Chosen<'r>>> {
    let (mut strung, mut secrets) = (strung, secrets);
    let mut dealt = Vec::with_capacity(contracts.len());
    for contract in contracts {
        let mut chosen = Chosen { contract, strung, secrets };
        (chosen.strung, strung) = strung.split_at_checked(contract.strung).ok_or_else(malformed)?;
        (chosen.secrets, secrets) = secrets.split_at_checked(contract.secrets).ok_or_else(malformed)?;
        dealt.push(chosen);
    }
    if strung.is_empty() && secrets.is_empty() { Ok(dealt) } else { Err(malformed()) }
}

impl<'r> Chosen<'r> {
    /// The rows of its keys. Where these can be told, so can the keys.
    ///
    /// # Errors
    /// Never on a row of [`super::db::read`].
    pub fn ids(&self) -> sqlx::Result<Vec<Uuid>> {
        let mut ids = Vec::with_capacity(self.strung.len() / HEAD);
        let (mut strung, mut secrets) = (self.strung, 0_usize);
        while !strung.is_empty() {
            let (head, _, later) = first(strung)?;
            ids.push(head.id());
            (strung, secrets) = (later, secrets.saturating_add(head.secret()));
        }
        if secrets == self.secrets.len() { Ok(ids) } else { Err(malformed()) }
    }

    /// Its keys.
    pub fn keys(&self) -> Keys<'r> {
        Keys { strung: self.strung, secrets: self.secrets }
    }
}

/// The keys of one License ID, taken apart one by one; never an error on a row of [`super::db::read`].
#[derive(Debug)]
pub struct Keys<'r> {
    strung: &'r [u8],
    secrets: &'r [u8],
}

impl<'r> Iterator for Keys<'r> {
    type Item = sqlx::Result<SealedRow<'r>>;

    fn next(&mut self) -> Option<Self::Item> {
        (!self.strung.is_empty()).then(|| self.take_one())
    }
}

impl<'r> Keys<'r> {
    fn take_one(&mut self) -> sqlx::Result<SealedRow<'r>> {
        // An error is the last that comes.
        let (head, osa_status, later) = first(std::mem::take(&mut self.strung))?;
        let (secret, later_secrets) = self.secrets.split_at_checked(head.secret()).ok_or_else(malformed)?;
        let kind = head.kind()?;
        let row = SealedRow {
            id: head.id(),
            product: head.product(),
            kind,
            secret: match kind {
                Some(_) => Secret::Sealed(secret),
                None => Secret::NotNeeded(text(secret)?),
            },
            used: head.count(32),
            total: head.count(36),
            seats: head.count(40),
            osa_status: text(osa_status)?,
        };
        (self.strung, self.secrets) = (later, later_secrets);
        Ok(row)
    }
}

/// Bytes of `product_keys.strung` before the OSA status.
const HEAD: usize = 53;

/// The beginning of a key's `product_keys.strung`; where each part stands, its migration says.
struct Head<'r>(&'r [u8; HEAD]);

/// The first key of some strung together, its OSA status, and the others.
fn first(strung: &[u8]) -> sqlx::Result<(Head<'_>, &[u8], &[u8])> {
    let (head, rest) = strung.split_first_chunk().ok_or_else(malformed)?;
    let head = Head(head);
    let (status, later) = rest.split_at_checked(head.length(48)).ok_or_else(malformed)?;
    Ok((head, status, later))
}

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

    fn count(&self, at: usize) -> Option<u32> {
        let count = u32::from_be_bytes(self.bytes(at));
        (count < u32::MAX).then_some(count)
    }

    fn length(&self, at: usize) -> usize {
        usize::try_from(u32::from_be_bytes(self.bytes(at))).unwrap_or(usize::MAX)
    }

    /// Bytes of the secret.
    fn secret(&self) -> usize {
        self.length(44)
    }

    fn kind(&self) -> sqlx::Result<Option<KeyKind>> {
        let letter = self.0[HEAD - 1];
        let kind = KeyKind::ALL.into_iter().find(|kind| kind.code().as_bytes().first() == Some(&letter));
        if kind.is_some() || letter == b'N' { Ok(kind) } else { Err(malformed()) }
    }
}

fn text(bytes: &[u8]) -> sqlx::Result<&str> {
    std::str::from_utf8(bytes).map_err(|_| malformed())
}

fn malformed() -> sqlx::Error {
    sqlx::Error::Decode("the keys of some License IDs aren't what their statement says".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strung(kind: u8, secret: u32, status: &str) -> Vec<u8> {
        let counts = [7, 50, u32::MAX].map(u32::to_be_bytes);
        let lengths = [secret, u32::try_from(status.len()).unwrap()].map(u32::to_be_bytes);
        [&[1; 16], &[2; 16], counts.as_flattened(), lengths.as_flattened(), &[kind], status.as_bytes()].concat()
    }

    fn contract(license_id: &str, (strung, secrets): (usize, usize)) -> Contract {
        let (id, organization, program) = (Uuid::nil(), Uuid::nil(), String::new());
        Contract { id, license_id: license_id.into(), program, organization, data_key: None, strung, secrets }
    }

    /// The keys of License IDs that have so many bytes each.
    fn all(each: &[(usize, usize)], strung: &[u8], secrets: &[u8]) -> sqlx::Result<Vec<String>> {
        let contracts: Vec<_> =
            each.iter().enumerate().map(|(index, bytes)| contract(&index.to_string(), *bytes)).collect();
        let mut rows = Vec::new();
        for chosen in deal(&contracts, strung, secrets)? {
            let ids = chosen.ids()?;
            let keys = chosen.keys().collect::<sqlx::Result<Vec<_>>>()?;
            assert_eq!(ids, keys.iter().map(|key| key.id).collect::<Vec<_>>());
            rows.extend(keys.iter().map(|key| {
                format!(
                    "{}: {:?} {:?} {:?} {:?} {:?} {}",
                    chosen.contract.license_id, key.kind, key.secret, key.used, key.total, key.seats, key.osa_status
                )
            }));
        }
        Ok(rows)
    }

    #[test]
    fn each_key_takes_what_is_its_own() {
        let strung = [strung(b'M', 3, ""), strung(b'N', 4, "Active"), strung(b'V', 1, "")].concat();
        let rows = all(&[(2 * HEAD + 6, 7), (HEAD, 1)], &strung, b"\x01\x02\x03none\x04").unwrap();
        assert_eq!(
            rows,
            [
                "0: Some(Mak) Sealed([1, 2, 3]) Some(7) Some(50) None ",
                "0: None NotNeeded(\"none\") Some(7) Some(50) None Active",
                "1: Some(Vlk) Sealed([4]) Some(7) Some(50) None ",
            ]
        );
    }

    #[test]
    fn what_is_too_short_or_too_long_is_an_error() {
        let one = strung(b'M', 3, "x");
        let bytes = one.len();
        assert!(all(&[(bytes, 3)], &one, b"abc").is_ok());
        assert!(all(&[(bytes - 1, 3)], &one[1..], b"abc").is_err(), "a byte missing at the beginning");
        assert!(all(&[(bytes - 1, 3)], &one[..bytes - 1], b"abc").is_err(), "a byte missing at the end");
        assert!(all(&[(2 * bytes, 3)], &one, b"abc").is_err(), "a key missing");
        assert!(all(&[(bytes - 1, 3), (1, 0)], &one, b"abc").is_err(), "a key that two share");
        assert!(all(&[], &one, b"abc").is_err(), "a key of nobody");
        for secrets in ["ab", "abcd"] {
            assert!(all(&[(bytes, 3)], &one, secrets.as_bytes()).is_err(), "{secrets}, three promised");
            assert!(all(&[(bytes, secrets.len())], &one, secrets.as_bytes()).is_err(), "{secrets}, three needed");
        }
        assert!(all(&[(HEAD, 3)], &strung(b'X', 3, ""), b"abc").is_err(), "a kind that isn't one");
    }
}
