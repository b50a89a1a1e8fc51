//! From text to records: the delimiter, the records, and the line each one starts on.
//!
//! The `csv` crate splits the records. It is lenient by design (it closes a forgotten quote at the
//! end of the file, which would swallow rows silently, and its line numbers know LF only), so each
//! record's raw bytes are looked at once more here.
use csv::StringRecord;

use super::encoding::line_breaks_in;
use super::findings::Findings;

/// Most bytes in a field, after unquoting.
pub const FIELD_LIMIT: usize = 4096;

/// How much a file may hold. Uploads are capped, the command line isn't.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caps {
    /// Most bytes in the file.
    pub bytes: Option<u64>,
    /// Most rows below the header.
    pub rows: Option<usize>,
}

impl Caps {
    /// For uploads in the browser: 10 MiB and 50,000 rows.
    pub const BROWSER: Self = Self { bytes: Some(10 * 1024 * 1024), rows: Some(50_000) };
    /// For the command line: none.
    pub const NONE: Self = Self { bytes: None, rows: None };
}

/// The delimiters, the likelier first where the header has as many of one as of the other.
const DELIMITERS: [u8; 3] = *b"\t;,";

/// The records of a file, one after the other.
pub(super) struct Records<'t> {
    text: &'t [u8],
    delimiter: u8,
    reader: csv::Reader<&'t [u8]>,
    record: StringRecord,
    /// How far `text` is read, and the line there.
    at: usize,
    line: u64,
}

/// What the next record is.
pub(super) enum Next {
    /// A record that starts on this line.
    Record(u64),
    /// One whose quotes are wrong; it is among the findings already.
    Broken,
    /// The file's end.
    End,
}

impl<'t> Records<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let text = text.as_bytes();
        let delimiter = detect_delimiter(text);
        let reader = csv::ReaderBuilder::new().delimiter(delimiter).has_headers(false).flexible(true).from_reader(text);
        Self { text, delimiter, reader, record: StringRecord::new(), at: 0, line: 1 }
    }

    /// The record that `next` read.
    pub(super) fn record(&self) -> &StringRecord {
        &self.record
    }

    pub(super) fn next(&mut self, findings: &mut Findings) -> Next {
        match self.reader.read_record(&mut self.record) {
            Ok(true) => {}
            Ok(false) => return Next::End,
            Err(_) => {
                // Neither can a slice fail to be read nor is the text anything but UTF-8; should
                // the crate find something else, the file must not pass for complete.
                findings.error(self.line, None, "can't be read from here on");
                return Next::End;
            }
        }
        let end = usize::try_from(self.reader.position().byte()).unwrap_or(usize::MAX).min(self.text.len());
        let blank = self.text[self.at..end].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let start = self.at + blank;
        let first_line = self.line + line_breaks_in(self.text, self.at, start);
        self.line = first_line + line_breaks_in(self.text, start, end);
        self.at = end;
        let raw = &self.text[start..end];
        if raw.contains(&b'"')
            && let Err(fault) = check_quotes(raw, self.delimiter)
        {
            let line = first_line + line_breaks_in(self.text, start, start + fault.opened_at);
            findings.error(line, None, fault.sentence);
            return Next::Broken;
        }
        Next::Record(first_line)
    }
}

/// The delimiter that the header has most of, outside quotes.
fn detect_delimiter(text: &[u8]) -> u8 {
    let mut counts = [0_usize; DELIMITERS.len()];
    let mut in_quotes = false;
    let header = text.iter().skip_while(|byte| matches!(byte, b'\r' | b'\n'));
    for byte in header {
        match byte {
            b'"' => in_quotes = !in_quotes,
            b'\r' | b'\n' if !in_quotes => break,
            _ if in_quotes => {}
            _ => {
                for (count, delimiter) in counts.iter_mut().zip(DELIMITERS) {
                    *count += usize::from(*byte == delimiter);
                }
            }
        }
    }
    let most = counts.into_iter().max().unwrap_or(0);
    match counts.iter().position(|count| *count == most) {
        Some(index) if most > 0 => DELIMITERS[index],
        _ => b',',
    }
}

struct QuoteFault {
    /// Offset of the opening quote in the record.
    opened_at: usize,
    sentence: &'static str,
}

/// Refuses what the `csv` crate would mend in silence. A quote inside an unquoted field
/// (`19" rack`) is data, as it is for the crate.
fn check_quotes(raw: &[u8], delimiter: u8) -> Result<(), QuoteFault> {
    let ends_field = |byte: u8| byte == delimiter || matches!(byte, b'\r' | b'\n');
    let mut at = 0;
    while at < raw.len() {
        if raw[at] != b'"' {
            let rest = raw[at..].iter().position(|byte| ends_field(*byte));
            at = rest.map_or(raw.len(), |length| at + length + 1);
            continue;
        }
        let opened_at = at;
        at = closing_quote(raw, at + 1)
            .ok_or(QuoteFault { opened_at, sentence: "opens a quote that is never closed" })?
            + 1;
        match raw.get(at) {
            Some(byte) if !ends_field(*byte) => {
                return Err(QuoteFault {
                    opened_at,
                    sentence: "has text after a closing quote: write a quote inside a quoted cell twice",
                });
            }
            _ => at += 1,
        }
    }
    Ok(())
}

/// The offset of the quote that ends a quoted field; doubled quotes are passed over.
fn closing_quote(raw: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += raw.get(at..)?.iter().position(|byte| *byte == b'"')?;
        if raw.get(at + 1) != Some(&b'"') {
            return Some(at);
        }
        at += 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every record with its line, or the errors.
    fn read(text: &str) -> Result<Vec<(u64, Vec<String>)>, Vec<String>> {
        let mut findings = Findings::new("f");
        let mut records = Records::new(text);
        let mut out = Vec::new();
        loop {
            match records.next(&mut findings) {
                Next::Record(line) => {
                    out.push((line, records.record().iter().map(str::to_owned).collect()));
                }
                Next::Broken => {}
                Next::End => break,
            }
        }
        match findings.finish() {
            Ok(_) => Ok(out),
            Err(errors) => Err(errors.iter().map(ToString::to_string).collect()),
        }
    }

    fn lines(text: &str) -> Vec<u64> {
        let records = read(text).expect("well formed");
        records.into_iter().map(|(line, _)| line).collect()
    }

    #[test]
    fn the_delimiter_is_the_headers() {
        assert_eq!(detect_delimiter(b"a\tb,c\td\n;;;;"), b'\t');
        assert_eq!(detect_delimiter(b"\r\na;b;c,d\n"), b';');
        assert_eq!(detect_delimiter(b"\"a;;;\",b\n"), b',');
        assert_eq!(detect_delimiter(b"alone"), b',');
    }

    #[test]
    fn line_numbers_hold_after_line_breaks_inside_quotes() {
        assert_eq!(lines("a,b\r\n\"1\r\n2\n3\",x\r\n4,5\r\n"), [1, 2, 5]);
    }

    #[test]
    fn line_numbers_hold_with_every_line_end_and_blank_lines() {
        assert_eq!(lines("a,b\n1,2\n3,4"), [1, 2, 3]);
        assert_eq!(lines("a,b\r1,2\r3,4\r"), [1, 2, 3]);
        assert_eq!(lines("\r\na,b\r\n\r\n\r\n1,2\r\n\n3,4"), [2, 5, 7]);
    }

    #[test]
    fn quotes_delimiters_and_line_breaks_inside_quotes_are_data() {
        let records = read("a,b\n\"x, \"\"y\"\"\tz\n\",19\" rack\n").expect("well formed");
        assert_eq!(records[1].1, ["x, \"y\"\tz\n", "19\" rack"]);
    }

    #[test]
    fn a_quote_never_closed_is_refused_at_its_line() {
        let errors = read("a,b\n1,2\n3,\"4\n5,6\n").expect_err("swallows a row");
        assert_eq!(errors, ["f:3: opens a quote that is never closed"]);
    }

    #[test]
    fn text_after_a_closing_quote_is_refused() {
        let errors = read("a,b\n\"1\n2\",\"3\"4\n5,6\n").expect_err("ambiguous");
        assert!(errors[0].starts_with("f:3: has text after a closing quote"));
    }
}
