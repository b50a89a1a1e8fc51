//! Activation error codes: the table, and finding codes in whatever somebody pastes.
//!
//! The 30 codes of the vendor's troubleshooting article and ten of single articles (DOMAIN §6), told
//! in our own words; six of the ten rest on the titles of articles alone and are marked so.

use std::sync::LazyLock;

use serde::Deserialize;

use super::guides::Guide;

/// A code of the table.
#[derive(Clone, Debug, Deserialize)]
pub struct ErrorCode {
    /// `0xC004F038`: upper-case digits after a small x.
    pub code: String,
    /// What it means, in a few words.
    pub title: String,
    sides: String,
    /// Why it happens.
    pub cause: String,
    /// What to do.
    pub action: String,
    guide: String,
    source: String,
    weak: String,
}

static CODES: LazyLock<Vec<ErrorCode>> = LazyLock::new(|| {
    let mut reader = csv::Reader::from_reader(include_str!("../../reference/errors.csv").as_bytes());
    // A test counts the codes: one that doesn't read can't get lost unseen.
    reader.deserialize().filter_map(Result::ok).collect()
});

/// Where most codes come from.
const MAIN: &str = "Troubleshoot activation error codes (15 January 2025)";
/// Key of `source` in the table, and the article behind it.
const SOURCES: [(&str, &str); 9] = [
    ("activation-codes", MAIN),
    ("dns-not-configured", "Windows activation fails with error 0x8007267 (15 January 2025)"),
    ("event-12293", "Event 12293 and error 0x80072338 when a KMS host is set up (12 February 2026)"),
    ("c004f015", "Error 0xC004F015 when Windows 10 is activated (26 December 2023)"),
    ("c004f063", "0xC004F063 when an OEM version is activated"),
    ("c004e002", "Error 0xC004E002 during activation"),
    ("c004e015", "Error 0xC004E015 during activation"),
    ("event-8198", "Activation event 8198 with errors 0xC0020017 and 0x8007139F"),
    ("8007000d", "Error 0x8007000D when a machine is activated"),
];

/// All codes, the 30 of the main article first.
pub fn all() -> &'static [ErrorCode] {
    &CODES
}

/// A code by its number.
pub fn by_number(number: u32) -> Option<&'static ErrorCode> {
    all().iter().find(|code| code.number() == number)
}

/// The codes in which every word stands.
pub fn search(words: &str) -> Vec<&'static ErrorCode> {
    let words: Vec<String> = words.to_lowercase().split_whitespace().map(str::to_owned).collect();
    let text = |code: &ErrorCode| {
        [&code.code, &code.title, &code.sides, &code.cause, &code.action].map(|part| part.to_lowercase()).join(" ")
    };
    all()
        .iter()
        .filter(|code| {
            let text = text(code);
            words.iter().all(|word| text.contains(word))
        })
        .collect()
}

/// `0xC004F038`, as the table, links and pages write it.
pub fn written(number: u32) -> String {
    format!("0x{number:08X}")
}

impl ErrorCode {
    /// Its number.
    pub fn number(&self) -> u32 {
        self.code.strip_prefix("0x").and_then(|digits| u32::from_str_radix(digits, 16).ok()).unwrap_or_default()
    }

    /// Its own page.
    pub fn href(&self) -> String {
        ["/error-codes/", &self.code].concat()
    }

    /// Where it shows: MAK, KMS client, KMS host.
    pub fn sides(&self) -> impl Iterator<Item = &str> {
        self.sides.split('|')
    }

    /// The guide that leads further.
    pub fn guide(&self) -> Option<Guide> {
        Guide::by_slug(&self.guide)
    }

    /// The vendor's article it is drawn from.
    pub fn source(&self) -> &'static str {
        SOURCES.iter().find(|(key, _)| *key == self.source).map_or(MAIN, |(_, article)| article)
    }

    /// Whether it rests on the title of an article alone.
    pub fn weak(&self) -> bool {
        self.weak == "weak"
    }
}

/// A code found in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its number.
    pub number: u32,
    /// How it stands in the text.
    pub as_written: String,
    /// What is to be said about the spelling; empty where it is usual.
    pub spelling: String,
}

/// Every code in the text, each once, in the order of appearance. Understood are `0xC004F038`,
/// `C004F038`, the signed number `-1073418184`, its unsigned twin, and slips of typing that leave
/// only one known code.
pub fn find(text: &str) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    // A code stands alone; parts of GUIDs and keys hang together by hyphens.
    let words: Vec<&str> = text
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '\u{2212}'))
        .filter(|word| !word.is_empty())
        .collect();
    let alone = words.len() == 1;
    for word in words {
        let whole = read(word, alone).into_iter();
        // file names of articles: error-0xc004f06c
        let parts = word.split('-').filter(|part| *part != word && part.starts_with("0x"));
        for code in whole.chain(parts.filter_map(|part| read(part, false))) {
            if !found.iter().any(|known| known.number == code.number) {
                found.push(code);
            }
        }
    }
    found
}

fn read(word: &str, alone: bool) -> Option<Found> {
    let as_written = word.to_owned();
    let plain = |number| Some(Found { number, as_written: as_written.clone(), spelling: String::new() });
    let spelled = |number, spelling: String| Some(Found { number, as_written: as_written.clone(), spelling });
    if let Some(number) = decimal(word) {
        return spelled(number, format!("{word} is the same number, written as a decimal."));
    }
    let word = word.trim_matches(['-', '\u{2212}']);
    let marked = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X"));
    let digits = marked.unwrap_or(word);
    // The letter O for a nought: only where the rest leaves no doubt.
    let noughts: String = digits.chars().map(|c| if matches!(c, 'o' | 'O') { '0' } else { c }).collect();
    if !noughts.chars().all(|c| c.is_ascii_hexdigit()) {
        return None;
    }
    let number = u32::from_str_radix(&noughts, 16).ok().filter(|_| noughts.len() == 8);
    let known = number.filter(|number| by_number(*number).is_some());
    if known.is_some() && noughts != digits {
        return spelled(number?, format!("{word} has the letter O where a nought belongs."));
    }
    if let Some(number) = known.or(number.filter(|number| (marked.is_some() || alone) && *number >= 0x8000_0000)) {
        return plain(number);
    }
    // A nought is success, not an error; other short numbers after 0x are flags, sizes, counts.
    if (marked.is_some() || alone) && matches!(noughts.len(), 7 | 9) {
        let near = mistyped(&noughts)?;
        let why = if noughts.len() == 9 { "one digit too many" } else { "one digit too few" };
        return spelled(near, format!("{word} has {why}: a code has eight. {} is meant.", written(near)));
    }
    None
}

/// Ten digits at most, signed or not: how scripts and WMI print an HRESULT.
fn decimal(word: &str) -> Option<u32> {
    let digits = word.replace('\u{2212}', "-");
    if !digits.trim_start_matches('-').chars().all(|c| c.is_ascii_digit()) || digits.len() < 10 {
        return None;
    }
    let number: i64 = digits.parse().ok()?;
    let number = match i32::try_from(number) {
        Ok(signed) if signed < 0 => signed.cast_unsigned(),
        Ok(_) => return None,
        Err(_) => u32::try_from(number).ok()?,
    };
    // Unsigned only where the table knows it: ten digits may be a telephone number.
    (digits.starts_with('-') || by_number(number).is_some()).then_some(number)
}

/// The only known code that one digit more or less makes of it. Some of the vendor's own file names
/// read 0xC004CF038 and 0xC004CF042 (DOMAIN §4).
fn mistyped(digits: &str) -> Option<u32> {
    let mut near = all().iter().filter(|code| {
        let right = &code.code[2..];
        let (long, short) = if digits.len() > right.len() { (digits, right) } else { (right, digits) };
        (0..long.len()).any(|at| [&long[..at], &long[at + 1..]].concat().eq_ignore_ascii_case(short))
    });
    let first = near.next()?;
    near.next().is_none().then(|| first.number())
}

/// What can be said about a code that isn't in the table, from its upper half.
pub fn family(number: u32) -> String {
    match number >> 16 {
        0xC004 => "It comes from Windows’ software protection, so it is about activation.".to_owned(),
        0x8007 => {
            let number = number & 0xFFFF;
            format!("It wraps the Windows error {number}: net helpmsg {number} tells its text.")
        }
        0x8009 => "It comes from certificates or cryptography in Windows.".to_owned(),
        _ => "It isn’t one of the codes that activation is known to give.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn numbers(text: &str) -> Vec<String> {
        find(text).iter().map(|found| written(found.number)).collect()
    }

    #[test]
    fn domain_6_30_codes_and_ten_more_six_of_them_weak() {
        let numbers: BTreeSet<_> = all().iter().map(ErrorCode::number).collect();
        assert_eq!((all().len(), numbers.len()), (40, 40));
        assert_eq!(
            all().iter().filter(|code| code.source() == MAIN).count(),
            31,
            "the 30, and 0x80072EE2 of its newer issue"
        );
        assert_eq!(all().iter().filter(|code| code.weak()).count(), 6);
        for code in all() {
            assert_eq!(code.code, written(code.number()));
            assert!(code.sides().all(|side| ["MAK", "KMS client", "KMS host"].contains(&side)), "{}", code.code);
            assert!(SOURCES.iter().any(|(key, _)| *key == code.source), "{}", code.code);
            assert!(code.guide.is_empty() || code.guide().is_some(), "{}", code.code);
            assert!(!code.title.is_empty() && !code.cause.is_empty() && !code.action.is_empty(), "{}", code.code);
        }
    }

    /// S003 calls an exhausted MAK 0xC004C008; S004 says what is right (DOMAIN §4).
    #[test]
    fn s004_a_used_up_mak_and_a_used_up_host_key_have_different_codes() {
        let sides = |number| by_number(number).unwrap().sides().collect::<Vec<_>>().join(",");
        assert_eq!(sides(0xC004_C020), "MAK");
        assert_eq!(sides(0xC004_C008), "KMS host");
        assert!(by_number(0xC004_C008).unwrap().cause.contains("isn’t the code of a used up MAK"));
    }

    #[test]
    fn every_way_of_writing_a_code_is_understood() {
        for text in
            ["0xC004F038", "0Xc004f038", "C004F038", "c004f038", "-1073418184", "3221549112", "\u{2212}1073418184"]
        {
            assert_eq!(numbers(text), ["0xC004F038"], "{text}");
        }
        assert!(find("-1073418184")[0].spelling.contains("decimal"));
        assert_eq!(numbers("0xCOO4FO38"), ["0xC004F038"]);
    }

    /// DOMAIN §4: file names of the vendor's articles have a digit too many.
    #[test]
    fn sup_a_wrong_spelling_is_explained() {
        for (wrong, right) in
            [("0xC004CF038", "0xC004F038"), ("0xC004CF042", "0xC004F042"), ("0x8007267", "0x8007267C")]
        {
            assert_eq!(numbers(wrong), [right]);
            assert!(find(wrong)[0].spelling.contains("a code has eight"), "{wrong}");
        }
    }

    #[test]
    fn codes_are_found_in_what_is_pasted() {
        let slmgr = "Microsoft (R) Windows Script Host Version 5.812\nActivating Windows(R), Enterprise edition (73111121-5638-40f6-bc11-f1d7b0d64300) ...\n\
                     Error: 0xC004F074 On a computer running Microsoft Windows non-core edition, run 'slui.exe 0x2a 0xC004F074' to display the error text.";
        assert_eq!(numbers(slmgr), ["0xC004F074"]);
        let event = "0xC004F06C,5,pc-17.corp.example,6f1c5a2e-0b7d-4a52-9d3e-8007232b0a11,2010/9/29 21:46,0,2,41520,68531fb9-5511-4989-97be-d11a0f55633f";
        assert_eq!(numbers(event), ["0xC004F06C"], "no part of a GUID, no flag");
        assert_eq!(numbers("first 0x8007232B then (c004f038)."), ["0x8007232B", "0xC004F038"]);
        assert_eq!(numbers("see error-0xc004f06c.md"), ["0xC004F06C"]);
        assert_eq!(numbers("0x00000000, 0x0, 12290, 2026-11-22, call 4155550123"), Vec::<String>::new());
    }

    #[test]
    fn an_unknown_code_is_placed_by_its_upper_half() {
        assert_eq!(numbers("0xC004D302"), ["0xC004D302"]);
        assert_eq!(numbers("got 0x80070424 here"), ["0x80070424"]);
        assert!(family(0x8007_0424).contains("net helpmsg 1060"));
    }

    #[test]
    fn words_find_codes_too() {
        assert!(search("blocked key").iter().any(|code| code.number() == 0xC004_C003));
        assert!(search("srv record").len() > 3 && search("no such words").is_empty());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _ = find(&text);
        }

        #[test]
        fn a_code_is_found_wherever_it_stands(at in 0..40_usize, before in "[ ,.(:]{1,3}", after in "[ ,.):]{1,3}") {
            let code = &all()[at];
            let text = ["error", &before, &code.code.to_lowercase(), &after, "done"].concat();
            prop_assert_eq!(find(&text)[0].number, code.number());
        }
    }
}
