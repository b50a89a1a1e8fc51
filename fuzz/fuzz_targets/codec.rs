//! Bytes of a connection: framing, the strict reader, and the error line, in whatever pieces they arrive.
#![no_main]

use keyward::{
    activation::{request, wire::LINE},
    responder::codec::Lines,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, Vec<u8>)| {
    let (cut, stream) = input;
    let mut lines = Lines::default();
    let mut rest = stream.as_slice();
    loop {
        match lines.next_line() {
            Ok(Some(line)) => match request::read(line) {
                Ok(received) => {
                    // What was understood is understood again as it would be written.
                    let again = received.request.line();
                    assert!(received.device.is_some() || request::read(again.as_bytes()).unwrap().request == received.request);
                }
                Err(refused) => assert!(refused.fault.line(refused.id).len() < LINE),
            },
            Ok(None) if rest.is_empty() => return,
            Ok(None) => {
                let _ = lines.foreign_bind().map(|bind| bind.refusal());
                let space = lines.space();
                let count = rest.len().min(space.len()).min(usize::from(cut).max(1));
                space[..count].copy_from_slice(&rest[..count]);
                lines.filled(count);
                rest = &rest[count..];
            }
            Err(_) => return,
        }
    }
});
