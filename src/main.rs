//! Keyward on the command line.
fn main() {}
