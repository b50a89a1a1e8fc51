//! How slowly a file may come in: only so many come in at once, and whoever drips keeps another from sending.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

/// How long nothing at all may come in.
const IDLE: Duration = Duration::from_secs(30);
/// For how long a file may come in as slowly as it likes: connections begin slowly, and small forms are done by then.
const GRACE: Duration = Duration::from_secs(30);
/// Bytes a second that must have come in on average since: far below any line on which somebody sends gigabytes.
pub const RATE: u32 = 16 * 1024;

/// Why waiting ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Late {
    /// Nothing came for [`IDLE`].
    Silent,
    /// Too little came, on average.
    Slow,
}

/// The pace of one sender.
pub struct Pace {
    begun: Instant,
    grace: Duration,
    bytes: u64,
}

impl Pace {
    /// Begins now.
    pub fn new() -> Self {
        Self::after(GRACE)
    }

    fn after(grace: Duration) -> Self {
        Self { begun: Instant::now(), grace, bytes: 0 }
    }

    /// Notes what came in.
    pub fn took(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
    }

    /// Waits for what comes next, as long as the sender has.
    ///
    /// # Errors
    /// When it didn't come in time.
    pub async fn wait<T>(&self, next: impl Future<Output = T>) -> Result<T, Late> {
        let silent = Instant::now() + IDLE;
        let slow = self.begun + allowed(self.grace, self.bytes);
        let late = if slow < silent { Late::Slow } else { Late::Silent };
        timeout_at(silent.min(slow), next).await.map_err(|_| late)
    }
}

/// How long after its begin a sender of so many bytes may take to send another.
fn allowed(grace: Duration, bytes: u64) -> Duration {
    // More bytes than a day's worth are sent by nobody who is slow.
    grace + Duration::from_secs(bytes / u64::from(RATE)).min(Duration::from_secs(24 * 3600))
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[test]
    fn a_drip_holds_a_place_for_half_a_minute_and_a_slow_line_for_as_long_as_it_needs() {
        assert_eq!(allowed(GRACE, 0), GRACE);
        assert_eq!(allowed(GRACE, 1_000), GRACE, "a byte now and then wins nothing");
        assert_eq!(allowed(GRACE, 8 << 30), GRACE + Duration::from_secs(24 * 3600));
        assert_eq!(allowed(GRACE, 1 << 30), GRACE + Duration::from_secs(65_536));
    }

    #[tokio::test]
    async fn a_sender_that_keeps_its_place_and_sends_next_to_nothing_is_given_up() {
        let mut pace = Pace::after(Duration::ZERO);
        pace.took(1_000);
        assert_eq!(pace.wait(pending::<()>()).await, Err(Late::Slow));
        pace.took(1 << 30);
        assert_eq!(pace.wait(ready(7)).await, Ok(7), "who sends enough is waited for");
        assert_eq!(Pace::new().wait(ready(7)).await, Ok(7));
    }
}
