//! Reading real files: the demonstration estate, and a collection of bad and good files.
use std::fs;
use std::path::{Path, PathBuf};

use keyward::exports::{
    CONTRACT_COLUMNS, CellBuffer, ExportedKey, KEY_COLUMNS, KeyExportRow, TextFormat, append_row, header_bytes,
};
use keyward::imports::{Caps, ContractRow, KeyCell, KeyRow, Kind, ParsedFile, Rows, read_file};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> Result<ParsedFile, Vec<String>> {
    let name = path.file_name().expect("a file").to_string_lossy();
    let bytes = fs::read(path).expect("a file of the repository");
    read_file(&name, &bytes, Caps::BROWSER).map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

fn estate(name: &str) -> ParsedFile {
    read(&root().join("demo/estate").join(name)).expect("the estate is well formed")
}

fn estate_keys() -> Vec<KeyRow> {
    match estate("admin-center-keys.csv").rows {
        Rows::Keys(rows) => rows,
        _ => panic!("not keys"),
    }
}

#[test]
fn the_estate_is_read_whole() {
    for (name, kind, rows) in [
        ("contracts.csv", Kind::Contracts, 14),
        ("contacts.csv", Kind::Contacts, 28),
        ("license-summary.csv", Kind::Summaries, 225),
        ("admin-center-keys.csv", Kind::Keys, 474),
        ("orders.csv", Kind::Orders, 180),
    ] {
        let file = estate(name);
        assert_eq!((file.kind, file.rows.len()), (kind, rows), "{name}");
        assert_eq!(file.warnings, [], "{name}");
    }
}

#[test]
fn twenty_rows_of_the_estate_need_no_key() {
    let rows = estate_keys();
    let without = rows.iter().filter(|row| row.kind.is_none());
    assert_eq!(without.count(), 20);
    assert!(rows.iter().all(|row| row.kind.is_none() == matches!(row.key, KeyCell::NotNeeded(_))));
}

fn export(row: &KeyRow) -> KeyExportRow<'_> {
    KeyExportRow {
        license_id: &row.license_id,
        parent_program: row.parent_program.as_deref().unwrap_or(""),
        organization: row.organization.as_deref().unwrap_or(""),
        product: &row.product,
        key: match &row.key {
            KeyCell::Key(key) => ExportedKey::Key(key.expose()),
            KeyCell::NotNeeded(sentence) => ExportedKey::NotNeeded(sentence),
        },
        kind: row.kind,
        activations: row.activations,
        seats: row.seats,
        osa_status: row.osa_status.as_deref().unwrap_or(""),
    }
}

#[test]
fn the_tsv_export_of_the_estate_is_the_vendors_file_byte_for_byte() {
    let mut bytes = header_bytes(TextFormat::Tsv, &KEY_COLUMNS);
    let mut buffer = CellBuffer::default();
    for row in &estate_keys() {
        append_row(&mut bytes, TextFormat::Tsv, &export(row).cells(&mut buffer));
    }
    let original = fs::read(root().join("demo/estate/admin-center-keys.csv")).expect("readable");
    assert!(bytes == original, "the export differs from the file it came from");
}

fn contract_cells(row: &ContractRow) -> [String; 13] {
    let text = |cell: &Option<std::sync::Arc<str>>| cell.as_deref().unwrap_or("").to_owned();
    let day = |date: Option<time::Date>| date.map(|d| d.to_string()).unwrap_or_default();
    [
        row.license_id.to_string(),
        row.organization.to_string(),
        text(&row.parent_organization),
        text(&row.location),
        text(&row.parent_program),
        text(&row.agreement_type),
        text(&row.parent_agreement),
        text(&row.authorization_number),
        text(&row.purchase_account_number),
        day(row.start_date),
        day(row.end_date),
        text(&row.status),
        text(&row.mbsa),
    ]
}

#[test]
fn the_contract_list_imports_again() {
    let Rows::Contracts(rows) = estate("contracts.csv").rows else {
        panic!("not contracts");
    };
    for format in [TextFormat::Csv, TextFormat::Tsv] {
        let mut bytes = header_bytes(format, &CONTRACT_COLUMNS);
        for row in &rows {
            let cells = contract_cells(row);
            append_row(&mut bytes, format, &cells.each_ref().map(String::as_str));
        }
        let again = read_file("again.csv", &bytes, Caps::NONE).expect("own export");
        let Rows::Contracts(again) = again.rows else {
            panic!("not contracts");
        };
        let cells = |rows: &[ContractRow]| rows.iter().map(contract_cells).collect::<Vec<_>>();
        assert_eq!(cells(&again), cells(&rows));
    }
}

/// Every bad file lies beside the messages it must be refused with, whole and in order.
#[test]
fn every_bad_file_is_refused_with_its_messages() {
    let mut files = 0;
    for entry in fs::read_dir(root().join("tests/data/bad")).expect("a directory") {
        let path = entry.expect("readable").path();
        if path.extension().is_none_or(|extension| extension != "csv") {
            continue;
        }
        files += 1;
        let told = read(&path).expect_err("a bad file").join("\n") + "\n";
        let expected = fs::read_to_string(path.with_extension("expected")).unwrap_or_default();
        assert_eq!(told, expected, "{}", path.display());
    }
    assert_eq!(files, 24);
}

#[test]
fn every_good_file_is_taken() {
    for (name, rows) in [
        ("header-only.csv", 0),
        ("utf16le.csv", 1),
        ("utf16be.csv", 1),
        ("utf16le-without-mark.csv", 1),
        ("utf8-mark-semicolons.csv", 1),
        ("lf-other-order.csv", 1),
        ("quoted-tab-and-break.csv", 2),
        ("equals-sign.csv", 2),
    ] {
        let file = read(&root().join("tests/data/good").join(name)).expect(name);
        let Rows::Keys(keys) = file.rows else {
            panic!("{name}: not keys");
        };
        assert_eq!(keys.len(), rows, "{name}");
        for key in &keys {
            assert_eq!(&*key.license_id, "0005512873", "{name}");
            let organization = key.organization.as_deref().expect("given");
            let expected = ["Universität Köln", "Universität\tKöln", "Universität\nKöln", "=SUM(A1)"];
            assert!(expected.contains(&organization), "{name}: {organization}");
        }
    }
}
