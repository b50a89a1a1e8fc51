//! Failed sign-ins, throttled: per address tightly, per account generously.
//!
//! Only failures count. An attempt is looked at while its address *or* its account has tokens
//! left: somebody at the same address can't lock a colleague out, nor can a stranger elsewhere lock
//! an account; guessing stops when both are empty.

use std::{
    collections::HashMap,
    hash::Hash,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use time::OffsetDateTime;

use crate::clock::Clock;

/// Burst 3, then one in 20 s (SECURITY 9).
const ADDRESS: Rate = Rate { burst: 3.0, per_second: 0.05 };
/// Ten tries, then one in six minutes: what an account allows beyond its visitors' addresses.
const ACCOUNT: Rate = Rate { burst: 10.0, per_second: 1.0 / 360.0 };
/// Buckets kept at most; full ones are dropped first.
const BUCKETS: usize = 100_000;

#[derive(Clone, Copy)]
struct Rate {
    burst: f64,
    per_second: f64,
}

/// Buckets of failures.
pub struct Throttle {
    clock: Clock,
    addresses: Buckets<IpAddr>,
    accounts: Buckets<String>,
}

/// What an attempt may expect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Look at the password.
    Try,
    /// Don't: too many failures.
    Wait,
}

impl Throttle {
    /// Empty of failures.
    pub fn new(clock: Clock) -> Self {
        Self { clock, addresses: Buckets::new(ADDRESS), accounts: Buckets::new(ACCOUNT) }
    }

    /// Whether an attempt on `account` from `address` shall be looked at.
    pub fn verdict(&self, address: IpAddr, account: &str) -> Verdict {
        let now = self.clock.now();
        if self.addresses.has(&address, now) || self.accounts.has(&account.to_owned(), now) {
            Verdict::Try
        } else {
            Verdict::Wait
        }
    }

    /// Counts a failure; true when the address had no token left for it.
    pub fn failed(&self, address: IpAddr, account: &str) -> bool {
        let now = self.clock.now();
        self.accounts.spend(account.to_owned(), now);
        !self.addresses.spend(address, now)
    }

    /// Seconds until the address has a token again.
    pub fn retry_after() -> u64 {
        20
    }
}

struct Buckets<K> {
    rate: Rate,
    // Tokens left, and when that was so.
    levels: Mutex<HashMap<K, (f64, OffsetDateTime)>>,
}

impl<K: Eq + Hash> Buckets<K> {
    fn new(rate: Rate) -> Self {
        Self { rate, levels: Mutex::default() }
    }

    fn level(&self, known: Option<&(f64, OffsetDateTime)>, now: OffsetDateTime) -> f64 {
        known.map_or(self.rate.burst, |(left, at)| {
            ((now - *at).as_seconds_f64().max(0.0) * self.rate.per_second + left).min(self.rate.burst)
        })
    }

    fn has(&self, key: &K, now: OffsetDateTime) -> bool {
        let levels = self.levels.lock().unwrap_or_else(PoisonError::into_inner);
        self.level(levels.get(key), now) >= 1.0
    }

    /// Takes a token; false when there was none.
    fn spend(&self, key: K, now: OffsetDateTime) -> bool {
        let mut levels = self.levels.lock().unwrap_or_else(PoisonError::into_inner);
        if levels.len() >= BUCKETS {
            levels.retain(|_, known| self.level(Some(known), now) < self.rate.burst);
        }
        let left = self.level(levels.get(&key), now);
        let had = left >= 1.0;
        levels.insert(key, (if had { left - 1.0 } else { left }, now));
        had
    }
}

#[cfg(test)]
mod tests {
    use time::{Duration, macros::datetime};

    use super::*;

    #[test]
    fn three_failures_an_address_then_one_in_twenty_seconds() {
        let clock = Clock::standing_at(datetime!(2026-01-01 0:00 UTC));
        let throttle = Throttle::new(clock.clone());
        let address = IpAddr::from([10, 0, 0, 1]);
        for _ in 0..3 {
            assert!(!throttle.failed(address, "a@x.example"));
        }
        assert!(throttle.failed(address, "a@x.example"));
        clock.turn(Duration::seconds(20));
        assert!(!throttle.failed(address, "a@x.example"));
        assert!(throttle.failed(address, "a@x.example"));
    }

    #[test]
    fn nobody_locks_another_out() {
        let throttle = Throttle::new(Clock::standing_at(datetime!(2026-01-01 0:00 UTC)));
        let (attacker, user) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        for _ in 0..100 {
            throttle.failed(attacker, "victim@x.example");
        }
        assert_eq!(throttle.verdict(attacker, "victim@x.example"), Verdict::Wait);
        assert_eq!(throttle.verdict(user, "victim@x.example"), Verdict::Try, "the account's owner elsewhere");
        assert_eq!(
            throttle.verdict(attacker, "colleague@x.example"),
            Verdict::Try,
            "a colleague behind the same address"
        );
    }
}
