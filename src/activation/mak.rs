//! The rules of counted keys, pure: what becomes of the requests of one batch on one key.

use std::collections::HashMap;

use uuid::Uuid;

use super::{hardware::Hardware, wire::Outcome};

/// A key as a batch finds it, its row locked.
#[derive(Clone, Debug, Default)]
pub struct Pool {
    /// Activations spent.
    pub used: i64,
    /// The limit.
    pub total: i64,
    /// Blocked or archived.
    pub blocked: bool,
    /// What requests were answered before.
    pub answers: HashMap<Uuid, String>,
    /// Activations by mainboard.
    pub machines: HashMap<String, Vec<(Uuid, Hardware)>>,
}

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It was answered before: the same bytes.
    Repeat(String),
    /// The machine holds this activation already; it is bound to that hardware.
    Again(Uuid, Hardware),
    /// It spends one.
    Spend,
    /// It is refused.
    Refuse(Outcome),
}

impl Pool {
    /// Decides on a request, and remembers what it did to the pool.
    pub fn decide(&mut self, request: Uuid, fresh: Uuid, hardware: &Hardware, tolerance: u8) -> Decision {
        if let Some(answer) = self.answers.get(&request) {
            return Decision::Repeat(answer.clone());
        }
        if self.blocked {
            return Decision::Refuse(Outcome::KeyBlocked);
        }
        let known = self.machines.entry(hardware.board.clone()).or_default();
        if let Some((id, bound)) = known.iter().find(|(_, bound)| bound.is_same(hardware, tolerance)) {
            return Decision::Again(*id, bound.clone());
        }
        if self.used >= self.total {
            return Decision::Refuse(Outcome::LimitReached);
        }
        self.used += 1;
        known.push((fresh, hardware.clone()));
        Decision::Spend
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::activation::hardware::TOLERANCE;

    fn board(board: &str) -> Hardware {
        Hardware { board: board.into(), cpu: Some("c".into()), disk: Some("d".into()), ..Hardware::default() }
    }

    fn id(n: u128) -> Uuid {
        Uuid::from_u128(n + 1)
    }

    #[test]
    fn the_limit_is_never_passed_and_the_last_one_is_given_once() {
        let mut pool = Pool { total: 1, ..Pool::default() };
        assert_eq!(pool.decide(id(1), id(11), &board("a"), TOLERANCE), Decision::Spend);
        assert_eq!(pool.decide(id(2), id(12), &board("b"), TOLERANCE), Decision::Refuse(Outcome::LimitReached));
        assert_eq!(pool.used, 1);
    }

    #[test]
    fn the_same_machine_takes_its_activation_again_even_from_a_spent_key() {
        let mut pool = Pool { total: 1, ..Pool::default() };
        pool.decide(id(1), id(11), &board("a"), TOLERANCE);
        let changed = Hardware { disk: None, ..board("a") };
        assert_eq!(pool.decide(id(2), id(12), &changed, TOLERANCE), Decision::Again(id(11), board("a")));
    }

    #[test]
    fn a_new_mainboard_and_hardware_beyond_tolerance_spend_one() {
        let mut pool = Pool { total: 9, ..Pool::default() };
        pool.decide(id(1), id(11), &board("a"), TOLERANCE);
        assert_eq!(pool.decide(id(2), id(12), &board("b"), TOLERANCE), Decision::Spend);
        let beyond = Hardware { board: "a".into(), ..Hardware::default() };
        assert_eq!(pool.decide(id(3), id(13), &beyond, 5), Decision::Spend);
    }

    #[test]
    fn a_blocked_key_activates_nothing_and_a_repeat_is_answered_alike() {
        let mut pool = Pool { total: 9, blocked: true, ..Pool::default() };
        pool.answers.insert(id(1), "as before".into());
        assert_eq!(pool.decide(id(1), id(11), &board("a"), TOLERANCE), Decision::Repeat("as before".into()));
        assert_eq!(pool.decide(id(2), id(12), &board("a"), TOLERANCE), Decision::Refuse(Outcome::KeyBlocked));
    }

    proptest! {
        #[test]
        fn used_is_the_number_of_those_that_spent(
            total in 0..6_i64, asks in proptest::collection::vec((0..8_u128, "[abcd]", proptest::option::of("[xy]")), 0..40),
        ) {
            let mut pool = Pool { total, ..Pool::default() };
            let mut spent = 0;
            for (at, (request, mainboard, disk)) in asks.into_iter().enumerate() {
                let hardware = Hardware { disk, ..board(&mainboard) };
                let decision = pool.decide(id(request + 100), id(u128::try_from(at).unwrap() + 1000), &hardware, 2);
                spent += i64::from(decision == Decision::Spend);
                prop_assert!(pool.used == spent && spent <= total);
            }
        }
    }
}
