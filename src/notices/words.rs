//! What notices say. Plain sentences with exact days: they are read weeks after they were written.

use time::{Date, macros::format_description};

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
pub fn esu_end(product: &str, year: i16, license_id: &str, day: Date) -> String {
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
        None if known.used >= known.total => {
            format!("{so_far}. Nothing can be activated with it any more: ask for more.")
        }
        None => format!("{so_far}. Ask for more before it is used up."),
    }
}

/// A key that can be used, as a line.
#[must_use]
pub fn usable_title(product: &str, last_five: &str, day: Date) -> String {
    format!("The key …{last_five} for {product} can be used from {}", day_words(day))
}

/// A key that can be used.
#[must_use]
pub fn usable(product: &str, last_five: &str, license_id: &str, day: Date) -> String {
    format!(
        "The key ending in {last_five} for {product} under License ID {license_id} can be used from {} on: install and activate it on the machines that wait for it.",
        day_words(day)
    )
}

/// Keys that can be used from one day on, of one product under one License ID: title and sentence.
#[must_use]
pub fn usable_keys(keys: u64, product: &str, license_id: &str, day: Date) -> (String, String) {
    let (keys, day) = (number(keys), day_words(day));
    let title = format!("{keys} keys for {product} on License ID {license_id} can be used from {day}");
    let sentence = format!(
        "{keys} keys for {product} under License ID {license_id} can be used from {day} on: install and activate them on the machines that wait for them."
    );
    (title, sentence)
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

/// The text with every product key in it cut to its last five characters: what people write of a request may
/// hold one, and a notice leaves the house.
#[must_use]
pub fn without_keys(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(c) = chars.get(at) {
        match key_at(&chars, at) {
            Some(length) => {
                out.push_str("•••••-•••••-•••••-•••••-");
                out.extend(&chars[at + length - 5..at + length]);
                at += length;
            }
            None => {
                out.push(*c);
                at += 1;
            }
        }
    }
    out
}

/// The length of a key that begins here: five groups of five joined by one character each, or 25 in a run.
fn key_at(chars: &[char], at: usize) -> Option<usize> {
    let plain = |at: usize| chars.get(at).is_some_and(char::is_ascii_alphanumeric);
    let starts = at == 0 || !plain(at - 1);
    let grouped = |joined: &dyn Fn(char) -> bool| {
        (0..29).all(|n| match chars.get(at + n) {
            Some(c) if n % 6 == 5 => joined(*c),
            Some(c) => c.is_ascii_alphanumeric(),
            None => false,
        })
    };
    if grouped(&|c| matches!(c, '-' | '–' | '‐' | '_')) {
        return Some(29);
    }
    // Words may happen to have five letters: with spaces between, a key has a digit in it.
    let digit = |length: usize| chars[at..at + length].iter().any(char::is_ascii_digit);
    if starts && grouped(&|c| c == ' ') && !plain(at + 29) && digit(29) {
        return Some(29);
    }
    (starts && (0..25).all(|n| plain(at + n)) && !plain(at + 25) && digit(25)).then_some(25)
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
    fn a_mak_is_named_by_its_last_five_alone() {
        let known = Use { used: 950, total: 1000, read_on: date!(2026 - 11 - 22), earlier: None };
        let text = mak("Suite", "AB12C", "1", known);
        assert!(text.contains("ending in AB12C") && text.contains("950 of 1,000"), "{text}");
    }

    #[test]
    fn a_key_in_a_text_is_cut_to_its_last_five() {
        let cut = "•••••-•••••-•••••-•••••-AAAA7";
        for key in [
            "CNRYA-7QX2K-9WPVM-4TJHB-AAAA7",
            "CNRYA 7QX2K 9WPVM 4TJHB AAAA7",
            "CNRYA7QX2K9WPVM4TJHBAAAA7",
            "CNRYA–7QX2K–9WPVM–4TJHB–AAAA7",
        ] {
            assert_eq!(without_keys(&format!("Use {key}, please.")), format!("Use {cut}, please."));
            assert_eq!(without_keys(key), cut);
        }
        for text in ["License ID 8671204", "", "these words alone makes sense", "5d3c2a1e-0000-4000-8000-000000000000"]
        {
            assert_eq!(without_keys(text), text);
        }
    }
}
