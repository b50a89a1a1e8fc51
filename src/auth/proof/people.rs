//! Proofs that name people and what is theirs: grants, changes of roles, sessions.

use std::marker::PhantomData;

use axum::{extract::FromRequestParts, http::request::Parts};
use uuid::Uuid;

use super::{SignedIn, SiteRight, access, path::named, signed_in_behind};
use crate::{
    app::AppState,
    auth,
    error::{Error, Result},
    people::{self, model::GrantHead, paths::PersonHead, rules::Rule, saved::Undoable},
    web::registry::{Access, Proof, Who},
};

signed_in_behind!(OnGrant, OnPerson<R>, OnRoleChange, OnRule, OnSession);

/// The grant in the path (`{id}`) is on a License ID that the person administers.
pub struct OnGrant {
    signed_in: SignedIn,
    /// The grant, in force or ended.
    pub grant: GrantHead,
}

impl Proof for OnGrant {
    const ACCESS: Access = access(Who::OnGrant);
}

impl FromRequestParts<AppState> for OnGrant {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let signed_in = SignedIn::from_request_parts(parts, state).await?;
        let id: Uuid = named(parts, state, "id").await?;
        let mut tx = signed_in.begin(state).await?;
        let grant = people::db::grant_head(&mut tx, id).await?.ok_or(Error::NotFound)?;
        if grant.administered {
            return Ok(Self { signed_in, grant });
        }
        // A site operator, who sees every grant: no more is told than his own page shows.
        Err(Error::Lacking(format!(
            "Only an Administrator of License ID {} takes a role away there. Ask one of them.",
            grant.license_id
        )))
    }
}

/// The person in the path (`{id}`) is one that whoever has the right `R` knows.
pub struct OnPerson<R> {
    signed_in: SignedIn,
    /// The person.
    pub person: PersonHead,
    right: PhantomData<R>,
}

impl<R> OnPerson<R> {
    /// Who reads.
    pub fn signed_in(&self) -> &SignedIn {
        &self.signed_in
    }
}

impl<R: SiteRight> Proof for OnPerson<R> {
    const ACCESS: Access = access(Who::OnPerson);
}

impl<R: SiteRight> FromRequestParts<AppState> for OnPerson<R> {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let signed_in = SignedIn::from_request_parts(parts, state).await?;
        // Before the person is looked up: who lacks the right learns the same of everybody.
        if !R::has(signed_in.person()) {
            return Err(Error::Lacking(R::NEEDED.to_owned()));
        }
        let id: Uuid = named(parts, state, "id").await?;
        let mut tx = signed_in.begin(state).await?;
        let person = people::paths::person(&mut tx, id).await?.ok_or(Error::NotFound)?;
        Ok(Self { signed_in, person, right: PhantomData })
    }
}

/// The save of roles in the path (`{change}`) is the person's own.
pub struct OnRoleChange {
    signed_in: SignedIn,
    /// What was done.
    pub change: Undoable,
}

impl Proof for OnRoleChange {
    const ACCESS: Access = access(Who::OnRoleChange);
}

impl FromRequestParts<AppState> for OnRoleChange {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let signed_in = SignedIn::from_request_parts(parts, state).await?;
        let id: Uuid = named(parts, state, "change").await?;
        let mut tx = signed_in.begin(state).await?;
        let change = people::saved::own(&mut tx, id).await?.ok_or(Error::NotFound)?;
        Ok(Self { signed_in, change })
    }
}

/// The rule in the path (`{id}`) is in force, and lies within an Administrator's rule of the person's own.
pub struct OnRule {
    signed_in: SignedIn,
    /// The rule.
    pub rule: Rule,
}

impl Proof for OnRule {
    const ACCESS: Access = access(Who::OnRule);
}

impl FromRequestParts<AppState> for OnRule {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let signed_in = SignedIn::from_request_parts(parts, state).await?;
        let id: Uuid = named(parts, state, "id").await?;
        let mut tx = signed_in.begin(state).await?;
        let rule = people::rules::find(&mut tx, id).await?.ok_or(Error::NotFound)?;
        if rule.endable {
            return Ok(Self { signed_in, rule });
        }
        Err(Error::Lacking(
            "This rule holds for longer than your own, so it isn’t yours to end. Ask somebody whose rule lasts, or a site operator."
                .to_owned(),
        ))
    }
}

/// The session in the path (`{id}`) is in force and the person's own.
pub struct OnSession {
    signed_in: SignedIn,
    /// The session's row.
    pub session: Uuid,
}

impl Proof for OnSession {
    const ACCESS: Access = access(Who::OnSession);
}

impl FromRequestParts<AppState> for OnSession {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let signed_in = SignedIn::from_request_parts(parts, state).await?;
        let session: Uuid = named(parts, state, "id").await?;
        let mut tx = signed_in.begin(state).await?;
        if !auth::db::owns_session(&mut tx, signed_in.person().id, session).await? {
            return Err(Error::NotFound);
        }
        Ok(Self { signed_in, session })
    }
}
