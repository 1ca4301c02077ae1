//! What is answered, before it is known in which form.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::response::Response;
use http::HeaderValue;
use http::StatusCode;
use http::header;
use serde::Serialize;

use crate::answer::Refused;
use crate::answer::Signed;
use crate::fault::Fault;
use crate::request::Id;

/// An answer: a status, a few headers, and JSON.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<(header::HeaderName, HeaderValue)>,
    pub(crate) body: String,
    /// What is at fault, for the log.
    pub(crate) field: Option<String>,
}

/// What is answered over HTTP: the signature, and the headers once more by name, for those who take
/// headers as an object. No two of them have the same name.
#[derive(Serialize)]
struct Answer<'a> {
    #[serde(flatten)]
    signed: &'a Signed,
    headers_by_name: BTreeMap<&'a str, &'a str>,
}

impl Reply {
    pub(crate) fn signed(signed: &Signed) -> Self {
        let by_name = signed.headers.iter();
        let answer = Answer {
            signed,
            headers_by_name: by_name
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect(),
        };
        Self::json(StatusCode::OK, &answer)
    }

    pub(crate) fn refused(status: StatusCode, id: Option<Id>, fault: Fault) -> Self {
        let field = fault.field.to_string();
        let mut reply = Self::json(status, &Refused::new(id, fault));
        reply.field = Some(field);
        reply
    }

    pub(crate) fn json(status: StatusCode, answer: &impl Serialize) -> Self {
        let (status, body) = match serde_json::to_string(answer) {
            Ok(body) => (status, body),
            // Texts and lists of texts always become JSON. Were it not so, there is no answer.
            Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, "{}".to_owned()),
        };
        let json = HeaderValue::from_static("application/json");
        // A signature is nobody's to keep.
        let no_store = HeaderValue::from_static("no-store");
        Self {
            status,
            headers: vec![
                (header::CONTENT_TYPE, json),
                (header::CACHE_CONTROL, no_store),
            ],
            body,
            field: None,
        }
    }

    pub(crate) fn with(mut self, name: header::HeaderName, value: impl Into<HeaderValue>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        response.headers_mut().extend(self.headers);
        response
    }
}
