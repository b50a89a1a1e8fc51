//! All routes, each slice's in turn, inside their layers.

use axum::Router;

use super::AppState;
use crate::{
    audit, auth, contracts, exports, find, hand, imports, keys, notices, orders, people, pools, products, reference,
    requests, views,
    web::{self, registry::Routes},
};

/// Every route with its access; tests walk this list.
pub fn routes() -> Routes {
    Routes::default()
        .merge(web::routes())
        .merge(auth::routes())
        .merge(products::routes())
        .merge(contracts::routes())
        .merge(keys::routes())
        .merge(orders::routes())
        .merge(requests::routes())
        .merge(people::routes())
        .merge(pools::routes())
        .merge(imports::routes())
        .merge(hand::routes())
        .merge(exports::routes())
        .merge(views::routes())
        .merge(find::routes())
        .merge(notices::routes())
        .merge(reference::routes())
        .merge(audit::routes())
}

/// The whole service: routes inside their layers.
pub fn router(state: AppState) -> Router {
    let routes = routes();
    let unhurried = routes.unhurried();
    web::layers::wrap(routes.into_router(state.clone()), unhurried, state)
}
