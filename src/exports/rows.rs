//! Keys as rows of text: what many of them share is written once and copied.

use foldhash::{HashMap, HashMapExt};
use uuid::Uuid;

use super::{
    ExportedKey, TextFormat,
    groups::SealedRow,
    writer::{LINE_END, append_cell},
};

/// Writes the rows that [`super::append_row`] would write of [`super::KeyExportRow::cells`].
pub struct KeyRows {
    format: TextFormat,
    /// The cell of each product.
    products: HashMap<Uuid, Vec<u8>>,
    /// The cells that all keys of a License ID begin with.
    license_id: Vec<u8>,
}

/// A row names a product that has no name.
#[derive(Debug, thiserror::Error)]
#[error("the name of a product is missing")]
pub struct Nameless;

impl KeyRows {
    /// For keys of these products, by their rows.
    pub fn new<'n>(format: TextFormat, products: impl IntoIterator<Item = (&'n Uuid, &'n String)>) -> Self {
        let mut cells = HashMap::new();
        for (id, name) in products {
            let mut cell = Vec::with_capacity(name.len() + 3);
            append(&mut cell, format, name);
            cells.insert(*id, cell);
        }
        Self { format, products: cells, license_id: Vec::new() }
    }

    /// What the next rows begin with: License ID, programme and organisation.
    pub fn begin(&mut self, cells: [&str; 3]) {
        self.license_id.clear();
        for cell in cells {
            append(&mut self.license_id, self.format, cell);
        }
    }

    /// Appends the row of a key.
    ///
    /// # Errors
    /// When its product isn't among the names; then `out` holds a part of the row.
    pub fn append(&self, out: &mut Vec<u8>, row: &SealedRow<'_>, key: ExportedKey<'_>) -> Result<(), Nameless> {
        out.extend_from_slice(&self.license_id);
        out.extend_from_slice(self.products.get(&row.product).ok_or(Nameless)?);
        let (ExportedKey::Key(key) | ExportedKey::NotNeeded(key)) = key;
        append(out, self.format, key);
        // A kind's label and figures hold nothing that a spreadsheet runs or that ends a cell.
        self.plain(out, |out| out.extend_from_slice(row.kind.map_or("", |kind| kind.label()).as_bytes()));
        self.plain(out, |out| {
            if let Some((used, total)) = row.used.zip(row.total) {
                append_figure(out, used);
                out.push(b'/');
                append_figure(out, total);
            }
        });
        self.plain(out, |out| {
            if let Some(seats) = row.seats {
                append_figure(out, seats);
            }
        });
        append_cell(out, row.osa_status, self.format == TextFormat::Csv);
        out.extend_from_slice(LINE_END);
        Ok(())
    }

    /// A cell that needs no care, and what parts it from the next.
    fn plain(&self, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
        let (before, after): (&[u8], &[u8]) = match self.format {
            TextFormat::Csv => (b"\"", b"\","),
            TextFormat::Tsv => (b"", b"\t"),
        };
        out.extend_from_slice(before);
        write(out);
        out.extend_from_slice(after);
    }
}

/// A cell, and what parts it from the next.
fn append(out: &mut Vec<u8>, format: TextFormat, cell: &str) {
    append_cell(out, cell, format == TextFormat::Csv);
    out.push(format.delimiter());
}

fn append_figure(out: &mut Vec<u8>, figure: u32) {
    out.extend_from_slice(itoa::Buffer::new().format(figure).as_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        exports::{CellBuffer, KeyExportRow, append_row, groups::Secret},
        keys::{Activations, KeyKind},
    };

    const TEXT: &str = "['=,\t\"\r\na]{0,3}|\\PC{0,4}";

    proptest! {
        #[test]
        fn rows_are_those_of_the_columns(
            shared in proptest::array::uniform3(TEXT), rows in proptest::collection::vec(
                (TEXT, TEXT, TEXT, proptest::option::of(proptest::sample::select(&KeyKind::ALL[..])),
                 any::<Option<u32>>(), any::<Option<u32>>(), any::<Option<u32>>()), 0..8),
            tsv: bool,
        ) {
            let format = if tsv { TextFormat::Tsv } else { TextFormat::Csv };
            let products: Vec<_> = rows.iter().map(|row| (Uuid::new_v4(), row.0.clone())).collect();
            let mut fast = KeyRows::new(format, products.iter().map(|(id, name)| (id, name)));
            let (mut out, mut plain) = (Vec::new(), Vec::new());
            let shared = shared.each_ref().map(String::as_str);
            fast.begin(["of", "another", "License ID"]);
            fast.begin(shared);
            for ((product, name), (_, key, status, kind, used, total, seats)) in products.iter().zip(&rows) {
                let row = SealedRow {
                    id: Uuid::nil(), product: *product, kind: *kind, secret: Secret::NotNeeded(""),
                    used: *used, total: *total, seats: *seats, osa_status: status,
                };
                fast.append(&mut out, &row, ExportedKey::Key(key)).unwrap();
                let row = KeyExportRow {
                    license_id: shared[0], parent_program: shared[1], organization: shared[2], product: name,
                    key: ExportedKey::Key(key), kind: *kind, osa_status: status, seats: *seats,
                    activations: used.zip(*total).map(|(used, limit)| Activations { used, limit }),
                };
                append_row(&mut plain, format, &row.cells(&mut CellBuffer::default()));
            }
            prop_assert_eq!(String::from_utf8(out).unwrap(), String::from_utf8(plain).unwrap());
        }
    }

    #[test]
    fn a_product_without_a_name_is_an_error() {
        let rows = KeyRows::new(TextFormat::Csv, []);
        let row = SealedRow {
            id: Uuid::nil(),
            product: Uuid::nil(),
            kind: None,
            secret: Secret::NotNeeded(""),
            used: None,
            total: None,
            seats: None,
            osa_status: "",
        };
        assert!(rows.append(&mut Vec::new(), &row, ExportedKey::NotNeeded("")).is_err());
    }
}
