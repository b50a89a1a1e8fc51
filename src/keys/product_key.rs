//! The written form of a product key: five groups of five letters or digits.
//!
//! A key is a secret. The type that holds one prints nothing of it, wipes its memory when dropped,
//! and the error about a malformed one says where the fault is without repeating the text, because
//! errors end in logs and on pages.
use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

/// Groups in a key.
const GROUPS: usize = 5;
/// Characters in a group.
const GROUP_LENGTH: usize = 5;
/// Characters of a whole key with its hyphens.
const KEY_LENGTH: usize = GROUPS * GROUP_LENGTH + GROUPS - 1;
/// The characters that the best-known vendor's keys are made of: none that look alike.
const USUAL_ALPHABET: &[u8] = b"2346789BCDFGHJKMNPQRTVWXY";

/// A product key in its normal form: upper case, groups joined by hyphens.
///
/// Deliberately neither `Display` nor comparable with text: the only way to the characters is
/// [`ProductKey::expose`], which is easy to find in a review.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct ProductKey(Box<str>);

/// What is wrong with a text that should be a product key. Holds no more of the text than the
/// single character at fault. Groups are counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Nothing but spaces.
    #[error("is empty, needs 5 groups of 5 characters")]
    Empty,
    /// Too few or too many hyphens.
    #[error("has {count} group{s}, needs 5 of 5 characters, joined by hyphens", s = plural(*.count))]
    GroupCount {
        /// Groups found.
        count: usize,
    },
    /// A group that is too short or too long.
    #[error("group {group} has {length} character{s}, needs 5", s = plural(*.length))]
    GroupLength {
        /// Which group, from 1.
        group: usize,
        /// Its length in characters.
        length: usize,
    },
    /// A character that is neither an ASCII letter nor a digit.
    #[error("group {group} has '{shown}', only letters A to Z and digits belong there", shown = .character.escape_debug())]
    Character {
        /// Which group, from 1.
        group: usize,
        /// The character at fault.
        character: char,
    },
}

const fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

impl ProductKey {
    /// Reads a key in any letter case, with spaces around it allowed.
    ///
    /// # Errors
    /// [`Malformed`] names the first faulty group, or the wrong number of groups.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Malformed::Empty);
        }
        check_characters(text)?;
        let count = text.split('-').count();
        if count != GROUPS {
            return Err(Malformed::GroupCount { count });
        }
        for (index, group) in text.split('-').enumerate() {
            if group.len() != GROUP_LENGTH {
                return Err(Malformed::GroupLength { group: index + 1, length: group.len() });
            }
        }
        Ok(Self::normalised(text))
    }

    /// Only for a text that passed the checks of `parse`: ASCII, `KEY_LENGTH` bytes long.
    fn normalised(text: &str) -> Self {
        // One buffer of the final size, so that no half-grown copy is left behind on the heap.
        let mut key = String::with_capacity(KEY_LENGTH);
        key.push_str(text);
        key.make_ascii_uppercase();
        Self(key.into_boxed_str())
    }

    /// The key itself, 29 characters. Every caller must have written its audit row before.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The last group: what is stored and shown in clear.
    pub fn last_five(&self) -> &str {
        &self.0[KEY_LENGTH - GROUP_LENGTH..]
    }

    /// How many characters lie outside the usual alphabet, `2346789BCDFGHJKMNPQRTVWXY`.
    ///
    /// Other vendors use other alphabets, so this is worth a warning, not a refusal: an O typed for
    /// a Q looks just like this. A count, because the characters themselves are part of the secret.
    pub fn unusual_characters(&self) -> usize {
        self.0.bytes().filter(|byte| *byte != b'-' && !USUAL_ALPHABET.contains(byte)).count()
    }
}

fn check_characters(text: &str) -> Result<(), Malformed> {
    for (index, group) in text.split('-').enumerate() {
        if let Some(character) = group.chars().find(|c| !c.is_ascii_alphanumeric()) {
            return Err(Malformed::Character { group: index + 1, character });
        }
    }
    Ok(())
}

impl fmt::Debug for ProductKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProductKey(hidden)")
    }
}

/// A key as lists show it: `•••••-•••••-•••••-•••••-AB12C`.
pub fn masked(last_five: &str) -> String {
    format!("•••••-•••••-•••••-•••••-{last_five}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: &str = "QX3TJ-7WKPD-9HMCV-2BRFG-84YNX";

    fn fault(text: &str) -> String {
        ProductKey::parse(text).expect_err("malformed on purpose").to_string()
    }

    #[test]
    fn a_key_is_normalised_to_upper_case_without_spaces() {
        let key = ProductKey::parse("  qx3tj-7wkpd-9hmcv-2brfg-84ynx ").expect("well formed");
        assert_eq!(key.expose(), KEY);
        assert_eq!(key.last_five(), "84YNX");
    }

    #[test]
    fn a_short_or_long_group_is_named_with_its_length() {
        assert!(fault("QX3TJ-7WKPD-9HMC-2BRFG-84YNX").starts_with("group 3 has 4 characters"));
        assert!(fault("QX3TJ-7WKPD-9HMCV-2BRFG-84YNX7").starts_with("group 5 has 6 characters"));
        assert!(fault("Q-7WKPD-9HMCV-2BRFG-84YNX").starts_with("group 1 has 1 character,"));
    }

    #[test]
    fn a_foreign_character_is_named_with_its_group() {
        assert!(fault("QX3TJ-7W!PD-9HMCV-2BRFG-84YNX").starts_with("group 2 has '!'"));
        assert!(fault("QX3TJ-7WKPD-9HMCV-2BRFÜ-84YNX").starts_with("group 4 has 'Ü'"));
    }

    #[test]
    fn the_wrong_number_of_groups_is_named() {
        assert!(fault("QX3TJ-7WKPD-9HMCV-2BRFG").starts_with("has 4 groups, needs 5"));
        assert!(fault("QX3TJ7WKPD9HMCV2BRFG84YNX").starts_with("has 1 group, needs 5"));
        assert!(fault("  ").starts_with("is empty"));
    }

    #[test]
    fn other_alphabets_are_accepted_and_counted() {
        let key = ProductKey::parse("OOOOO-7WKPD-9HMCV-2BRFG-84YN1").expect("well formed");
        assert_eq!(key.unusual_characters(), 6);
        let key = ProductKey::parse(KEY).expect("well formed");
        assert_eq!(key.unusual_characters(), 0);
    }

    #[test]
    fn debug_prints_nothing_of_the_key() {
        let key = ProductKey::parse(KEY).expect("well formed");
        assert_eq!(format!("{key:?}"), "ProductKey(hidden)");
    }

    #[test]
    fn a_mask_shows_the_last_five_only() {
        assert_eq!(masked("AB12C"), "•••••-•••••-•••••-•••••-AB12C");
    }

    proptest! {
        #[test]
        fn every_well_formed_key_keeps_its_characters(text in "[a-zA-Z0-9]{5}(-[a-zA-Z0-9]{5}){4}") {
            let key = ProductKey::parse(&text).expect("well formed");
            prop_assert_eq!(key.expose(), text.to_ascii_uppercase());
        }

        /// The secret part of a near miss stays out of its error.
        #[test]
        fn the_error_never_repeats_the_text(
            text in "[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{4}[!?]?-[A-Z0-9]{5}-[A-Z0-9]{5}",
        ) {
            if let Err(error) = ProductKey::parse(&text) {
                let sentence = error.to_string();
                for group in text.split('-').filter(|group| group.len() == 5) {
                    prop_assert!(!sentence.contains(group));
                }
            }
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in any::<String>()) {
            let _ = ProductKey::parse(&text);
        }
    }
}
