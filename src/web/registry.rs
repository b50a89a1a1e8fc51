//! One registry of routes: method, path, handler, and who may call it, which the handler's own
//! first parameter says. A handler without a proof in front doesn't compile here.

use axum::{
    Router,
    extract::{DefaultBodyLimit, FromRequestParts},
    handler::Handler,
    http::Method,
    middleware,
    routing::{get, post},
};

use crate::{app::AppState, auth::roles::Permission, error::Error, hand::model::Thing};

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Everybody, signed in or not.
    Anyone,
    /// Whoever is signed in; what is shown is cut to their License IDs.
    SignedIn,
    /// Who holds the permission on the License ID in the path.
    OnContract(Permission),
    /// Who holds the permission on the License ID of the key in the path.
    OnKey(Permission),
    /// Who sees the product in the path under some License ID.
    OnProduct,
    /// Who reads the licence position of the License ID of the order in the path.
    OnOrder,
    /// Administrators of a License ID that covers the product in the path.
    OnKeptProduct,
    /// Who may have the file in the path.
    OnDownload,
    /// The same, where they administer a License ID that covers its product.
    OnKeptDownload,
    /// Administrators of the License ID of the grant in the path.
    OnGrant,
    /// Who has the site-wide right that the page wants and knows the person in the path.
    OnPerson,
    /// Who made the change of roles in the path.
    OnRoleChange,
    /// Who holds an Administrator's rule that takes in the rule in the path.
    OnRule,
    /// Administrators of the License ID of the application in the path.
    OnApplication,
    /// Who sent in the import in the path, and site operators.
    OnImport,
    /// Who may see the request in the path: its asker, and whoever may ask or decide on its License ID.
    OnRequest,
    /// Who may correct the thing in the path by hand: Administrators what belongs to their License IDs, site
    /// operators what belongs to the site, and both a License ID itself.
    Edits(Thing),
    /// Who may correct something of the change in the path.
    OnChange,
    /// Administrators of some License ID.
    Administrator,
    /// Whose session is in the path.
    OnSession,
    /// Whose saved view is in the path.
    OnView,
    /// Site operators.
    Operator,
    /// Site operators, and Administrators of some License ID.
    OperatorOrAdministrator,
    /// Auditors, and Administrators of some License ID.
    AuditorOrAdministrator,
}

/// Who may call a route, and how recently they must have given their password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// Who.
    pub who: Who,
    /// Whether the password must have been given in the last minutes ([`crate::auth::proof::Fresh`]).
    pub fresh: bool,
}

/// A value that only a permitted request can make. As a handler's first parameter it decides the
/// route's access.
pub trait Proof: FromRequestParts<AppState, Rejection = Error> + Send + 'static {
    /// The access it proves.
    const ACCESS: Access;
}

/// Implemented for the parameter lists that begin with a [`Proof`].
pub trait Guarded {
    /// The access of the proof in front.
    const ACCESS: Access;
}

macro_rules! guarded {
    ($($rest:ident),*) => {
        impl<Marker, P: Proof, $($rest,)*> Guarded for (Marker, P, $($rest,)*) {
            const ACCESS: Access = P::ACCESS;
        }
    };
}
guarded!();
guarded!(A);
guarded!(A, B);
guarded!(A, B, C);
guarded!(A, B, C, D);
guarded!(A, B, C, D, E);

/// One line of the registry.
#[derive(Clone, Debug)]
pub struct Route {
    /// GET or POST.
    pub method: Method,
    /// With its parameters in braces.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
}

/// Routes being collected.
#[derive(Default)]
pub struct Routes {
    router: Router<AppState>,
    list: Vec<Route>,
    unhurried: Vec<&'static str>,
}

impl Routes {
    /// Adds a page.
    #[must_use]
    pub fn get<H, T>(mut self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, AppState>,
        T: Guarded + 'static,
    {
        self.list.push(Route { method: Method::GET, path, access: T::ACCESS });
        self.router = self.router.route(path, get(handler));
        self
    }

    /// Adds an action. One that wants a recent password keeps the form while `/confirm` asks for it.
    #[must_use]
    pub fn post<H, T>(mut self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, AppState>,
        T: Guarded + 'static,
    {
        self.list.push(Route { method: Method::POST, path, access: T::ACCESS });
        let route = post(handler);
        let route = if T::ACCESS.fresh {
            route.layer(middleware::from_fn(crate::auth::pending::keep_stale_post))
        } else {
            route
        };
        self.router = self.router.route(path, route);
        self
    }

    /// Adds an action whose body may be larger than a form's: files sent in, `limit` bytes in all.
    #[must_use]
    pub fn post_large<H, T>(mut self, path: &'static str, limit: usize, handler: H) -> Self
    where
        H: Handler<T, AppState>,
        T: Guarded + 'static,
    {
        // A body that waits while `/confirm` asks is kept in the session: nothing of this size may be.
        const { assert!(!T::ACCESS.fresh, "a large body can't wait for a password") };
        self.list.push(Route { method: Method::POST, path, access: T::ACCESS });
        self.router = self.router.route(path, post(handler).layer(DefaultBodyLimit::max(limit)));
        self
    }

    /// Adds an action that reads its body piece by piece to the disk: as large as its handler allows, and for as long as
    /// it takes while something comes in.
    #[must_use]
    pub fn post_streamed<H, T>(mut self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, AppState>,
        T: Guarded + 'static,
    {
        const { assert!(!T::ACCESS.fresh, "a streamed body can't wait for a password") };
        self.list.push(Route { method: Method::POST, path, access: T::ACCESS });
        self.router = self.router.route(path, post(handler).layer(DefaultBodyLimit::disable()));
        self.unhurried.push(path);
        self
    }

    /// The paths whose posts have no deadline as a whole.
    pub fn unhurried(&self) -> Vec<&'static str> {
        self.unhurried.clone()
    }

    /// Takes in a slice's routes.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.list.extend(other.list);
        self.unhurried.extend(other.unhurried);
        self.router = self.router.merge(other.router);
        self
    }

    /// The list, in the order of registration.
    pub fn list(&self) -> &[Route] {
        &self.list
    }

    /// The router.
    pub fn into_router(self, state: AppState) -> Router {
        self.router.fallback(not_found).method_not_allowed_fallback(another_method).with_state(state)
    }
}

async fn not_found() -> Error {
    Error::NotFound
}

async fn another_method() -> Error {
    Error::Method
}
