//! The files under `static/`, each with an address that changes with it.

use rust_embed::RustEmbed;

/// Everything under `static/`: read from disk in a debug build, part of the binary in a release.
#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/static"]
pub struct Assets;

impl Assets {
    /// The address of a file with the beginning of its content's SHA-256, so that the answer may be
    /// cached for ever and a changed file still arrives at once. An unknown file gets no version.
    #[must_use]
    pub fn address(path: &str) -> String {
        match Self::get(path) {
            Some(file) => {
                let [a, b, c, d, ..] = file.metadata.sha256_hash();
                format!("/static/{path}?v={a:02x}{b:02x}{c:02x}{d:02x}")
            }
            None => format!("/static/{path}"),
        }
    }
}
