//! Who is an operator.

use axum::response::IntoResponse;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::HeaderValue;
use http::StatusCode;
use http::Uri;
use http::header;
use sha2::Digest;
use sha2::Sha256;
use sigv4_tower::BrowserGuard;
use sigv4_tower::ErrorKind;
use subtle::ConstantTimeEq;

use crate::callers::after_scheme;
use crate::config::Admin;

/// Decides by the token, or by the Host header where there is none.
#[derive(Clone)]
pub(super) enum Access {
    Token([u8; 32]),
    Local(BrowserGuard),
}

/// Why somebody is not an operator.
#[derive(Debug)]
pub(super) struct NoOperator {
    status: StatusCode,
    text: &'static str,
}

impl Access {
    pub(super) fn new(admin: &Admin) -> Self {
        match &admin.token {
            Some(token) => Self::Token(digest(token.expose().as_bytes())),
            // A name that is no host could be asked for by nobody.
            None => Self::Local(
                BrowserGuard::new()
                    .allow_hosts(&admin.hosts)
                    .unwrap_or_default(),
            ),
        }
    }

    pub(super) fn verdict(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), NoOperator> {
        match self {
            // The digests hide how long the token is, and where the first difference.
            Self::Token(token) => match shown_token(headers) {
                Some(shown) if digest(&shown).ct_eq(token).into() => Ok(()),
                _ => Err(NO_TOKEN),
            },
            Self::Local(guard) => {
                let checked = guard.check(uri, headers);
                checked.map_err(|error| match error.kind() {
                    ErrorKind::WebPage => WEB_PAGE,
                    _ => NOT_OUR_NAME,
                })
            }
        }
    }
}

impl IntoResponse for NoOperator {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.text).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            let headers = response.headers_mut();
            for challenge in CHALLENGES {
                headers.append(header::WWW_AUTHENTICATE, challenge);
            }
        }
        response
    }
}

/// Returns the token that came with a request, if there is exactly one: that of the scheme Bearer, or
/// the password of the scheme Basic, which browsers ask their user for.
fn shown_token(headers: &HeaderMap) -> Option<Vec<u8>> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().filter(|_| values.next().is_none())?;
    if let Some(token) = after_scheme(value, "Bearer") {
        return Some(token.to_vec());
    }
    let decoded = STANDARD.decode(after_scheme(value, "Basic")?).ok()?;
    // A user has no colon in his name, a password may.
    let colon = decoded.iter().position(|&octet| octet == b':')?;
    Some(decoded[colon + 1..].to_vec())
}

fn digest(token: &[u8]) -> [u8; 32] {
    Sha256::digest(token).into()
}

/// Programs know the first; of the second browsers make a dialogue.
const CHALLENGES: [HeaderValue; 2] = [
    HeaderValue::from_static("Bearer"),
    HeaderValue::from_static("Basic realm=\"the token as password, any user\", charset=\"UTF-8\""),
];
const NO_TOKEN: NoOperator = NoOperator {
    status: StatusCode::UNAUTHORIZED,
    text: "the token of the admin listener is needed: `Authorization: Bearer ...`, or as the \
           password of any user\n",
};
const NOT_OUR_NAME: NoOperator = NoOperator {
    status: StatusCode::MISDIRECTED_REQUEST,
    text: "the Host header is neither loopback nor one of the admin listener's `hosts`\n",
};
const WEB_PAGE: NoOperator = NoOperator {
    status: StatusCode::FORBIDDEN,
    text: "this is not for web pages\n",
};
