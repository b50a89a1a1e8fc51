//! What single cells may say. Each function answers the value, or the sentence about the fault.
//!
//! Strict about meaning, helpful about the way out: what a spreadsheet typically does to a cell is
//! recognised and named.
use time::{Date, Month};

use super::findings::quoted;
use crate::{
    keys::{Activations, KeyKind},
    web::view::CONTRACT_PAGES,
};

/// Most characters in a License ID and in a status.
const SHORT: usize = 64;
/// Most characters in an email address (RFC 3696, erratum 1690).
const EMAIL_LENGTH: usize = 254;
/// Most that is counted: keeps every count and the sum of two within 32 signed bits.
const MOST: u32 = 1_000_000_000;

/// A License ID, taken letter by letter: leading zeros belong to it.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn license_id(text: &str) -> Result<&str, String> {
    let text = short(required(text)?)?;
    if text.chars().any(char::is_control) {
        return Err(format!("{} has a control character in it", quoted(text)));
    }
    if text.chars().all(|c| c == '.') {
        return Err(format!("{} is nothing but dots", quoted(text)));
    }
    if CONTRACT_PAGES.contains(&text) {
        return Err(format!("{} is the address of a page of its own here, which no License ID can have", quoted(text)));
    }
    if is_shortened_number(text) {
        return Err(format!("{} is a number that a spreadsheet shortened: format the column as text", quoted(text)));
    }
    Ok(text)
}

/// `5.51E+09`: what a spreadsheet makes of a long number. `4E61138` is an honest identifier.
fn is_shortened_number(text: &str) -> bool {
    text.split_once(['E', 'e']).is_some_and(|(number, power)| {
        let power = power.strip_prefix('+').unwrap_or("");
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        digits(power) && digits(&number.replace(['.', ','], ""))
    })
}

/// A text that must be there.
pub(super) fn required(text: &str) -> Result<&str, String> {
    if text.is_empty() { Err("is empty, but every row needs it".to_owned()) } else { Ok(text) }
}

/// A text of at most 64 characters; may be empty.
pub(super) fn short(text: &str) -> Result<&str, String> {
    match text.chars().count() {
        ..=SHORT => Ok(text),
        length => Err(format!("{} has {length} characters, at most {SHORT} fit", quoted(text))),
    }
}

/// A day as `2026-05-31`; empty is none.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn date(text: &str) -> Result<Option<Date>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let Some((year, month, day)) = iso_parts(text) else {
        let fault = if is_ambiguous_date(text) { "can be read in two ways" } else { "isn't a date" };
        return Err(format!("{} {fault}: write year-month-day, such as 2026-05-31", quoted(text)));
    };
    Month::try_from(month)
        .and_then(|month| Date::from_calendar_date(year, month, day))
        .ok()
        .filter(|_| year >= 1900)
        .map(Some)
        .ok_or_else(|| format!("{} isn't a day of the calendar since 1900", quoted(text)))
}

/// A day that must be there.
pub(super) fn required_date(text: &str) -> Result<Date, String> {
    required(text)?;
    date(text)?.ok_or_else(String::new)
}

/// Year, month and day of exactly `yyyy-mm-dd`.
fn iso_parts(text: &str) -> Option<(i32, u8, u8)> {
    let [year, month, day] = split_three(text, '-')?;
    let shape = [year.len(), month.len(), day.len()] == [4, 2, 2];
    if !shape || !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
        return None;
    }
    Some((year.parse().ok()?, month.parse().ok()?, day.parse().ok()?))
}

/// `5/6/2026`, `5.6.26`, `05-06-2026`: day and month can't be told apart.
fn is_ambiguous_date(text: &str) -> bool {
    ['/', '.', '-'].into_iter().any(|separator| {
        split_three(text, separator).is_some_and(|parts| {
            parts.iter().all(|part| (1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit()))
        })
    })
}

fn split_three(text: &str, separator: char) -> Option<[&str; 3]> {
    let mut parts = text.split(separator);
    let three = [parts.next()?, parts.next()?, parts.next()?];
    parts.next().is_none().then_some(three)
}

/// A whole number without sign and separators; empty is none.
pub(super) fn count(text: &str) -> Result<Option<u32>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    whole_number(text).map(Some).map_err(|fault| match fault {
        NumberFault::TooLarge => format!("{} is above {MOST}", quoted(text)),
        NumberFault::Separators => {
            format!("{} isn't a plain whole number: write it without separators, such as 1000", quoted(text))
        }
        NumberFault::NotANumber => format!("{} isn't a whole number", quoted(text)),
    })
}

/// Yes or no; empty says neither.
pub(super) fn yes_no(text: &str) -> Result<Option<bool>, String> {
    let is = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    match () {
        () if text.is_empty() => Ok(None),
        () if is(&["yes", "y", "true"]) => Ok(Some(true)),
        () if is(&["no", "n", "false"]) => Ok(Some(false)),
        () => Err(format!("{} isn't Yes or No: write one of them, or leave the cell empty", quoted(text))),
    }
}

/// A year of Extended Security Updates: 1 to 99.
pub(super) fn esu_year(text: &str) -> Result<i16, String> {
    i16::try_from(required_count(text)?)
        .ok()
        .filter(|year| (1..=99).contains(year))
        .ok_or_else(|| format!("{} isn't a year of coverage: write 1 for the first", quoted(text)))
}

/// A whole number that must be there.
pub(super) fn required_count(text: &str) -> Result<u32, String> {
    required(text)?;
    count(text).map(Option::unwrap_or_default)
}

enum NumberFault {
    NotANumber,
    Separators,
    TooLarge,
}

fn whole_number(text: &str) -> Result<u32, NumberFault> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        let separated = text.starts_with(|c: char| c.is_ascii_digit())
            && text
                .chars()
                .all(|c| c.is_ascii_digit() || matches!(c, ',' | '.' | '\'' | '’' | ' ' | '\u{a0}' | '\u{202f}'));
        return Err(if separated { NumberFault::Separators } else { NumberFault::NotANumber });
    }
    match text.parse() {
        Ok(number) if number <= MOST => Ok(number),
        _ => Err(NumberFault::TooLarge),
    }
}

/// `42/50`: 42 used out of 50; empty is none. Used above the limit is for the caller to judge.
pub(super) fn activations(text: &str) -> Result<Option<Activations>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let parts = text.split_once('/');
    match parts.map(|(used, limit)| (whole_number(used.trim()), whole_number(limit.trim()))) {
        Some((Ok(used), Ok(limit))) => Ok(Some(Activations { used, limit })),
        Some((Err(NumberFault::TooLarge), _) | (_, Err(NumberFault::TooLarge))) => {
            Err(format!("{} has a number above {MOST}", quoted(text)))
        }
        _ => Err(format!(
            "{} isn't a count: write used/granted, such as 42/50 (a spreadsheet may have turned it into a date)",
            quoted(text)
        )),
    }
}

/// An e-mail address, loosely: something, one `@`, a host name; empty is none.
pub(super) fn email(text: &str) -> Result<&str, String> {
    let well_formed = text.split_once('@').is_some_and(|(local, host)| {
        !local.is_empty() && !host.is_empty() && !host.contains('@') && !host.starts_with('.') && !host.ends_with('.')
    });
    let forbidden = |c: char| c.is_whitespace() || c.is_control() || "<>(),;:\"\\".contains(c);
    if text.is_empty() || (well_formed && !text.contains(forbidden) && text.len() <= EMAIL_LENGTH) {
        Ok(text)
    } else {
        Err(format!("{} isn't an email address", quoted(text)))
    }
}

/// The kind of a key.
pub(super) fn key_kind(text: &str) -> Result<KeyKind, String> {
    if text.is_empty() {
        return Err(format!("is empty beside a key; known are {}", known_kinds()));
    }
    KeyKind::from_label(text).ok_or_else(|| format!("{} is no type of key; known are {}", quoted(text), known_kinds()))
}

fn known_kinds() -> String {
    KeyKind::ALL.map(KeyKind::label).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::date;

    #[test]
    fn a_license_id_keeps_its_leading_zeros() {
        assert_eq!(license_id("0005512873"), Ok("0005512873"));
        assert_eq!(license_id("4E61138"), Ok("4E61138"));
    }

    #[test]
    fn a_license_id_is_refused_when_empty_long_or_damaged() {
        assert!(license_id("").is_err());
        // An address can hold any name but these, which browsers take for steps in a path.
        assert_eq!(license_id("A/B 1%?#"), Ok("A/B 1%?#"));
        assert!(license_id("..").is_err_and(|e| e.contains("dots")) && license_id("..1").is_ok());
        assert!(license_id(&"7".repeat(64)).is_ok());
        assert!(license_id(&"7".repeat(65)).is_err_and(|e| e.contains("65 characters")));
        assert!(license_id("a\tb").is_err_and(|e| e.starts_with("'a\\tb' has a control")));
        assert!(license_id("5.51E+09").is_err_and(|e| e.contains("shortened")));
    }

    #[test]
    fn a_date_is_year_month_day() {
        assert_eq!(super::date("2026-05-31"), Ok(Some(date!(2026 - 05 - 31))));
        assert_eq!(super::date("9999-12-31"), Ok(Some(date!(9999 - 12 - 31))));
        assert_eq!(super::date(""), Ok(None));
    }

    #[test]
    fn a_date_of_unclear_order_is_refused_with_the_way_out() {
        for text in ["31/05/2026", "5/6/26", "31.5.2026", "05-06-2026"] {
            let error = super::date(text).expect_err("ambiguous");
            let way_out = "can be read in two ways: write year-month-day, such as 2026-05-31";
            assert_eq!(error, format!("'{text}' {way_out}"));
        }
    }

    #[test]
    fn a_date_that_is_none_is_refused() {
        assert!(super::date("2026-02-30").is_err_and(|e| e.contains("isn't a day")));
        assert!(super::date("0026-02-03").is_err_and(|e| e.contains("isn't a day")));
        assert!(super::date("soon").is_err_and(|e| e.starts_with("'soon' isn't a date")));
        assert!(super::date("2026-5-31").is_err());
        assert!(super::date("+026-05-31").is_err());
    }

    #[test]
    fn a_count_is_plain_digits() {
        assert_eq!(count("1000"), Ok(Some(1000)));
        assert_eq!(count(""), Ok(None));
        assert!(count("1,000").is_err_and(|e| e.contains("without separators")));
        assert!(count("1’000").is_err_and(|e| e.contains("without separators")));
        for text in ["+5", "-5", "many", "٣"] {
            assert!(count(text).is_err_and(|e| e.ends_with("isn't a whole number")));
        }
        assert!(count("99999999999").is_err_and(|e| e.contains("is above")));
    }

    #[test]
    fn activations_are_used_of_granted() {
        let expected = Activations { used: 42, limit: 50 };
        assert_eq!(activations("42/50"), Ok(Some(expected)));
        assert_eq!(activations("42 / 50"), Ok(Some(expected)));
        assert_eq!(activations(""), Ok(None));
    }

    #[test]
    fn a_malformed_count_of_activations_is_refused() {
        for text in ["42", "42/", "/50", "4/5/6", "-1/50", "Oct-50", "x/50"] {
            assert!(activations(text).is_err_and(|e| e.contains("isn't a count")));
        }
        assert!(activations("1/99999999999").is_err_and(|e| e.contains("above")));
    }

    #[test]
    fn an_email_address_has_one_at_sign_and_no_spaces() {
        assert_eq!(email("it@northwind.example"), Ok("it@northwind.example"));
        assert_eq!(email(""), Ok(""));
        for text in ["it", "@x", "it@", "a@b@c", "a b@c", "a@.c", "<a@c>", "a@c\n"] {
            assert!(email(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_unknown_type_is_answered_with_the_known() {
        let error = key_kind("Retail").expect_err("unknown");
        assert_eq!(error, "'Retail' is no type of key; known are MAK, KMS, VLK, OSA, GVLK");
        assert_eq!(key_kind("kms host"), Ok(KeyKind::KmsHost));
    }
}
