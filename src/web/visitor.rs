//! Who sends a request: address, request id, and the person behind the session cookie. Made once a
//! request by [`meet`], before anything else looks at it.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{
    extract::{ConnectInfo, FromRequestParts, Request, State},
    http::{HeaderMap, header, request::Parts},
    middleware::Next,
    response::Response,
};
use time::OffsetDateTime;
use tower_http::request_id::RequestId;

pub use crate::auth::session::Person;

use super::page;
use crate::{
    app::AppState,
    audit::{Actor, Event},
    auth::session,
    error::{Error, Result},
    postgres::Scoped,
};

/// The sender of a request.
#[derive(Clone, Debug)]
pub struct Visitor(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    address: IpAddr,
    request_id: String,
    path: String,
    wants_json: bool,
    person: Option<Person>,
    recorded: AtomicBool,
}

/// The navigation, cut to what this person may open.
fn nav(person: &Person) -> Vec<page::NavItem> {
    let may = |href: &str| match href {
        "/people" | "/activation" | "/imports" | "/changes" => person.site_operator || person.administers,
        "/organizations" => person.site_operator,
        "/audit" => person.auditor || person.administers,
        _ => true,
    };
    page::Shell::NAV.into_iter().filter(|item| may(item.href)).collect()
}

impl Visitor {
    /// The person, if anybody is signed in.
    pub fn person(&self) -> Option<&Person> {
        self.0.person.as_ref()
    }

    /// The client's address, behind a trusted proxy the forwarded one.
    pub fn address(&self) -> IpAddr {
        self.0.address
    }

    /// The path asked for, with its query.
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// The id that the log and the page name.
    pub fn request_id(&self) -> &str {
        &self.0.request_id
    }

    /// Whether the answer shall be JSON.
    pub fn wants_json(&self) -> bool {
        self.0.wants_json
    }

    /// As the audit log names this sender.
    pub fn actor(&self) -> Actor {
        Actor {
            id: self.person().map(|p| p.id),
            name: self.person().map_or_else(|| "anonymous".to_owned(), |p| p.email.clone()),
            address: self.address().to_string(),
            request_id: self.0.request_id.clone(),
        }
    }

    /// Adds an event to the log in `tx`, and notes that this request has one.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn record(&self, state: &AppState, tx: &mut Scoped, event: Event) -> Result<()> {
        state.record(tx, &self.actor(), event).await?;
        self.0.recorded.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Adds many events to the log in `tx`.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn record_all(&self, state: &AppState, tx: &mut Scoped, events: Vec<Event>) -> Result<()> {
        if !events.is_empty() {
            state.record_all(tx, &self.actor(), events).await?;
            self.mark_recorded();
        }
        Ok(())
    }

    /// Notes that this request's events were added by another way than [`Visitor::record`].
    pub fn mark_recorded(&self) {
        self.0.recorded.store(true, Ordering::Relaxed);
    }

    /// The same visitor right after the password was given again, for a post that waited for it.
    pub fn refreshed(&self, now: OffsetDateTime, path: &str) -> Self {
        let person = self.0.person.clone().map(|person| Person { fresh_at: now, ..person });
        Self(Arc::new(Inner {
            address: self.0.address,
            request_id: self.0.request_id.clone(),
            path: path.to_owned(),
            wants_json: false,
            person,
            recorded: AtomicBool::new(false),
        }))
    }

    /// Whether this request has added an event.
    pub fn has_recorded(&self) -> bool {
        self.0.recorded.load(Ordering::Relaxed)
    }

    /// The frame of this visitor's pages.
    pub fn shell(&self, state: &AppState) -> page::Shell {
        let path = self.0.path.split('?').next().unwrap_or("/");
        match self.person() {
            Some(person) => {
                let shown = page::Person { name: person.name.clone(), email: person.email.clone() };
                let shell = page::Shell::new(path, Some(shown), nav(person))
                    .sealed(state.vault.is_sealed())
                    .made(state.clock().now())
                    .bell(person.unread);
                crate::hand::offered(shell, self.path())
            }
            None => page::Shell::new(path, None, Vec::new()),
        }
    }
}

impl FromRequestParts<AppState> for Visitor {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self> {
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(|| Error::Internal(anyhow::anyhow!("a route stands outside its layers")))
    }
}

/// Middleware: finds out who sends the request.
///
/// # Errors
/// When the database can't say whose session it is.
pub async fn meet(State(state): State<AppState>, mut request: Request, next: Next) -> Result<Response> {
    let headers = request.headers();
    let peer =
        request.extensions().get::<ConnectInfo<SocketAddr>>().map_or(IpAddr::from([127, 0, 0, 1]), |info| info.0.ip());
    let request_id = request
        .extensions()
        .get::<RequestId>()
        .and_then(|id| id.header_value().to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let person = match session::token_of(headers, state.web.secure()) {
        // Static files are the same for everybody.
        Some(token) if !request.uri().path().starts_with("/static/") => session::find(&state, &token).await?,
        _ => None,
    };
    let visitor = Visitor(Arc::new(Inner {
        address: client_address(peer, headers, &state.web.trusted_proxies),
        request_id,
        path: request.uri().path_and_query().map_or_else(|| "/".to_owned(), |p| p.as_str().to_owned()),
        wants_json: wants_json(headers),
        person,
        recorded: AtomicBool::new(false),
    }));
    request.extensions_mut().insert(visitor.clone());
    let mut response = next.run(request).await;
    // The layer that renders failures needs to know whom it speaks to.
    response.extensions_mut().insert(visitor);
    Ok(response)
}

fn wants_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("application/json") && !accept.contains("text/html"))
}

/// Behind trusted proxies the last address in `X-Forwarded-For` that isn't one of them; a header
/// from anybody else is ignored.
fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpAddr]) -> IpAddr {
    if !trusted.contains(&peer) {
        return peer;
    }
    let hops = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    let hops: Vec<IpAddr> = hops.map_while(|hop| hop.trim().parse().ok()).collect();
    hops.into_iter().rev().find(|hop| !trusted.contains(hop)).unwrap_or(peer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forwarded_addresses_are_believed_of_trusted_proxies_only() {
        let proxy = IpAddr::from([10, 0, 0, 1]);
        let client = IpAddr::from([192, 0, 2, 7]);
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", "203.0.113.9, 192.0.2.7, 10.0.0.1".parse().unwrap());
        assert_eq!(client_address(proxy, &headers, &[proxy]), client);
        assert_eq!(client_address(client, &headers, &[proxy]), client, "a client's own header");
        assert_eq!(client_address(proxy, &headers, &[]), proxy);
    }
}
