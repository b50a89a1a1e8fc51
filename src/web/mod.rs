//! The web shell: what every page stands in, and the parts pages are made of.
pub mod overview;
pub mod page;
pub mod statics;
pub mod view;
