//! When a counted key runs out, as a range: a pace is an estimate, and one number would hide that.

use time::{Date, Duration};

/// Whole weeks that a pace is taken from, at most.
pub const WEEKS: usize = 12;
/// Whole weeks without which nothing is said.
const FEWEST: usize = 3;
/// Half the width of the range in standard errors, in hundredths: four in five such ranges hold the truth.
const WIDTH: u64 = 128;
/// A day further off than this is told as never at this pace.
const FAR: i64 = 5 * 365;

/// What can be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forecast {
    /// None is left.
    Spent,
    /// The key was issued less than [`FEWEST`] weeks ago.
    TooEarly,
    /// Nothing was spent in the weeks looked at.
    Still,
    /// It lasts for years at this pace.
    Far,
    /// Between these days; without the later one where the pace is too uneven to say.
    Between(Date, Option<Date>),
}

/// Forecasts from the activations of the last whole weeks.
///
/// The range is the mean of the weeks and [`WIDTH`] standard errors around it. Where the weeks differ less than
/// chance would have them differ, chance is taken (the variance of a Poisson distribution, its mean).
pub fn forecast(weeks: &[u32], left: i64, today: Date) -> Forecast {
    let Ok(left) = u64::try_from(left) else { return Forecast::Spent };
    if left == 0 {
        return Forecast::Spent;
    }
    if weeks.len() < FEWEST {
        return Forecast::TooEarly;
    }
    let n = weeks.len() as u64;
    let sum: u64 = weeks.iter().copied().map(u64::from).sum();
    if sum == 0 {
        return Forecast::Still;
    }
    let squares: u64 = weeks.iter().copied().map(|week| u64::from(week).saturating_mul(u64::from(week))).sum();
    // Everything is kept times n: the mean as `sum`, the standard error as the root of `spread`/n, times 100.
    let spread = n.saturating_mul(squares).saturating_sub(sum.saturating_mul(sum)).max(n * sum);
    let error = (spread.saturating_mul(10_000) / n).isqrt();
    let mean = sum.saturating_mul(10_000);
    let margin = WIDTH.saturating_mul(error);
    let days = |pace: u64| {
        let days = u128::from(left) * 7 * 10_000 * u128::from(n) / u128::from(pace.max(1));
        i64::try_from(days).ok().filter(|days| *days <= FAR)
    };
    let on = |days: i64| today.checked_add(Duration::days(days));
    let Some(first) = days(mean.saturating_add(margin)).and_then(on) else { return Forecast::Far };
    let last = mean.checked_sub(margin).filter(|pace| *pace > 0).and_then(days).and_then(on);
    Forecast::Between(first, last)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::date;

    use super::*;

    const TODAY: Date = date!(2026 - 11 - 22);

    #[test]
    fn an_even_pace_gives_a_narrow_range_around_it() {
        // 100 a week, 1,000 left: ten weeks, and what chance adds.
        let Forecast::Between(first, Some(last)) = forecast(&[100; 12], 1_000, TODAY) else { panic!() };
        let days = |day: Date| (day - TODAY).whole_days();
        assert!((66..70).contains(&days(first)) && (70..75).contains(&days(last)), "{first} {last}");
    }

    #[test]
    fn an_uneven_pace_gives_a_wide_one() {
        let even = forecast(&[50; 8], 1_000, TODAY);
        let uneven = forecast(&[0, 200, 0, 0, 150, 0, 50, 0], 1_000, TODAY);
        let (Forecast::Between(e1, Some(e2)), Forecast::Between(u1, u2)) = (even, uneven) else { panic!() };
        assert!(u1 < e1 && u2.is_none_or(|day| day > e2), "{even:?} {uneven:?}");
    }

    #[test]
    fn nothing_is_said_where_nothing_can_be() {
        assert_eq!(forecast(&[9, 9], 10, TODAY), Forecast::TooEarly);
        assert_eq!(forecast(&[0; 12], 10, TODAY), Forecast::Still);
        assert_eq!(forecast(&[9; 12], 0, TODAY), Forecast::Spent);
        assert_eq!(forecast(&[1, 0, 0, 0], 1_000_000, TODAY), Forecast::Far);
        let Forecast::Between(_, None) = forecast(&[0, 0, 1, 0, 0, 0], 10, TODAY) else {
            panic!("one tells no latest")
        };
    }

    proptest! {
        /// The earlier day is never after the later one, and more left never ends earlier.
        #[test]
        fn the_range_is_a_range(weeks in proptest::collection::vec(0_u32..5_000, 0..14), left in 0_i64..1_000_000) {
            if let Forecast::Between(first, last) = forecast(&weeks, left, TODAY) {
                prop_assert!(last.is_none_or(|last| first <= last));
                if let Forecast::Between(more, _) = forecast(&weeks, left + 1_000, TODAY) {
                    prop_assert!(first <= more);
                }
            }
        }
    }
}
