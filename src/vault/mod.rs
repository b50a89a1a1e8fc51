//! The vault: how a product key rests, and the one gate by which it leaves.
//!
//! A key-encryption key (KEK, a file outside the database) wraps one data key per License ID; a
//! data key seals product keys with XChaCha20-Poly1305. The associated data binds each ciphertext
//! to its row, so that swapped ciphertexts don't open. Tables: `vault_checks`, `data_keys`, and
//! the columns `sealed`, `data_key_id`, `fingerprint` of `product_keys`.
//!
//! [`gate`] alone turns a ciphertext into a key, and only after its audit row is committed.

pub mod envelope;
pub mod files;
pub mod gate;
pub mod keyring;

pub use keyring::{Vault, VaultError};
