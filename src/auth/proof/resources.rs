//! Proofs that are bound to a resource named in the path: each loads its row within the person's scope.

use std::{collections::HashMap, marker::PhantomData, ops::Deref};

use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::request::Parts,
};
use uuid::Uuid;

use super::{OperatorOrAdministrator, SignedIn, SiteRight, access};
use crate::{
    app::AppState,
    auth::{
        self,
        roles::{Permission, Role},
    },
    contracts::{self, model::ContractHead},
    error::{Error, Result},
    imports::{self, db::ImportHead},
    keys::{self, model::KeyHead},
    orders::{self, model::OrderHead},
    people::{self, model::GrantHead, paths::PersonHead, undo::Undoable},
    pools::{self, model::Application},
    postgres::Scoped,
    products::{self, model::Product},
    requests::{self, model::Request},
    web::{
        registry::{Access, Proof, Who},
        view::Locked,
    },
};

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
        let license_id = path_param(parts, state, "license_id").await?;
        let mut tx = signed_in.begin(state).await?;
        let contract = contracts::db::head(&mut tx, &license_id).await?.ok_or(Error::NotFound)?;
        if !contract.may(P::PERMISSION) {
            return Err(lacking(&mut tx, P::PERMISSION, &contract).await?);
        }
        Ok(Self { signed_in, contract, needs: PhantomData })
    }
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
        let id: Uuid = path_param(parts, state, "id").await?.parse().map_err(|_| Error::NotFound)?;
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
        let slug = path_param(parts, state, "slug").await?;
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
        let id: Uuid = path_param(parts, state, "id").await?.parse().map_err(|_| Error::NotFound)?;
        let mut tx = signed_in.begin(state).await?;
        let order = orders::db::head(&mut tx, id).await?.ok_or(Error::NotFound)?;
        Ok(Self { signed_in, order })
    }
}

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
        let id: Uuid = path_param(parts, state, "id").await?.parse().map_err(|_| Error::NotFound)?;
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
        let id: Uuid = path_param(parts, state, "id").await?.parse().map_err(|_| Error::NotFound)?;
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
        let id: Uuid = path_param(parts, state, "change").await?.parse().map_err(|_| Error::NotFound)?;
        let mut tx = signed_in.begin(state).await?;
        let change = people::undo::own(&mut tx, id).await?.ok_or(Error::NotFound)?;
        Ok(Self { signed_in, change })
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
        let params = RawPathParams::from_request_parts(parts, state).await.map_err(|_| Error::NotFound)?;
        let parts: HashMap<String, String> =
            params.iter().map(|(name, part)| (name.to_owned(), part.to_owned())).collect();
        let id: Uuid = parts.get("application").and_then(|part| part.parse().ok()).ok_or(Error::NotFound)?;
        let mut tx = signed_in.begin(state).await?;
        // Of a License ID that one doesn't administer no application is known: 404, as an absent one.
        let application = pools::db::application(&mut tx, id).await?.ok_or(Error::NotFound)?;
        Ok(Self { signed_in, application, parts })
    }
}

/// The import in the path (`{id}`) is the person's own, or the person is a site operator.
pub struct OnImport {
    signed_in: SignedIn,
    /// The import.
    pub import: ImportHead,
}

impl Proof for OnImport {
    const ACCESS: Access = access(Who::OnImport);
}

impl FromRequestParts<AppState> for OnImport {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let signed_in = SignedIn::from_request_parts(parts, state).await?;
        let id: Uuid = path_param(parts, state, "id").await?.parse().map_err(|_| Error::NotFound)?;
        // Rows of License IDs that one administered once are none of one's business any more.
        if !OperatorOrAdministrator::has(signed_in.person()) {
            return Err(Error::NotFound);
        }
        let mut tx = signed_in.begin(state).await?;
        let import = imports::db::head(&mut tx, id).await?.ok_or(Error::NotFound)?;
        Ok(Self { signed_in, import })
    }
}

/// The request in the path (`{number}`) is one that the person may see; what they may do with it, its
/// state machine says.
pub struct OnRequest {
    signed_in: SignedIn,
    /// The request, as it stood when the proof was made.
    pub request: Request,
}

impl Proof for OnRequest {
    const ACCESS: Access = access(Who::OnRequest);
}

impl FromRequestParts<AppState> for OnRequest {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let signed_in = SignedIn::from_request_parts(parts, state).await?;
        let number: i64 = path_param(parts, state, "number").await?.parse().map_err(|_| Error::NotFound)?;
        let mut tx = signed_in.begin(state).await?;
        let request = requests::db::by_number(&mut tx, number).await?.ok_or(Error::NotFound)?;
        Ok(Self { signed_in, request })
    }
}

/// The file in the path (`{id}`) is attached to the request in it (`{number}`), which the person may see.
pub struct OnRequestFile {
    signed_in: SignedIn,
    /// Its name, type and bytes.
    pub file: (String, String, Vec<u8>),
}

impl Proof for OnRequestFile {
    const ACCESS: Access = access(Who::OnRequest);
}

impl FromRequestParts<AppState> for OnRequestFile {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let OnRequest { signed_in, request } = OnRequest::from_request_parts(parts, state).await?;
        let id: Uuid = path_param(parts, state, "id").await?.parse().map_err(|_| Error::NotFound)?;
        let mut tx = signed_in.begin(state).await?;
        let file = requests::db::file(&mut tx, request.id, id).await?.ok_or(Error::NotFound)?;
        Ok(Self { signed_in, file })
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
        let session: Uuid = path_param(parts, state, "id").await?.parse().map_err(|_| Error::NotFound)?;
        let mut tx = signed_in.begin(state).await?;
        if !auth::db::owns_session(&mut tx, signed_in.person().id, session).await? {
            return Err(Error::NotFound);
        }
        Ok(Self { signed_in, session })
    }
}
impl<P> Deref for OnContract<P> {
    type Target = SignedIn;
    fn deref(&self) -> &SignedIn {
        &self.signed_in
    }
}

impl<P> Deref for OnKey<P> {
    type Target = SignedIn;
    fn deref(&self) -> &SignedIn {
        &self.signed_in
    }
}

impl Deref for OnProduct {
    type Target = SignedIn;
    fn deref(&self) -> &SignedIn {
        &self.signed_in
    }
}

impl Deref for OnOrder {
    type Target = SignedIn;
    fn deref(&self) -> &SignedIn {
        &self.signed_in
    }
}

impl Deref for OnGrant {
    type Target = SignedIn;
    fn deref(&self) -> &SignedIn {
        &self.signed_in
    }
}

impl<R> Deref for OnPerson<R> {
    type Target = SignedIn;
    fn deref(&self) -> &SignedIn {
        &self.signed_in
    }
}

impl Deref for OnRoleChange {
    type Target = SignedIn;
    fn deref(&self) -> &SignedIn {
        &self.signed_in
    }
}

impl Deref for OnApplication {
    type Target = SignedIn;
    fn deref(&self) -> &SignedIn {
        &self.signed_in
    }
}

impl Deref for OnImport {
    type Target = SignedIn;
    fn deref(&self) -> &SignedIn {
        &self.signed_in
    }
}

impl Deref for OnRequest {
    type Target = SignedIn;
    fn deref(&self) -> &SignedIn {
        &self.signed_in
    }
}

impl Deref for OnRequestFile {
    type Target = SignedIn;
    fn deref(&self) -> &SignedIn {
        &self.signed_in
    }
}

impl Deref for OnSession {
    type Target = SignedIn;
    fn deref(&self) -> &SignedIn {
        &self.signed_in
    }
}
pub(super) async fn path_param(parts: &mut Parts, state: &AppState, name: &str) -> Result<String> {
    let params = RawPathParams::from_request_parts(parts, state).await.map_err(|_| Error::NotFound)?;
    let params: HashMap<_, _> = params.iter().collect();
    let value = params.get(name).map(|value| (*value).to_owned()).ok_or(Error::NotFound)?;
    // PostgreSQL can't hold a NUL: no name has one.
    if value.contains('\0') { Err(Error::NotFound) } else { Ok(value) }
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
