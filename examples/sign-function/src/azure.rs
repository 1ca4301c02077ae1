//! The form in which Azure Functions wrap a request for a custom handler, and want the answer.
//!
//! With `enableForwardingHttpRequest` the host sends the request on as it was, and nothing is to be
//! done. Without, it posts this to the name of the function:
//!
//! ```json
//! {"Data": {"req": {"Url": "https://app.azurewebsites.net/api/sign", "Method": "POST",
//!                   "Headers": {"Content-Type": ["application/json"]}, "Body": "{...}"}},
//!  "Metadata": {}}
//! ```
//!
//! and takes this for the answer, with whatever status stands inside. Any other status than 200 of
//! the answer itself would become a 500 without a reason.
//!
//! ```json
//! {"Outputs": {"res": {"statusCode": "200", "headers": {}, "body": "{...}"}}, "Logs": [],
//!  "ReturnValue": null}
//! ```
//!
//! See <https://learn.microsoft.com/azure/azure-functions/functions-custom-handlers>.

use std::collections::BTreeMap;

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use serde::Deserialize;
use serde::Serialize;
use serde::de::IgnoredAny;

use crate::server::Reply;

/// What the host sends.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Invocation {
    data: Data,
    #[serde(rename = "Metadata")]
    _metadata: IgnoredAny,
}

#[derive(Deserialize)]
struct Data {
    /// The name of the binding in `function.json`.
    req: Inner,
}

/// The request that the host took. Query, parameters and identities are there, too, as texts or as
/// objects, whichever version of the host it is.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Inner {
    pub(crate) method: String,
    #[serde(default)]
    pub(crate) url: String,
    #[serde(default)]
    headers: BTreeMap<String, Vec<String>>,
    /// A text, as it arrived. The host leaves it out where there is none.
    #[serde(default)]
    pub(crate) body: Option<String>,
}

impl Invocation {
    /// Reads one, if this is one. A request for a signature never is: it has no such fields.
    pub(crate) fn read(json: &[u8]) -> Option<Inner> {
        let invocation: Self = serde_json::from_slice(json).ok()?;
        Some(invocation.data.req)
    }
}

impl Inner {
    /// Returns the headers, if they are any.
    pub(crate) fn headers(&self) -> Option<HeaderMap> {
        let mut headers = HeaderMap::new();
        for (name, values) in &self.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            for value in values {
                headers
                    .try_append(&name, HeaderValue::from_str(value).ok()?)
                    .ok()?;
            }
        }
        Some(headers)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    outputs: Outputs,
    logs: Vec<String>,
    return_value: Option<String>,
}

#[derive(Serialize)]
struct Outputs {
    res: Output,
}

/// The host reads these four, all of them texts; some of its versions insist on each of them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Output {
    status_code: String,
    status: String,
    headers: BTreeMap<String, String>,
    body: String,
}

/// Wraps an answer, with a line for the log of the function.
pub(crate) fn wrap(reply: Reply, log: Option<String>) -> Reply {
    let status = reply.status.as_str().to_owned();
    let headers = reply.headers.iter().filter_map(|(name, value)| {
        let value = value.to_str().ok()?;
        Some((name.as_str().to_owned(), value.to_owned()))
    });
    let answer = Answer {
        outputs: Outputs {
            res: Output {
                status_code: status.clone(),
                status,
                headers: headers.collect(),
                body: reply.body,
            },
        },
        logs: log.into_iter().collect(),
        return_value: None,
    };
    Reply::json(http::StatusCode::OK, &answer)
}
