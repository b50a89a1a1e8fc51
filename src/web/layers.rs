//! The layers around all routes, outermost first: request id and log line, panics, security
//! headers, compression, time-out, failures made into pages, the visitor, audit of posts, forms
//! from our own pages only.

use std::{
    any::Any,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Body,
    extract::{DefaultBodyLimit, MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use metrics::{counter, histogram};
use tower::ServiceBuilder;
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::{
        CompressionLayer, Predicate,
        predicate::{DefaultPredicate, NotForContentType},
    },
    request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer},
    set_header::SetResponseHeaderLayer,
    trace::TraceLayer,
};

use super::{
    failure,
    visitor::{self, Visitor},
};
use crate::{
    app::AppState,
    audit::{Event, Outcome},
    auth::{confirm::Replay, pending},
    error::{Error, Result},
    postgres::Scope,
};

/// A form's size: 50,000 selected keys of 45 bytes each, and some.
const FORM_LIMIT: usize = 4 * 1024 * 1024;
/// Until a page's head is ready; a streaming export may take longer for its body.
const PAGE_TIMEOUT: Duration = Duration::from_secs(30);
/// Nothing inline, nothing from elsewhere (SECURITY 8).
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Puts the layers around `inner`.
pub fn wrap(inner: Router, unhurried: Vec<&'static str>, state: AppState) -> Router {
    let replay = Replay::new(inner.clone());
    let unhurried: Arc<[&'static str]> = unhurried.into();
    let inside = inner
        .layer(axum::Extension(replay))
        .layer(middleware::from_fn_with_state(state.clone(), own_forms_only))
        .layer(middleware::from_fn_with_state(state.clone(), record_posts))
        .layer(middleware::from_fn_with_state(state.clone(), visitor::meet))
        .layer(middleware::from_fn_with_state(state, failure::render))
        .layer(middleware::from_fn(measure))
        .layer(DefaultBodyLimit::max(FORM_LIMIT))
        .layer(middleware::from_fn_with_state(unhurried, in_time));
    let outside = ServiceBuilder::new()
        .layer(SetRequestIdLayer::new(REQUEST_ID.clone(), MakeRequestUuid))
        .layer(TraceLayer::new_for_http().make_span_with(span))
        .layer(PropagateRequestIdLayer::new(REQUEST_ID.clone()))
        .layer(fixed(header::CONTENT_SECURITY_POLICY, POLICY))
        .layer(fixed(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        // not no-referrer: browsers then send `Origin: null` over plain http and every form fails
        .layer(fixed(header::REFERRER_POLICY, "same-origin"))
        .layer(fixed(HeaderName::from_static("cross-origin-opener-policy"), "same-origin"))
        .layer(SetResponseHeaderLayer::if_not_present(header::CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .layer(CompressionLayer::new().quality(tower_http::CompressionLevel::Fastest).compress_when(compressible()))
        .layer(CatchPanicLayer::custom(panicked));
    inside.layer(outside)
}

/// A page's deadline. A file that is sent in has none as a whole: its handler gives up once nothing comes any more.
async fn in_time(State(unhurried): State<Arc<[&'static str]>>, request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    if request.method() == Method::POST && unhurried.contains(&path) {
        return next.run(request).await;
    }
    match tokio::time::timeout(PAGE_TIMEOUT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => StatusCode::GATEWAY_TIMEOUT.into_response(),
    }
}

/// Counts requests and times them, by route (never by path: that names License IDs).
async fn measure(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let method = request.method().to_string();
    let begun = Instant::now();
    let response = next.run(request).await;
    let status = response.status().as_u16().to_string();
    counter!("keyward_requests_total", "method" => method.clone(), "route" => route.clone(), "status" => status)
        .increment(1);
    histogram!("keyward_request_seconds", "method" => method, "route" => route).record(begun.elapsed().as_secs_f64());
    response
}

/// Pages, scripts and styles. Not exports (they stream at the speed of the disk) and not JSON: the
/// one JSON answer that matters holds a key, and a key's length is nobody's business.
fn compressible() -> impl Predicate {
    DefaultPredicate::new()
        .and(NotForContentType::new("text/csv"))
        .and(NotForContentType::new("text/tab-separated-values"))
        .and(NotForContentType::new("application/"))
}

fn fixed(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value))
}

fn span(request: &Request<Body>) -> tracing::Span {
    let id = request.headers().get(&REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or_default();
    // The path alone: a search may hold the last characters of a key.
    tracing::info_span!("request", method = %request.method(), path = request.uri().path(), id)
}

fn panicked(_: Box<dyn Any + Send>) -> Response {
    tracing::error!("a handler panicked");
    (StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong in Keyward. Nothing was changed. Try again.")
        .into_response()
}

/// Unsafe methods pass with `Sec-Fetch-Site: same-origin`, or, where a client doesn't send that,
/// with our own `Origin`; nothing else does.
async fn own_forms_only(State(state): State<AppState>, request: Request, next: Next) -> Result<Response> {
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(next.run(request).await);
    }
    let own = is_own(request.headers(), &state.web.base_url);
    if own { Ok(next.run(request).await) } else { Err(Error::CrossSite) }
}

fn is_own(headers: &HeaderMap, base_url: &url::Url) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match text("sec-fetch-site") {
        Some(site) => site == "same-origin",
        None => text("origin").is_some_and(|origin| origin == base_url.origin().ascii_serialization()),
    }
}

/// Every post of a signed-in person leaves an event: those done wrote their own in their own
/// transaction, all others (denied, refused, failed) get one here. Strangers are counted.
async fn record_posts(
    State(state): State<AppState>,
    visitor: Visitor,
    request: Request,
    next: Next,
) -> Result<Response> {
    if request.method() != Method::POST {
        return Ok(next.run(request).await);
    }
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    let status = response.status();
    let refused = status.is_client_error() || status.is_server_error();
    if visitor.person().is_none() {
        if refused {
            state.strangers.count(visitor.address());
        }
        return Ok(response);
    }
    pending::keep_pending(&state, &visitor, &mut response).await?;
    if refused || !visitor.has_recorded() {
        let event = Event { outcome: outcome(status), ..Event::done("post", path) }
            .with(serde_json::json!({ "status": status.as_u16() }));
        let mut tx = state.db.begin(Scope::System).await?;
        state.record(&mut tx, &visitor.actor(), event).await?;
        tx.commit().await?;
    }
    Ok(response)
}

fn outcome(status: StatusCode) -> Outcome {
    match status {
        StatusCode::FORBIDDEN | StatusCode::NOT_FOUND | StatusCode::TOO_MANY_REQUESTS | StatusCode::UNAUTHORIZED => {
            Outcome::Denied
        }
        status if status.is_success() || status.is_redirection() => Outcome::Done,
        _ => Outcome::Failed,
    }
}
