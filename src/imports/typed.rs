//! Keys typed or pasted, as a file: a product, a License ID, a kind, and a key on each line. It takes the same way as
//! a file that was sent in: sealed while it waits, shown, planned anew, written.
//!
//! Here a line that is no key is left out and named, where a file's would refuse the whole: whoever typed has nothing
//! else to correct it in.

use std::sync::Arc;

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{KeyCell, KeyRow, Kind, ParsedFile, Rows};
use crate::keys::{KeyKind, ProductKey, kind_of};

/// How such a file begins; no file of another kind does, for the first line of those names columns.
const MARK: &str = "keyward typed keys 1\n";

/// A line that is no key.
#[derive(Clone, Debug)]
pub struct LeftOut {
    /// Which, from 1.
    pub line: u64,
    /// Why; nothing of the line itself.
    pub sentence: String,
    /// The License ID that it was typed for.
    pub license_id: Arc<str>,
    /// The product that it was typed for.
    pub product: Arc<str>,
}

/// The file of what was typed.
#[must_use]
pub fn file(license_id: &str, product: &str, kind: KeyKind, lines: &str) -> Zeroizing<Vec<u8>> {
    let head = json!({ "license_id": license_id, "product": product, "kind": kind.code() });
    let mut bytes = Zeroizing::new(Vec::with_capacity(lines.len() + 256));
    bytes.extend_from_slice(MARK.as_bytes());
    bytes.extend_from_slice(head.to_string().as_bytes());
    bytes.push(b'\n');
    bytes.extend_from_slice(lines.as_bytes());
    bytes
}

/// Reads such a file; `None` where it is none.
#[must_use]
pub fn read(name: &str, bytes: &[u8]) -> Option<ParsedFile> {
    let text = std::str::from_utf8(bytes).ok()?.strip_prefix(MARK)?;
    let (head, lines) = text.split_once('\n')?;
    let head: Value = serde_json::from_str(head).ok()?;
    let part = |name: &str| head.get(name).and_then(Value::as_str);
    let (license_id, product): (Arc<str>, Arc<str>) = (part("license_id")?.into(), part("product")?.into());
    let kind = kind_of(part("kind")?)?;
    let (mut rows, mut left_out) = (Vec::new(), Vec::new());
    for (at, line) in lines.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let line_number = at as u64 + 1;
        match ProductKey::parse(line) {
            Ok(key) => rows.push(KeyRow {
                line: line_number,
                license_id: license_id.clone(),
                parent_program: None,
                organization: None,
                product: product.clone(),
                key: KeyCell::Key(key),
                kind: Some(kind),
                activations: None,
                seats: None,
                osa_status: None,
            }),
            Err(fault) => left_out.push(LeftOut {
                line: line_number,
                // The sentence of `Malformed` holds nothing of the key.
                sentence: format!("Left out, this is no product key: {fault}."),
                license_id: license_id.clone(),
                product: product.clone(),
            }),
        }
    }
    Some(ParsedFile { name: name.to_owned(), kind: Kind::Keys, rows: Rows::Keys(rows), warnings: Vec::new(), left_out })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_reads_back_and_a_bad_line_is_named_without_its_text() {
        let typed =
            "QX3TJ-7WKPD-9HMCV-2BRFG-84YNX\n\n  qx3tj-7wkpd-9hmcv-2brfg-84yny \nQX3TJ-7WKPD-9HM!V-2BRFG-84YNX\n";
        let file = file("8671204", "Windows 11 Pro", KeyKind::Mak, typed);
        let parsed = read("Typed keys", &file).expect("one of ours");
        let Rows::Keys(rows) = &parsed.rows else { panic!("keys") };
        assert_eq!(rows.iter().map(|row| row.line).collect::<Vec<_>>(), [1, 3]);
        assert_eq!(&*rows[0].license_id, "8671204");
        assert_eq!(parsed.left_out.len(), 1);
        assert_eq!(parsed.left_out[0].line, 4);
        assert!(!parsed.left_out[0].sentence.contains("7WKPD"), "{}", parsed.left_out[0].sentence);
    }

    #[test]
    fn a_file_that_was_sent_in_is_none_of_these() {
        assert!(read("keys.csv", b"License ID\tProduct\n").is_none());
        assert!(read("x", b"keyward typed keys 1\nnothing").is_none());
    }
}
