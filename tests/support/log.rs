//! What the program logs while tests run, at the finest level, for looking through afterwards.

use std::{
    io::Write,
    sync::{Mutex, Once, PoisonError},
};

static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static BEGUN: Once = Once::new();

struct Sink;

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LINES.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Begins to keep everything that is logged in this process.
pub fn keep() {
    BEGUN.call_once(|| {
        let filter = "trace,hyper=info,h2=info,reqwest=info,mio=info";
        let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| Sink).with_ansi(false);
        subscriber.try_init().expect("nobody else keeps the log");
    });
}

/// What was logged so far.
pub fn kept() -> Vec<u8> {
    LINES.lock().unwrap_or_else(PoisonError::into_inner).clone()
}
