//! Keys of own products: five groups of five of the usual 24 characters, random, with a check.
//!
//! The 25 characters read as a number in base 24 leave 1 when divided by 571. 571 is a prime above 24 that
//! divides neither 24 nor 23, so a single wrong character changes the remainder, and so do two neighbours
//! swapped (and two with one between them), in any place, the last two, which make up the check, included.
//! ISO 7064 calls this a pure system with two check characters. It leaves 105 random bits.

use zeroize::Zeroizing;

use crate::{keys::ProductKey, vault::envelope::fill_random};

/// Letters and digits that don't look alike and spell no words.
pub const ALPHABET: &[u8; 24] = b"BCDFGHJKMPQRTVWXY2346789";
/// Characters of a key without its hyphens.
const LENGTH: usize = 25;
/// The check's modulus.
const MODULUS: u32 = 571;
/// Random characters; the two after them are the check.
const RANDOM: usize = LENGTH - 2;

/// Why a text is no key of an own product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    /// A character that no key holds.
    #[error("a character in it isn't one of {}", String::from_utf8_lossy(ALPHABET))]
    Character,
    /// Well formed, but a character is wrong or two are swapped.
    #[error("a character in it is wrong or two are swapped: compare it with the one that was issued")]
    Check,
}

/// Makes a key at random.
///
/// # Panics
/// When the system has no randomness.
#[allow(clippy::expect_used)] // characters of the alphabet in five groups of five are a key
pub fn generate() -> ProductKey {
    let mut digits = Zeroizing::new([0_u8; LENGTH]);
    let mut random = Zeroizing::new([0_u8; 64]);
    let mut made = 0;
    while made < RANDOM {
        fill_random(random.as_mut());
        // 240 is a multiple of 24: every character is as likely as any other.
        for byte in random.iter().filter(|byte| **byte < 240).take(RANDOM - made) {
            digits[made] = byte % 24;
            made += 1;
        }
    }
    complete(&mut digits);
    let mut text = Zeroizing::new(String::with_capacity(LENGTH + 4));
    for (at, digit) in digits.iter().enumerate() {
        if at > 0 && at % 5 == 0 {
            text.push('-');
        }
        text.push(char::from(ALPHABET[usize::from(*digit)]));
    }
    ProductKey::parse(&text).expect("it is well formed")
}

/// Whether the key's check holds.
///
/// # Errors
/// [`BadKey`] without a character of the key.
pub fn check(key: &ProductKey) -> Result<(), BadKey> {
    let mut remainder = 0;
    for byte in key.expose().bytes().filter(|byte| *byte != b'-') {
        let digit = ALPHABET.iter().position(|known| *known == byte).ok_or(BadKey::Character)?;
        remainder = step(remainder, u32::try_from(digit).map_err(|_| BadKey::Character)?);
    }
    if remainder == 1 { Ok(()) } else { Err(BadKey::Check) }
}

fn step(remainder: u32, digit: u32) -> u32 {
    (remainder * 24 + digit) % MODULUS
}

/// Sets the last two digits so that the whole leaves 1.
fn complete(digits: &mut [u8; LENGTH]) {
    let prefix = digits[..RANDOM].iter().fold(0, |remainder, digit| step(remainder, u32::from(*digit)));
    let shifted = step(step(prefix, 0), 0);
    let check = (MODULUS + 1 - shifted) % MODULUS;
    #[allow(clippy::cast_possible_truncation)] // below 24
    {
        digits[RANDOM] = (check / 24) as u8;
        digits[RANDOM + 1] = (check % 24) as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &[u8]) -> ProductKey {
        ProductKey::parse(std::str::from_utf8(text).unwrap()).unwrap()
    }

    #[test]
    fn keys_that_are_made_hold_their_own_check() {
        for _ in 0..1_000 {
            assert_eq!(check(&generate()), Ok(()));
        }
    }

    /// Every single wrong character and every swap of neighbours, exhaustively, over 200 keys.
    #[test]
    fn any_wrong_character_and_any_swapped_neighbours_are_seen() {
        for _ in 0..200 {
            let key = generate();
            let text = key.expose().as_bytes();
            let places: Vec<usize> = (0..text.len()).filter(|at| text[*at] != b'-').collect();
            for &at in &places {
                for other in ALPHABET.iter().filter(|other| **other != text[at]) {
                    let mut wrong = text.to_vec();
                    wrong[at] = *other;
                    assert_eq!(check(&parse(&wrong)), Err(BadKey::Check), "place {at}");
                }
            }
            for pair in places.windows(2).filter(|pair| text[pair[0]] != text[pair[1]]) {
                let mut swapped = text.to_vec();
                swapped.swap(pair[0], pair[1]);
                assert_eq!(check(&parse(&swapped)), Err(BadKey::Check), "places {pair:?}");
            }
        }
    }

    /// The algebra behind the test above, for all keys at once: no difference of two digits times a power
    /// of 24 (a wrong character), and none times 23 (a swap), is a multiple of the modulus.
    #[test]
    fn no_key_at_all_escapes_the_check() {
        let power = |exponent: u32| (0..exponent).fold(1, |value, _| value * 24 % MODULUS);
        for exponent in 0..25 {
            for difference in 1..24 {
                assert_ne!(difference * power(exponent) % MODULUS, 0);
                assert_ne!(difference * 23 * power(exponent) % MODULUS, 0);
            }
        }
    }

    #[test]
    fn other_alphabets_are_refused() {
        assert_eq!(check(&parse(b"AAAAA-BBBBB-CCCCC-DDDDD-FFFFF")), Err(BadKey::Character));
    }

    #[test]
    fn one_wrong_key_in_571_passes_by_chance_and_no_more() {
        let mut passed = 0;
        for value in 0..57_100_u32 {
            let mut digits = [0_u8; LENGTH];
            let mut rest = value;
            for digit in digits.iter_mut().rev() {
                *digit = u8::try_from(rest % 24).unwrap();
                rest /= 24;
            }
            let remainder = digits.iter().fold(0, |remainder, digit| step(remainder, u32::from(*digit)));
            passed += u32::from(remainder == 1);
        }
        assert_eq!(passed, 100);
    }
}
