//! The web shell.
