//! Who holds what, asked of the database.

mod accounts;
mod appointing;
mod giving;
mod inheriting;
mod many;
mod paths;
mod rules;
