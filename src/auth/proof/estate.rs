//! Proofs that name something of the estate: a License ID, and what hangs on one.

use std::{collections::HashMap, marker::PhantomData};

use axum::{extract::FromRequestParts, http::request::Parts};
use uuid::Uuid;

use super::{
    SignedIn, access,
    path::{self, named},
    signed_in_behind,
};
use crate::{
    app::AppState,
    auth::roles::{Permission, Role},
    contracts::{self, model::ContractHead},
    error::{Error, Result},
    keys::{self, model::KeyHead},
    orders::{self, model::OrderHead},
    pools::{self, model::Application},
    postgres::Scoped,
    products::{self, model::Product},
    web::{
        registry::{Access, Proof, Who},
        view::Locked,
    },
};

signed_in_behind!(OnContract<P>, OnKey<P>, OnProduct, OnOrder, OnApplication);

/// A permission on a License ID, as a type.
pub trait Needs: Send + Sync + 'static {
    /// The permission.
    const PERMISSION: Permission;
}

macro_rules! needs {
    ($($(#[$doc:meta])* $name:ident),*) => { $(
        $(#[$doc])*
        pub struct $name;
        impl Needs for $name { const PERMISSION: Permission = Permission::$name; }
    )* };
}
needs!(
    /// See the License ID.
    See,
    /// Read its keys.
    ReadKeys,
    /// Administer it.
    Administer
);

/// The permission `P` on the License ID in the path (`{license_id}`).
pub struct OnContract<P> {
    signed_in: SignedIn,
    /// The License ID's row.
    pub contract: ContractHead,
    needs: PhantomData<P>,
}

impl<P: Needs> Proof for OnContract<P> {
    const ACCESS: Access = access(Who::OnContract(P::PERMISSION));
}

impl<P: Needs> FromRequestParts<AppState> for OnContract<P> {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let signed_in = SignedIn::from_request_parts(parts, state).await?;
        let license_id: String = named(parts, state, "license_id").await?;
        let mut tx = signed_in.begin(state).await?;
        let contract = contracts::db::head(&mut tx, &license_id).await?.ok_or(Error::NotFound)?;
        if !contract.may(P::PERMISSION) {
            return Err(lacking(&mut tx, P::PERMISSION, &contract).await?);
        }
        Ok(Self { signed_in, contract, needs: PhantomData })
    }
}

/// "You lack this role, ask X": only where some grant exists, so that nothing unknown is told.
pub(super) async fn lacking(tx: &mut Scoped, permission: Permission, contract: &ContractHead) -> Result<Error> {
    if contract.roles.is_empty() {
        return Ok(Error::Lacking(Locked::not_approved(&contract.license_id).missing()));
    }
    let roles: Vec<_> = Role::ALL.into_iter().filter(|role| role.may(permission)).map(Role::label).collect();
    let administrators = contracts::db::administrator_names(tx, contract.id).await?;
    // None can sign in, or the site hides their names.
    let ask = if administrators.is_empty() {
        "an Administrator of it, or your site operator".to_owned()
    } else {
        administrators.join(" or ")
    };
    Ok(Error::Lacking(format!(
        "On License ID {} this needs the role {}. Ask {ask}.",
        contract.license_id,
        roles.join(" or ")
    )))
}

/// The permission `P` on the License ID of the key in the path (`{id}`).
pub struct OnKey<P> {
    signed_in: SignedIn,
    /// The key's row, without its secret.
    pub key: KeyHead,
    needs: PhantomData<P>,
}

impl<P: Needs> Proof for OnKey<P> {
    const ACCESS: Access = access(Who::OnKey(P::PERMISSION));
}

impl<P: Needs> FromRequestParts<AppState> for OnKey<P> {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let signed_in = SignedIn::from_request_parts(parts, state).await?;
        let id: Uuid = named(parts, state, "id").await?;
        let mut tx = signed_in.begin(state).await?;
        // Keys of a License ID where one may not read keys aren't in scope at all: 404, as an absent one.
        let key = keys::db::head(&mut tx, id, P::PERMISSION).await?.ok_or(Error::NotFound)?;
        Ok(Self { signed_in, key, needs: PhantomData })
    }
}

/// The product in the path (`{slug}`) is on some License ID that the person sees.
pub struct OnProduct {
    signed_in: SignedIn,
    product: Product,
    tx: Scoped,
}

impl OnProduct {
    /// Who, the product, and the transaction in which it was found, to read the rest of the page in.
    pub fn begun(self) -> (SignedIn, Product, Scoped) {
        (self.signed_in, self.product, self.tx)
    }
}

impl Proof for OnProduct {
    const ACCESS: Access = access(Who::OnProduct);
}

impl FromRequestParts<AppState> for OnProduct {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let signed_in = SignedIn::from_request_parts(parts, state).await?;
        let slug: String = named(parts, state, "slug").await?;
        let mut tx = signed_in.begin(state).await?;
        let product = products::db::by_slug(&mut tx, &slug).await?.ok_or(Error::NotFound)?;
        Ok(Self { signed_in, product, tx })
    }
}

/// The order line in the path (`{id}`) is on a License ID whose orders the person reads.
pub struct OnOrder {
    signed_in: SignedIn,
    /// The line, and what tells its order from others.
    pub order: OrderHead,
}

impl Proof for OnOrder {
    const ACCESS: Access = access(Who::OnOrder);
}

impl FromRequestParts<AppState> for OnOrder {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let signed_in = SignedIn::from_request_parts(parts, state).await?;
        let id: Uuid = named(parts, state, "id").await?;
        let mut tx = signed_in.begin(state).await?;
        let order = orders::db::head(&mut tx, id).await?.ok_or(Error::NotFound)?;
        Ok(Self { signed_in, order })
    }
}

/// The application in the path (`{application}`) belongs to a License ID that the person administers.
pub struct OnApplication {
    signed_in: SignedIn,
    /// The application, with its count.
    pub application: Application,
    parts: HashMap<String, String>,
}

impl OnApplication {
    /// The id of something of the application, named further on in the path. Whoever looks it up does so within
    /// the application.
    ///
    /// # Errors
    /// [`Error::NotFound`] where it isn't an id.
    pub fn part(&self, name: &str) -> Result<Uuid> {
        self.parts.get(name).and_then(|part| part.parse().ok()).ok_or(Error::NotFound)
    }
}

impl Proof for OnApplication {
    const ACCESS: Access = access(Who::OnApplication);
}

impl FromRequestParts<AppState> for OnApplication {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let signed_in = SignedIn::from_request_parts(parts, state).await?;
        let parts = path::params(parts, state).await?;
        let id: Uuid = parts.get("application").and_then(|part| part.parse().ok()).ok_or(Error::NotFound)?;
        let mut tx = signed_in.begin(state).await?;
        // Of a License ID that one doesn't administer no application is known: 404, as an absent one.
        let application = pools::db::application(&mut tx, id).await?.ok_or(Error::NotFound)?;
        Ok(Self { signed_in, application, parts })
    }
}
