//! The database: embedded or external, its migrations, and the scoped transaction.
pub mod embedded;
