//! Used of total of a License ID's MAKs, as a picture above its keys.

use uuid::Uuid;

use super::{db, model::MakUse};
use crate::{
    error::Result,
    postgres::Scoped,
    web::view::{Cell, Meter, Numbers, Plot, Share, count, number},
};

/// MAKs in the picture at most.
const LIMIT: i64 = 12;

/// Draws the fullest MAKs; none where there are fewer than two, whose meter says it all.
///
/// # Errors
/// When the database fails.
pub async fn plot(tx: &mut Scoped, contract: Uuid, license_id: &str) -> Result<Option<Plot>> {
    Ok(draw(&db::beside::maks(tx, contract, LIMIT).await?, license_id))
}

fn draw(maks: &[MakUse], license_id: &str) -> Option<Plot> {
    let all = maks.first()?.keys;
    if maks.len() < 2 {
        return None;
    }
    let meter = |key: &MakUse| Meter { used: key.used.unsigned_abs(), total: key.total.unsigned_abs() };
    let share = |key: &MakUse| Share { label: key.product.clone(), mark: key.last_five.clone(), meter: meter(key) };
    let shares: Vec<Share> = maks.iter().map(share).collect();
    let low = shares.iter().filter(|share| !share.meter.word().is_empty()).count() as u64;
    let many = count(all.unsigned_abs(), "MAK", "MAKs");
    let shown = i64::try_from(maks.len()).unwrap_or(i64::MAX);
    let which = if shown < all {
        format!("The {shown} fullest of {many}, the others below.")
    } else {
        format!("{many}, the fullest first.")
    };
    let words = format!("{which} {} of these from 80 % on; the marks stand at 80 % and 95 %.", number(low));
    let row = |key: &MakUse| {
        vec![
            Cell::text(format!("{} ({})", key.product, key.last_five)),
            Cell::number(key.used),
            Cell::number(key.total),
            Cell::text(format!("{} %", percent(key))),
        ]
    };
    let numbers = Numbers {
        caption: "Used of total of each MAK",
        columns: vec![("MAK", false), ("Used", true), ("Total", true), ("Share", true)],
        rows: maks.iter().map(row).collect(),
    };
    Some(Plot::shares(format!("Used of total of the MAKs of {license_id}"), words, shares, numbers))
}

/// Whole percent, above 100 where the vendor counted beyond the limit.
fn percent(key: &MakUse) -> String {
    number(i128::from(key.used) * 100 / i128::from(key.total.max(1)))
}

#[cfg(test)]
pub(super) fn sample() -> Option<Plot> {
    let key = |product: &str, last_five: &str, used, total| MakUse {
        product: product.into(),
        last_five: last_five.into(),
        used,
        total,
        keys: 30,
    };
    draw(
        &[
            key("Windows 11 Pro", "AB12C", 60, 50),
            key("Windows 11 Pro", "CD34E", 48, 50),
            key("Office 2024", "EF56G", 10, 500),
        ],
        "8671204",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fullest_are_drawn_and_the_others_mentioned() {
        let plot = sample().unwrap();
        assert_eq!(
            plot.words,
            "The 3 fullest of 30 MAKs, the others below. 2 of these from 80 % on; the marks stand at 80 % and 95 %."
        );
        assert_eq!(
            plot.numbers.rows[0].iter().map(|cell| cell.text.as_str()).collect::<Vec<_>>(),
            ["Windows 11 Pro (AB12C)", "60", "50", "120 %"]
        );
    }

    #[test]
    fn one_mak_has_its_meter_and_no_picture() {
        assert!(draw(&[], "1").is_none());
        assert!(
            draw(&[MakUse { product: "A".into(), last_five: "AB12C".into(), used: 1, total: 2, keys: 1 }], "1")
                .is_none()
        );
    }
}
