//! Sealing and opening one value: XChaCha20-Poly1305 with a random nonce and associated data.

use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use chacha20::{R20, hchacha};
use uuid::Uuid;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// The only version so far: nonce (24) ‖ ciphertext ‖ tag (16), after this byte.
const VERSION: u8 = 1;
/// The nonce's bytes that HChaCha20 takes.
const PREFIX: usize = 16;
/// Its other bytes, which ChaCha20 takes.
const OWN: usize = 8;
const TAG: usize = 16;
/// Values that share a prefix at most: that two of so many draw the same 8 bytes has a chance below 2^-33.
const SHARING: u32 = 65_536;

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

/// A cipher under one key. What is sealed one after the other shares the nonce's first 16 bytes, so that a License
/// ID's keys take one HChaCha20 together (decision 44).
pub struct Sealer {
    key: Key32,
    /// The prefix drawn last, and how many values may yet share it.
    drawn: Mutex<Option<(Prefixed, u32)>>,
    /// The prefix met last.
    met: Mutex<Option<Prefixed>>,
}

/// XChaCha20-Poly1305 under the first 16 bytes of its nonce: ChaCha20-Poly1305 under the key that HChaCha20 makes of
/// them (draft-irtf-cfrg-xchacha-03, section 2.3).
struct Prefixed {
    prefix: [u8; PREFIX],
    cipher: LessSafeKey,
}

impl Prefixed {
    /// # Panics
    /// Never: the key has the cipher's length.
    #[allow(clippy::expect_used)]
    fn new(key: &Key32, prefix: [u8; PREFIX]) -> Self {
        let subkey = Zeroizing::new(hchacha::<R20>(key.expose().into(), &prefix.into()).0);
        let cipher = UnboundKey::new(&CHACHA20_POLY1305, &*subkey).expect("32 bytes are a key");
        Self { prefix, cipher: LessSafeKey::new(cipher) }
    }
}

/// ChaCha20's nonce: four zeroes before the nonce's other bytes.
fn nonce(own: [u8; OWN]) -> Nonce {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&own);
    Nonce::assume_unique_for_key(nonce)
}

/// What a panic left behind is whole: both are replaced as a whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sealer {
    /// Prepares the cipher.
    pub fn new(key: &Key32) -> Self {
        Self { key: key.clone(), drawn: Mutex::default(), met: Mutex::default() }
    }

    /// Seals `plain` for `place`.
    ///
    /// # Panics
    /// Never: the cipher fails only beyond 256 GiB.
    #[allow(clippy::expect_used)]
    pub fn seal(&self, place: &Place, plain: &[u8]) -> Vec<u8> {
        let mut own = [0; OWN];
        fill_random(&mut own);
        let mut drawn = lock(&self.drawn);
        let (prefixed, left) = match drawn.take() {
            Some(sharing) if sharing.1 > 0 => drawn.insert(sharing),
            _ => drawn.insert((self.draw(), SHARING)),
        };
        *left -= 1;
        let mut out = Vec::with_capacity(1 + PREFIX + OWN + plain.len() + TAG);
        out.push(VERSION);
        out.extend_from_slice(&prefixed.prefix);
        out.extend_from_slice(&own);
        let from = out.len();
        out.extend_from_slice(plain);
        let tag = prefixed
            .cipher
            .seal_in_place_separate_tag(nonce(own), Aad::from(place.associated_data()), &mut out[from..])
            .expect("values are far below the cipher's limit");
        out.extend_from_slice(tag.as_ref());
        out
    }

    fn draw(&self) -> Prefixed {
        let mut prefix = [0; PREFIX];
        fill_random(&mut prefix);
        Prefixed::new(&self.key, prefix)
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
        let (prefix, rest) = rest.split_first_chunk::<PREFIX>().ok_or(Unopened)?;
        let (own, body) = rest.split_first_chunk::<OWN>().ok_or(Unopened)?;
        if version != VERSION {
            return Err(Unopened);
        }
        let mut met = lock(&self.met);
        let prefixed = match &mut *met {
            Some(same) if same.prefix == *prefix => same,
            other => other.insert(Prefixed::new(&self.key, *prefix)),
        };
        let from = out.len();
        out.extend_from_slice(body);
        let aad = Aad::from(place.associated_data());
        let opened = prefixed.cipher.open_in_place(nonce(*own), aad, &mut out[from..]).map(|plain| plain.len());
        if opened.is_err() {
            out[from..].zeroize();
        }
        out.truncate(from + *opened.as_ref().unwrap_or(&0));
        opened.map(|_| ()).map_err(|_| Unopened)
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

    /// The vector of draft-irtf-cfrg-xchacha-03, appendix A.3.1.
    #[test]
    fn the_cipher_is_that_of_the_draft() {
        fn counted<const N: usize>(from: u8) -> [u8; N] {
            std::array::from_fn(|at| from + u8::try_from(at).unwrap())
        }
        let plain = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.";
        let mut text = plain.to_vec();
        let aad = Aad::from(*b"PQRS\xc0\xc1\xc2\xc3\xc4\xc5\xc6\xc7");
        let cipher = Prefixed::new(&Key32::from_bytes(counted(0x80)), counted(0x40)).cipher;
        let tag = cipher.seal_in_place_separate_tag(nonce(counted(0x50)), aad, &mut text).unwrap();
        assert_eq!(
            text[..16],
            [0xbd, 0x6d, 0x17, 0x9d, 0x3e, 0x83, 0xd4, 0x3b, 0x95, 0x76, 0x57, 0x94, 0x93, 0xc0, 0xe9, 0x39]
        );
        assert_eq!(
            tag.as_ref(),
            [0xc0, 0x87, 0x59, 0x24, 0xc1, 0xc7, 0x98, 0x79, 0x47, 0xde, 0xaf, 0xd8, 0x78, 0x0a, 0xcf, 0x49]
        );
    }

    #[test]
    fn no_two_values_share_a_nonce_and_many_share_a_prefix() {
        let sealer = Sealer::new(&Key32::random());
        let sealed: Vec<_> = (0..=SHARING).map(|_| sealer.seal(&place(), b"secret")).collect();
        let parts =
            |length: usize| sealed.iter().map(|value| &value[1..=length]).collect::<std::collections::HashSet<_>>();
        assert_eq!((parts(PREFIX).len(), parts(PREFIX + OWN).len()), (2, sealed.len()));
        assert!(sealed.iter().rev().all(|value| sealer.open(&place(), value).unwrap().as_slice() == b"secret"));
        let other = Sealer::new(&sealer.key);
        assert_ne!(other.seal(&place(), b"secret")[1..=PREFIX], sealed[0][1..=PREFIX], "each sealer draws its own");
        assert!(other.open(&place(), &sealed[0]).is_ok());
    }

    #[test]
    fn key_material_prints_nothing() {
        assert_eq!(format!("{:?}", Key32::from_bytes([7; 32])), "Key32(…)");
    }
}
