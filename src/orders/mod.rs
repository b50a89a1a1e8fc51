//! Orders.
pub mod db;
pub mod list;

/// The routes of this slice.
pub fn routes() -> crate::web::registry::Routes {
    crate::web::registry::Routes::default()
}
