//! What everything else stands on: the embedded server, and the databases that tests run on.

mod databases;
mod embedded;
mod interrupted;
mod places;
mod process;
