//! Failures made into what the client asked for: a page, JSON, or the way to the page that helps.

use askama::Template;
use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{Html, IntoResponse, Redirect, Response},
};

use super::{
    page::{ErrorPage, Shell},
    view::Link,
    visitor::Visitor,
};
use crate::{app::AppState, error::Failure};

/// Middleware: renders the [`Failure`] that a response carries.
pub async fn render(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let Some(failure) = response.extensions_mut().remove::<Failure>() else { return response };
    let visitor = response.extensions_mut().remove::<Visitor>();
    let mut rendered = match &visitor {
        Some(visitor) if visitor.wants_json() => json(&failure),
        _ => match &failure.redirect {
            Some(to) => Redirect::to(to).into_response(),
            None => page(&state, visitor.as_ref(), &failure),
        },
    };
    for name in [header::RETRY_AFTER, header::SET_COOKIE] {
        if let Some(value) = response.headers().get(&name) {
            rendered.headers_mut().insert(name, value.clone());
        }
    }
    rendered
}

fn json(failure: &Failure) -> Response {
    let body = serde_json::json!({ "error": failure.code, "message": failure.sentence, "confirm": "/confirm" });
    (failure.status, Json(body)).into_response()
}

fn page(state: &AppState, visitor: Option<&Visitor>, failure: &Failure) -> Response {
    let shell = visitor.map_or_else(|| Shell::new("/", None, Vec::new()), |visitor| visitor.shell(state));
    let links =
        if shell.signed_in() { vec![Link::new("Overview", "/")] } else { vec![Link::new("Sign in", "/sign-in")] };
    let page = ErrorPage {
        shell,
        title: failure.title.to_owned(),
        why: failure.sentence.clone(),
        what_to_do: String::new(),
        // only for what Keyward itself did wrong: whoever mistypes an address needs no number to report
        request_id: visitor.filter(|_| failure.status.is_server_error()).map(|visitor| visitor.request_id().to_owned()),
        links,
    };
    match page.render() {
        Ok(html) => (failure.status, Html(html)).into_response(),
        Err(fault) => {
            tracing::error!(%fault, "the error page itself doesn't render");
            (
                StatusCode::INTERNAL_SERVER_ERROR,
                [(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"))],
                failure.sentence.clone(),
            )
                .into_response()
        }
    }
}
