//! "Does my ESU order exist?", answered in words. Source: S000, "Extended Security Updates": the order may come before
//! its coverage, its MAK shows from then on and can't be used before, and the orders are the proof of it.

use time::Date;

use super::{
    db,
    model::{Filter, Only, Order, Sight, Sort},
};
use crate::{
    error::Result,
    postgres::Scoped,
    web::{
        page::Tone,
        view::{When, count, number},
    },
};

/// Lines that are looked at to say how many License IDs they are under.
const LOOKED_AT: i64 = 500;
/// Lines told in the answer.
const TOLD: usize = 5;

/// A line of the answer.
#[derive(Clone, Debug)]
pub struct EsuLine {
    /// What was ordered.
    pub description: String,
    /// The order's page.
    pub href: String,
    /// How many, under which License ID, when and by which order.
    pub words: String,
    /// From when it may be used, and how that stands.
    pub usage: (Tone, String),
}

/// The answer.
#[derive(Clone, Debug)]
pub struct EsuAnswer {
    /// Whether there is an order.
    pub found: bool,
    /// The answer in a sentence.
    pub title: String,
    /// The newest orders.
    pub lines: Vec<EsuLine>,
    /// What one should know beside it.
    pub notes: Vec<String>,
}

impl EsuAnswer {
    /// Its icon.
    #[must_use]
    pub const fn icon(&self) -> &'static str {
        if self.found { "check" } else { "info" }
    }
}

/// The answer to a search that asks for ESU; none for any other.
///
/// # Errors
/// When the database fails.
pub async fn answer(tx: &mut Scoped, filter: &Filter) -> Result<Option<EsuAnswer>> {
    if !filter.asks_for_esu() {
        return Ok(None);
    }
    let sight = db::sight(tx).await?;
    if sight.read == 0 {
        return Ok(None);
    }
    let today = tx.today();
    let wanted = Filter { only: Only::Esu, ..filter.clone() };
    let (lines, total) = db::list(tx, &wanted, today, (Sort::OrderedOn, true), LOOKED_AT, 0).await?;
    Ok(Some(said(&lines, total, &sight, today)))
}

fn said(lines: &[Order], total: i64, sight: &Sight, today: Date) -> EsuAnswer {
    let mut license_ids: Vec<&str> = lines.iter().map(|line| line.license_id.as_str()).collect();
    license_ids.sort_unstable();
    license_ids.dedup();
    let orders = count(total.unsigned_abs(), "ESU order line", "ESU order lines");
    let title = match license_ids.as_slice() {
        [] => "No ESU order in what you may see.".to_owned(),
        [only] => format!("Yes: {orders} under License ID {only}."),
        _ if total > LOOKED_AT => format!("Yes: {orders}."),
        many => format!("Yes: {orders} under {} License IDs.", number(many.len() as u64)),
    };
    EsuAnswer {
        found: total > 0,
        title,
        lines: lines.iter().take(TOLD).map(|line| told(line, today)).collect(),
        notes: notes(total, sight, today),
    }
}

fn told(line: &Order, today: Date) -> EsuLine {
    let mut words = vec![format!("quantity {}, License ID {}", number(line.quantity), line.license_id)];
    if let Some(day) = line.ordered_on {
        words.push(format!("ordered {}", When::day(day, today).exact));
    }
    if !line.reseller_order_no.is_empty() {
        words.push(format!("order {}", line.reseller_order_no));
    }
    let covered = covered(&line.description);
    let covers = if covered.is_empty() { String::new() } else { format!("covers {covered}, ") };
    let usage = match line.usage_starts_on.map(|day| (day, When::day(day, today))) {
        None => (Tone::Info, format!("{covers}no usage start is recorded")),
        Some((day, when)) if day > today => (
            Tone::Warn,
            format!(
                "{covers}usable from {} ({}): its MAK shows before, but works only from then",
                when.exact, when.words
            ),
        ),
        Some((_, when)) => (Tone::Good, format!("{covers}usable since {}", when.exact)),
    };
    EsuLine {
        description: line.description.clone(),
        href: format!("/orders/{}", line.id),
        words: words.join(", "),
        usage,
    }
}

/// What an ESU is for: what stands before the words in its name.
fn covered(description: &str) -> &str {
    let lower = description.to_lowercase();
    let at = [" esu", " extended security update"].iter().filter_map(|words| lower.find(words)).min();
    // Letters that change their length in lower case stand in no such name; then nothing is said.
    at.and_then(|at| description.get(..at)).unwrap_or_default()
}

fn notes(total: i64, sight: &Sight, today: Date) -> Vec<String> {
    let mut notes = Vec::new();
    if total > 0 {
        notes.push("The order is the proof of purchase. Its MAK may follow three to five business days later, on the Keys tab of the License ID.".to_owned());
        return notes;
    }
    if sight.read < sight.seen {
        notes.push(format!(
            "You read the orders of {} of your {}. On the others it takes the role License position reader.",
            number(sight.read),
            count(sight.seen.unsigned_abs(), "License ID", "License IDs")
        ));
    }
    match sight.newest {
        Some(day) => notes.push(format!(
            "The newest order that was imported is of {}: a later one isn’t known here yet.",
            When::day(day, today).exact
        )),
        None => notes.push("No order was imported yet.".to_owned()),
    }
    notes
}

#[cfg(test)]
pub(super) fn sample() -> EsuAnswer {
    use time::macros::date;
    let sight = Sight { seen: 2, read: 1, newest: Some(date!(2026 - 11 - 01)) };
    let line = super::list::sample_order("Windows 10 ESU Year 2", Some(date!(2027 - 03 - 03)));
    said(&[line], 1, &sight, date!(2026 - 11 - 22))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orders::list::sample_order;
    use time::macros::date;

    const TODAY: Date = date!(2026 - 11 - 22);

    #[test]
    fn s000_esu_order_is_the_proof_and_its_mak_works_from_the_usage_start() {
        let answer = sample();
        assert_eq!(answer.title, "Yes: 1 ESU order line under License ID 8671377.");
        assert_eq!(answer.lines[0].words, "quantity 1,250, License ID 8671377, ordered 2 Oct 2026, order R0610985");
        let (tone, words) = &answer.lines[0].usage;
        assert_eq!(*tone, Tone::Warn);
        assert!(
            words.starts_with("covers Windows 10, usable from 3 Mar 2027 (in 3 months): its MAK shows before"),
            "{words}"
        );
        assert!(answer.notes[0].contains("proof of purchase"));
        let past = told(&sample_order("Windows Server 2012 R2 ESU Year 3", Some(date!(2026 - 09 - 15))), TODAY);
        assert_eq!(past.usage, (Tone::Good, "covers Windows Server 2012 R2, usable since 15 Sep 2026".to_owned()));
    }

    #[test]
    fn s000_no_esu_order_says_how_far_one_sees() {
        let sight = Sight { seen: 5, read: 3, newest: Some(date!(2026 - 11 - 12)) };
        let answer = said(&[], 0, &sight, TODAY);
        assert_eq!((answer.found, answer.title.as_str()), (false, "No ESU order in what you may see."));
        assert!(answer.notes[0].starts_with("You read the orders of 3 of your 5 License IDs."));
        assert!(answer.notes[1].contains("12 Nov 2026"));
    }

    #[test]
    fn a_name_says_what_is_covered() {
        assert_eq!(covered("Windows 10 ESU Year 2"), "Windows 10");
        assert_eq!(covered("Windows Server 2012 Extended Security Updates (Year 1)"), "Windows Server 2012");
        assert_eq!(covered("ESU"), "");
    }
}
