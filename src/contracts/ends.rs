//! When License IDs end, over the coming 24 months, as a picture that leads to each month's list.

use time::{Date, Month};

use super::{
    db,
    model::{Expired, Filter},
};
use crate::{
    error::Result,
    postgres::Scoped,
    web::view::{Address, Bar, Cell, Numbers, Plot, count},
};

/// Months in the picture, this one included.
const MONTHS: i32 = 24;

/// Draws the License IDs in force that a list shows, whatever it says about their end; none where that leaves none.
///
/// # Errors
/// When the database fails.
pub async fn plot(tx: &mut Scoped, filter: &Filter, address: &Address) -> Result<Option<Plot>> {
    if filter.expired == Expired::Only {
        return Ok(None);
    }
    let filter = Filter { expired: Expired::Hidden, ending: None, month: None, ..filter.clone() };
    let today = tx.today();
    let ends = db::ends(tx, &filter, today, MONTHS).await?;
    Ok(draw(&ends, today, address))
}

/// The same of every License ID that the person sees, for the overview: each column leads to its list.
///
/// # Errors
/// When the database fails.
pub async fn of_all(tx: &mut Scoped) -> Result<Option<Plot>> {
    plot(tx, &Filter::default(), &Address::new("/contracts")).await
}

fn draw(ends: &[(Option<Date>, i64)], today: Date, address: &Address) -> Option<Plot> {
    let in_force: i64 = ends.iter().map(|(_, n)| n).sum();
    if in_force == 0 {
        return None;
    }
    let first = today.replace_day(1).unwrap_or(today);
    let months = std::iter::successors(Some(first), |day| Some(next_month(*day)));
    let months: Vec<(Date, i64)> = months
        .take(MONTHS.unsigned_abs() as usize)
        .map(|month| (month, ends.iter().find(|(at, _)| *at == Some(month)).map_or(0, |(_, n)| *n)))
        .collect();
    let mut labelled = false;
    let bars = months.iter().map(|(month, n)| {
        let label = quarter(month.month());
        let year = !label.is_empty() && (!labelled || month.month() == Month::January);
        labelled |= !label.is_empty();
        Bar {
            value: *n,
            says: format!("{}: {}", words_of(*month), license_ids(*n)),
            label,
            below: if year { month.year().to_string() } else { String::new() },
            href: Some(list_of(address, *month)),
        }
    });
    let bars = bars.collect();
    let row = |(month, n): &(Date, i64)| {
        vec![Cell::text(words_of(*month)).href((*n > 0).then(|| list_of(address, *month))), Cell::number(*n)]
    };
    let mut rows: Vec<Vec<Cell>> = months.iter().map(row).collect();
    let ending: i64 = months.iter().map(|(_, n)| n).sum();
    rows.push(vec![Cell::text("Later, or without an end date"), Cell::number(in_force - ending)]);
    let numbers = Numbers {
        caption: "License IDs by the month in which they end",
        columns: vec![("Month", false), ("License IDs", true)],
        rows,
    };
    Some(Plot::columns("License IDs by the month in which they end".to_owned(), says(&months, in_force), bars, numbers))
}

fn says(months: &[(Date, i64)], in_force: i64) -> String {
    let ending: i64 = months.iter().map(|(_, n)| n).sum();
    let Some((most, n)) = months.iter().rev().max_by_key(|(_, n)| *n).filter(|(_, n)| *n > 0) else {
        return format!("None of {} in force ends in the coming 24 months.", license_ids(in_force));
    };
    let verb = if ending == 1 { "ends" } else { "end" };
    format!(
        "Of {} in force {} {verb} in the coming 24 months, the most in {} ({}).",
        license_ids(in_force),
        crate::web::view::number(ending),
        words_of(*most),
        crate::web::view::number(*n)
    )
}

fn license_ids(n: i64) -> String {
    count(n.unsigned_abs(), "License ID", "License IDs")
}

pub(super) fn next_month(day: Date) -> Date {
    let month = day.month().next();
    let year = if month == Month::January { day.year() + 1 } else { day.year() };
    Date::from_calendar_date(year, month, 1).unwrap_or(day)
}

fn quarter(month: Month) -> &'static str {
    match month {
        Month::January => "Jan",
        Month::April => "Apr",
        Month::July => "Jul",
        Month::October => "Oct",
        _ => "",
    }
}

fn list_of(address: &Address, month: Date) -> String {
    let address =
        ["page", "ending", "expired"].into_iter().fold(address.clone(), |address, part| address.without(part));
    address.with("month", format!("{}-{:02}", month.year(), u8::from(month.month()))).href()
}

/// `June 2027`.
pub(super) fn words_of(month: Date) -> String {
    format!("{} {}", month.month(), month.year())
}

/// The month that an address names, in words; none where it names none.
#[must_use]
pub fn month_in_words(text: &str) -> Option<String> {
    parse_month(text).map(words_of)
}

/// The first day of a month in an address, `2027-06`; anything else is none.
pub(super) fn parse_month(text: &str) -> Option<Date> {
    let (year, month) = text.split_once('-')?;
    let month: u8 = month.parse().ok()?;
    let year = year.parse().ok().filter(|year| (1900..=9998).contains(year))?;
    Date::from_calendar_date(year, Month::try_from(month).ok()?, 1).ok()
}

#[cfg(test)]
pub(crate) fn sample_of_all() -> Option<Plot> {
    sample(&Address::new("/contracts"))
}

#[cfg(test)]
pub(super) fn sample(address: &Address) -> Option<Plot> {
    use time::macros::date;
    let ends = [
        (Some(date!(2026 - 11 - 01)), 1),
        (Some(date!(2026 - 12 - 01)), 2),
        (Some(date!(2027 - 06 - 01)), 3),
        (None, 4),
    ];
    draw(&ends, date!(2026 - 11 - 22), address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::view::Drawing;
    use time::macros::date;

    #[test]
    fn each_of_24_months_has_its_column_and_its_list() {
        let address = Address::new("/contracts").with("program", "Campus").with("ending", "90").with("page", "2");
        let plot = sample(&address).unwrap();
        let Drawing::Columns(bars) = &plot.drawing else { panic!("columns") };
        assert_eq!(bars.len(), 24);
        assert_eq!(bars[7].0.says, "June 2027: 3 License IDs");
        assert_eq!(bars[7].0.href.as_deref(), Some("/contracts?program=Campus&month=2027-06"));
        assert_eq!((bars[2].0.label, bars[2].0.below.as_str()), ("Jan", "2027"));
        assert_eq!((bars[5].0.label, bars[5].0.below.as_str()), ("Apr", ""));
        assert_eq!(bars[23].0.says, "October 2028: 0 License IDs");
        assert_eq!(plot.words, "Of 10 License IDs in force 6 end in the coming 24 months, the most in June 2027 (3).");
        assert_eq!(plot.numbers.rows.len(), 25);
        assert_eq!(plot.numbers.rows[24][1].text, "4");
        assert_eq!(plot.role(), "group", "its columns are links");
    }

    #[test]
    fn nothing_in_force_draws_nothing_and_nothing_ending_is_said() {
        assert!(draw(&[], date!(2026 - 11 - 22), &Address::new("/contracts")).is_none());
        let plot = draw(&[(None, 1)], date!(2026 - 11 - 22), &Address::new("/contracts")).unwrap();
        assert_eq!(plot.words, "None of 1 License ID in force ends in the coming 24 months.");
    }

    #[test]
    fn a_month_reads_back_and_others_are_none() {
        assert_eq!(parse_month("2027-06"), Some(date!(2027 - 06 - 01)));
        for other in ["", "2027", "2027-13", "27-06-01", "-1-6", "99999-01", "june"] {
            assert_eq!(parse_month(other), None, "{other}");
        }
    }
}
