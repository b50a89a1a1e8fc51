//! The parts that pages are made of, as plain data: each has a macro in `templates/components/`.
mod address;
mod archived;
mod columns;
mod empty;
mod form;
mod key;
mod list;
mod plot;
mod undo;
mod when;

pub use address::{Address, CONTRACT_PAGES, contract_path, named_in, product_path};
pub use archived::{Archive, Archived, ArchivedCell, ArchivedRow, ArchivedTable};
pub use columns::{Columns, Offered};
pub use empty::{Empty, EmptyKind, Locked, LockedPlace};
pub use form::{Choice, Export, Field, Format};
pub use key::{Ask, KeyCell, KeyLead, KeyList, KeyRow, Level, Meter, Place, Quantity, Remark};
pub use list::{Chip, Column, Pager, Tab};
pub use plot::{Bar, Cell, Drawing, Ink, Line, Numbers, Plot, Scale, Share};
pub use undo::Undo;
pub use when::{When, read_out};

/// A number with separators: `12,304`.
#[must_use]
pub fn number(value: impl Into<i128>) -> String {
    let value = value.into();
    let digits = value.unsigned_abs().to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if value < 0 {
        out.push('−');
    }
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number and its noun in the right form: `1 key`, `2 keys`.
#[must_use]
pub fn count(value: u64, one: &str, many: &str) -> String {
    let noun = if value == 1 { one } else { many };
    [number(value).as_str(), noun].join(" ")
}

/// Words with somewhere to go.
#[derive(Clone, Debug)]
pub struct Link {
    /// The words.
    pub label: String,
    /// The address.
    pub href: String,
}

impl Link {
    /// A link.
    #[must_use]
    pub fn new(label: impl Into<String>, href: impl Into<String>) -> Self {
        Self { label: label.into(), href: href.into() }
    }
}

/// A label and its value.
#[derive(Clone, Debug)]
pub struct Fact {
    /// The label.
    pub label: &'static str,
    /// The value.
    pub value: String,
    /// Whether it is an identifier, shown in the monospace face.
    pub mono: bool,
}

impl Fact {
    /// A fact, or nothing when its value is empty.
    #[must_use]
    pub fn maybe(label: &'static str, value: &str, mono: bool) -> Option<Self> {
        (!value.is_empty()).then(|| Self { label, value: value.to_owned(), mono })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_separators() {
        assert_eq!(number(0_u64), "0");
        assert_eq!(number(999_u64), "999");
        assert_eq!(number(12_304_u64), "12,304");
        assert_eq!(number(-1_000_i64), "−1,000");
        assert_eq!(count(1, "key", "keys"), "1 key");
        assert_eq!(count(1_234, "key", "keys"), "1,234 keys");
    }
}
