//! Contracts: from a filter over ticks to a licence summary and its file; the picture of ends, by pointer and by key.

use std::collections::BTreeMap;

use super::{
    driver::Scripts,
    files::export,
    page::same,
    portal::{Journey, Person, estate},
};

const OF: [&str; 2] = ["5133027", "5133419"];

/// The lines of the summary file of some License IDs.
fn lines() -> Vec<Vec<String>> {
    let mut lines: Vec<_> =
        estate("license-summary.csv").into_iter().filter(|row| OF.contains(&row[0].as_str())).collect();
    lines.sort();
    lines
}

/// The same, summed over the License IDs.
fn sums() -> Vec<Vec<String>> {
    let mut sums: BTreeMap<Vec<String>, (u64, u64)> = BTreeMap::new();
    for row in lines() {
        let sum = sums.entry(row[1..5].to_vec()).or_default();
        sum.0 += row[5].parse::<u64>().unwrap();
        sum.1 += row[6].parse::<u64>().unwrap();
    }
    sums.into_iter()
        .map(|(mut row, sum)| {
            row.extend([sum.0.to_string(), sum.1.to_string()]);
            row
        })
        .collect()
}

/// Filter, tick, sum up, export, and read the file back.
#[tokio::test]
async fn ticked_license_ids_are_summed_up_and_exported() {
    let journey = Journey::of(Person::Admin, Scripts::On).await;
    let browser = &journey.browser;
    browser.open("/contracts").await;
    browser.fill("#q", "Fabrikam\n").await;
    browser.at("/contracts?q=Fabrikam").await;
    browser.click("thead .tick").await;
    browser.see_text("[data-select-status]", |text| text == "2 License IDs selected.").await;
    browser.click("//button[contains(., 'Licence summary')]").await;
    browser.see_text("h1", |text| text == "Licence summary").await;
    let chips = browser.texts(".chips .chip").await;
    assert!(OF.iter().all(|id| chips.iter().any(|chip| chip.contains(id))), "{chips:?}");
    same("summed", &export(browser, "Export", "csv").await, &sums());
    let sheet: Vec<Vec<String>> =
        export(browser, "Export", "xlsx").await.into_iter().map(|row| row[..6].to_vec()).collect();
    same("summed, as a workbook", &sheet, &sums());
    browser.click("//a[.='Per License ID']").await;
    browser.see("//th/a[.='License ID']").await;
    same("apart", &export(browser, "Export", "csv").await, &lines());
    browser.click(&format!("//a[contains(@class, 'chip')][contains(., '{}')]", OF[0])).await;
    browser.at(&format!("/contracts/summary?by=license_id&license_id={}", OF[1])).await;
    browser.click(".back a").await;
    browser.at("/contracts").await;
    journey.end(&[]).await;
}

/// The same button without a script: what the filters show, and what is left out.
#[tokio::test]
async fn a_summary_works_without_scripts() {
    let journey = Journey::of(Person::Admin, Scripts::Off).await;
    let browser = &journey.browser;
    browser.open("/contracts").await;
    browser.click("//button[contains(., 'Licence summary')]").await;
    browser.see_text("h1", |text| text == "Licence summary").await;
    browser.see("//p[contains(., '0005512873') and contains(., 'MPSA')]").await;
    browser.open("/contracts?q=Fabrikam").await;
    browser.click(&format!("//label[input[@value='{}']]", OF[1])).await;
    browser.click("//button[contains(., 'Licence summary')]").await;
    browser.see(&format!("//a[contains(@class, 'chip')][contains(., '{}')]", OF[1])).await;
    assert_eq!(browser.count(".chips .chip").await, 1);
    journey.end(&[]).await;
}

/// The picture of ends: its columns and its table lead to a month, and what is folded stays folded.
#[tokio::test]
async fn the_picture_of_ends_leads_to_its_months() {
    let journey = Journey::of(Person::Admin, Scripts::On).await;
    let browser = &journey.browser;
    let june = "/contracts?month=2027-06";
    browser.open("/contracts").await;
    browser.js("document.querySelector('.plot-link[aria-label^=\"June 2027\"]').focus()").await;
    browser.press("\n").await;
    browser.at(june).await;
    let mut ids = browser.texts("tbody .row-link").await;
    ids.sort();
    assert_eq!(ids, ["8671204", "8671311", "8671377"]);
    browser.back().await;
    browser.at("/contracts").await;
    browser.click("//summary[.='The numbers behind it']").await;
    browser.click("//details//th/a[.='June 2027']").await;
    browser.at(june).await;
    browser.click("//a[contains(@class, 'chip')][contains(., 'Ends in June 2027')]").await;
    browser.at("/contracts").await;
    browser.click("//summary[.='When they end']").await;
    browser.see_no(".plot-area").await;
    browser.reload().await;
    browser.see("tbody .row-link").await;
    browser.see_no(".plot-area").await;

    browser.open("/contracts/8671204?tab=keys").await;
    browser.click("//summary[.='Used of total, as a picture']").await;
    browser.see(".panel .plot-share").await;
    browser.click("//aside//summary[.='The numbers behind it']").await;
    let rows = browser.count(".panel .plot-fold tbody tr").await;
    assert_eq!(rows, browser.count(".panel .plot-share").await, "a row for each bar");
    journey.end(&[]).await;
}

/// From a row's menu to the places beside it.
#[tokio::test]
async fn a_row_leads_to_its_summary_orders_and_people() {
    let journey = Journey::of(Person::Admin, Scripts::On).await;
    let browser = &journey.browser;
    for (label, address) in [
        ("Licence summary", "/contracts/summary?license_id=8671204"),
        ("Orders", "/orders?license_id=8671204"),
        ("People with roles", "/people?license_id=8671204"),
        ("Details", "/contracts/8671204?tab=offerings"),
    ] {
        browser.open("/contracts").await;
        browser.click("summary[aria-label='More for 8671204']").await;
        browser.click(&format!("//tr[.//a='8671204']//a[contains(., '{label}')]")).await;
        browser.at(address).await;
    }
    journey.end(&[]).await;
}
