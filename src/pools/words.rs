//! Results of the protocol in the words of who looks after machines.

use super::forecast::Forecast;
use crate::{
    activation::wire::Outcome,
    web::{
        page::Tone,
        view::{When, number},
    },
};

/// What was asked for, by the name of the operation on the wire.
pub fn asked(op: &str) -> &'static str {
    match op {
        "hello" => "The site’s name and keys, or an enrolment",
        "activate" => "Activation by count",
        "mak" => "Activation by a key",
        "status" => "How a machine stands",
        _ => "Nothing that could be read",
    }
}

/// What a code or the word of an error line means; the code itself where this program doesn't know it.
pub fn result(code: &str) -> &str {
    match Outcome::from_code(code) {
        Some(Outcome::Done) => "Answered as asked",
        Some(Outcome::CountInsufficient) => "Counted, but too few machines have asked so far",
        Some(Outcome::NotEnabled) => "Not activated by count here, or the application is closed",
        Some(Outcome::HostNotActivated) => "This host has no host key that it can use",
        Some(Outcome::UnknownSku) => "Unknown application or edition",
        Some(Outcome::ClockSkew) => "The client’s clock is more than 4 hours off, or the request is too old",
        Some(Outcome::KeyInvalid) => "A key that isn’t valid for the edition",
        Some(Outcome::KeyBlocked) => "A key that was blocked",
        Some(Outcome::HostKeySpent) => "The host key’s activations are spent",
        Some(Outcome::LimitReached) => "All activations of the key are spent",
        Some(Outcome::HardwareBeyondTolerance) => "The hardware changed beyond tolerance",
        None => match code {
            "repeated" => "A retry: the same answer again",
            "malformed" => "A line that is no request",
            "field" => "A request with a wrong field",
            "version" => "A request of another version",
            "enrolment" => "A device that isn’t enrolled",
            "unavailable" => "The database couldn’t be written: asked to come again",
            "too-long" => "A line that is too long",
            "too-slow" => "A line that came too slowly",
            "too-many-faults" => "Closed after too many faulty lines",
            "busy" => "Turned away: too many connections",
            "foreign" => "A client of another protocol",
            other => other,
        },
    }
}

/// How much a result matters.
pub fn tone(code: &str) -> Tone {
    match Outcome::from_code(code) {
        Some(Outcome::Done) => Tone::Good,
        Some(Outcome::CountInsufficient) => Tone::Info,
        Some(Outcome::HostNotActivated | Outcome::HostKeySpent | Outcome::LimitReached) => Tone::Bad,
        Some(_) => Tone::Warn,
        None if code == "repeated" => Tone::Good,
        None if code == "unavailable" => Tone::Bad,
        None => Tone::Warn,
    }
}

/// A forecast in a sentence, with its days exactly.
pub fn forecast(forecast: Forecast, weeks: usize, today: time::Date) -> String {
    let day = |day| When::day(day, today);
    match forecast {
        Forecast::Spent => "No activation is left.".to_owned(),
        Forecast::TooEarly => "Issued less than three weeks ago: too early to say when it runs out.".to_owned(),
        Forecast::Still => format!("Nothing spent in the last {weeks} weeks."),
        Forecast::Far => format!("Lasts for more than five years at the pace of the last {weeks} weeks."),
        Forecast::Between(first, Some(last)) => format!(
            "Runs out between {} and {} ({} to {}) at the pace of the last {weeks} weeks.",
            day(first).exact,
            day(last).exact,
            day(first).words,
            day(last).words.trim_start_matches("in ")
        ),
        Forecast::Between(first, None) => format!(
            "Not before {} ({}) at the pace of the last {weeks} weeks, which is too uneven to say more.",
            day(first).exact,
            day(first).words
        ),
    }
}

/// `3 more machines have to ask`, or that the count suffices.
pub fn standing(count: i64, needed: i64) -> (Tone, String) {
    if count >= needed {
        return (Tone::Good, "Count reached".to_owned());
    }
    let missing = needed - count;
    let noun = if missing == 1 { "machine is missing" } else { "machines are missing" };
    (Tone::Warn, format!("{} {noun}", number(missing)))
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    #[test]
    fn every_outcome_has_words() {
        for outcome in Outcome::ALL {
            assert_ne!(result(outcome.code()), outcome.code());
        }
        assert_eq!(result("0xFFFFFFFF"), "0xFFFFFFFF");
    }

    #[test]
    fn every_operation_has_words() {
        let unread = asked("line");
        for op in ["hello", "activate", "mak", "status"] {
            assert_ne!(asked(op), unread, "{op}");
        }
    }

    #[test]
    fn a_forecast_names_both_days() {
        let between = Forecast::Between(date!(2026 - 12 - 20), Some(date!(2027 - 01 - 24)));
        assert_eq!(
            forecast(between, 8, date!(2026 - 11 - 22)),
            "Runs out between 20 Dec 2026 and 24 Jan 2027 (in 28 days to 63 days) at the pace of the last 8 weeks."
        );
    }

    /// DOMAIN §3: at least 25.
    #[test]
    fn twenty_four_wait_and_the_twenty_fifth_suffices() {
        assert_eq!(standing(24, 25).1, "1 machine is missing");
        assert_eq!(standing(25, 25), (Tone::Good, "Count reached".to_owned()));
    }
}
