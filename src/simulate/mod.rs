//! `keyward simulate`: a fleet of virtual machines on an accelerated clock, against a real responder on a
//! throw-away database.
//!
//! What is real: the responder over TCP, the protocol, the count and its 30 days, leases and their signatures, the
//! client's schedule ([`crate::agent::schedule`]) and its states ([`crate::agent::standing`]). What isn't: time, which
//! jumps from one step to the next; and the machines, which are numbers here. All requests of a step are sent in
//! the order of their moments on one connection, so that one seed makes one outcome.

pub mod chart;
mod fleet;
mod outcome;
mod site;

use std::{cmp::Reverse, collections::BinaryHeap};

use anyhow::Result;
use time::{Duration, OffsetDateTime, macros::datetime};

use crate::activation::wire::{ACTIVATION_INTERVAL, RENEWAL_INTERVAL};
use fleet::{Fleet, Machine};
pub use outcome::{Outcome, Sample, Threshold};
use site::Site;

/// When each simulation begins.
const BEGIN: OffsetDateTime = datetime!(2027-01-01 00:00 UTC);

/// What is simulated.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Machines with the client edition.
    pub clients: u32,
    /// Machines with the server edition.
    pub servers: u32,
    /// Days.
    pub days: u32,
    /// Days over which the machines are installed, evenly at random.
    pub rollout: u32,
    /// The share of machines that were cloned: they have the client id of another one.
    pub clone_rate: f64,
    /// Machines that the client edition needs.
    pub needed_by_clients: u32,
    /// Machines that the server edition needs.
    pub needed_by_servers: u32,
    /// Days that a lease lasts.
    pub lease_days: u32,
    /// First and last day on which no host is reached.
    pub outage: Option<(u32, u32)>,
    /// Minutes that the clock advances at once.
    pub step: u32,
    /// What chance is made of.
    pub seed: u64,
}

impl Plan {
    /// Hour of the simulation, from its beginning.
    fn end(&self) -> i64 {
        i64::from(self.days) * 86_400
    }

    fn is_out(&self, second: i64) -> bool {
        let day = second / 86_400;
        self.outage.is_some_and(|(from, to)| (i64::from(from)..=i64::from(to)).contains(&day))
    }
}

/// Runs a simulation; `progress` is told the day that was reached.
///
/// # Errors
/// When the throw-away database or its responder fails.
pub async fn run(plan: &Plan, mut progress: impl FnMut(u32)) -> Result<Outcome> {
    let mut site = Site::open(plan, BEGIN).await?;
    let mut fleet = Fleet::new(plan);
    let mut outcome = Outcome::new(plan);
    // By second and machine.
    let mut due: BinaryHeap<Reverse<(i64, usize)>> =
        fleet.machines.iter().enumerate().map(|(at, machine)| Reverse((machine.installed, at))).collect();
    let (mut now, mut sampled) = (0, 0);
    while let Some(Reverse((second, _))) = due.peek().copied().filter(|Reverse((second, _))| *second < plan.end()) {
        while i64::from(sampled) * 86_400 <= second {
            outcome.samples.push(sample(&mut site, &fleet, sampled, now).await?);
            progress(sampled);
            sampled += 1;
        }
        now = now.max(second);
        site.clock.turn(Duration::seconds(now) - (site.clock.now() - BEGIN));
        let step = due_until(&mut due, now + i64::from(plan.step) * 60);
        if plan.is_out(second) {
            for (second, at) in step {
                let next = fleet.unreached(at, second);
                due.push(Reverse((next, at)));
            }
            continue;
        }
        let lines: Vec<String> = step.iter().map(|(_, at)| site.line(&mut fleet.machines[*at])).collect();
        let answers = site.exchange(&lines).await?;
        for ((second, at), answer) in step.into_iter().zip(answers) {
            outcome.heard(&fleet.machines[at], second, &answer);
            let next = fleet.heard(at, second, &answer, &site.verifier)?;
            due.push(Reverse((next, at)));
        }
    }
    while sampled <= plan.days {
        now = now.max(i64::from(sampled) * 86_400);
        site.clock.turn(Duration::seconds(now) - (site.clock.now() - BEGIN));
        outcome.samples.push(sample(&mut site, &fleet, sampled, now).await?);
        progress(sampled);
        sampled += 1;
    }
    outcome.end(&fleet, site.clones().await?, now);
    site.close().await?;
    Ok(outcome)
}

/// Takes what is due before `end`, in its order.
fn due_until(due: &mut BinaryHeap<Reverse<(i64, usize)>>, end: i64) -> Vec<(i64, usize)> {
    let mut step = Vec::new();
    while let Some(Reverse((second, _))) = due.peek() {
        if *second >= end {
            break;
        }
        step.extend(due.pop().map(|Reverse(one)| one));
    }
    step
}

/// How it stands at a day's beginning: the host's own count, and the machines' states.
async fn sample(site: &mut Site, fleet: &Fleet, day: u32, now: i64) -> Result<Sample> {
    let mut sample = Sample { day, count: site.count().await?, ..Sample::default() };
    // A machine of the first step may be installed after the present of the sample.
    for machine in fleet.machines.iter().filter(|machine| machine.installed < now.max(1)) {
        sample.count_state(machine.standing(now));
    }
    Ok(sample)
}

/// The moment of a second.
fn moment(second: i64) -> OffsetDateTime {
    BEGIN + Duration::seconds(second)
}

/// The intervals of the field, which a host may change.
const INTERVALS: (u32, u32) = (ACTIVATION_INTERVAL, RENEWAL_INTERVAL);

/// A machine's name in the protocol.
fn name(machine: &Machine, at: usize) -> String {
    format!("{}-{at:05}", if machine.is_server { "SRV" } else { "PC" })
}
