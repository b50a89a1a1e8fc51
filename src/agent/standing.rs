//! The states of a client (DOMAIN §3), as a pure function of what it holds and of the time.

use time::{Duration, OffsetDateTime};

use crate::activation::lease::SKEW;

/// Days that a new installation runs before it has to be activated (previous-versions ff793403).
pub const INITIAL_GRACE: Duration = Duration::days(30);
/// Days after a lease's end, or after the hardware changed, in which it has to be activated again (the same page).
pub const OUT_OF_TOLERANCE_GRACE: Duration = Duration::days(30);

/// How a client stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Never activated, and it needn't be yet.
    InitialGrace {
        /// Until when.
        until: OffsetDateTime,
    },
    /// Activated.
    Licensed {
        /// The end of its lease.
        until: OffsetDateTime,
    },
    /// Its lease ended, or its hardware changed too much; it has some time to be activated again.
    OutOfTolerance {
        /// Until when.
        until: OffsetDateTime,
        /// What happened.
        why: Lost,
    },
    /// Not activated, and no time left: it works in full and says so to whoever uses it.
    Notification,
}

/// How a client lost its activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// Its lease ended.
    Ended,
    /// Its hardware isn't the one that the lease is bound to.
    Hardware,
}

/// What a client's standing follows from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// When it was installed.
    pub installed_at: OffsetDateTime,
    /// The end of the lease that it holds and verified.
    pub lease_ends: Option<OffsetDateTime>,
    /// Since when its hardware isn't the one that the lease is bound to.
    pub beyond_since: Option<OffsetDateTime>,
}

impl Standing {
    /// How a client stands at `now`. A lease holds four hours longer than it says: clocks may differ by that.
    pub fn of(facts: Facts, now: OffsetDateTime) -> Self {
        let Some(ends) = facts.lease_ends else {
            let until = facts.installed_at + INITIAL_GRACE;
            return if now < until { Self::InitialGrace { until } } else { Self::Notification };
        };
        let ended = (now >= ends + SKEW).then_some((ends, Lost::Ended));
        let beyond = facts.beyond_since.map(|since| (since, Lost::Hardware));
        // Of two losses the earlier one counts.
        let lost = match (ended, beyond) {
            (Some(ended), Some(beyond)) => Some(if beyond.0 < ended.0 { beyond } else { ended }),
            (ended, beyond) => ended.or(beyond),
        };
        match lost {
            None => Self::Licensed { until: ends },
            Some((since, why)) => {
                let until = since + OUT_OF_TOLERANCE_GRACE;
                if now < until { Self::OutOfTolerance { until, why } } else { Self::Notification }
            }
        }
    }

    /// Whether it is activated.
    pub fn is_licensed(self) -> bool {
        matches!(self, Self::Licensed { .. })
    }

    /// The end of the present state; none of notification.
    pub fn until(self) -> Option<OffsetDateTime> {
        match self {
            Self::InitialGrace { until } | Self::Licensed { until } | Self::OutOfTolerance { until, .. } => Some(until),
            Self::Notification => None,
        }
    }

    /// The number by which administrators know the state (`LicenseStatus`, DOMAIN §3).
    pub fn number(self) -> u8 {
        match self {
            Self::Licensed { .. } => 1,
            Self::InitialGrace { .. } => 2,
            Self::OutOfTolerance { .. } => 3,
            Self::Notification => 5,
        }
    }

    /// The state's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::InitialGrace { .. } => "initial grace",
            Self::Licensed { .. } => "licensed",
            Self::OutOfTolerance { .. } => "out-of-tolerance grace",
            Self::Notification => "notification",
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const INSTALLED: OffsetDateTime = datetime!(2026-11-22 12:00 UTC);

    fn at(facts: Facts, days: i64) -> Standing {
        Standing::of(facts, INSTALLED + Duration::days(days))
    }

    fn new() -> Facts {
        Facts { installed_at: INSTALLED, lease_ends: None, beyond_since: None }
    }

    /// ff793403: an installation begins with 30 days of grace, after which it notifies.
    #[test]
    fn ff793403_initial_grace_is_30_days() {
        assert_eq!(at(new(), 0), Standing::InitialGrace { until: INSTALLED + Duration::days(30) });
        assert_eq!(at(new(), 29).number(), 2);
        assert_eq!(at(new(), 30), Standing::Notification);
    }

    /// OFF activate-by-kms, ff793403: 180 days, then 30 days out of tolerance, then notification for good.
    #[test]
    fn ff793403_a_lease_of_180_days_is_followed_by_30_days_out_of_tolerance() {
        let facts = Facts { lease_ends: Some(INSTALLED + Duration::days(180)), ..new() };
        for (day, number) in [(0, 1), (179, 1), (180, 1), (181, 3), (209, 3), (210, 5), (4000, 5)] {
            assert_eq!(at(facts, day).number(), number, "day {day}");
        }
        let just = INSTALLED + Duration::days(180) + SKEW;
        assert!(Standing::of(facts, just - Duration::SECOND).is_licensed());
        assert!(!Standing::of(facts, just).is_licensed());
    }

    /// DOMAIN §4: reduced functionality ended with Vista SP1; day 250 is as day 210.
    #[test]
    fn domain_4_there_is_no_reduced_functionality() {
        let facts = Facts { lease_ends: Some(INSTALLED + Duration::days(180)), ..new() };
        assert_eq!(at(facts, 250), Standing::Notification);
        assert_eq!(at(facts, 250), at(facts, 210));
    }

    /// VAOG (out-of-tolerance): changed hardware has 30 days too, whatever is left of the lease.
    #[test]
    fn vaog_changed_hardware_has_30_days() {
        let ends = Some(INSTALLED + Duration::days(180));
        let facts = Facts { lease_ends: ends, beyond_since: Some(INSTALLED + Duration::days(10)), ..new() };
        let until = INSTALLED + Duration::days(40);
        assert_eq!(at(facts, 10), Standing::OutOfTolerance { until, why: Lost::Hardware });
        assert_eq!(at(facts, 40), Standing::Notification);
        let late = Facts { beyond_since: Some(INSTALLED + Duration::days(200)), ..facts };
        let until = INSTALLED + Duration::days(210);
        assert_eq!(at(late, 205), Standing::OutOfTolerance { until, why: Lost::Ended });
    }
}
