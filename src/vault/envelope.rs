//! Sealing and opening one value: XChaCha20-Poly1305 with a random nonce and associated data.

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, AeadInOut, Payload},
};
use uuid::Uuid;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// The only version so far: nonce (24) ‖ ciphertext ‖ tag (16), after this byte.
const VERSION: u8 = 1;
const NONCE: usize = 24;
const TAG: usize = 16;

/// 32 secret bytes that zero themselves and print as nothing.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Key32([u8; 32]);

impl Key32 {
    /// Fresh random bytes from the system.
    ///
    /// # Panics
    /// When the system has no randomness: nothing secret can be made then.
    pub fn random() -> Self {
        let mut bytes = [0; 32];
        fill_random(&mut bytes);
        Self(bytes)
    }

    /// Takes bytes read from a file or unwrapped.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, for the primitives of this crate.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Debug for Key32 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key32(…)")
    }
}

/// Fills `bytes` from the system's random source.
///
/// # Panics
/// When the system has no randomness.
#[allow(clippy::expect_used)] // going on without randomness would be worse than stopping
pub fn fill_random(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the system's random source answers");
}

/// What a sealed value is for; part of its associated data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A product key in `product_keys.sealed`.
    ProductKey,
    /// A data key in `data_keys.wrapped`.
    DataKey,
    /// An uploaded file in `import_files.sealed`.
    ImportFile,
    /// The known sentence in `vault_checks.sealed`.
    Check,
}

/// Where a value stands: sealed for one place, it opens nowhere else.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// What it is; names the column too, since each purpose has one.
    pub purpose: Purpose,
    /// The License ID's row, or nil where none is meant.
    pub contract: Uuid,
    /// The row that holds the value.
    pub row: Uuid,
    /// The data key that sealed it, or nil under the KEK itself.
    pub data_key: Uuid,
}

impl Place {
    fn associated_data(&self) -> [u8; 50] {
        let mut data = [0; 50];
        data[0] = VERSION;
        data[1] = match self.purpose {
            Purpose::ProductKey => 1,
            Purpose::DataKey => 2,
            Purpose::ImportFile => 3,
            Purpose::Check => 4,
        };
        data[2..18].copy_from_slice(self.contract.as_bytes());
        data[18..34].copy_from_slice(self.row.as_bytes());
        data[34..50].copy_from_slice(self.data_key.as_bytes());
        data
    }
}

/// The value didn't open: another key, another place, or a changed byte.
#[derive(Debug, thiserror::Error)]
#[error("a sealed value doesn't open: it was changed, moved, or sealed under another key")]
pub struct Unopened;

/// A cipher under one key.
pub struct Sealer(XChaCha20Poly1305);

impl Sealer {
    /// Prepares the cipher.
    pub fn new(key: &Key32) -> Self {
        Self(XChaCha20Poly1305::new(key.expose().into()))
    }

    /// Seals `plain` for `place`.
    ///
    /// # Panics
    /// Never: the cipher fails only beyond 256 GiB.
    #[allow(clippy::expect_used)]
    pub fn seal(&self, place: &Place, plain: &[u8]) -> Vec<u8> {
        let mut nonce = [0; NONCE];
        fill_random(&mut nonce);
        let sealed = self
            .0
            .encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: &place.associated_data() })
            .expect("values are far below the cipher's limit");
        let mut out = Vec::with_capacity(1 + NONCE + sealed.len());
        out.push(VERSION);
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&sealed);
        out
    }

    /// Opens what [`Sealer::seal`] made for the same place.
    ///
    /// # Errors
    /// [`Unopened`] on any difference.
    pub(super) fn open(&self, place: &Place, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unopened> {
        let mut plain = Zeroizing::new(Vec::with_capacity(sealed.len()));
        self.open_onto(place, sealed, &mut plain)?;
        Ok(plain)
    }

    /// The same behind what `out` holds, so that opening many takes no memory for each. On an error
    /// `out` is as before.
    ///
    /// # Errors
    /// [`Unopened`] on any difference.
    pub(super) fn open_onto(&self, place: &Place, sealed: &[u8], out: &mut Vec<u8>) -> Result<(), Unopened> {
        let (&version, rest) = sealed.split_first().ok_or(Unopened)?;
        let (nonce, rest) = rest.split_first_chunk::<NONCE>().ok_or(Unopened)?;
        let (body, tag) = rest.split_last_chunk::<TAG>().ok_or(Unopened)?;
        if version != VERSION {
            return Err(Unopened);
        }
        let from = out.len();
        out.extend_from_slice(body);
        let opened = self.0.decrypt_inout_detached(
            &XNonce::from(*nonce),
            &place.associated_data(),
            out[from..].as_mut().into(),
            &(*tag).into(),
        );
        opened.map_err(|_| {
            out.truncate(from);
            Unopened
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        Place {
            purpose: Purpose::ProductKey,
            contract: Uuid::from_u128(1),
            row: Uuid::from_u128(2),
            data_key: Uuid::from_u128(3),
        }
    }

    #[test]
    fn opens_in_its_place_and_nowhere_else() {
        let sealer = Sealer::new(&Key32::random());
        let sealed = sealer.seal(&place(), b"secret");
        assert_eq!(sealer.open(&place(), &sealed).unwrap().as_slice(), b"secret");
        let elsewhere = [
            Place { purpose: Purpose::DataKey, ..place() },
            Place { contract: Uuid::from_u128(9), ..place() },
            Place { row: Uuid::from_u128(9), ..place() },
            Place { data_key: Uuid::from_u128(9), ..place() },
        ];
        for other in elsewhere {
            assert!(sealer.open(&other, &sealed).is_err(), "{other:?}");
        }
        assert!(Sealer::new(&Key32::random()).open(&place(), &sealed).is_err());
    }

    #[test]
    fn any_changed_byte_is_seen() {
        let sealer = Sealer::new(&Key32::random());
        let sealed = sealer.seal(&place(), b"secret");
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(sealer.open(&place(), &changed).is_err(), "byte {at}");
        }
        for len in 0..sealed.len() {
            assert!(sealer.open(&place(), &sealed[..len]).is_err(), "cut to {len}");
        }
    }

    #[test]
    fn key_material_prints_nothing() {
        assert_eq!(format!("{:?}", Key32::from_bytes([7; 32])), "Key32(…)");
    }
}
