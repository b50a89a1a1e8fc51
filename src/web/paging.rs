//! Pages of lists: the number in the address, and the size.

/// Rows a page.
pub const PAGE: i64 = 50;
/// The last page that can be asked for: beyond it an offset only costs time.
const LAST: i64 = 100_000;

/// The page number in an address, from 1; anything else is the first page.
pub fn page_of(text: &str) -> i64 {
    text.parse().unwrap_or(1).clamp(1, LAST)
}
