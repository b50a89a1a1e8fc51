//! The database: embedded or external, its migrations, and the scoped transaction.

pub mod embedded;
pub mod migrate;
mod pool;

pub use pool::{Db, Role, Scope, Scoped};

/// Every migration of the schema, in order; applied as the database's owner.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();
