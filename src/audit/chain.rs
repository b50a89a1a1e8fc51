//! The links: one HMAC per event over the link before it and everything the event says.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
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
        part(canonical(&event.detail).as_bytes());
        part(event.address.as_bytes());
        part(event.request_id.as_bytes());
        part(&(event.key_ids.len() as u64).to_be_bytes());
        for id in &event.key_ids {
            mac.update(id.as_bytes());
        }
        mac.finalize().into_bytes().into()
    }
}

/// JSON with the names of every object sorted: jsonb gives them back in an order of its own.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| *name);
            let fields: Vec<String> =
                fields.into_iter().map(|(name, value)| format!("{}:{}", json!(name), canonical(value))).collect();
            format!("{{{}}}", fields.join(","))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(canonical).collect();
            format!("[{}]", items.join(","))
        }
        other => other.to_string(),
    }
}

impl std::fmt::Debug for Linker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Linker(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn detail_reads_the_same_in_any_order() {
        let one: Value = serde_json::from_str(r#"{"b":[{"d":1,"c":"\""}],"a":null}"#).unwrap();
        let other: Value = serde_json::from_str(r#"{"a":null,"b":[{"c":"\"","d":1}]}"#).unwrap();
        assert_eq!(canonical(&one), canonical(&other));
        assert_eq!(canonical(&one), r#"{"a":null,"b":[{"c":"\"","d":1}]}"#);
    }
}
