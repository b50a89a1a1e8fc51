//! From the bytes of a file to its text.
//!
//! Taken: UTF-8 with or without byte order mark, UTF-16 of either byte order. The vendor's portal
//! writes the first; a spreadsheet's "Unicode text" is the second. Anything else is refused with
//! the lines at fault, because a guess would store mangled names.
use std::borrow::Cow;

use encoding_rs::{DecoderResult, Encoding, UTF_16BE, UTF_16LE};

use super::findings::Findings;

/// How a spreadsheet file, which is a zip archive, begins.
const ZIP_START: &[u8] = b"PK\x03\x04";
/// Code units of the first line that the guess of a missing byte order mark looks at.
const GUESS_UNITS: usize = 16;

/// The text without byte order mark; `None` if something was found wrong.
///
/// UTF-8 is borrowed, so that a large file isn't copied.
pub(super) fn decode<'a>(bytes: &'a [u8], findings: &mut Findings) -> Option<Cow<'a, str>> {
    if bytes.starts_with(ZIP_START) {
        let sentence = "is a spreadsheet or an archive, not text: save the sheet as CSV UTF-8";
        findings.error(1, None, sentence);
        return None;
    }
    let text = match sniff(bytes) {
        (None, body) => utf8(body, findings).map(Cow::Borrowed),
        (Some(encoding), body) => utf16(encoding, body, findings).map(Cow::Owned),
    }?;
    refuse_nul(&text, findings);
    (!findings.has_errors()).then_some(text)
}

/// `None` stands for UTF-8. The rest is the file without its byte order mark.
fn sniff(bytes: &[u8]) -> (Option<&'static Encoding>, &[u8]) {
    match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => (None, rest),
        [0xff, 0xfe, rest @ ..] => (Some(UTF_16LE), rest),
        [0xfe, 0xff, rest @ ..] => (Some(UTF_16BE), rest),
        _ => (guess_utf16(bytes), bytes),
    }
}

/// Every file starts with an ASCII header, so in UTF-16 every other byte of its start is zero.
fn guess_utf16(bytes: &[u8]) -> Option<&'static Encoding> {
    let units: Vec<&[u8]> = bytes.chunks_exact(2).take(GUESS_UNITS).collect();
    if units.is_empty() {
        None
    } else if units.iter().all(|unit| unit[0] != 0 && unit[1] == 0) {
        Some(UTF_16LE)
    } else if units.iter().all(|unit| unit[0] == 0 && unit[1] != 0) {
        Some(UTF_16BE)
    } else {
        None
    }
}

fn utf8<'a>(bytes: &'a [u8], findings: &mut Findings) -> Option<&'a str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Some(text);
    }
    let mut line = 1;
    let mut told = 0;
    for chunk in bytes.utf8_chunks() {
        line += line_breaks(chunk.valid().as_bytes());
        if let Some(byte) = chunk.invalid().first()
            && told != line
        {
            told = line;
            let sentence = format!("has the byte 0x{byte:02X}, which isn't UTF-8: save the file as CSV UTF-8");
            findings.error(line, None, sentence);
        }
    }
    None
}

fn utf16(encoding: &'static Encoding, bytes: &[u8], findings: &mut Findings) -> Option<String> {
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let mut text = String::new();
    let mut rest = bytes;
    loop {
        let room = decoder.max_utf8_buffer_length_without_replacement(rest.len());
        text.reserve(room.unwrap_or(rest.len()));
        let (result, read) = decoder.decode_to_string_without_replacement(rest, &mut text, true);
        rest = &rest[read..];
        match result {
            DecoderResult::InputEmpty => return Some(text),
            DecoderResult::OutputFull => {}
            DecoderResult::Malformed(..) => {
                let line = 1 + line_breaks(text.as_bytes());
                let sentence = "ends or breaks inside a character: it isn't whole UTF-16";
                findings.error(line, None, sentence);
                return None;
            }
        }
    }
}

/// A NUL in a cell ends strings in other programs, and the database refuses it.
fn refuse_nul(text: &str, findings: &mut Findings) {
    let bytes = text.as_bytes();
    if !bytes.contains(&0) {
        return;
    }
    let mut line = 1;
    let mut from = 0;
    let mut told = 0;
    while let Some(at) = bytes[from..].iter().position(|byte| *byte == 0) {
        line += line_breaks_in(bytes, from, from + at);
        from += at + 1;
        if told != line {
            told = line;
            findings.error(line, None, "has a NUL byte: the file is damaged or isn't text");
        }
    }
}

/// Line ends in a whole text: LF, CR LF, or a CR alone.
fn line_breaks(bytes: &[u8]) -> u64 {
    line_breaks_in(bytes, 0, bytes.len())
}

/// Line ends in a part of a text. A CR LF across the end of the part belongs to the next part.
pub(super) fn line_breaks_in(bytes: &[u8], from: usize, to: usize) -> u64 {
    let mut count = 0;
    for (index, byte) in bytes[from..to].iter().enumerate() {
        let lone_cr = *byte == b'\r' && bytes.get(from + index + 1) != Some(&b'\n');
        count += u64::from(*byte == b'\n' || lone_cr);
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8]) -> Result<String, Vec<String>> {
        let mut findings = Findings::new("f");
        let text = decode(bytes, &mut findings).map(Cow::into_owned);
        match findings.finish() {
            Ok(_) => Ok(text.expect("no text without an error")),
            Err(errors) => Err(errors.iter().map(ToString::to_string).collect()),
        }
    }

    fn units(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    const TEXT: &str = "License ID;Organization\r\n1;Universität Köln\r\n";

    #[test]
    fn utf8_is_taken_with_and_without_mark() {
        assert_eq!(decoded(TEXT.as_bytes()).as_deref(), Ok(TEXT));
        let marked = format!("\u{feff}{TEXT}");
        assert_eq!(decoded(marked.as_bytes()).as_deref(), Ok(TEXT));
    }

    #[test]
    fn utf16_is_taken_in_both_orders_with_and_without_mark() {
        let marked = format!("\u{feff}{TEXT}");
        for text in [TEXT, &marked] {
            assert_eq!(decoded(&units(text, u16::to_le_bytes)).as_deref(), Ok(TEXT));
            assert_eq!(decoded(&units(text, u16::to_be_bytes)).as_deref(), Ok(TEXT));
        }
    }

    #[test]
    fn invalid_utf8_is_named_once_a_line() {
        let errors = decoded(b"a\r\nK\xf6ln \xfc\r\nb\nM\xfcnchen").expect_err("Latin-1");
        assert_eq!(errors.len(), 2);
        assert!(errors[0].starts_with("f:2: has the byte 0xF6, which isn't UTF-8"));
        assert!(errors[1].starts_with("f:4: has the byte 0xFC"));
    }

    #[test]
    fn nul_is_refused_with_its_line() {
        let errors = decoded(b"a,b\n1,2\n3,\0\0\n").expect_err("NUL");
        assert_eq!(errors.len(), 1);
        assert!(errors[0].starts_with("f:3: has a NUL byte"));
    }

    #[test]
    fn half_a_utf16_character_is_refused_with_its_line() {
        let mut bytes = units("\u{feff}a\nb", u16::to_le_bytes);
        bytes.push(b'c');
        let errors = decoded(&bytes).expect_err("odd length");
        assert!(errors[0].starts_with("f:2: ends or breaks inside a character"));
    }

    #[test]
    fn a_spreadsheet_is_told_apart_from_text() {
        let errors = decoded(b"PK\x03\x04rest").expect_err("a zip");
        assert!(errors[0].contains("is a spreadsheet"));
    }

    #[test]
    fn every_style_of_line_end_counts_once() {
        assert_eq!(line_breaks(b"a\r\nb\nc\rd"), 3);
    }
}
