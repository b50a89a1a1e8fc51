//! The links: one HMAC per event over the link before it and everything the event says.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::Stored;
use crate::vault::envelope::Key32;

/// The link of the first event points back to this.
pub const START: [u8; 32] = [0; 32];

/// Makes links under the site's audit key.
#[derive(Clone)]
pub struct Linker(Hmac<Sha256>);

impl Linker {
    /// Takes the audit key.
    pub fn new(key: &Key32) -> Self {
        #[allow(clippy::expect_used)]
        Self(Hmac::new_from_slice(key.expose()).expect("any length of key will do for HMAC"))
    }

    /// The link of `event`, whose own `link` field isn't looked at, behind `before`.
    pub fn link(&self, before: &[u8], event: &Stored) -> [u8; 32] {
        let mut mac = self.0.clone();
        // Each part is preceded by its length, so that no two events read the same.
        let mut part = |bytes: &[u8]| {
            mac.update(&(bytes.len() as u64).to_be_bytes());
            mac.update(bytes);
        };
        part(before);
        part(event.chain.as_bytes());
        part(&event.seq.to_be_bytes());
        part(&event.at.unix_timestamp_nanos().to_be_bytes());
        part(event.actor_id.unwrap_or_default().as_bytes());
        part(event.actor.as_bytes());
        part(event.action.as_bytes());
        part(event.outcome.as_bytes());
        part(event.contract_id.unwrap_or_default().as_bytes());
        part(event.subject.as_bytes());
        // serde_json keeps an object's names sorted: the text is the same after a trip through jsonb.
        part(event.detail.to_string().as_bytes());
        part(event.address.as_bytes());
        part(event.request_id.as_bytes());
        part(&(event.key_ids.len() as u64).to_be_bytes());
        for id in &event.key_ids {
            mac.update(id.as_bytes());
        }
        mac.finalize().into_bytes().into()
    }
}

impl std::fmt::Debug for Linker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Linker(…)")
    }
}
