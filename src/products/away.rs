//! `GET /products` with `archived`: the products that rest in the archive, which are the site's to bring back.

use super::model::Filter;
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
        view::{Address, Chip, Field},
    },
};

/// What a filter of the list asks of the archive. A product that rests there has no keys that stand any way.
pub(super) fn resting(filter: &Filter) -> Resting<'_> {
    Resting { q: &filter.q, facts: vec![("category", &filter.category)], ..Resting::default() }
}

/// The list of the archive alone.
pub(super) async fn page(tx: &mut Scoped, shell: Shell, address: Address, filter: &Filter) -> Result<AwayPage> {
    let address = address.without("keys");
    let choices = away::choices(tx, Thing::Product, "category", &filter.category).await?;
    let asked = Away {
        thing: Thing::Product,
        title: "Archived products and services",
        placeholder: "Product or category",
        of: resting(filter),
        tabs: Vec::new(),
        fields: vec![Field::new("text", "category", "Category").choices(choices)],
        chips: Chip::active(&address, &[("q", "Search: "), ("category", "Category: ")], |_, value| value.to_owned()),
        address,
    };
    asked.page(shell, tx).await
}
