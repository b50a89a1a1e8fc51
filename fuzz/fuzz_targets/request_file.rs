//! Request and confirmation files.
#![no_main]

use keyward::activation::offline::{self, CONFIRMATIONS, MOST, REQUESTS};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for first in [REQUESTS, CONFIRMATIONS] {
        let mut file = format!("{first}\n").into_bytes();
        file.extend_from_slice(bytes);
        if let Ok(lines) = offline::read(&file) {
            assert!(!lines.is_empty() && lines.len() <= MOST);
        }
        let _ = offline::confirmations(&file);
    }
});
