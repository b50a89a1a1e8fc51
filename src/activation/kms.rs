//! The rules of the count, pure: what becomes of the requests of one batch of one application (DOMAIN §3).

use std::collections::{BTreeMap, HashMap};

use uuid::Uuid;

use super::wire::Outcome;

/// Names of a machine that are kept to tell a cloned image from a renamed machine.
const NAMES: usize = 8;

/// What a client was answered last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Last {
    /// To which request.
    pub request: Uuid,
    /// The outcome.
    pub result: Outcome,
    /// The count then.
    pub count: i64,
    /// What was needed.
    pub needed: i64,
    /// The lease that it holds by now.
    pub lease: Option<String>,
}

/// A client as a batch finds it.
#[derive(Clone, Debug, Default)]
pub struct Client {
    /// Its name.
    pub machine: String,
    /// Names it had before.
    pub former: Vec<String>,
    /// Whether it is in the count.
    pub counted: bool,
    /// What it was answered last.
    pub last: Option<Last>,
    /// How often it asked in this batch.
    pub asked: i32,
    /// Whether this batch showed that two machines have this id.
    pub cloned: bool,
}

/// The count of an application, its row locked.
#[derive(Clone, Debug, Default)]
pub struct Count {
    /// Clients counted.
    pub total: i64,
    /// The clients that the batch asks about, as far as they are known.
    pub clients: HashMap<Uuid, Client>,
    /// Ids that left the count, with the ids that their machines have now.
    pub gone: BTreeMap<Uuid, Uuid>,
}

/// What a request brings.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Its id.
    pub request: Uuid,
    /// The client.
    pub cmid: Uuid,
    /// The id that it had before.
    pub previous: Option<Uuid>,
    /// Its name.
    pub machine: &'a str,
    /// What its edition needs.
    pub needed: i64,
    /// The lease that it gets when the count suffices.
    pub lease: &'a str,
}

impl Count {
    /// Counts a client and decides; the answer's parts.
    pub fn ask(&mut self, asked: Asked<'_>) -> Last {
        let repeated = self.clients.get(&asked.cmid).and_then(|client| client.last.as_ref());
        if let Some(last) = repeated.filter(|last| last.request == asked.request) {
            return last.clone();
        }
        if let Some(previous) = asked.previous {
            self.supersede(previous, asked.cmid);
        }
        let client = self.clients.entry(asked.cmid).or_default();
        if !client.counted {
            client.counted = true;
            self.total += 1;
        }
        // An id that asks again is no former one.
        self.gone.remove(&asked.cmid);
        client.asked += 1;
        client.name(asked.machine);
        let result = if self.total >= asked.needed { Outcome::Done } else { Outcome::CountInsufficient };
        let held = client.last.take().and_then(|last| last.lease);
        let lease = if result == Outcome::Done { Some(asked.lease.to_owned()) } else { held };
        let last = Last { request: asked.request, result, count: self.total, needed: asked.needed, lease };
        client.last = Some(last.clone());
        last
    }

    fn supersede(&mut self, previous: Uuid, by: Uuid) {
        if let Some(client) = self.clients.get_mut(&previous).filter(|client| client.counted) {
            client.counted = false;
            self.total -= 1;
            self.gone.insert(previous, by);
        }
    }
}

impl Client {
    /// A machine that is renamed never goes back; two machines with one id take turns.
    fn name(&mut self, machine: &str) {
        if self.machine.is_empty() {
            machine.clone_into(&mut self.machine);
        }
        if self.machine == machine {
            return;
        }
        if self.former.iter().any(|name| name == machine) {
            self.cloned = true;
            self.former.retain(|name| name != machine);
        }
        let before = std::mem::replace(&mut self.machine, machine.to_owned());
        self.former.push(before);
        if self.former.len() > NAMES {
            self.former.remove(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(n: u128) -> Uuid {
        Uuid::from_u128(n + 1)
    }

    fn asked(request: u128, cmid: u128, needed: i64) -> Asked<'static> {
        Asked { request: id(request), cmid: id(cmid), previous: None, machine: "PC", needed, lease: "lease" }
    }

    /// ITP: activated at the client's own next request, not retroactively.
    #[test]
    fn twenty_four_machines_wait_and_the_twenty_fifth_does_not() {
        let mut count = Count::default();
        for n in 0..24 {
            let last = count.ask(asked(n, n, 25));
            assert_eq!((last.result, last.lease), (Outcome::CountInsufficient, None));
        }
        assert_eq!(count.ask(asked(24, 24, 25)).result, Outcome::Done);
        assert_eq!(count.ask(asked(25, 0, 25)).result, Outcome::Done);
        assert_eq!(count.total, 25);
    }

    /// WSD kms-general: cumulative between clients and servers.
    #[test]
    fn servers_and_clients_are_counted_together() {
        let mut count = Count::default();
        for n in 0..3 {
            count.ask(asked(n, n, 25));
        }
        assert_eq!(count.ask(asked(3, 3, 5)).count, 4);
        assert_eq!(count.ask(asked(4, 4, 5)).result, Outcome::Done);
    }

    #[test]
    fn a_repeat_is_answered_alike_and_counts_nothing() {
        let mut count = Count::default();
        let first = count.ask(asked(1, 1, 2));
        count.ask(asked(2, 2, 2));
        assert_eq!(count.ask(asked(1, 1, 2)), first);
        assert_eq!(count.clients[&id(1)].asked, 1);
    }

    #[test]
    fn a_new_id_takes_the_place_of_the_previous_one() {
        let mut count = Count::default();
        count.ask(asked(1, 1, 2));
        let last = count.ask(Asked { previous: Some(id(1)), ..asked(2, 2, 2) });
        assert_eq!((last.count, count.gone.get(&id(1))), (1, Some(&id(2))));
        // The old id asks again: another machine still has it.
        assert_eq!(count.ask(asked(3, 1, 2)).count, 2);
        assert!(count.gone.is_empty());
    }

    #[test]
    fn taking_turns_shows_a_cloned_image_and_a_new_name_does_not() {
        let mut count = Count::default();
        for (request, machine, cloned) in [(1, "A", false), (2, "B", false), (3, "C", false), (4, "A", true)] {
            count.ask(Asked { machine, ..asked(request, 1, 5) });
            assert_eq!(count.clients[&id(1)].cloned, cloned, "{machine}");
        }
        assert_eq!(count.total, 1, "one id is one client, however many machines");
    }

    proptest! {
        /// Whatever happens, the total is the number of clients that are counted.
        #[test]
        fn the_total_is_the_number_of_counted_clients(
            asks in proptest::collection::vec((0..30_u128, 0..9_u128, proptest::option::of(0..9_u128), 1..9_i64), 0..60),
        ) {
            let mut count = Count::default();
            for (request, cmid, previous, needed) in asks {
                let previous = previous.filter(|previous| *previous != cmid).map(id);
                let last = count.ask(Asked { previous, ..asked(request, cmid, needed) });
                let counted = count.clients.values().filter(|client| client.counted).count();
                prop_assert_eq!(count.total, i64::try_from(counted).unwrap());
                prop_assert_eq!(last.result == Outcome::Done, last.count >= last.needed);
            }
            for gone in count.gone.keys() {
                prop_assert!(!count.clients[gone].counted);
            }
        }
    }
}
