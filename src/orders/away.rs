//! `GET /orders` with `archived`: the order lines that rest in the archive, by the filters of the list.

use time::{Date, Month};

use super::{
    filter::Narrowed,
    list::chips,
    model::{Filter, Only},
    screens,
};
use crate::{
    error::Result,
    hand::{
        away::{self, Away, AwayPage},
        db::resting::Resting,
        model::Thing,
    },
    postgres::Scoped,
    products,
    web::{
        page::Shell,
        view::{Address, Field},
    },
};

/// The first day of the last twelve months.
fn year_ago(today: Date) -> Option<Date> {
    let year = today.year() - 1;
    // A leap day's year ago is the last of that February.
    let same = today.replace_year(year).or_else(|_| Date::from_calendar_date(year, Month::February, 28)).ok()?;
    same.next_day()
}

/// What a filter of the list asks of the archive.
pub(super) fn resting(filter: &Filter, today: Date) -> Resting<'_> {
    let ahead = (filter.only == Only::Ahead).then(|| ("usage_start", today.next_day(), None));
    let year = (filter.only == Only::Year).then(|| ("ordered_on", year_ago(today), None));
    let between = (filter.from.is_some() || filter.to.is_some()).then_some(("ordered_on", filter.from, filter.to));
    Resting {
        q: &filter.q,
        facts: vec![
            ("license_id", &filter.license_id),
            ("product", &filter.product),
            ("reseller", &filter.reseller),
            ("country", &filter.country),
            ("renewal", filter.renewal.word()),
            ("step_up", filter.step_up.word()),
        ],
        esu: filter.only == Only::Esu,
        days: [ahead, year, between].into_iter().flatten().collect(),
        ..Resting::default()
    }
}

/// The list of the archive alone.
pub(super) async fn page(tx: &mut Scoped, shell: Shell, address: Address, narrowed: &Narrowed) -> Result<AwayPage> {
    let (filter, today) = (&narrowed.filter, tx.today());
    let select = |name, label, choices| Field::new("text", name, label).choices(choices);
    let mut fields = screens::fields(&address, narrowed).to_vec();
    fields.push(select("reseller", "Reseller", away::choices(tx, Thing::Order, "reseller", &filter.reseller).await?));
    fields.push(select("country", "Country", away::choices(tx, Thing::Order, "country", &filter.country).await?));
    if screens::asks(filter) {
        fields.extend(screens::told(&address));
    }
    let tabs = screens::only(&address);
    let asked = Away {
        thing: Thing::Order,
        title: "Archived orders",
        placeholder: "Product, part, order or License ID number",
        of: resting(filter, today),
        chips: chips(&address, &tabs, &products::db::called(tx, &filter.product).await?),
        tabs,
        fields,
        address,
    };
    asked.page(shell, tx).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::date;

    #[test]
    fn twelve_months_are_those_that_the_list_counts() {
        assert_eq!(year_ago(date!(2026 - 11 - 22)), Some(date!(2025 - 11 - 23)));
        assert_eq!(year_ago(date!(2028 - 02 - 29)), Some(date!(2027 - 03 - 01)));
    }
}
