//! Exports: the downloaded file is opened and compared with the estate's.

use std::io::{Cursor, Read};

use super::{
    driver::Scripts,
    page::{Browser, same},
    portal::{Journey, OWN, Person, column, estate, keys, rows},
};

const HEADER: [&str; 9] = [
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

/// Chooses a format in the menu whose button says `label`; the file's rows, its header checked and left out, sorted.
pub async fn export(browser: &Browser, label: &str, format: &str) -> Vec<Vec<String>> {
    let menu = format!("//details[contains(@class, 'export')][summary[contains(., '{label}')]]");
    browser.click(&format!("{menu}/summary")).await;
    browser.click(&format!("{menu}//button[@value='{format}']")).await;
    read(browser, format).await
}

/// The file that was just downloaded, without what it holds of the demo's own software.
pub async fn read(browser: &Browser, format: &str) -> Vec<Vec<String>> {
    let (name, bytes) = browser.downloaded().await;
    let mut rows = match format {
        "tsv" => {
            assert!(name.ends_with(".csv"), "{name}");
            assert!(bytes.starts_with("\u{feff}".as_bytes()), "begins with a byte order mark");
            assert!(bytes.ends_with(b"\r\n"));
            rows(&bytes, b'\t')
        }
        "csv" => {
            assert!(name.ends_with(".csv"), "{name}");
            rows(&bytes, b',')
        }
        _ => {
            assert!(name.ends_with(".xlsx"), "{name}");
            sheet(&bytes)
        }
    };
    let header = rows.remove(0);
    if header[1] == HEADER[1] {
        assert_eq!(header, HEADER);
    }
    rows.retain(|row| row[column::LICENSE_ID] != OWN);
    rows.sort();
    rows
}

/// The cells of a workbook's sheet, which Keyward writes as inline text.
fn sheet(bytes: &[u8]) -> Vec<Vec<String>> {
    let mut book = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut xml = String::new();
    book.by_name("xl/worksheets/sheet1.xml").unwrap().read_to_string(&mut xml).unwrap();
    let rows = xml.split("<row ").skip(1);
    rows.map(|row| {
        let mut cells = vec![String::new(); HEADER.len()];
        for cell in row.split("<c r=\"").skip(1) {
            let column = usize::from(cell.as_bytes()[0] - b'A');
            let text = cell.split_once("<t").and_then(|(_, rest)| rest.split_once('>')).map_or("", |(_, text)| text);
            let text = text.split_once("</t>").map_or("", |(text, _)| text);
            cells[column] =
                text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
        }
        cells
    })
    .collect()
}

/// The last groups of the ticked rows.
async fn tick(browser: &Browser, rows: &[usize]) -> Vec<String> {
    let mut ends = Vec::new();
    for row in rows {
        let row = format!(".panel .key-row:nth-child({row})");
        browser.click(&format!("{row} .tick")).await;
        let text = browser.text(&format!("{row} [data-key-text]")).await;
        ends.push(text.rsplit('-').next().unwrap().to_owned());
    }
    ends
}

/// The ticked keys of a product, in each format.
#[tokio::test]
async fn selected_keys_are_exported_in_each_format() {
    let journey = Journey::of(Person::Admin, Scripts::On).await;
    let browser = &journey.browser;
    browser.open("/products/office-ltsc-professional-plus-2024").await;
    let ends = tick(browser, &[2, 3, 7]).await;
    browser.see_text("[data-select-status]", |text| text == "3 keys selected.").await;
    let product = "Office LTSC Professional Plus 2024";
    let want = keys(|row| row[column::PRODUCT] == product && ends.iter().any(|end| row[column::KEY].ends_with(end)));
    assert_eq!(want.len(), 3);
    for format in ["tsv", "csv", "xlsx"] {
        same(format, &export(browser, "Export selected keys", format).await, &want);
    }
    // nothing ticked: said, not exported
    browser.click("[data-select-clear]").await;
    browser.click("//aside//details[contains(@class, 'export')]/summary").await;
    browser.click("//aside//button[@value='csv']").await;
    browser.see_text(".banner.warn", |text| text.starts_with("Nothing was selected")).await;
    journey.end(&[]).await;
}

/// All keys are the vendor's file again, row by row.
#[tokio::test]
async fn all_keys_are_the_vendors_file_again() {
    let journey = Journey::of(Person::Admin, Scripts::On).await;
    let browser = &journey.browser;
    browser.open("/products").await;
    let header = &estate("admin-center-keys.csv")[0];
    assert_eq!(header, &HEADER);
    for format in ["tsv", "xlsx"] {
        same(format, &export(browser, "Export all keys", format).await, &keys(|_| true));
    }
    journey.end(&[]).await;
}

/// Contracts: the keys of ticked License IDs, and the list itself.
#[tokio::test]
async fn contracts_export_their_keys_and_their_list() {
    let journey = Journey::of(Person::Admin, Scripts::On).await;
    let browser = &journey.browser;
    browser.open("/contracts").await;
    for id in ["8671204", "0005512873"] {
        browser.click(&format!("//label[input[@value='{id}']]")).await;
    }
    browser.see_text("[data-select-status]", |text| text == "2 License IDs selected.").await;
    let ticked = |row: &[String]| ["8671204", "0005512873"].contains(&row[column::LICENSE_ID].as_str());
    same("their keys", &export(browser, "Export keys", "tsv").await, &keys(ticked));
    let list = |wanted: &dyn Fn(&[String]) -> bool| {
        let mut rows: Vec<_> = estate("contracts.csv").into_iter().skip(1).filter(|row| wanted(row)).collect();
        for row in &mut rows {
            // The demo's agreements of Northwind stand under an MBSA, which a file of its own says.
            let mbsa = if ["4E61138", "4E70551"].contains(&row[6].as_str()) { "U6140877" } else { "" };
            row.push(mbsa.to_owned());
        }
        rows.sort();
        rows
    };
    same("the ticked list", &export(browser, "Export the list", "csv").await, &list(&ticked));
    browser.click("[data-select-clear]").await;
    let in_force = |row: &[String]| row[11] != "Expired";
    same("the list as filtered", &export(browser, "Export the list", "csv").await, &list(&in_force));
    journey.end(&[]).await;
}

/// "View product keys" of a License ID: more than a page, all that match, ticks that survive paging.
#[tokio::test]
async fn all_matching_keys_of_a_license_id_are_selected() {
    let journey = Journey::of(Person::Admin, Scripts::On).await;
    let browser = &journey.browser;
    browser.open("/contracts").await;
    browser.click("summary[aria-label='More for 8671204']").await;
    browser.click("//tr[.//a='8671204']//a[contains(., 'View product keys')]").await;
    browser.at("/contracts/8671204?tab=keys").await;
    let of_it = keys(|row| row[column::LICENSE_ID] == "8671204");
    assert_eq!(of_it.len(), 59);
    browser.see_text(".panel [data-pager-range]", |text| text == "1–50 of 59").await;

    let mut ends = tick(browser, &[1]).await;
    browser.click(".panel a[rel=next]").await;
    browser.see_text(".panel [data-pager-range]", |text| text == "51–59 of 59").await;
    ends.extend(tick(browser, &[2]).await);
    browser.see_text(".panel [data-select-status]", |text| text == "2 keys selected.").await;
    let two: Vec<_> =
        of_it.iter().filter(|row| ends.iter().any(|end| row[column::KEY].ends_with(end))).cloned().collect();
    same("over two pages", &export(browser, "Export selected keys", "csv").await, &two);

    browser.back().await;
    browser.see_text(".panel [data-pager-range]", |text| text == "1–50 of 59").await;
    browser.click(".panel [data-select-clear]").await;
    browser.click(".panel [data-select-page]").await;
    browser.see_text(".panel [data-select-status]", |text| text == "50 keys selected.").await;
    browser.see_text(".panel button[data-select-matching]", |text| text == "Select all 59 matching").await;
    browser.click(".panel button[data-select-matching]").await;
    browser.see_text(".panel [data-select-status]", |text| text == "All 59 matching selected.").await;
    same("all that match", &export(browser, "Export selected keys", "tsv").await, &of_it);
    journey.end(&[]).await;
}
