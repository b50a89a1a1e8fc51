//! Imports in the browser: what would change is shown before anything is written.

use std::{fmt::Write as _, fs, path::PathBuf};

use super::{
    driver::Scripts,
    page::Browser,
    portal::{Journey, Person, column, keys},
};

const HEADER: &str = "License ID,Product,Product Key,Type\r\n";

async fn upload(browser: &Browser, files: &[PathBuf]) {
    browser.open("/imports").await;
    let paths: Vec<&str> = files.iter().map(|file| file.to_str().unwrap()).collect();
    browser.find("#files").await.send_keys(paths.join("\n")).await.unwrap();
    browser.click("//form[@action='/imports']//button").await;
}

/// What a key of the estate would be changed by, a new one and one that is there: preview, apply, and in the list.
async fn preview_and_apply(scripts: Scripts) {
    let journey = Journey::of(Person::Admin, scripts).await;
    let browser = &journey.browser;
    let dir = tempfile::tempdir().unwrap();
    let known = keys(|row| row[column::LICENSE_ID] == "8671377").remove(0);
    let fresh = "VKDWH-VG2KG-8R6M3-9YD7X-BHHM4";
    let file = dir.path().join("two-keys.csv");
    let row = |product: &str, key: &str, kind: &str| format!("8671377,{product},{key},{kind}\r\n");
    let known_row = row(&known[column::PRODUCT], &known[column::KEY], &known[column::KIND]);
    fs::write(&file, [HEADER, &known_row, &row("Windows 11 Pro", fresh, "MAK")].concat()).unwrap();
    upload(browser, std::slice::from_ref(&file)).await;
    browser.see_text("h1", |text| text == "What would change").await;
    let page = browser.text("main").await;
    assert!(page.contains("two-keys.csv") && page.contains("BHHM4"), "{page}");
    assert!(!browser.driver().source().await.unwrap().contains(fresh), "the preview masks keys");

    // nothing is there before it is applied
    let preview = browser.path().await;
    browser.open("/products?q=BHHM4").await;
    browser.see(".empty").await;
    browser.open(&preview).await;
    browser.click("//form[contains(@action, '/apply')]/button").await;
    browser.see_text("h1", |text| text == "What changed").await;
    browser.open("/products?q=BHHM4").await;
    assert_eq!(browser.text("tbody .row-link").await, "Windows 11 Pro");

    // the same file again changes nothing
    upload(browser, &[file]).await;
    browser.see_text("h1", |text| text == "What would change").await;
    assert_eq!(browser.count("//form[contains(@action, '/apply')]").await, 0);
    journey.end(&[]).await;
}

/// Upload, preview, apply.
#[tokio::test]
async fn an_upload_is_previewed_and_applied() {
    preview_and_apply(Scripts::On).await;
}

/// The same without a script.
#[tokio::test]
async fn an_upload_works_without_scripts() {
    preview_and_apply(Scripts::Off).await;
}

/// Bad files say file, line, column and a sentence, and write nothing.
#[tokio::test]
async fn bad_files_are_refused_with_their_places() {
    let journey = Journey::of(Person::Admin, Scripts::On).await;
    let browser = &journey.browser;
    let bad = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/bad");
    for name in ["malformed-key-group", "unknown-header", "invalid-utf8"] {
        let expected = fs::read_to_string(bad.join(format!("{name}.expected"))).unwrap();
        let sentence = expected.lines().next().unwrap().to_owned();
        upload(browser, &[bad.join(format!("{name}.csv"))]).await;
        let says = browser.text(".banner.bad").await;
        assert!(says.contains(&sentence), "{name}: {sentence}\n{says}");
        assert!(says.contains("Nothing was written."), "{says}");
    }
    journey.end(&["status of 4"]).await;
}

/// What is too large for the browser is refused with a sentence: 10 MiB and a byte, 50,001 rows.
#[tokio::test]
async fn uploads_have_a_size() {
    let journey = Journey::of(Person::Admin, Scripts::On).await;
    let browser = &journey.browser;
    let dir = tempfile::tempdir().unwrap();
    let large = dir.path().join("large.csv");
    let mut bytes = HEADER.as_bytes().to_vec();
    bytes.resize(10 * 1024 * 1024 + 1, b' ');
    fs::write(&large, bytes).unwrap();
    upload(browser, &[large]).await;
    browser.see_text(".banner.bad", |text| text.contains("large.csv:1: the file has 10485761 bytes")).await;

    let long = dir.path().join("long.csv");
    let mut text = HEADER.to_owned();
    for _ in 0..50_001 {
        writeln!(text, "8671377,Windows 11 Pro,VKDWH-VG2KG-8R6M3-9YD7X-BHHM4,MAK\r").unwrap();
    }
    fs::write(&long, text).unwrap();
    upload(browser, &[long]).await;
    browser.see_text(".banner.bad", |text| text.contains("long.csv:50002: the file has more than 50000 rows")).await;
    journey.end(&["status of 4"]).await;
}
