//! Time, injected: grants end, sessions age and notices fall due by this clock, so that a test can
//! turn it instead of waiting.

use std::sync::{Arc, Mutex};

use time::{Duration, OffsetDateTime};

/// Where "now" comes from.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// A clock that stands still until it is turned.
    Manual(Arc<Mutex<OffsetDateTime>>),
}

impl Clock {
    /// A clock that stands at `at` until [`Clock::turn`] moves it.
    pub fn standing_at(at: OffsetDateTime) -> Self {
        Self::Manual(Arc::new(Mutex::new(at)))
    }

    /// The present moment, in UTC, cut to whole microseconds: what the database can hold, so that
    /// a value written and read back is the same value.
    #[allow(clippy::disallowed_methods)] // the one place that reads the machine's clock
    pub fn now(&self) -> OffsetDateTime {
        let now = match self {
            Self::System => OffsetDateTime::now_utc(),
            Self::Manual(at) => *at.lock().unwrap_or_else(std::sync::PoisonError::into_inner),
        };
        now.replace_microsecond(now.microsecond()).unwrap_or(now)
    }

    /// Moves a standing clock on; the machine's clock isn't ours to move and stays.
    pub fn turn(&self, by: Duration) {
        if let Self::Manual(at) = self {
            *at.lock().unwrap_or_else(std::sync::PoisonError::into_inner) += by;
        }
    }
}
