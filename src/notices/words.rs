//! What notices say. Plain sentences with exact days: they are read weeks after they were written.

use time::{Date, macros::format_description};
use url::form_urlencoded;

use super::schedule::Use;
use crate::{
    people::model::role_label,
    web::view::{count, number},
};

/// `30 June 2027`.
#[must_use]
pub fn day_words(day: Date) -> String {
    day.format(format_description!("[day padding:none] [month repr:long] [year]")).unwrap_or_default()
}

/// A value as it stands in an address.
#[must_use]
pub fn escaped(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// The page of a License ID.
#[must_use]
pub fn contract_link(license_id: &str) -> String {
    format!("/contracts/{}", escaped(license_id))
}

/// The end of a License ID.
#[must_use]
pub fn contract_end(license_id: &str, organization: &str, day: Date) -> String {
    format!(
        "License ID {license_id} of {organization} ends on {}. Renew it in time, or plan what replaces it: keys and downloads may go with it.",
        day_words(day)
    )
}

/// The end of ESU coverage.
#[must_use]
pub fn esu_end(product: &str, year: u8, license_id: &str, day: Date) -> String {
    format!(
        "Extended Security Updates for {product} under License ID {license_id} (year {year}) are covered until {}. Machines that still run it then get no more updates: order the next year where there is one, or replace them.",
        day_words(day)
    )
}

/// A MAK that runs out.
#[must_use]
pub fn mak(product: &str, last_five: &str, license_id: &str, known: Use) -> String {
    let so_far = format!(
        "The MAK ending in {last_five} for {product} under License ID {license_id} has used {} of {} activations",
        number(known.used),
        number(known.total)
    );
    match known.runs_out_on() {
        Some(day) => format!(
            "{so_far}. At the pace of its readings it is used up about {}. Ask for more in time.",
            day_words(day)
        ),
        None => format!("{so_far}. Ask for more before it is used up."),
    }
}

/// `8671204, 8671311 and 3 more`.
fn some(license_ids: &[String], total: u64) -> String {
    let shown = u64::try_from(license_ids.len()).unwrap_or(u64::MAX);
    let listed = license_ids.join(", ");
    match total.saturating_sub(shown) {
        0 => listed,
        more => format!("{listed} and {} more", number(more)),
    }
}

/// License IDs that one person administers alone: title and sentence.
#[must_use]
pub fn alone(license_ids: &[String], total: u64) -> (String, String) {
    let title = match license_ids {
        [one] if total == 1 => format!("You alone administer License ID {one}"),
        _ => format!("You alone administer {}", count(total, "License ID", "License IDs")),
    };
    let sentence = format!(
        "Nobody else administers {}. If you leave, nobody can give its keys to somebody else: name a second Administrator.",
        some(license_ids, total)
    );
    (title, sentence)
}

/// A role that ends by itself: title and sentence.
#[must_use]
pub fn grant_end(role: &str, license_ids: &[String], total: u64, last_day: Date) -> (String, String) {
    let role = role_label(role);
    let place = match license_ids {
        [one] if total == 1 => format!("License ID {one}"),
        _ => count(total, "License ID", "License IDs"),
    };
    let title = format!("Your role {role} on {place} ends after {}", day_words(last_day));
    let sentence = format!(
        "You are {role} on {} until the end of {}. Ask an Administrator there if you need it longer.",
        some(license_ids, total),
        day_words(last_day)
    );
    (title, sentence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::date;

    #[test]
    fn many_license_ids_are_told_by_the_first_and_a_number() {
        let ids = ["1", "2"].map(String::from);
        assert_eq!(some(&ids, 2), "1, 2");
        assert_eq!(some(&ids, 1_002), "1, 2 and 1,000 more");
        assert_eq!(alone(&ids[..1], 1).0, "You alone administer License ID 1");
        assert_eq!(alone(&ids, 40).0, "You alone administer 40 License IDs");
        let (title, _) = grant_end("product-keys-reader", &ids[..1], 1, date!(2026 - 12 - 31));
        assert_eq!(title, "Your role Product keys reader on License ID 1 ends after 31 December 2026");
    }

    #[test]
    fn a_license_id_is_escaped_in_a_link() {
        assert_eq!(contract_link("V 62/1"), "/contracts/V%2062%2F1");
    }

    #[test]
    fn a_mak_is_named_by_its_last_five_alone() {
        let known = Use { used: 950, total: 1000, read_on: date!(2026 - 11 - 22), earlier: None };
        let text = mak("Suite", "AB12C", "1", known);
        assert!(text.contains("ending in AB12C") && text.contains("950 of 1,000"), "{text}");
    }
}
