//! What a host did since it last wrote it down: requests by operation and result, clients of another protocol,
//! and clients that aren't enrolled. In memory and bounded; a crash loses seconds of statistics, nothing else.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use uuid::Uuid;

/// Entries of each list of strangers between two beats; more are counted with the last known ones.
const STRANGERS: usize = 1_000;

/// The counts.
#[derive(Debug, Default)]
pub struct Tally(Mutex<Counts>);

/// What was counted.
#[derive(Debug, Default)]
pub struct Counts {
    /// Requests by operation and result.
    pub done: HashMap<(&'static str, &'static str), u64>,
    /// Contacts of another protocol by address.
    pub foreign: HashMap<IpAddr, u64>,
    /// Clients that aren't enrolled, by application and client id: name and address.
    pub unverified: HashMap<(Uuid, Uuid), (String, IpAddr)>,
}

impl Tally {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request was answered.
    pub fn count(&self, op: &'static str, word: &'static str) {
        *self.counts().done.entry((op, word)).or_default() += 1;
    }

    /// A client of another protocol came.
    pub fn foreign(&self, address: IpAddr) {
        let mut counts = self.counts();
        if counts.foreign.len() < STRANGERS || counts.foreign.contains_key(&address) {
            *counts.foreign.entry(address).or_default() += 1;
        }
    }

    /// A client asked that isn't enrolled.
    pub fn unverified(&self, application: Uuid, cmid: Uuid, machine: &str, address: IpAddr) {
        let mut counts = self.counts();
        if counts.unverified.len() < STRANGERS {
            counts.unverified.insert((application, cmid), (machine.to_owned(), address));
        }
    }

    /// Takes everything out.
    pub fn take(&self) -> Counts {
        std::mem::take(&mut *self.counts())
    }

    /// Puts back what couldn't be written.
    pub fn put_back(&self, before: Counts) {
        let mut counts = self.counts();
        for (what, n) in before.done {
            *counts.done.entry(what).or_default() += n;
        }
        for (address, n) in before.foreign {
            *counts.foreign.entry(address).or_default() += n;
        }
        for (who, what) in before.unverified {
            counts.unverified.entry(who).or_insert(what);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_take_a_bounded_place() {
        let tally = Tally::default();
        for n in 0..3_000_u32 {
            tally.foreign(IpAddr::from(n.to_be_bytes()));
            tally.unverified(Uuid::nil(), Uuid::from_u128(n.into()), "PC", IpAddr::from([127, 0, 0, 1]));
        }
        let counts = tally.take();
        assert_eq!((counts.foreign.len(), counts.unverified.len()), (STRANGERS, STRANGERS));
    }

    #[test]
    fn what_was_put_back_is_counted_with_what_came_since() {
        let tally = Tally::default();
        tally.count("mak", "0x00000000");
        let before = tally.take();
        tally.count("mak", "0x00000000");
        tally.put_back(before);
        assert_eq!(tally.take().done[&("mak", "0x00000000")], 2);
    }
}
