//! Who is an operator.

use axum::response::IntoResponse;
use axum::response::Response;
use http::HeaderMap;
use http::StatusCode;
use http::Uri;
use http::header;
use sha2::Digest;
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::config::Admin;
use crate::guard;
use crate::guard::Guard;

/// Decides by the token, or by the Host header where there is none.
#[derive(Clone)]
pub(super) enum Access {
    Token([u8; 32]),
    Local(Guard),
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
            None => Self::Local(Guard::new(&admin.hosts)),
        }
    }

    pub(super) fn verdict(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), NoOperator> {
        match self {
            // The digests hide how long the token is, and where the first difference.
            Self::Token(token) => match bearer(headers) {
                Some(given) if digest(given).ct_eq(token).into() => Ok(()),
                _ => Err(NO_TOKEN),
            },
            Self::Local(guard) => {
                let mut hosts = headers.get_all(header::HOST).iter().skip(1);
                if hosts.next().is_some() || !guard.knows(guard::host(uri, headers)) {
                    Err(NOT_OUR_NAME)
                } else if guard::is_of_a_page(headers) {
                    Err(WEB_PAGE)
                } else {
                    Ok(())
                }
            }
        }
    }
}

impl IntoResponse for NoOperator {
    fn into_response(self) -> Response {
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = [(header::WWW_AUTHENTICATE, "Bearer")];
            return (self.status, challenge, self.text).into_response();
        }
        (self.status, self.text).into_response()
    }
}

/// Returns the token that came with a request, if there is exactly one.
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().filter(|_| values.next().is_none())?;
    let (scheme, token) = value.as_bytes().split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then_some(token)
}

fn digest(token: &[u8]) -> [u8; 32] {
    Sha256::digest(token).into()
}

const NO_TOKEN: NoOperator = NoOperator {
    status: StatusCode::UNAUTHORIZED,
    text: "the token of the admin listener is needed: Authorization: Bearer ...\n",
};
const NOT_OUR_NAME: NoOperator = NoOperator {
    status: StatusCode::MISDIRECTED_REQUEST,
    text: "the Host header is neither loopback nor one of the admin listener's `hosts`\n",
};
const WEB_PAGE: NoOperator = NoOperator {
    status: StatusCode::FORBIDDEN,
    text: "this is not for web pages\n",
};
