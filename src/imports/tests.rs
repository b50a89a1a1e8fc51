//! Tests of whole files: the rules of the key file, the caps, and round trips through the exports.
use proptest::prelude::*;

use super::*;
use crate::exports::{
    CONTRACT_COLUMNS, CellBuffer, ExportedKey, KEY_COLUMNS, KeyExportRow, TextFormat, append_row, header_bytes,
};
use crate::keys::{Activations, KeyKind};

const KEY: &str = "QX3TJ-7WKPD-9HMCV-2BRFG-84YNX";
const HEADER: &str = "License ID,Product,Product Key,Type,MAK Activations-Used/Available,Seats,OSA Status\n";

fn keys(rows: &str) -> (Vec<KeyRow>, Vec<RowWarning>) {
    let file = read_file("k.csv", format!("{HEADER}{rows}").as_bytes(), Caps::NONE);
    match file.expect("well formed") {
        ParsedFile { rows: Rows::Keys(rows), warnings, .. } => (rows, warnings),
        other => panic!("read as {:?}", other.kind),
    }
}

fn errors(rows: &str) -> Vec<String> {
    errors_of(format!("{HEADER}{rows}").as_bytes(), Caps::NONE)
}

fn errors_of(bytes: &[u8], caps: Caps) -> Vec<String> {
    let errors = read_file("k.csv", bytes, caps).expect_err("refused");
    errors.iter().map(ToString::to_string).collect()
}

#[test]
fn a_key_row_is_read_whole() {
    let (rows, warnings) = keys(&format!("007, Windows 11 Pro ,{KEY},mak,42/50,,\n"));
    assert!(warnings.is_empty());
    let row = &rows[0];
    assert_eq!((row.line, &*row.license_id, &*row.product), (2, "007", "Windows 11 Pro"));
    assert_eq!(row.kind, Some(KeyKind::Mak));
    assert_eq!(row.activations, Some(Activations { used: 42, limit: 50 }));
    assert!(matches!(&row.key, KeyCell::Key(key) if key.expose() == KEY));
    assert_eq!((row.seats, &row.osa_status, &row.organization), (None, &None, &None));
}

#[test]
fn a_product_without_key_has_no_kind() {
    let (rows, warnings) = keys("1,SQL Server 2019,This product does not require a product key.,,,250,\n");
    assert!(warnings.is_empty());
    assert!(matches!(&rows[0].key, KeyCell::NotNeeded(text) if text.starts_with("This product")));
    assert_eq!((rows[0].kind, rows[0].seats), (None, Some(250)));
}

#[test]
fn a_type_beside_no_key_is_ignored_with_a_warning() {
    let (rows, warnings) = keys("1,RDS,this product does not require a product key,MAK,,,\n");
    assert_eq!(rows[0].kind, None);
    assert_eq!(warnings[0].kind, WarningKind::TypeIgnored);
}

#[test]
fn an_empty_type_beside_a_key_is_refused() {
    let errors = errors(&format!("1,P,{KEY},,,,\n"));
    assert_eq!(errors, ["k.csv:2: Type: is empty beside a key; known are MAK, KMS, VLK, OSA, GVLK"]);
}

#[test]
fn used_above_the_limit_is_kept_with_a_warning() {
    let (rows, warnings) = keys(&format!("1,P,{KEY},MAK,599/500,,\n"));
    assert_eq!(rows[0].activations, Some(Activations { used: 599, limit: 500 }));
    assert_eq!(warnings[0].kind, WarningKind::UsedAboveLimit);
    assert!(warnings[0].to_string().starts_with("k.csv:2: MAK Activations-Used/Available: 599/500"));
}

#[test]
fn a_key_of_another_alphabet_is_kept_with_a_warning_that_hides_it() {
    let (rows, warnings) = keys("1,P,OOOOO-7WKPD-9HMCV-2BRFG-84YNX,VLK,,5,\n");
    assert_eq!(rows.len(), 1);
    assert_eq!(warnings[0].kind, WarningKind::UnusualCharacters);
    assert!(!warnings[0].sentence.contains("OOO"));
}

#[test]
fn an_osa_status_is_the_vendors_up_to_64_characters() {
    let (rows, _) = keys(&format!("1,P,{KEY},OSA,,5,Expired early\n"));
    assert_eq!(rows[0].osa_status.as_deref(), Some("Expired early"));
    let errors = errors(&format!("1,P,{KEY},OSA,,5,{}\n", "x".repeat(65)));
    assert!(errors[0].starts_with("k.csv:2: OSA Status: "));
}

#[test]
fn a_cell_that_begins_with_an_equals_sign_is_data() {
    let (rows, _) = keys(&format!("1,=SUM(A1),{KEY},VLK,,,\n2,'=SUM(A1),{KEY},VLK,,,\n"));
    assert_eq!((&*rows[0].product, &*rows[1].product), ("=SUM(A1)", "=SUM(A1)"));
}

#[test]
fn no_error_holds_the_text_of_a_key_wherever_it_stands() {
    let secret = "QX3TJ-7WKPD-9HMCV-2BRFG";
    let shifted = format!("{KEY},{KEY},{secret}-8,{KEY},{KEY},{KEY},{KEY}{KEY}{KEY}\n");
    for error in errors(&shifted) {
        assert!(!error.contains("7WKPD"), "{error}");
    }
}

#[test]
fn all_cells_of_all_rows_are_told() {
    let errors = errors(&format!(",,{KEY},Retail,x,y,\n1,P,A-B,MAK,,,\n"));
    let columns: Vec<&str> = errors.iter().filter_map(|e| e.split(": ").nth(1)).collect();
    let used = "MAK Activations-Used/Available";
    assert_eq!(columns, ["License ID", "Product", "Type", used, "Seats", "Product Key"]);
    assert!(errors[5].starts_with("k.csv:3: "));
}

#[test]
fn rows_of_nothing_but_delimiters_are_passed_over() {
    let (rows, _) = keys(&format!("1,P,{KEY},VLK,,,\n,,,,,,\n"));
    assert_eq!(rows.len(), 1);
}

#[test]
fn a_contract_that_ends_before_it_starts_is_kept_with_a_warning() {
    let text = "License ID,Organization,Start date,End date\n1,N,2026-05-31,2026-05-30\n";
    let file = read_file("c.csv", text.as_bytes(), Caps::NONE).expect("kept");
    assert_eq!(file.kind, Kind::Contracts);
    assert_eq!(file.warnings[0].kind, WarningKind::EndsBeforeStart);
}

#[test]
fn the_browser_takes_ten_mebibytes_and_not_one_byte_more() {
    let cap = usize::try_from(Caps::BROWSER.bytes.expect("capped")).expect("fits");
    let mut bytes = HEADER.as_bytes().to_vec();
    bytes.resize(cap, b'\n');
    assert!(read_file("k.csv", &bytes, Caps::BROWSER).is_ok());
    bytes.push(b'\n');
    let errors = errors_of(&bytes, Caps::BROWSER);
    assert!(errors[0].starts_with("k.csv:1: the file has 10485761 bytes, at most 10485760"));
    assert!(read_file("k.csv", &bytes, Caps::NONE).is_ok());
}

#[test]
fn the_browser_takes_fifty_thousand_rows_and_not_one_more() {
    let mut text = HEADER.to_owned();
    text.push_str(&format!("1,P,{KEY},VLK,,,\n").repeat(50_000));
    assert!(read_file("k.csv", text.as_bytes(), Caps::BROWSER).is_ok());
    text.push_str(&format!("1,P,{KEY},VLK,,,\n"));
    let errors = errors_of(text.as_bytes(), Caps::BROWSER);
    assert_eq!(errors.len(), 1);
    assert!(errors[0].starts_with("k.csv:50002: the file has more than 50000 rows"));
    assert!(read_file("k.csv", text.as_bytes(), Caps::NONE).is_ok());
}

#[test]
fn a_full_field_comes_back_even_with_the_prefix() {
    let product = format!("={}", "x".repeat(FIELD_LIMIT - 1));
    let mut bytes = header_bytes(TextFormat::Csv, &["License ID", "Product", "Product Key", "Type"]);
    append_row(&mut bytes, TextFormat::Csv, &["1", &product, KEY, "VLK"]);
    assert!(read_file("k.csv", &bytes, Caps::NONE).is_ok());
}

/// Cells of any kind, the awkward ones often.
fn cell() -> impl Strategy<Value = String> {
    let awkward = "['=+@\"\t\r\n,; a\\-]{0,8}";
    prop_oneof![awkward, "\\PC{0,20}"]
}

/// Writes rows and reads them back, as bare records.
fn through(format: TextFormat, rows: &[Vec<String>]) -> Vec<Vec<String>> {
    let mut bytes = header_bytes(format, &["a", "b", "c"]);
    for row in rows {
        let row: Vec<&str> = row.iter().map(String::as_str).collect();
        append_row(&mut bytes, format, &row);
    }
    let mut findings = Findings::new("f");
    let text = encoding::decode(&bytes, &mut findings).expect("text");
    let mut records = Records::new(&text);
    let mut out = Vec::new();
    while let Next::Record(_) = records.next(&mut findings) {
        let strip = |cell| crate::exports::cells::strip(cell).to_owned();
        out.push(records.record().iter().map(strip).collect());
    }
    assert!(!findings.has_errors(), "a quote went wrong");
    out.remove(0);
    out
}

proptest! {
    #[test]
    fn every_cell_comes_back_through_both_text_formats(
        rows in prop::collection::vec(prop::collection::vec(cell(), 3), 0..6),
    ) {
        prop_assert_eq!(&through(TextFormat::Csv, &rows), &rows);
        prop_assert_eq!(&through(TextFormat::Tsv, &rows), &rows);
    }

    #[test]
    fn what_is_exported_imports_again(
        organization in "['=+@\"\t\n,;a-z]{0,8}",
        product in "['=+@\"\t\n,;a-z]{1,8}",
        used in 0..=1_000_000_000_u32,
        limit in 0..=1_000_000_000_u32,
        status in "[a-zA-Z=]{0,64}",
    ) {
        let row = KeyExportRow {
            license_id: "0005512873",
            parent_program: "MPSA",
            organization: &organization,
            product: &product,
            key: ExportedKey::Key(KEY),
            kind: Some(KeyKind::Setup),
            activations: Some(Activations { used, limit }),
            seats: Some(used),
            osa_status: &status,
        };
        for format in [TextFormat::Csv, TextFormat::Tsv] {
            let mut bytes = header_bytes(format, &KEY_COLUMNS);
            append_row(&mut bytes, format, &row.cells(&mut CellBuffer::default()));
            let file = read_file("k.csv", &bytes, Caps::NONE).expect("own export");
            let Rows::Keys(rows) = file.rows else { panic!("read as {:?}", file.kind) };
            let back = &rows[0];
            prop_assert_eq!(&*back.license_id, "0005512873");
            prop_assert_eq!(&*back.product, &product);
            prop_assert_eq!(back.organization.as_deref().unwrap_or(""), &organization);
            prop_assert_eq!(back.osa_status.as_deref().unwrap_or(""), &status);
            prop_assert_eq!((back.kind, back.seats), (row.kind, row.seats));
            prop_assert_eq!(back.activations, row.activations);
        }
    }

    #[test]
    fn no_bytes_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = read_file("f", &bytes, Caps::NONE);
    }

    #[test]
    fn no_rows_make_the_parser_panic_and_no_refusal_is_silent(
        kind in prop::sample::select(Kind::ALL.to_vec()),
        rows in "[-'\"=/,;\t\r\n0-9A-Z\u{0}é]{0,200}",
    ) {
        let text = format!("{}\n{rows}", kind.columns().join(","));
        if let Err(errors) = read_file("f", text.as_bytes(), Caps::NONE) {
            prop_assert!(!errors.is_empty());
        }
    }
}

#[test]
fn the_contract_list_has_the_columns_of_a_contract_file() {
    assert_eq!(Kind::Contracts.columns(), CONTRACT_COLUMNS);
}
