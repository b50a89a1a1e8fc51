//! When a client asks again (DOMAIN §3), pure.

use time::Duration;

/// How long a client waits, by what the host said last.
///
/// `renewed`: it is activated and its last request was granted: then `renewal` minutes, else `activation` minutes.
/// `failures`: how often in a row no host was reached: then a minute, two, four, … up to `activation` minutes.
/// `jitter` of 0 to 1 adds up to a tenth, so that machines that were started together don't ask together.
pub fn wait(activation: u32, renewal: u32, renewed: bool, failures: u32, jitter: f64) -> Duration {
    let minutes = if failures > 0 {
        (1 << (failures - 1).min(16)).min(activation)
    } else if renewed {
        renewal
    } else {
        activation
    };
    Duration::minutes(i64::from(minutes)) * (1.0 + 0.1 * jitter)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ITP activate-windows-clients-vamt: 120 minutes, and 7 days once activated; a failed renewal every 2 hours.
    #[test]
    fn itp_two_hours_until_activated_then_seven_days() {
        assert_eq!(wait(120, 10_080, false, 0, 0.0), Duration::hours(2));
        assert_eq!(wait(120, 10_080, true, 0, 0.0), Duration::days(7));
        assert_eq!(wait(120, 10_080, true, 0, 1.0), Duration::days(7) * 1.1);
    }

    #[test]
    fn a_host_out_of_reach_is_asked_less_and_less_often_but_every_two_hours() {
        let minutes: Vec<i64> = (1..10).map(|n| wait(120, 10_080, true, n, 0.0).whole_minutes()).collect();
        assert_eq!(minutes, [1, 2, 4, 8, 16, 32, 64, 120, 120]);
        assert_eq!(wait(120, 10_080, true, u32::MAX, 0.0), Duration::hours(2));
    }
}
