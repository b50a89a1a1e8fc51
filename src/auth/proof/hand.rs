//! Proofs for correcting by hand. They look in the program's own scope, because what may be corrected may be out of
//! the person's sight (an archived License ID; any, for a site operator), and ask the right by the person's id.

use std::marker::PhantomData;

use axum::{extract::FromRequestParts, http::request::Parts};
use uuid::Uuid;

use super::{Operator, SignedIn, SiteRight, access, estate::lacking, path::named, signed_in_behind};
use crate::{
    app::AppState,
    auth::roles::Permission,
    contracts,
    error::{Error, Result},
    hand::{self, model::Thing, rights::Allowed},
    people::model::Named,
    postgres::Scope,
    web::registry::{Access, Proof, Who},
};

signed_in_behind!(Edits<T>, OnChangeSet, OnAccount);

/// A kind of thing with an address of its own, as a type.
pub trait Row: Send + Sync + 'static {
    /// The kind.
    const THING: Thing;
    /// What names it in the path.
    const PARAM: &'static str;
}

/// The thing in the path may be corrected by this person.
pub struct Edits<T> {
    signed_in: SignedIn,
    /// Its row.
    pub id: Uuid,
    /// Its License ID's row, if it belongs to one.
    pub contract: Option<Uuid>,
    /// What it is called.
    pub name: String,
    /// Whether the License ID's Administrators see all of it.
    pub allowed: Allowed,
    thing: PhantomData<T>,
}

impl<T: Row> Proof for Edits<T> {
    const ACCESS: Access = access(Who::Edits(T::THING));
}

impl<T: Row> FromRequestParts<AppState> for Edits<T> {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let signed_in = SignedIn::from_request_parts(parts, state).await?;
        if T::THING.of_the_site() && !Operator::has(signed_in.person()) {
            return Err(Error::Lacking(Operator::NEEDED.to_owned()));
        }
        let name: String = named(parts, state, T::PARAM).await?;
        let mut tx = state.db.begin(Scope::System).await?;
        let Some((id, contract, called)) = hand::db::find(&mut tx, T::THING, &name).await? else {
            return Err(Error::NotFound);
        };
        let allowed = Allowed::on(&mut tx, signed_in.person().id, contract).await?;
        if let Some(allowed) = allowed.filter(|allowed| allowed.may(T::THING, contract)) {
            return Ok(Self { signed_in, id, contract, name: called, allowed, thing: PhantomData });
        }
        drop(tx);
        Err(missing(&signed_in, state, T::THING, &name).await?)
    }
}

/// Who sees the License ID is told the role that is missing; to everybody else there is nothing.
async fn missing(person: &SignedIn, state: &AppState, thing: Thing, name: &str) -> Result<Error> {
    if thing == Thing::Contract {
        let mut tx = person.begin(state).await?;
        if let Some(head) = contracts::db::head(&mut tx, name).await? {
            return lacking(&mut tx, Permission::Administer, &head).await;
        }
    }
    Ok(Error::NotFound)
}

/// The set of changes in the path (`{id}`) holds something that this person may correct.
pub struct OnChangeSet {
    signed_in: SignedIn,
    /// The set.
    pub id: Uuid,
}

impl Proof for OnChangeSet {
    const ACCESS: Access = access(Who::OnChange);
}

impl FromRequestParts<AppState> for OnChangeSet {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let signed_in = SignedIn::from_request_parts(parts, state).await?;
        let id: Uuid = named(parts, state, "id").await?;
        let mut tx = signed_in.begin(state).await?;
        if hand::db::set(&mut tx, id, 1).await?.is_empty() {
            return Err(Error::NotFound);
        }
        Ok(Self { signed_in, id })
    }
}

/// A site operator, and the account in the path (`{id}`).
pub struct OnAccount {
    signed_in: SignedIn,
    /// The account.
    pub account: Named,
}

impl Proof for OnAccount {
    const ACCESS: Access = access(Operator::WHO);
}

impl FromRequestParts<AppState> for OnAccount {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let signed_in = SignedIn::from_request_parts(parts, state).await?;
        if !Operator::has(signed_in.person()) {
            return Err(Error::Lacking(Operator::NEEDED.to_owned()));
        }
        let id: Uuid = named(parts, state, "id").await?;
        let mut tx = signed_in.begin(state).await?;
        let account = hand::db::account(&mut tx, id).await?.ok_or(Error::NotFound)?;
        Ok(Self { signed_in, account })
    }
}
