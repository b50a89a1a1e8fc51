//! The columns of the exported lists, and how a key fills them.
use std::fmt::Write as _;

use crate::keys::{Activations, KeyKind};

/// The columns of the key export, in the vendor admin centre's own order and spelling.
pub const KEY_COLUMNS: [&str; 9] = [
    "License ID",
    "Parent Program",
    "Organization",
    "Product",
    "Product Key",
    "Type",
    "MAK Activations-Used/Available",
    "Seats",
    "OSA Status",
];

/// The columns of the contract list; the last one only where an agreement stands under an MBSA.
pub const CONTRACT_COLUMNS: [&str; 13] = [
    "License ID",
    "Organization",
    "Parent organization",
    "Location",
    "Parent Program",
    "Agreement type",
    "Parent agreement",
    "Authorization number",
    "Purchase account number",
    "Start date",
    "End date",
    "Status",
    "MBSA",
];

/// What the vendor's export has in place of a key where a product needs none.
pub const NO_KEY_SENTENCE: &str = "This product does not require a product key.";

/// What stands in the `Product Key` column.
#[derive(Clone, Copy)]
pub enum ExportedKey<'a> {
    /// The key in clear. Its audit row must be committed by now.
    Key(&'a str),
    /// The product needs no key; a sentence stands there instead, [`NO_KEY_SENTENCE`] if it is to
    /// import again.
    NotNeeded(&'a str),
}

/// One row of the key export, borrowed from wherever the row came from.
#[derive(Clone, Copy)]
pub struct KeyExportRow<'a> {
    /// License ID, leading zeros included.
    pub license_id: &'a str,
    /// Programme; empty when unknown.
    pub parent_program: &'a str,
    /// Organisation; empty when unknown.
    pub organization: &'a str,
    /// Product name.
    pub product: &'a str,
    /// The key, or the sentence.
    pub key: ExportedKey<'a>,
    /// `None` where no key is needed.
    pub kind: Option<KeyKind>,
    /// Latest reading of a counted key.
    pub activations: Option<Activations>,
    /// Seats.
    pub seats: Option<u32>,
    /// Status of an OSA key, in the vendor's words; empty when there is none.
    pub osa_status: &'a str,
}

/// Scratch space for the numbers of a row, so that a million rows allocate nothing.
#[derive(Default)]
pub struct CellBuffer {
    activations: String,
    seats: String,
}

impl<'a> KeyExportRow<'a> {
    /// The nine cells in the order of [`KEY_COLUMNS`], not yet neutralised or quoted.
    pub fn cells<'b>(&self, buffer: &'b mut CellBuffer) -> [&'b str; 9]
    where
        'a: 'b,
    {
        buffer.activations.clear();
        buffer.seats.clear();
        if let Some(activations) = self.activations {
            // Writing to a String can't fail.
            let _ = write!(buffer.activations, "{activations}");
        }
        if let Some(seats) = self.seats {
            let _ = write!(buffer.seats, "{seats}");
        }
        let (ExportedKey::Key(key) | ExportedKey::NotNeeded(key)) = self.key;
        [
            self.license_id,
            self.parent_program,
            self.organization,
            self.product,
            key,
            self.kind.map_or("", KeyKind::label),
            &buffer.activations,
            &buffer.seats,
            self.osa_status,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counted_key_fills_the_nine_cells() {
        let row = KeyExportRow {
            license_id: "0005512873",
            parent_program: "MPSA",
            organization: "Tailspin Toys K.K.",
            product: "Windows 11 Pro",
            key: ExportedKey::Key("QX3TJ-7WKPD-9HMCV-2BRFG-84YNX"),
            kind: Some(KeyKind::Mak),
            activations: Some(Activations { used: 42, limit: 50 }),
            seats: None,
            osa_status: "",
        };
        let mut buffer = CellBuffer::default();
        let cells = row.cells(&mut buffer);
        assert_eq!(cells[0], "0005512873");
        assert_eq!(cells[4..], ["QX3TJ-7WKPD-9HMCV-2BRFG-84YNX", "MAK", "42/50", "", ""]);
    }

    #[test]
    fn a_product_without_key_shows_the_sentence_and_no_type() {
        let row = KeyExportRow {
            license_id: "8671204",
            parent_program: "",
            organization: "",
            product: "SQL Server 2019 Standard",
            key: ExportedKey::NotNeeded(NO_KEY_SENTENCE),
            kind: None,
            activations: None,
            seats: Some(250),
            osa_status: "",
        };
        let mut buffer = CellBuffer::default();
        assert_eq!(row.cells(&mut buffer)[4..], [NO_KEY_SENTENCE, "", "", "250", ""]);
    }
}
