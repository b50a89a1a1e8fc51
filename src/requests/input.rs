//! What somebody types: numbers, days and words, each with what is wrong with it.

use time::{Date, macros::format_description};

use crate::{
    keys::ProductKey,
    web::{form::Pairs, view::number},
};

/// Longest justification, comment or answer, in characters.
pub const LONGEST: usize = 4_000;
/// The most that can be asked for at once.
const MOST: i64 = 10_000_000;

/// What was typed, and what is wrong with it.
#[derive(Clone, Debug, Default)]
pub struct Input {
    /// As it was sent, without spaces around it.
    pub value: String,
    /// What is wrong with it.
    pub error: Option<String>,
}

impl Input {
    /// A field of the form.
    pub fn read(pairs: &Pairs, name: &str) -> Self {
        // Browsers send line breaks as CRLF.
        Self { value: pairs.one(name).replace("\r\n", "\n").trim().to_owned(), error: None }
    }

    /// Notes what is wrong, unless something is noted already.
    pub fn wrong(&mut self, sentence: impl Into<String>) {
        self.error.get_or_insert(sentence.into());
    }

    /// A whole number from `least` on; thousands may be set apart.
    pub fn number(&mut self, least: i64) -> Option<i64> {
        let digits: String = self.value.chars().filter(|c| !matches!(c, ',' | ' ' | '\u{a0}' | '’')).collect();
        match digits.parse::<i64>() {
            Ok(n) if (least..=MOST).contains(&n) => Some(n),
            _ => {
                self.wrong(format!("Write a whole number from {} to {}.", number(least), number(MOST)));
                None
            }
        }
    }

    /// A day, or none where the field is empty.
    pub fn day(&mut self) -> Option<Date> {
        if self.value.is_empty() {
            return None;
        }
        let day = Date::parse(&self.value, format_description!("[year]-[month]-[day]")).ok();
        if day.is_none() {
            self.wrong("This isn’t a date. Write it as 2027-03-31.");
        }
        day
    }

    /// A day from `today` on, or none where the field is empty.
    pub fn day_from(&mut self, today: Date) -> Option<Date> {
        let day = self.day()?;
        if day < today {
            self.wrong("This day has passed. Choose today or a later one.");
        }
        Some(day)
    }

    /// Several lines of text, without a product key in them.
    pub fn words(&mut self, empty: Option<&str>) -> String {
        if let Some(sentence) = empty.filter(|_| self.value.is_empty()) {
            self.wrong(sentence);
        }
        if self.value.chars().count() > LONGEST {
            self.wrong(format!("This is too long: at most {} characters fit.", number(LONGEST as i128)));
        }
        if holds_key(&self.value) {
            self.wrong(
                "There is a whole product key in this text. Take it out: its last five characters say which it is.",
            );
        }
        self.value.clone()
    }

    /// One short line.
    pub fn line(&mut self) -> String {
        if self.value.chars().count() > 200 || self.value.contains(char::is_control) {
            self.wrong("Write at most 200 characters on one line.");
        }
        if holds_key(&self.value) {
            self.wrong("This holds a whole product key. Take it out: its last five characters say which it is.");
        }
        self.value.clone()
    }
}

/// Whether a text holds something of a product key's shape. Requests go to people who may not read keys, and to vendors.
pub fn holds_key(text: &str) -> bool {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
        .any(|word| ProductKey::parse(word.trim_matches('-')).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_with_a_key_is_told_from_one_without() {
        assert!(holds_key("use ABCDE-FGHJK-12345-VWXYZ-QRTPM, please"));
        assert!(holds_key("(abcde-fghjk-12345-vwxyz-qrtpm)"));
        assert!(!holds_key("the one that ends in QRTPM; 4E61138, 01936f2e-5a70-7000-8000-000000000000"));
    }

    #[test]
    fn numbers_may_be_set_apart() {
        let number = |text: &str| Input { value: text.to_owned(), error: None }.number(1);
        assert_eq!(number("1,200"), Some(1_200));
        assert_eq!(number("0"), None);
        assert_eq!(number("-5"), None);
        assert_eq!(number("99999999999"), None);
    }
}
