//! Permission as a value: each type here can only be made by a request that has the permission,
//! and a handler gets at what it guards only through it. The ones bound to a resource load the row
//! named in the path, within the person's scope: out of scope is 404, in scope without the role is
//! a page that says which role is missing.

mod estate;
mod files;
mod hand;
mod path;
mod people;
mod sent_in;
mod views;

use std::{marker::PhantomData, ops::Deref};

use axum::{
    extract::FromRequestParts,
    http::{Method, request::Parts},
};

pub use estate::{Administer, Needs, OnApplication, OnContract, OnKey, OnOrder, OnProduct, ReadKeys, See};
pub use files::{OnDownload, OnKeptDownload, OnKeptProduct};
pub use hand::{Edits, OnAccount, OnChangeSet, Row};
pub use people::{OnGrant, OnPerson, OnRoleChange, OnRule, OnSession};
pub use sent_in::{OnImport, OnRequest, OnRequestFile};

pub use views::OnView;

use super::session;
use crate::{
    app::AppState,
    audit::Event,
    error::{Error, Result},
    postgres::{Scope, Scoped},
    web::{
        registry::{Access, Proof, Who},
        visitor::{Person, Visitor},
    },
};

/// Every proof of somebody's is theirs too: their transaction, their events.
macro_rules! signed_in_behind {
    ($($proof:ident $(<$kind:ident>)?),*) => { $(
        impl$(<$kind>)? std::ops::Deref for $proof$(<$kind>)? {
            type Target = SignedIn;
            fn deref(&self) -> &SignedIn {
                &self.signed_in
            }
        }
    )* };
}
use signed_in_behind;

signed_in_behind!(Site<R>, Anybody);

const fn access(who: Who) -> Access {
    Access { who, fresh: false }
}

/// Anyone at all.
pub struct Anyone {
    visitor: Visitor,
}

impl Anyone {
    /// Who sends the request.
    pub fn visitor(&self) -> &Visitor {
        &self.visitor
    }
}

impl Proof for Anyone {
    const ACCESS: Access = access(Who::Anyone);
}

impl FromRequestParts<AppState> for Anyone {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        Ok(Self { visitor: Visitor::from_request_parts(parts, state).await? })
    }
}

/// Somebody is signed in.
#[derive(Clone)]
pub struct SignedIn {
    visitor: Visitor,
    person: Person,
}

impl SignedIn {
    /// Who.
    pub fn person(&self) -> &Person {
        &self.person
    }

    /// The request's sender.
    pub fn visitor(&self) -> &Visitor {
        &self.visitor
    }

    /// A transaction that sees what this person may see.
    ///
    /// # Errors
    /// When no connection is to be had.
    pub async fn begin(&self, state: &AppState) -> Result<Scoped> {
        Ok(state.db.begin(Scope::Person(self.person.id)).await?)
    }

    /// Adds an event to the log in `tx`.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn record(&self, state: &AppState, tx: &mut Scoped, event: Event) -> Result<()> {
        self.visitor.record(state, tx, event).await
    }

    /// Whether the password was given in the last [`session::FRESH`].
    pub fn is_fresh(&self, state: &AppState) -> bool {
        state.clock().now() - self.person.fresh_at <= session::FRESH
    }
}

/// Where somebody goes whose password another was shown: to change it, or away.
const CHANGES_PASSWORD: [&str; 3] = ["/account", "/account/password", "/sign-out"];

fn page(visitor: &Visitor) -> &str {
    visitor.path().split('?').next().unwrap_or_default()
}

impl Proof for SignedIn {
    const ACCESS: Access = access(Who::SignedIn);
}

impl FromRequestParts<AppState> for SignedIn {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let visitor = Visitor::from_request_parts(parts, state).await?;
        match visitor.person().cloned() {
            Some(person) if person.password_set_by_other && !CHANGES_PASSWORD.contains(&page(&visitor)) => {
                Err(Error::SetPassword)
            }
            Some(person) => Ok(Self { visitor, person }),
            None => Err(Error::SignIn { next: (parts.method == Method::GET).then(|| visitor.path().to_owned()) }),
        }
    }
}
/// One of the site-wide rights, as a type.
pub trait SiteRight: Send + Sync + 'static {
    /// For the registry.
    const WHO: Who;
    /// Who has it, for the page that says it is missing.
    const NEEDED: &'static str;
    /// Whether this person has it.
    fn has(person: &Person) -> bool;
}

/// People and imports: site operators, and Administrators within their License IDs.
pub struct OperatorOrAdministrator;

impl SiteRight for OperatorOrAdministrator {
    const WHO: Who = Who::OperatorOrAdministrator;
    const NEEDED: &'static str = "This page is for site operators and for Administrators of a License ID. Ask one of them for the role, or for what you came to do.";
    fn has(person: &Person) -> bool {
        person.site_operator || person.administers
    }
}

/// What is done to many keys at once: Administrators, within their License IDs.
pub struct SomeAdministrator;

impl SiteRight for SomeAdministrator {
    const WHO: Who = Who::Administrator;
    const NEEDED: &'static str =
        "This is for Administrators of a License ID. Ask one of them for the role, or for what you came to do.";
    fn has(person: &Person) -> bool {
        person.administers
    }
}

/// What leaves the house: site operators alone.
pub struct Operator;

impl SiteRight for Operator {
    const WHO: Who = Who::Operator;
    const NEEDED: &'static str = "This is for site operators. Ask one of them for what you came to do.";
    fn has(person: &Person) -> bool {
        person.site_operator
    }
}

/// The audit log: auditors, and Administrators within their License IDs.
pub struct AuditorOrAdministrator;

impl SiteRight for AuditorOrAdministrator {
    const WHO: Who = Who::AuditorOrAdministrator;
    const NEEDED: &'static str =
        "The audit log is for auditors and for Administrators of a License ID. Ask your site operator for the role.";
    fn has(person: &Person) -> bool {
        person.auditor || person.administers
    }
}

/// The site-wide right `R`.
pub struct Site<R> {
    signed_in: SignedIn,
    right: PhantomData<R>,
}

impl<R: SiteRight> Proof for Site<R> {
    const ACCESS: Access = access(R::WHO);
}

impl<R: SiteRight> FromRequestParts<AppState> for Site<R> {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let signed_in = SignedIn::from_request_parts(parts, state).await?;
        if R::has(&signed_in.person) {
            Ok(Self { signed_in, right: PhantomData })
        } else {
            Err(Error::Lacking(R::NEEDED.to_owned()))
        }
    }
}

/// `T`, and the password was given in the last minutes. Else [`Error::Stale`]: the registry has
/// wrapped the route so that the form waits while `/confirm` asks.
pub struct Fresh<T>(T);

impl<T> Deref for Fresh<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Proof + Deref<Target = SignedIn>> Proof for Fresh<T> {
    const ACCESS: Access = Access { fresh: true, ..T::ACCESS };
}

impl<T: Proof + Deref<Target = SignedIn>> FromRequestParts<AppState> for Fresh<T> {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        // The permission first: who lacks it is told so, not asked for a password.
        let proof = T::from_request_parts(parts, state).await?;
        if proof.is_fresh(state) { Ok(Self(proof)) } else { Err(Error::Stale) }
    }
}

/// Fresh proof that anybody is signed in; a wrapper so that [`Fresh`] can look through it.
pub struct Anybody {
    signed_in: SignedIn,
}

impl Proof for Anybody {
    const ACCESS: Access = SignedIn::ACCESS;
}

impl FromRequestParts<AppState> for Anybody {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        Ok(Self { signed_in: SignedIn::from_request_parts(parts, state).await? })
    }
}
