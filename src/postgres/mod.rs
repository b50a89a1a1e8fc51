//! The database: embedded or external, its migrations, and the scoped transaction.

pub mod embedded;
pub mod migrate;
mod pool;

pub use pool::{Db, Role, Scope, Scoped};

/// Every migration of the schema, in order; applied as the database's owner.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

/// A text for `ILIKE '%' || … || '%'` that means itself.
pub fn like(text: &str) -> String {
    text.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_").replace('\0', "")
}
