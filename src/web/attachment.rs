//! Files for saving, never for showing.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What doesn't stand for itself in a file's name (RFC 5987, less what is only ever in the way).
const ENCODED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The header `Content-Disposition` for a file of this name, as RFC 6266 has it.
#[must_use]
pub fn named(name: &str) -> String {
    format!("attachment; filename*=UTF-8''{}", utf8_percent_encode(name, &ENCODED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_travels_whole_and_ends_no_header() {
        assert_eq!(named("Plan für.pdf"), "attachment; filename*=UTF-8''Plan%20f%C3%BCr.pdf");
        assert_eq!(named("Übung 1_a-b.iso"), "attachment; filename*=UTF-8''%C3%9Cbung%201_a-b.iso");
        assert!(!named("a\"; x=\"b\r\n.iso").contains(['"', '\r', '\n']));
    }
}
