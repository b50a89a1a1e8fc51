//! `GET /contracts` with `archived`: the License IDs that rest in the archive, by the filters of the list.

use time::{Date, Duration};

use super::{
    ends,
    list::narrowing,
    model::{Expired, Filter},
    screens::{ENDINGS, among},
};
use crate::{
    error::Result,
    hand::{
        away::{self, Away, AwayPage},
        db::resting::Resting,
        model::Thing,
    },
    postgres::Scoped,
    web::{
        page::Shell,
        view::{Address, Field},
    },
};

/// Those that have ended: in the archive most have, so that none is hidden for it.
const EXPIRED: [(&str, &str); 2] = [("", "Shown"), ("only", "Only")];

/// What a filter of the list asks of the archive.
pub(super) fn resting(filter: &Filter, today: Date) -> Resting<'_> {
    let ending = filter.ending.map(|days| {
        let last = today.checked_add(Duration::days(days.into())).unwrap_or(Date::MAX);
        ("end", Some(today), Some(last))
    });
    let month = filter.month.map(|first| ("end", Some(first), ends::next_month(first).previous_day()));
    let expired = (filter.expired == Expired::Only).then(|| ("end", None, today.previous_day()));
    Resting {
        q: &filter.q,
        facts: vec![("program", &filter.program), ("status", &filter.status)],
        days: [ending, month, expired].into_iter().flatten().collect(),
        ..Resting::default()
    }
}

/// The list of the archive alone.
pub(super) async fn page(tx: &mut Scoped, shell: Shell, address: Address, filter: &Filter) -> Result<AwayPage> {
    let today = tx.today();
    // What hides nothing here is no filter.
    let address = if filter.expired == Expired::Only { address } else { address.without("expired") };
    let select = |name, label, choices| Field::new("text", name, label).choices(choices);
    let fields = vec![
        select("program", "Programme", away::choices(tx, Thing::Contract, "program", &filter.program).await?),
        select("status", "Status", away::choices(tx, Thing::Contract, "status", &filter.status).await?),
        select("ending", "Ends", among(&ENDINGS, address.get("ending"))),
        select("expired", "Expired", among(&EXPIRED, address.get("expired"))),
    ];
    let asked = Away {
        thing: Thing::Contract,
        title: "Archived contracts",
        placeholder: "License ID or organisation",
        of: resting(filter, today),
        tabs: Vec::new(),
        fields,
        chips: narrowing(&address),
        address,
    };
    asked.page(shell, tx).await
}
