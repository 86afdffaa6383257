//! Which pages may talk to the collector.
//!
//! By default only pages of the collector's own origin, which includes those behind a proxy that puts page and
//! collector on one origin. `--allow-origin` adds others. Two rules make that hold:
//!
//! - the headers of the Fetch standard's CORS protocol decide whether a page may *read* an answer;
//! - a POST which the browser itself marks as coming from another site's page (`Sec-Fetch-Site`) is refused
//!   unless its origin is allowed, because a browser sends a simple request before it looks at those headers.
//!   Comparing `Origin` with `Host` instead would refuse pages behind a proxy that rewrites `Host`.
//!
//! This is no authentication: a program that is not a browser can send whatever it likes.

use std::{str::FromStr, sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::refusal::Refusal;

/// How long a browser may remember the answer to a preflight. Ten minutes: long enough to spare a page most
/// of them, short enough that a changed `--allow-origin` is soon seen.
const PREFLIGHT_MAX_AGE: Duration = Duration::from_secs(600);

/// Set by browsers, not settable by pages: how the requesting page's site relates to ours.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// One `--allow-origin`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum AllowedOrigin {
    /// `*`
    Any,
    /// `scheme://host[:port]`, as a browser sends it.
    One(HeaderValue),
}

impl FromStr for AllowedOrigin {
    type Err = String;

    fn from_str(given: &str) -> Result<Self, String> {
        if given == "*" {
            return Ok(Self::Any);
        }
        let expected = || {
            format!("given {given:?}, expected * or an origin without a path such as https://app.example.com")
        };
        let uri: Uri = given.parse().map_err(|_| expected())?;
        let http = matches!(uri.scheme_str(), Some("http" | "https"));
        // `Uri` adds the path `/` to what had none, so the end of the string tells.
        let bare =
            uri.path() == "/" && uri.query().is_none() && !given.ends_with('/') && !given.contains('@');
        if !(http && bare && uri.host().is_some_and(|host| !host.is_empty())) {
            return Err(expected());
        }
        // Browsers send scheme and host in lower case.
        HeaderValue::from_str(&given.to_ascii_lowercase()).map(Self::One).map_err(|_| expected())
    }
}

/// All of them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum AllowedOrigins {
    /// Every page may send and read.
    Any,
    /// These, and the collector's own.
    Listed(Arc<[HeaderValue]>),
}

impl AllowedOrigins {
    /// `*` anywhere in the list allows all.
    pub(crate) fn from_list(list: &[AllowedOrigin]) -> Self {
        list.iter()
            .map(|origin| match origin {
                AllowedOrigin::Any => None,
                AllowedOrigin::One(value) => Some(value.clone()),
            })
            .collect::<Option<Arc<[_]>>>()
            .map_or(Self::Any, Self::Listed)
    }

    fn allows(&self, origin: &HeaderValue) -> bool {
        match self {
            Self::Any => true,
            Self::Listed(list) => list.contains(origin),
        }
    }

    /// The CORS headers for these origins. Credentials are never allowed: the client sends none it could omit.
    pub(crate) fn layer(&self) -> CorsLayer {
        let origins = match self {
            Self::Any => AllowOrigin::any(),
            Self::Listed(list) => AllowOrigin::list(list.iter().cloned()),
        };
        CorsLayer::new()
            .allow_origin(origins)
            .allow_methods([Method::GET, Method::POST])
            .allow_headers([header::CONTENT_TYPE])
            .expose_headers([header::RETRY_AFTER])
            .max_age(PREFLIGHT_MAX_AGE)
            .vary([header::ORIGIN])
    }
}

/// Middleware: refuses a POST from a page of another origin that is not allowed.
pub(crate) async fn refuse_foreign_pages(
    State(origins): State<AllowedOrigins>,
    request: Request,
    next: Next,
) -> Response {
    let headers = request.headers();
    let foreign = headers.get(SEC_FETCH_SITE).is_some_and(|site| site == "cross-site" || site == "same-site");
    let origin = headers.get(header::ORIGIN);
    if request.method() == Method::POST && foreign && !origin.is_some_and(|origin| origins.allows(origin)) {
        let given = origin.and_then(|origin| origin.to_str().ok()).unwrap_or("none");
        return Refusal::new(
            StatusCode::FORBIDDEN,
            format!("given a request from a page of origin {given}, expected one of the collector's own or of an --allow-origin"),
        )
        .into_response();
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_origins_as_browsers_send_them() {
        for given in ["http://127.0.0.1:5173", "https://app.example.com", "http://[::1]:80"] {
            assert_eq!(given.parse(), Ok(AllowedOrigin::One(HeaderValue::from_static(given))), "{given}");
        }
        assert_eq!(
            "https://App.Example.com".parse(),
            Ok(AllowedOrigin::One(HeaderValue::from_static("https://app.example.com")))
        );
    }

    #[test]
    fn refuses_what_no_browser_sends() {
        for given in [
            "",
            "null",
            "example.com",
            "https://",
            "https://a.b/",
            "https://a.b/c",
            "ftp://a.b",
            "https://u@a.b",
        ] {
            assert!(given.parse::<AllowedOrigin>().is_err(), "{given:?}");
        }
    }

    #[test]
    fn a_star_anywhere_allows_all() {
        let one = AllowedOrigin::One(HeaderValue::from_static("https://a.b"));
        assert_eq!(AllowedOrigins::from_list(&[one.clone(), AllowedOrigin::Any]), AllowedOrigins::Any);
        assert!(!AllowedOrigins::from_list(&[one]).allows(&HeaderValue::from_static("https://c.d")));
        assert!(!AllowedOrigins::from_list(&[]).allows(&HeaderValue::from_static("https://c.d")));
    }
}
