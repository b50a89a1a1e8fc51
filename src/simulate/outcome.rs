//! What a simulation came to: samples by day, when the thresholds were reached, and a report in words.

use std::{collections::BTreeSet, fmt::Write};

use super::{
    Plan,
    fleet::{Fleet, Machine},
};
use crate::{
    activation::wire::{self, Answer},
    agent::Standing,
};

/// A genuine host keeps twice the largest threshold that it has met (DOMAIN §3).
const CAP: u32 = 2;

/// How it stands at the beginning of a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// The day, from 0.
    pub day: u32,
    /// The host's count.
    pub count: i64,
    /// Machines in initial grace.
    pub initial: u32,
    /// Machines activated.
    pub licensed: u32,
    /// Machines in out-of-tolerance grace.
    pub grace: u32,
    /// Machines that notify.
    pub notification: u32,
}

impl Sample {
    /// Counts a machine by its state.
    pub fn count_state(&mut self, standing: Standing) {
        let state = match standing {
            Standing::InitialGrace { .. } => &mut self.initial,
            Standing::Licensed { .. } => &mut self.licensed,
            Standing::OutOfTolerance { .. } => &mut self.grace,
            Standing::Notification => &mut self.notification,
        };
        *state += 1;
    }

    /// Machines in all.
    pub fn machines(&self) -> u32 {
        self.initial + self.licensed + self.grace + self.notification
    }
}

/// What became of one edition's threshold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Threshold {
    /// Machines needed.
    pub needed: u32,
    /// Machines of the edition that were told to wait.
    pub waited: BTreeSet<String>,
    /// The largest count that a machine was told while it had to wait.
    pub most_refused: i64,
    /// The first machine that was activated, when (in seconds), at which count, and whether it had waited before.
    pub first: Option<(String, i64, i64, bool)>,
    /// Of those who waited: activated by now, and when the last one was.
    pub caught_up: (u32, i64),
}

/// What a simulation came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The plan.
    pub plan: Plan,
    /// By day.
    pub samples: Vec<Sample>,
    /// Of the client edition and of the server edition.
    pub thresholds: [Threshold; 2],
    /// Requests that were answered.
    pub requests: u64,
    /// Machines in all, and those of them that share an id with another.
    pub machines: (usize, usize),
    /// Ids that the host found to be of two machines.
    pub clones_seen: i64,
    /// The host's count at the end, and the number of ids that asked within the 30 days before.
    pub counts: (i64, usize),
}

impl Outcome {
    pub(super) fn new(plan: &Plan) -> Self {
        let threshold = |needed| Threshold { needed, ..Threshold::default() };
        Self {
            plan: plan.clone(),
            samples: Vec::new(),
            thresholds: [threshold(plan.needed_by_clients), threshold(plan.needed_by_servers)],
            requests: 0,
            machines: (0, 0),
            clones_seen: 0,
            counts: (0, 0),
        }
    }

    pub(super) fn heard(&mut self, machine: &Machine, second: i64, answer: &Answer) {
        self.requests += 1;
        let threshold = &mut self.thresholds[usize::from(machine.is_server)];
        let count = answer.count.unwrap_or_default();
        if answer.result != wire::Outcome::Done {
            threshold.most_refused = threshold.most_refused.max(count);
            threshold.waited.insert(machine.name.clone());
            return;
        }
        let waited = threshold.waited.contains(&machine.name);
        threshold.first.get_or_insert_with(|| (machine.name.clone(), second, count, waited));
        if waited && machine.lease_ends.is_none() {
            threshold.caught_up = (threshold.caught_up.0 + 1, second);
        }
    }

    pub(super) fn end(&mut self, fleet: &Fleet, clones_seen: i64, now: i64) {
        let clones = fleet.machines.iter().filter(|machine| machine.is_clone).count();
        self.machines = (fleet.machines.len(), clones);
        self.clones_seen = clones_seen;
        self.counts = (self.samples.last().map_or(0, |sample| sample.count), fleet.counted(now));
    }

    /// What a genuine host would show of a count.
    pub fn capped(&self, count: i64) -> i64 {
        let largest = if self.plan.clients > 0 { self.plan.needed_by_clients } else { self.plan.needed_by_servers };
        count.min(i64::from(CAP * largest))
    }

    /// The report.
    pub fn report(&self) -> String {
        let (plan, mut out) = (&self.plan, String::new());
        let _ = writeln!(
            out,
            "{} clients and {} servers, installed over {} days, {} days simulated; {} cloned; seed {}.",
            plan.clients,
            plan.servers,
            plan.rollout,
            plan.days,
            percent(plan.clone_rate),
            plan.seed
        );
        for (threshold, edition) in self.thresholds.iter().zip(["client", "server"]) {
            tell(threshold, edition, &mut out);
        }
        let (machines, clones) = self.machines;
        if clones > 0 {
            let _ = writeln!(
                out,
                "{clones} of {machines} machines have the id of another one. The host saw {} ids take turns under two names: give those machines new ids (keyward agent new-id).",
                self.clones_seen
            );
        }
        let (count, expected) = self.counts;
        let agrees = if usize::try_from(count) == Ok(expected) { "as many as" } else { "NOT what it should be:" };
        let _ = writeln!(
            out,
            "At the end the count is {count} ({} on a host that keeps no more), {agrees} {expected} ids asked within 30 days.",
            self.capped(count)
        );
        if let Some(last) = self.samples.last() {
            let _ = writeln!(
                out,
                "Licensed {}, initial grace {}, out-of-tolerance grace {}, notification {}.",
                last.licensed, last.initial, last.grace, last.notification
            );
        }
        out
    }
}

fn tell(threshold: &Threshold, edition: &str, out: &mut String) {
    let waited = threshold.waited.len();
    match &threshold.first {
        None if waited == 0 => {}
        None => {
            let _ = writeln!(
                out,
                "The threshold of the {edition} edition, {}, was never reached: {waited} machines waited (0xC004F038), the largest count was {}.",
                threshold.needed, threshold.most_refused
            );
        }
        Some((name, second, count, had_waited)) => {
            let how = if *had_waited { "which had waited" } else { "at its first request" };
            let waiting = match waited {
                0 => "none of its machines waited".to_owned(),
                _ => format!("{waited} machines waited (0xC004F038, up to a count of {})", threshold.most_refused),
            };
            let _ = writeln!(
                out,
                "The {edition} edition needs {}: {waiting}; {name} was the first to be activated, {how}, at a count of {count}, {}.",
                threshold.needed,
                when(*second)
            );
            let (caught_up, last) = threshold.caught_up;
            if caught_up > 0 {
                let _ = writeln!(
                    out,
                    "  {caught_up} of those who waited were activated at their own next request, the last one {}.",
                    when(last)
                );
            }
        }
    }
}

fn when(second: i64) -> String {
    format!("day {} {:02}:{:02}", second / 86_400, second / 3600 % 24, second / 60 % 60)
}

fn percent(rate: f64) -> String {
    format!("{:.1} %", rate * 100.0)
}
