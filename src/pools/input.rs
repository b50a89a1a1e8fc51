//! A field of a form as it was sent, and what is wrong with it.

use crate::web::{form::Pairs, view::Field};

/// What was typed, and why it isn't taken.
#[derive(Debug, Default)]
pub struct Input {
    /// Without spaces around it.
    pub value: String,
    /// What is wrong and what to do.
    pub error: Option<String>,
}

impl Input {
    /// Takes a field.
    pub fn read(pairs: &Pairs, name: &str) -> Self {
        Self { value: pairs.one(name).trim().to_owned(), error: None }
    }

    /// A field that holds something from the start.
    pub fn of(value: impl Into<String>) -> Self {
        Self { value: value.into(), error: None }
    }

    /// Says what is wrong; the first sentence stays.
    pub fn wrong(&mut self, sentence: impl Into<String>) {
        self.error.get_or_insert(sentence.into());
    }

    /// A text of 1 to `most` characters on one line.
    pub fn text(&mut self, most: usize) -> String {
        let length = self.value.chars().count();
        if length == 0 {
            self.wrong("Fill this in.");
        } else if length > most {
            self.wrong(format!("Write at most {most} characters."));
        } else if self.value.chars().any(char::is_control) {
            self.wrong("Write it on one line, without control characters.");
        }
        self.value.clone()
    }

    /// A whole number within bounds; separators and spaces in it are fine.
    pub fn number(&mut self, least: i64, most: i64) -> i64 {
        let digits: String = self.value.chars().filter(|c| !matches!(c, ',' | ' ' | '\u{a0}' | '’')).collect();
        match digits.parse::<i64>() {
            Ok(number) if (least..=most).contains(&number) => return number,
            _ => self.wrong(format!(
                "Write a whole number from {} to {}.",
                crate::web::view::number(least),
                crate::web::view::number(most)
            )),
        }
        least
    }

    /// As a field of a page.
    pub fn field(self, kind: &'static str, name: &'static str, label: &'static str) -> Field {
        Field::new(kind, name, label).value(self.value).error(self.error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_taken_within_their_bounds() {
        let mut input = Input::of("1,250");
        assert_eq!((input.number(1, 2_000), input.error), (1_250, None));
        for wrong in ["", "0", "2001", "1.5", "-3", "x", "99999999999999999999"] {
            let mut input = Input::of(wrong);
            input.number(1, 2_000);
            assert_eq!(input.error.as_deref(), Some("Write a whole number from 1 to 2,000."), "{wrong}");
        }
    }

    #[test]
    fn texts_are_bounded_and_on_one_line() {
        for (text, fine) in [("Plotter", true), ("", false), ("a\nb", false), (&"x".repeat(101), false)] {
            let mut input = Input::of(text);
            input.text(100);
            assert_eq!(input.error.is_none(), fine, "{text}");
        }
    }
}
