//! Used of total of the fullest MAKs that a person may read, as a picture for the overview.

use super::{
    db,
    model::{Filling, Standing},
};
use crate::{
    error::Result,
    postgres::Scoped,
    web::view::{Cell, Meter, Numbers, Plot, Share, contract_path, number, product_path},
};

/// MAKs in the picture at most.
const LIMIT: i64 = 8;

/// Draws them, where so many are used up and so many others from 80 % on; none where no MAK is that full. Bars that are
/// full tell nothing apart: those that still have something come first.
///
/// # Errors
/// When the database fails.
pub async fn plot(tx: &mut Scoped, used_up: i64, low: i64) -> Result<Option<Plot>> {
    if used_up + low == 0 {
        return Ok(None);
    }
    Ok(draw(&db::fullest(tx, LIMIT).await?, used_up.unsigned_abs(), low.unsigned_abs()))
}

fn draw(maks: &[Filling], used_up: u64, low: u64) -> Option<Plot> {
    if maks.is_empty() {
        return None;
    }
    let meter = |key: &Filling| Meter { used: key.used.unsigned_abs(), total: key.total.unsigned_abs() };
    let share = |key: &Filling| Share { label: key.product.clone(), mark: key.last_five.clone(), meter: meter(key) };
    let numbers = Numbers {
        caption: "Used of total of the fullest MAKs",
        columns: vec![("MAK", false), ("License ID", false), ("Used", true), ("Total", true), ("Share", true)],
        rows: maks.iter().map(row).collect(),
    };
    let shares = maks.iter().map(share).collect();
    Some(Plot::shares(
        "Used of total of the fullest MAKs".to_owned(),
        says(used_up, low, maks.len() as u64),
        shares,
        numbers,
    ))
}

fn says(used_up: u64, low: u64, shown: u64) -> String {
    let gone = match used_up {
        0 => String::new(),
        1 => "1 MAK is used up. ".to_owned(),
        n => format!("{} MAKs are used up. ", number(n)),
    };
    let more = if used_up == 0 { "" } else { " more" };
    let left = match low {
        0 => "No other is used to 80\u{a0}% or beyond.".to_owned(),
        1 => format!("1{more} is used to 80\u{a0}% or beyond."),
        n if n > shown => {
            format!("{}{more} are used to 80\u{a0}% or beyond; the {shown} fullest are shown.", number(n))
        }
        n => format!("{}{more} are used to 80\u{a0}% or beyond, the fullest first.", number(n)),
    };
    format!("{gone}{left} The marks stand at 80\u{a0}% and 95\u{a0}%.")
}

fn row(key: &Filling) -> Vec<Cell> {
    let standing = if key.used >= key.total { Standing::UsedUp } else { Standing::Low };
    let product = format!("{}?keys={}&tab=keys", product_path(&key.slug), standing.code());
    let contract = [&contract_path(&key.license_id), "?tab=keys"].concat();
    // Above 100 where the vendor counted beyond the limit.
    let percent = number(i128::from(key.used) * 100 / i128::from(key.total.max(1)));
    vec![
        Cell::text(format!("{} ({})", key.product, key.last_five)).href(Some(product)),
        Cell::text(key.license_id.clone()).href(Some(contract)),
        Cell::number(key.used),
        Cell::number(key.total),
        Cell::text(format!("{percent} %")),
    ]
}

#[cfg(test)]
pub(crate) fn sample() -> Option<Plot> {
    let key = |product: &str, last_five: &str, used, total| Filling {
        license_id: "V 62/1".into(),
        product: product.into(),
        slug: product.to_lowercase().replace(' ', "-"),
        last_five: last_five.into(),
        used,
        total,
    };
    draw(&[key("Windows 11 Pro", "AB12C", 60, 50), key("Office 2024", "EF56G", 450, 500)], 1, 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_leads_to_its_product_and_its_license_id() {
        let plot = sample().unwrap();
        assert_eq!(
            plot.words,
            "1 MAK is used up. 20 more are used to 80\u{a0}% or beyond; the 2 fullest are shown. The marks stand at 80\u{a0}% and 95\u{a0}%."
        );
        let [first, second] = [&plot.numbers.rows[0], &plot.numbers.rows[1]];
        assert_eq!(first[0].href.as_deref(), Some("/products/windows-11-pro?keys=used-up&tab=keys"));
        assert_eq!(first[1].href.as_deref(), Some("/contracts/V%2062%2F1?tab=keys"));
        assert_eq!(first[4].text, "120 %");
        assert_eq!(second[0].href.as_deref(), Some("/products/office-2024?keys=low&tab=keys"));
    }

    #[test]
    fn nothing_is_drawn_where_no_mak_is_filling() {
        assert!(draw(&[], 0, 0).is_none());
        assert_eq!(
            says(0, 3, 3),
            "3 are used to 80\u{a0}% or beyond, the fullest first. The marks stand at 80\u{a0}% and 95\u{a0}%."
        );
    }
}
