//! Frames: from bytes to lines in a buffer of fixed size, and what isn't ours.
//!
//! A connection's buffer is as long as the longest line. Nothing grows with what a client sends: a line that
//! doesn't fit is refused when the buffer is full, before anything was allocated for it.

use crate::activation::wire::{Fault, LINE};

/// The bytes of a connection that no line has been made of yet.
pub struct Lines {
    bytes: Box<[u8; LINE]>,
    filled: usize,
    /// Where the next line begins.
    from: usize,
    /// How far it was searched for its end.
    searched: usize,
}

impl Default for Lines {
    fn default() -> Self {
        Self { bytes: Box::new([0; LINE]), filled: 0, from: 0, searched: 0 }
    }
}

impl Lines {
    /// Where to read more bytes to; never empty after [`Lines::next_line`] found none. Say how many came
    /// with [`Lines::filled`].
    pub fn space(&mut self) -> &mut [u8] {
        if self.from > 0 {
            self.bytes.copy_within(self.from..self.filled, 0);
            self.filled -= self.from;
            self.searched -= self.from;
            self.from = 0;
        }
        &mut self.bytes[self.filled..]
    }

    /// So many bytes came.
    pub fn filled(&mut self, count: usize) {
        self.filled = (self.filled + count).min(LINE);
    }

    /// The next whole line, without its line feed.
    ///
    /// # Errors
    /// [`Fault::TooLong`] when the buffer is full and holds no line.
    pub fn next_line(&mut self) -> Result<Option<&[u8]>, Fault> {
        let end = self.bytes[self.searched..self.filled].iter().position(|byte| *byte == b'\n');
        match end {
            Some(end) => {
                let line = self.from..self.searched + end;
                self.from = line.end + 1;
                self.searched = self.from;
                Ok(Some(&self.bytes[line]))
            }
            None => {
                self.searched = self.filled;
                if self.filled - self.from == LINE { Err(Fault::TooLong) } else { Ok(None) }
            }
        }
    }

    /// Whether bytes of an unfinished line wait.
    pub fn is_begun(&self) -> bool {
        self.filled > self.from
    }

    /// A DCE/RPC `bind` at the very beginning, if that is what came: see [`foreign_bind`].
    pub fn foreign_bind(&self) -> Option<Bind> {
        foreign_bind(&self.bytes[self.from..self.filled])
    }
}

/// A DCE/RPC `bind`: a client of another protocol, pointed at the wrong host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bind {
    call: [u8; 4],
    representation: [u8; 4],
}

/// Bytes of a common header of DCE/RPC.
const HEADER: usize = 16;

/// Whether these first bytes are a connection-oriented DCE/RPC `bind` (C706, chapter 12: version 5, packet
/// type 11). A line of ours begins with `{` and can't be one.
pub fn foreign_bind(bytes: &[u8]) -> Option<Bind> {
    let header: &[u8; HEADER] = bytes.first_chunk()?;
    let [5, 0 | 1, 11, _, representation @ .., _, _, _, _, c0, c1, c2, c3] = header else { return None };
    let &[r0, r1, r2, r3] = &representation[..] else { return None };
    Some(Bind { call: [*c0, *c1, *c2, *c3], representation: [r0, r1, r2, r3] })
}

impl Bind {
    /// The `bind_nak` that says that nothing of the kind is spoken here: reason 0, not specified, and the one
    /// protocol version that such a client knows. In the byte order that the client declared.
    pub fn refusal(&self) -> [u8; 21] {
        const LENGTH: u8 = 21;
        let little = self.representation[0] & 0xf0 == 0x10;
        let length = if little { [LENGTH, 0] } else { [0, LENGTH] };
        let [r0, r1, r2, r3] = self.representation;
        let [c0, c1, c2, c3] = self.call;
        // version 5.0, packet type 13, first and last fragment; no authentication; reason; one version, 5.0
        [5, 0, 13, 3, r0, r1, r2, r3, length[0], length[1], 0, 0, c0, c1, c2, c3, 0, 0, 1, 5, 0]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn feed(lines: &mut Lines, bytes: &[u8]) -> usize {
        let space = lines.space();
        let count = space.len().min(bytes.len());
        space[..count].copy_from_slice(&bytes[..count]);
        lines.filled(count);
        count
    }

    #[test]
    fn a_line_of_4096_bytes_with_its_line_feed_fits_and_one_more_does_not() {
        let mut lines = Lines::default();
        let mut line = vec![b'x'; LINE - 1];
        line.push(b'\n');
        feed(&mut lines, &line);
        assert_eq!(lines.next_line().unwrap().unwrap().len(), LINE - 1);
        assert_eq!(lines.next_line(), Ok(None));
        feed(&mut lines, &[b'x'; LINE]);
        assert_eq!(lines.next_line(), Err(Fault::TooLong));
    }

    #[test]
    fn a_bind_is_answered_by_a_whole_bind_nak_in_its_own_byte_order() {
        let mut bind = [0_u8; 72];
        bind[..16].copy_from_slice(&[5, 0, 11, 3, 0x10, 0, 0, 0, 72, 0, 0, 0, 2, 0, 0, 0]);
        let nak = foreign_bind(&bind).unwrap().refusal();
        assert_eq!(nak[..4], [5, 0, 13, 3]);
        assert_eq!((nak[8], nak[9], nak[12]), (21, 0, 2));
        assert_eq!(usize::from(nak[8]), nak.len());
        bind[4] = 0;
        let nak = foreign_bind(&bind).unwrap().refusal();
        assert_eq!((nak[8], nak[9]), (0, 21));
        bind[2] = 14;
        assert_eq!(foreign_bind(&bind), None);
        assert_eq!(foreign_bind(b"{\"v\":1,\"op\":\"hello\"}"), None);
    }

    proptest! {
        /// However the bytes are cut on their way, the lines are the same.
        #[test]
        fn lines_do_not_depend_on_how_bytes_arrive(
            texts in proptest::collection::vec("[^\n]{0,300}", 1..20), cut in 1..700_usize,
        ) {
            let stream = texts.join("\n") + "\n";
            let mut lines = Lines::default();
            let (mut rest, mut found) = (stream.as_bytes(), Vec::new());
            loop {
                while let Some(line) = lines.next_line().unwrap() {
                    found.push(String::from_utf8(line.to_vec()).unwrap());
                }
                if rest.is_empty() {
                    break;
                }
                let count = feed(&mut lines, &rest[..cut.min(rest.len())]);
                prop_assert!(count > 0);
                rest = &rest[count..];
            }
            prop_assert_eq!(found, texts);
            prop_assert!(!lines.is_begun());
        }

        #[test]
        fn no_bytes_make_the_framing_panic(stream in proptest::collection::vec(any::<u8>(), 0..9000)) {
            let mut lines = Lines::default();
            let mut rest = stream.as_slice();
            while !rest.is_empty() {
                match lines.next_line() {
                    Ok(Some(_)) => {}
                    Ok(None) => {
                        let _ = lines.foreign_bind();
                        let count = feed(&mut lines, rest);
                        rest = &rest[count..];
                    }
                    Err(fault) => {
                        prop_assert_eq!(fault, Fault::TooLong);
                        break;
                    }
                }
            }
        }
    }
}
