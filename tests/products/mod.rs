//! Products over HTTP: what their panels say, their files, ESU's days, and what holds where.

mod approved;
mod downloads;
mod esu;
mod overview;
mod shared;
