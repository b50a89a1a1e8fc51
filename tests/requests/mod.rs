//! The life of a request: as the program plays it, and as the database guards it.

mod guard;
mod property;
