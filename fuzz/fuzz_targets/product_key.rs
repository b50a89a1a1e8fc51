//! Texts as keys: nothing panics, and what passes the check doesn't pass with one character changed.
#![no_main]

use keyward::{
    activation::product_key::{ALPHABET, check},
    keys::ProductKey,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (String, u8, u8)| {
    let (text, place, letter) = input;
    let Ok(key) = ProductKey::parse(&text) else { return };
    if check(&key).is_err() {
        return;
    }
    let mut changed = key.expose().as_bytes().to_vec();
    let place = usize::from(place) % changed.len();
    let letter = ALPHABET[usize::from(letter) % ALPHABET.len()];
    if changed[place] != b'-' && changed[place] != letter {
        changed[place] = letter;
        let changed = ProductKey::parse(std::str::from_utf8(&changed).unwrap()).unwrap();
        assert!(check(&changed).is_err());
    }
});
