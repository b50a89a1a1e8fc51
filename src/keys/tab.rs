//! The keys of a product or of a License ID, as a tab of its panel shows them.

use super::{db, model::Of, view};
use crate::{
    error::Result,
    hand::{self, db::resting::Resting, model::Thing},
    people,
    postgres::Scoped,
    requests,
    web::{
        form::Pairs,
        paging::{PAGE, page_of},
        view::{Address, Archive, Empty, Export, KeyLead, KeyList, Pager},
    },
};

/// What a tab shows.
pub struct Tab<'a> {
    /// Whose keys.
    pub of: Of<'a>,
    /// Whether it is the open one: else its keys are only counted.
    pub open: bool,
    /// Its address.
    pub here: Address,
    /// Which keys of the archive are its.
    pub resting: Resting<'a>,
    /// What each key is told apart by.
    pub lead: KeyLead,
    /// The export of the ticked ones, for where there are any.
    pub export: Export,
    /// What to show when there is no key.
    pub empty: Empty,
}

impl Tab<'_> {
    /// The page of keys that the address names where the tab is open; how many keys there are in any case.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn read(self, tx: &mut Scoped, query: &Pairs) -> Result<(Option<KeyList>, u64)> {
        let number = page_of(query.one("keys_page"));
        let (rows, total) = db::list(tx, self.of, PAGE, (number - 1) * PAGE).await?;
        let total = total.unsigned_abs();
        if !self.open {
            return Ok((None, total));
        }
        let mut rows = view::rows(rows, tx.today());
        requests::beside::mark(tx, &mut rows).await?;
        people::access::mark(tx, &mut rows).await?;
        let here = self.here.with(Archive::KEYS, query.one(Archive::KEYS));
        let here = here.with("keys_page", query.one("keys_page"));
        let keys = KeyList {
            archived: hand::beside::archived(tx, Thing::Key, &here, Archive::KEYS, self.resting).await?,
            lead: self.lead,
            place: here.path().to_owned(),
            pager: Pager::new(&here, "keys_page", number.unsigned_abs(), PAGE.unsigned_abs(), total),
            back: here.href(),
            rows,
            export: (total > 0).then_some(self.export),
            locked: None,
            empty: self.empty,
        };
        Ok((Some(keys), total))
    }
}
