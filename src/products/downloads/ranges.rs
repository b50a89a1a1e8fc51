//! What a request for a file is answered with: RFC 9110, the conditions of section 13 and the ranges of section 14.
//!
//! Own, because what serves files elsewhere serves them by path, and without `If-Range`, on which resuming rests. One
//! range at a time: several are answered with the whole, as section 14.2 allows.

use axum::http::{HeaderMap, HeaderName, Method, header};

/// What to answer with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// 200 with all of it.
    Whole,
    /// 206 with the bytes from the first to the last, both included.
    Part {
        /// The first byte.
        first: u64,
        /// The last byte.
        last: u64,
    },
    /// 304: the client has it.
    Known,
    /// 412: it isn't what the client expects.
    Other,
    /// 416: there is no such byte.
    Beyond,
}

/// Decides. `tag` is the file's strong entity tag with its quotes, `size` its bytes.
pub fn answer(method: &Method, headers: &HeaderMap, tag: &str, size: u64) -> Answer {
    let list = |name: HeaderName| {
        let lines: Vec<&str> = headers.get_all(name).iter().filter_map(|line| line.to_str().ok()).collect();
        (!lines.is_empty()).then(|| lines.join(","))
    };
    if list(header::IF_MATCH).is_some_and(|known| !names(&known, tag, false)) {
        return Answer::Other;
    }
    if list(header::IF_NONE_MATCH).is_some_and(|known| names(&known, tag, true)) {
        return Answer::Known;
    }
    let Some(range) = list(header::RANGE).filter(|_| method == Method::GET) else { return Answer::Whole };
    // A date never matches: none is sent. Compared strongly, as section 13.1.5 asks.
    if list(header::IF_RANGE).is_some_and(|known| known.trim() != tag) {
        return Answer::Whole;
    }
    part(&range, size)
}

/// Whether a list of entity tags, or `*`, names this one.
fn names(list: &str, tag: &str, weakly: bool) -> bool {
    list.split(',').map(str::trim).any(|known| {
        let known = if weakly { known.strip_prefix("W/").unwrap_or(known) } else { known };
        known == "*" || known == tag
    })
}

/// What can't be read is as if it weren't there.
fn part(range: &str, size: u64) -> Answer {
    let read = || {
        let (unit, spec) = range.trim().split_once('=')?;
        let (first, last) = spec.trim().split_once('-')?;
        let (first, last) = (first.trim(), last.trim());
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !unit.eq_ignore_ascii_case("bytes") || !digits(first) || !digits(last) {
            return None;
        }
        // A number too large for 64 bits is beyond every file.
        let number = |text: &str| text.parse::<u64>().unwrap_or(u64::MAX);
        match (first.is_empty(), last.is_empty()) {
            (true, true) => None,
            (true, false) => Some((size.saturating_sub(number(last)), size.saturating_sub(1), number(last) > 0)),
            (false, true) => Some((number(first), size.saturating_sub(1), true)),
            (false, false) => {
                let (first, last) = (number(first), number(last));
                (first <= last).then_some((first, last.min(size.saturating_sub(1)), true))
            }
        }
    };
    match read() {
        None => Answer::Whole,
        Some((first, last, some)) if some && first < size => Answer::Part { first, last },
        Some(_) => Answer::Beyond,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAG: &str = "\"abc\"";

    fn of(headers: &[(HeaderName, &str)]) -> Answer {
        asked(&Method::GET, headers, 1_000)
    }

    fn asked(method: &Method, headers: &[(HeaderName, &str)], size: u64) -> Answer {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name.clone(), value.parse().unwrap());
        }
        answer(method, &map, TAG, size)
    }

    #[test]
    fn rfc_9110_14_1_2_byte_ranges() {
        let range = |text| of(&[(header::RANGE, text)]);
        let part = |first, last| Answer::Part { first, last };
        assert_eq!(range("bytes=0-499"), part(0, 499));
        assert_eq!(range("bytes=500-"), part(500, 999));
        assert_eq!(range("bytes=-500"), part(500, 999));
        assert_eq!(range("bytes=-5000"), part(0, 999), "a suffix longer than the file is the file");
        assert_eq!(range("bytes=900-99999999999999999999999"), part(900, 999));
        assert_eq!(range("BYTES = 1 - 2"), Answer::Whole, "no spaces before the equals sign");
        assert_eq!(range("bytes=999-999"), part(999, 999));
        for beyond in ["bytes=1000-", "bytes=1000-1001", "bytes=-0", "bytes=99999999999999999999999-"] {
            assert_eq!(range(beyond), Answer::Beyond, "{beyond}");
        }
        for ignored in ["bytes=5-4", "bytes=-", "bytes=a-b", "bytes", "lines=1-2", "bytes=0-1,5-6", "bytes=+1-2"] {
            assert_eq!(range(ignored), Answer::Whole, "{ignored}");
        }
        assert_eq!(asked(&Method::GET, &[(header::RANGE, "bytes=0-")], 0), Answer::Beyond, "an empty file has no byte");
    }

    #[test]
    fn rfc_9110_14_2_a_range_is_for_get_alone() {
        assert_eq!(asked(&Method::HEAD, &[(header::RANGE, "bytes=1-2")], 9), Answer::Whole);
    }

    #[test]
    fn rfc_9110_13_1_5_if_range_wants_the_same_file() {
        let resumed = |known| of(&[(header::RANGE, "bytes=500-"), (header::IF_RANGE, known)]);
        assert_eq!(resumed(TAG), Answer::Part { first: 500, last: 999 });
        for other in ["\"abd\"", "W/\"abc\"", "Sun, 22 Nov 2026 12:00:00 GMT"] {
            assert_eq!(resumed(other), Answer::Whole, "{other}");
        }
    }

    #[test]
    fn rfc_9110_13_2_2_conditions_go_before_ranges() {
        let range = (header::RANGE, "bytes=1-2");
        assert_eq!(of(&[(header::IF_MATCH, "\"x\", \"y\""), range.clone()]), Answer::Other);
        assert_eq!(of(&[(header::IF_MATCH, "\"x\", \"abc\""), range.clone()]), Answer::Part { first: 1, last: 2 });
        assert_eq!(of(&[(header::IF_MATCH, "W/\"abc\"")]), Answer::Other, "strongly");
        assert_eq!(of(&[(header::IF_MATCH, "*")]), Answer::Whole);
        assert_eq!(of(&[(header::IF_NONE_MATCH, "W/\"abc\""), range.clone()]), Answer::Known, "weakly");
        assert_eq!(of(&[(header::IF_NONE_MATCH, "\"x\""), range]), Answer::Part { first: 1, last: 2 });
    }
}
