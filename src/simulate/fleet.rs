//! The virtual machines: when each was installed, what it holds, and when it asks again.

use std::collections::HashSet;

use anyhow::{Context, Result};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{INTERVALS, Plan, moment, name};
use crate::{
    activation::{
        lease::Verifier,
        wire::{Answer, Outcome},
    },
    agent::{
        schedule,
        standing::{Facts, Standing},
    },
};

/// Days that the count remembers a client (DOMAIN §3).
const COUNTED: i64 = 30 * 86_400;

/// A virtual machine. Moments are seconds from the beginning.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Whether it has the server edition.
    pub is_server: bool,
    /// Its client id.
    pub cmid: Uuid,
    /// Its name.
    pub name: String,
    /// Whether its client id is another machine's.
    pub is_clone: bool,
    /// When it is installed and asks for the first time.
    pub installed: i64,
    /// The end of its lease, as its signature said.
    pub lease_ends: Option<OffsetDateTime>,
    /// When it reached a host last.
    pub asked: Option<i64>,
    /// Requests that it made.
    pub requests: u64,
    failures: u32,
    /// Seconds that its leases last: the first one was verified, of later ones this is believed.
    lasts: Option<i64>,
}

impl Machine {
    /// Its state.
    pub fn standing(&self, second: i64) -> Standing {
        let facts = Facts { installed_at: moment(self.installed), lease_ends: self.lease_ends, beyond_since: None };
        Standing::of(facts, moment(second))
    }
}

/// All machines, and what chance is left.
pub struct Fleet {
    /// Clients first, then servers.
    pub machines: Vec<Machine>,
    random: StdRng,
}

impl Fleet {
    /// The machines of a plan.
    pub fn new(plan: &Plan) -> Self {
        let mut random = StdRng::seed_from_u64(plan.seed);
        let rollout = i64::from(plan.rollout.max(1)) * 86_400;
        let mut machines: Vec<Machine> = Vec::new();
        // Whose id a clone has: any earlier machine of its kind that is no clone.
        let mut originals: [Vec<Uuid>; 2] = Default::default();
        for at in 0..(plan.clients + plan.servers) as usize {
            let is_server = at >= plan.clients as usize;
            let known = &mut originals[usize::from(is_server)];
            let is_clone = random.random_bool(plan.clone_rate) && !known.is_empty();
            let cmid = if is_clone {
                known[random.random_range(0..known.len())]
            } else {
                let cmid = uuid::Builder::from_random_bytes(random.random()).into_uuid();
                known.push(cmid);
                cmid
            };
            let installed = random.random_range(0..rollout);
            let machine = Machine {
                is_server,
                cmid,
                name: String::new(),
                is_clone,
                installed,
                lease_ends: None,
                asked: None,
                requests: 0,
                failures: 0,
                lasts: None,
            };
            machines.push(Machine { name: name(&machine, at), ..machine });
        }
        Self { machines, random }
    }

    /// A host answered: when it asks again.
    ///
    /// # Errors
    /// When a lease doesn't verify.
    pub fn heard(&mut self, at: usize, second: i64, answer: &Answer, verifier: &Verifier) -> Result<i64> {
        let jitter = self.random.random::<f64>();
        let machine = &mut self.machines[at];
        (machine.asked, machine.failures) = (Some(second), 0);
        let renewed = answer.result == Outcome::Done;
        if renewed {
            let lasts = match machine.lasts {
                Some(lasts) => lasts,
                None => {
                    let lease = answer.lease.as_deref().context("an activation brought no lease")?;
                    let claims = verifier.open(lease)?;
                    *machine.lasts.insert(claims.exp - claims.iat)
                }
            };
            machine.lease_ends = Some(moment(second + lasts));
        }
        let wait = schedule::wait(answer.activation_interval, answer.renewal_interval, renewed, 0, jitter);
        Ok(second + wait.whole_seconds())
    }

    /// No host was reached: when it asks again.
    pub fn unreached(&mut self, at: usize, second: i64) -> i64 {
        let jitter = self.random.random::<f64>();
        let machine = &mut self.machines[at];
        machine.failures = machine.failures.saturating_add(1);
        let wait = schedule::wait(INTERVALS.0, INTERVALS.1, false, machine.failures, jitter);
        second + wait.whole_seconds()
    }

    /// Distinct client ids that asked within 30 days: what a host's count has to be.
    pub fn counted(&self, second: i64) -> usize {
        let recent = |machine: &&Machine| machine.asked.is_some_and(|asked| second - asked < COUNTED);
        self.machines.iter().filter(recent).map(|machine| machine.cmid).collect::<HashSet<_>>().len()
    }
}
