//! Denied posts of people who aren't signed in: counted per address and minute and written as one
//! event, so that nobody can fill the log (or the disk behind it) from outside.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

/// Addresses counted apart in one minute; what comes beyond is counted together.
const ADDRESSES: usize = 1_000;

/// The counts of the running minute.
#[derive(Default)]
pub struct Strangers(Mutex<Counts>);

/// Counts by address, and of the addresses beyond the first [`ADDRESSES`].
#[derive(Default)]
pub struct Counts {
    /// Denied posts by address.
    pub by_address: HashMap<IpAddr, u64>,
    /// Denied posts of all further addresses.
    pub others: u64,
}

impl Strangers {
    /// One more from this address.
    pub fn count(&self, address: IpAddr) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.by_address.len() < ADDRESSES || counts.by_address.contains_key(&address) {
            *counts.by_address.entry(address).or_default() += 1;
        } else {
            counts.others += 1;
        }
    }

    /// Takes the counts and begins anew.
    pub fn take(&self) -> Counts {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
