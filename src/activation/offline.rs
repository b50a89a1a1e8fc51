//! Request and confirmation files: what an isolated machine writes, somebody carries to the portal, and
//! brings back. The lines in them are those of the wire.

use super::{
    request::{self, Received, Refused},
    wire::{LINE, Op},
};

/// First line of a request file.
pub const REQUESTS: &str = "KEYWARD REQUESTS 1";
/// First line of a confirmation file.
pub const CONFIRMATIONS: &str = "KEYWARD CONFIRMATIONS 1";
/// Requests in one file at most.
pub const MOST: usize = 1_000;
/// Bytes of a file at most.
pub const BYTES: usize = 4 * 1024 * 1024;
/// Days that a request may have been on its way.
pub const DAYS: i64 = 60;

/// Why a file isn't taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoFile {
    /// Too large.
    #[error("the file has more than 4 MiB: split it")]
    TooLarge,
    /// Another kind of file.
    #[error("the file doesn't begin with the line “{0}”: choose the one that the machine wrote")]
    Other(&'static str),
    /// Too many.
    #[error("the file has more than {MOST} requests: split it")]
    TooMany,
    /// None.
    #[error("the file holds no request")]
    Empty,
}

/// What a line asks, or why it can't be read.
pub type Read = Result<Received, Refused>;
/// A line of a request file, with its number from 1.
pub type Line = (usize, Read);

/// Reads a request file. Files may have been joined: a first line may stand again between requests. Only
/// `mak` requests are carried, and `hello`s that enrol the device which makes them.
///
/// # Errors
/// [`NoFile`]; a line that isn't a request is an error of its own.
pub fn read(bytes: &[u8]) -> Result<Vec<Line>, NoFile> {
    if bytes.len() > BYTES {
        return Err(NoFile::TooLarge);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).enumerate();
    if lines.next().map(|(_, first)| first) != Some(REQUESTS.as_bytes()) {
        return Err(NoFile::Other(REQUESTS));
    }
    let mut found = Vec::new();
    for (at, line) in lines.filter(|(_, line)| !line.is_empty() && *line != REQUESTS.as_bytes()) {
        if found.len() == MOST {
            return Err(NoFile::TooMany);
        }
        found.push((at + 1, carried(line)));
    }
    if found.is_empty() { Err(NoFile::Empty) } else { Ok(found) }
}

fn carried(line: &[u8]) -> Read {
    if line.len() >= LINE {
        return Err(Refused { id: None, fault: super::wire::Fault::TooLong });
    }
    let received = request::read(line)?;
    if matches!(received.request.op, Op::Mak { .. } | Op::Hello { enrol: Some(_) }) {
        return Ok(received);
    }
    let fault = super::fields::wrong("op", "isn't mak, nor a hello that enrols: nothing else can be carried");
    Err(Refused { id: Some(received.request.id), fault: fault.into() })
}

/// Writes a file of lines under its first line.
pub fn write<'a>(first: &str, lines: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = format!("{first}\n");
    for line in lines {
        text.push_str(line);
        text.push('\n');
    }
    text
}

/// The answer lines of a confirmation file, files joined allowed.
///
/// # Errors
/// [`NoFile::Other`] and [`NoFile::TooLarge`].
pub fn confirmations(bytes: &[u8]) -> Result<Vec<String>, NoFile> {
    if bytes.len() > BYTES {
        return Err(NoFile::TooLarge);
    }
    let text = String::from_utf8_lossy(bytes);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut lines = text.lines().map(str::trim);
    if lines.next() != Some(CONFIRMATIONS) {
        return Err(NoFile::Other(CONFIRMATIONS));
    }
    Ok(lines.filter(|line| !line.is_empty() && *line != CONFIRMATIONS).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MAK: &str = r#"{"v":1,"op":"mak","id":"0e4bd6a4-86f7-4a3b-8a43-6c3fd1c4a101","application":"7f2f9c1e-6f0d-4a59-9c3e-2f1f3f0d1a01","sku":"7f2f9c1e-6f0d-4a59-9c3e-2f1f3f0d1a02","cmid":"7f2f9c1e-6f0d-4a59-9c3e-2f1f3f0d1a03","machine":"PC-0001","virtual":false,"time":"2026-11-22T12:00:00Z","key":"BBBBB-CCCCC-DDDDD-FFFFF-GGGGG","hardware":{"board":"b1"}}"#;

    #[test]
    fn files_can_be_joined_and_a_bad_line_spoils_itself_only() {
        let file = write(REQUESTS, [MAK, "{}"]) + &write(REQUESTS, [MAK]);
        let lines = read(file.as_bytes()).unwrap();
        let told: Vec<(usize, bool)> = lines.iter().map(|(at, line)| (*at, line.is_ok())).collect();
        assert_eq!(told, [(2, true), (3, false), (5, true)]);
    }

    #[test]
    fn other_files_and_other_operations_are_refused() {
        assert_eq!(read(b"{}"), Err(NoFile::Other(REQUESTS)));
        assert_eq!(read(REQUESTS.as_bytes()), Err(NoFile::Empty));
        let status = MAK.replace("\"mak\"", "\"status\"").replace(r#","key":"BBBBB-CCCCC-DDDDD-FFFFF-GGGGG""#, "");
        assert!(read(write(REQUESTS, [status.as_str()]).as_bytes()).unwrap()[0].1.is_err());
        let many = write(REQUESTS, vec![MAK; MOST + 1]);
        assert_eq!(read(many.as_bytes()), Err(NoFile::TooMany));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(rest in proptest::collection::vec(any::<u8>(), 0..400)) {
            let mut file = format!("{REQUESTS}\r\n").into_bytes();
            file.extend(&rest);
            let _ = (read(&rest), read(&file), confirmations(&rest));
        }
    }
}
