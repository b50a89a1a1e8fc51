//! Journeys through the portal in a real Chromium, over the demo's estate.
//!
//! Each has a portal, a database and a browser of its own; they run one after the other. Where Chromium or its driver
//! is missing they fail and say so.

mod accessible;
mod audit;
mod driver;
mod files;
mod hand;
mod imports;
mod keyboard;
mod lists;
mod orders;
mod page;
mod pages;
mod palette;
mod panel;
mod pictures;
mod plain;
mod pools;
mod portal;
mod products;
mod readers;
mod reference;
mod reflow;
mod requests;
mod roles;
mod summary;
mod views;
