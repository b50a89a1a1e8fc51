//! Dates in words, exact beside or on hover, and for machines.
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime};

use super::count;

/// A day or a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct When {
    /// For `<time datetime>`.
    pub iso: String,
    /// `30 Nov 2026`, or `22 Nov 2026, 14:13 UTC`.
    pub exact: String,
    /// `in 8 days`, `3 hours ago`.
    pub words: String,
    /// Days from today; negative in the past.
    pub days: i64,
}

impl When {
    /// A day, seen from `today`.
    #[must_use]
    pub fn day(date: Date, today: Date) -> Self {
        let days = (date - today).whole_days();
        let iso = date.format(format_description!("[year]-[month]-[day]")).unwrap_or_default();
        Self { iso, exact: exact_day(date), words: day_words(days), days }
    }

    /// A moment, seen from `now`; both in the person's offset.
    #[must_use]
    pub fn moment(at: OffsetDateTime, now: OffsetDateTime) -> Self {
        let clock = at.format(format_description!("[hour]:[minute]")).unwrap_or_default();
        let zone = if at.offset().is_utc() { " UTC" } else { "" };
        let seconds = (now - at).whole_seconds();
        let days = (at.date() - now.to_offset(at.offset()).date()).whole_days();
        let words = match seconds {
            ..-59 | 86_400.. => day_words(days),
            -59..60 => "just now".to_owned(),
            60..3_600 => ago(seconds.unsigned_abs() / 60, "minute", "minutes"),
            3_600..86_400 => ago(seconds.unsigned_abs() / 3_600, "hour", "hours"),
        };
        let iso = at.format(&Rfc3339).unwrap_or_default();
        Self { iso, exact: [exact_day(at.date()).as_str(), ", ", &clock, zone].concat(), words, days }
    }
}

/// A value as a person reads it: a day in words, everything else as it stands.
#[must_use]
pub fn read_out(value: String) -> String {
    Date::parse(&value, format_description!("[year]-[month]-[day]")).map_or(value, exact_day)
}

fn exact_day(date: Date) -> String {
    date.format(format_description!("[day padding:none] [month repr:short] [year]")).unwrap_or_default()
}

fn ago(value: u64, one: &str, many: &str) -> String {
    [count(value, one, many).as_str(), " ago"].concat()
}

/// Days up to three months, then months, then years.
fn day_words(days: i64) -> String {
    let distance = days.unsigned_abs();
    let words = match distance {
        0 => return "today".to_owned(),
        1 if days > 0 => return "tomorrow".to_owned(),
        1 => return "yesterday".to_owned(),
        2..=92 => count(distance, "day", "days"),
        93..=729 => count(distance / 30, "month", "months"),
        _ => count(distance / 365, "year", "years"),
    };
    if days > 0 { ["in ", &words].concat() } else { [words.as_str(), " ago"].concat() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::{date, datetime};

    #[test]
    fn days_are_told_in_words() {
        let today = date!(2026 - 11 - 22);
        let words = |date| When::day(date, today).words;
        assert_eq!(words(date!(2026 - 11 - 30)), "in 8 days");
        assert_eq!(words(date!(2026 - 11 - 23)), "tomorrow");
        assert_eq!(words(today), "today");
        assert_eq!(words(date!(2027 - 06 - 30)), "in 7 months");
        assert_eq!(words(date!(2021 - 12 - 31)), "4 years ago");
        assert_eq!(When::day(date!(2026 - 11 - 30), today).exact, "30 Nov 2026");
    }

    #[test]
    fn moments_are_told_in_words() {
        let now = datetime!(2026-11-22 14:13:30 UTC);
        let words = |at| When::moment(at, now).words;
        assert_eq!(words(datetime!(2026-11-22 14:13:00 UTC)), "just now");
        assert_eq!(words(datetime!(2026-11-22 14:11:00 UTC)), "2 minutes ago");
        assert_eq!(words(datetime!(2026-11-22 13:13:00 UTC)), "1 hour ago");
        assert_eq!(words(datetime!(2026-11-20 13:13:00 UTC)), "2 days ago");
        let exact = When::moment(datetime!(2026-11-22 09:05:00 UTC), now);
        assert_eq!(exact.exact, "22 Nov 2026, 09:05 UTC");
        assert_eq!(exact.iso, "2026-11-22T09:05:00Z");
    }

    #[test]
    fn a_day_among_values_is_read_out() {
        assert_eq!(read_out("2027-03-31".to_owned()), "31 Mar 2027");
        assert_eq!(read_out("8671204".to_owned()), "8671204");
    }
}
