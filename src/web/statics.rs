//! The files the browser fetches besides pages: our own style sheets, scripts and icons.
use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::assets::Assets;
use crate::{
    auth::proof::Anyone,
    error::{Error, Result},
};

/// A file; cached for ever under its versioned address.
///
/// # Errors
/// 404.
pub async fn get(anyone: Anyone, headers: HeaderMap) -> Result<Response> {
    let (path, version) = anyone.visitor().path().split_once('?').unwrap_or((anyone.visitor().path(), ""));
    let path = path.strip_prefix("/static/").ok_or(Error::NotFound)?;
    let versioned = version.starts_with("v=");
    let file = Assets::get(path).ok_or(Error::NotFound)?;
    let tag = format!("\"{}\"", crate::vault::files::hex(&file.metadata.sha256_hash()[..8]));
    // Modules import each other without a version: those are asked for again each time.
    let lasting = if versioned { "public, max-age=31536000, immutable" } else { "public, no-cache" };
    let caching = [
        (header::CACHE_CONTROL, HeaderValue::from_static(lasting)),
        (header::ETAG, HeaderValue::from_str(&tag).unwrap_or_else(|_| HeaderValue::from_static("\"\""))),
    ];
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return Ok((StatusCode::NOT_MODIFIED, caching).into_response());
    }
    Ok((caching, [(header::CONTENT_TYPE, content_type(path))], file.data).into_response())
}

fn content_type(path: &str) -> HeaderValue {
    HeaderValue::from_static(match path.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        _ => "application/octet-stream",
    })
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;

    #[test]
    fn an_address_carries_the_version_of_what_it_names() {
        let address = Assets::address("css/tokens.css");
        assert!(address.starts_with("/static/css/tokens.css?v="));
        assert_eq!(address.len(), "/static/css/tokens.css?v=".len() + 8);
        assert_eq!(Assets::address("no/such.css"), "/static/no/such.css");
    }

    /// Every template with its path.
    fn templates() -> Vec<(PathBuf, String)> {
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("templates")];
        let mut found = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("folder") {
                let path = entry.expect("entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let text = std::fs::read_to_string(&path).expect("template");
                    found.push((path, text));
                }
            }
        }
        found
    }

    #[test]
    fn the_icon_sheet_holds_every_icon_the_templates_ask_for() {
        let sheet = Assets::get("icons.svg").expect("icons.svg");
        let sheet = std::str::from_utf8(&sheet.data).expect("text");
        for (path, text) in templates() {
            for after in text.split("icon(\"").skip(1) {
                let name = after.split('"').next().unwrap_or_default();
                assert!(sheet.contains(&format!("id=\"{name}\"")), "{name} of {path:?}");
            }
        }
    }

    #[test]
    fn no_template_holds_anything_that_the_content_policy_forbids() {
        // The one that isn't a page is a picture that a command writes into a file of the user's.
        for (path, text) in
            templates().into_iter().filter(|(path, _)| path.extension().is_some_and(|end| end == "html"))
        {
            for forbidden in [" style=", "<style", " onclick=", " onload=", " onsubmit=", "javascript:", "src=\"data:"]
            {
                assert!(!text.contains(forbidden), "{forbidden} in {path:?}");
            }
            for script in text.split("<script").skip(1) {
                let (head, rest) = script.split_once('>').expect("an end");
                assert!(head.contains(" src=") && rest.starts_with("</script>"), "inline script in {path:?}");
            }
        }
    }
}
