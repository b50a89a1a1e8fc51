//! When a date is told of: pure, and the same for the planner and for the page that shows what comes.

use time::{Date, Duration};

/// Days before the end of a License ID or of ESU coverage at which it is told (issue 3).
pub const LONG: [i64; 5] = [180, 90, 60, 30, 7];
/// Days before one's own role ends at which it is told.
pub const SHORT: [i64; 2] = [30, 7];

/// One telling of a date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Telling {
    /// The day it goes out.
    pub on: Date,
    /// What sets it apart from the other tellings of the same date; part of the notice's name.
    pub mark: String,
}

/// The tellings of `day` that go out from `today` to `until`, in order.
///
/// Of steps that have passed only the nearest to the date is told, today; the planner asks from today to
/// today, so that a pause of days sends one notice and not five. A snooze holds everything back to its last
/// day, and that day tells again. A date that has passed is told no more.
pub fn tellings(day: Date, steps: &[i64], snoozed: Option<Date>, today: Date, until: Date) -> Vec<Telling> {
    let mut found = Vec::new();
    let snoozed = snoozed.filter(|snoozed| *snoozed <= day);
    if day < today {
        return found;
    }
    let mut told_from = today;
    match snoozed {
        Some(again) if again > today => {
            told_from = again.saturating_add(Duration::DAY);
            found.push(Telling { on: again, mark: format!("again-{again}") });
        }
        // After a snooze the nearest step is the one that the snooze's end has told, until the next step.
        Some(again) => match nearest(day, steps, today) {
            Some((step, since)) if since > again => found.push(Telling { on: today, mark: step.to_string() }),
            _ => found.push(Telling { on: today, mark: format!("again-{again}") }),
        },
        None => {
            if let Some((step, _)) = nearest(day, steps, today) {
                found.push(Telling { on: today, mark: step.to_string() });
            }
        }
    }
    let first_to_come = told_from.max(today.saturating_add(Duration::DAY));
    for step in steps {
        let on = day.saturating_sub(Duration::days(*step));
        if on >= first_to_come {
            found.push(Telling { on, mark: step.to_string() });
        }
    }
    found.retain(|telling| telling.on <= until);
    found.sort_by_key(|telling| telling.on);
    found
}

/// The step in force on `today`: the smallest whose day has come; and that day.
fn nearest(day: Date, steps: &[i64], today: Date) -> Option<(i64, Date)> {
    steps
        .iter()
        .map(|step| (*step, day.saturating_sub(Duration::days(*step))))
        .filter(|(_, on)| *on <= today)
        .min_by_key(|(step, _)| *step)
}

/// Days before a MAK is forecast to run out at which it is told.
pub const MAK_AHEAD: i64 = 30;
/// Readings nearer together than this tell nothing about the pace.
const PACE: Duration = Duration::days(7);

/// What is known of a MAK's use.
#[derive(Clone, Copy, Debug)]
pub struct Use {
    /// Activations used now.
    pub used: i64,
    /// Activations in all; more than 0.
    pub total: i64,
    /// When that was read.
    pub read_on: Date,
    /// An earlier reading of the same total: its day and how many were used.
    pub earlier: Option<(Date, i64)>,
}

impl Use {
    /// Whether nine tenths are used (issue 3: a MAK over 90 %).
    #[must_use]
    pub fn is_low(self) -> bool {
        self.used.saturating_mul(10) >= self.total.saturating_mul(9)
    }

    /// The day it is used up if it goes on as between the two readings; `None` where it doesn't move or
    /// the readings lie less than a week apart.
    #[must_use]
    pub fn runs_out_on(self) -> Option<Date> {
        let (since, used) = self.earlier?;
        let span = self.read_on - since;
        let grown = self.used - used;
        if span < PACE || grown <= 0 || self.used >= self.total {
            return None;
        }
        // Rounded up: the day on which the last one goes.
        let left = self.total - self.used;
        let days = (left.checked_mul(span.whole_days())?.checked_add(grown - 1)?) / grown;
        self.read_on.checked_add(Duration::days(days))
    }

    /// The day it is told: now where nine tenths are used, else [`MAK_AHEAD`] days before it is forecast to
    /// run out.
    #[must_use]
    pub fn told_on(self, today: Date) -> Option<Date> {
        if self.is_low() {
            return Some(today);
        }
        self.runs_out_on().map(|day| day.saturating_sub(Duration::days(MAK_AHEAD)).max(today))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::date;

    const END: Date = date!(2027 - 06 - 30);

    fn on(today: Date, snoozed: Option<Date>) -> Vec<String> {
        tellings(END, &LONG, snoozed, today, today).into_iter().map(|telling| telling.mark).collect()
    }

    #[test]
    fn each_step_is_told_from_its_day_until_the_next() {
        assert_eq!(on(date!(2026 - 12 - 31), None), Vec::<String>::new(), "181 days before");
        assert_eq!(on(date!(2027 - 01 - 01), None), ["180"]);
        assert_eq!(on(date!(2027 - 03 - 31), None), ["180"], "91 days before");
        assert_eq!(on(date!(2027 - 04 - 01), None), ["90"]);
        assert_eq!(on(date!(2027 - 06 - 23), None), ["7"]);
        assert_eq!(on(END, None), ["7"]);
        assert_eq!(on(date!(2027 - 07 - 01), None), Vec::<String>::new(), "it has passed");
    }

    #[test]
    fn of_overdue_steps_only_the_nearest_is_told() {
        // 55 days before: 180, 90 and 60 have passed.
        assert_eq!(on(date!(2027 - 05 - 06), None), ["60"]);
    }

    #[test]
    fn what_comes_is_what_the_planner_will_tell_day_by_day() {
        for snoozed in [None, Some(date!(2027 - 03 - 01)), Some(date!(2027 - 05 - 31)), Some(date!(2027 - 06 - 29))] {
            let from = date!(2027 - 01 - 20);
            let until = date!(2027 - 07 - 10);
            let ahead: Vec<_> = tellings(END, &LONG, snoozed, from, until);
            let mut told: Vec<Telling> = Vec::new();
            let mut today = from;
            while today <= until {
                for telling in tellings(END, &LONG, snoozed, today, today) {
                    // A mark is told once: the notice's name is unique.
                    if !told.iter().any(|known| known.mark == telling.mark) {
                        told.push(telling);
                    }
                }
                today = today.next_day().unwrap();
            }
            assert_eq!(ahead, told, "{snoozed:?}");
        }
    }

    #[test]
    fn a_snooze_holds_back_and_then_tells_again() {
        let until = Some(date!(2027 - 05 - 20));
        assert_eq!(on(date!(2027 - 04 - 01), until), Vec::<String>::new(), "the step of 90 days");
        assert_eq!(on(date!(2027 - 05 - 20), until), ["again-2027-05-20"]);
        assert_eq!(on(date!(2027 - 05 - 25), until), ["again-2027-05-20"], "told already: the same name");
        assert_eq!(on(date!(2027 - 05 - 31), until), ["30"]);
    }

    #[test]
    fn nine_tenths_used_is_low_and_below_the_pace_decides() {
        let used = |used, earlier| Use { used, total: 1000, read_on: date!(2026 - 11 - 22), earlier };
        assert!(!used(899, None).is_low());
        assert!(used(900, None).is_low());
        // 100 in 20 days: the 300 left last 60 days.
        let paced = used(700, Some((date!(2026 - 11 - 02), 600)));
        assert_eq!(paced.runs_out_on(), Some(date!(2027 - 01 - 21)));
        assert_eq!(paced.told_on(date!(2026 - 11 - 22)), Some(date!(2026 - 12 - 22)));
        assert_eq!(used(700, Some((date!(2026 - 11 - 20), 600))).runs_out_on(), None, "two days tell no pace");
        assert_eq!(used(700, Some((date!(2026 - 11 - 02), 700))).runs_out_on(), None, "it stands still");
        assert_eq!(used(700, None).told_on(date!(2026 - 11 - 22)), None);
    }
}
