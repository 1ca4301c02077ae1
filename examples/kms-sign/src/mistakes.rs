//! What goes wrong in calls to KMS that are built by hand, done on purpose.
//!
//! Nothing of this is of use but to see what comes back. KMS refuses each of these requests before
//! it looks for the key, which does not exist.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;
use std::time::SystemTime;

use http::HeaderMap;
use http::HeaderValue;
use http::StatusCode;
use http::header;
use reqwest::Request;
use reqwest::Url;
use serde_json::Value;
use sigv4_core::runtime::Authorizer;
use sigv4_core::runtime::CredentialsCache;

use crate::Algorithm;
use crate::Message;
use crate::Refusal;
use crate::client::CONTENT_TYPE;
use crate::client::SERVICE;
use crate::client::authorizer;
use crate::client::http_client;
use crate::client::sign_request;
use crate::error::Error;
use crate::error::ErrorKind;

/// Something that is wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mistake {
    /// The JSON was formatted anew behind the signer.
    ReformattedJson,
    /// The signature is twenty minutes old.
    StaleDate,
    /// The URL got a query behind the signer.
    UnsignedQuery,
    /// A comma is missing in the JSON.
    MissingComma,
    /// The operation is in the query instead of the header.
    ActionInQuery,
    /// A gateway replaces what KMS says.
    HiddenAnswer,
}

impl Mistake {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::ReformattedJson,
        Self::StaleDate,
        Self::UnsignedQuery,
        Self::MissingComma,
        Self::ActionInQuery,
        Self::HiddenAnswer,
    ];

    /// Returns its name on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReformattedJson => "reformatted-json",
            Self::StaleDate => "stale-date",
            Self::UnsignedQuery => "unsigned-query",
            Self::MissingComma => "missing-comma",
            Self::ActionInQuery => "action-in-query",
            Self::HiddenAnswer => "hidden-answer",
        }
    }

    /// Returns why it is refused.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::ReformattedJson => "the hash that was signed is that of other bytes than arrived",
            Self::StaleDate => "a signature is good for five minutes, by the clock of AWS",
            Self::UnsignedQuery => "the query is a part of what is signed, and there was none then",
            Self::MissingComma => "the signature is right, and what it signs is not JSON",
            Self::ActionInQuery => "the signature is right, and no header names an operation",
            Self::HiddenAnswer => "KMS said 400 and why, and the gateway says what it likes",
        }
    }

    /// Returns what to do instead.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::ReformattedJson => "make the body once, as bytes; sign these, and send these",
            Self::StaleDate => "make date and signature at each attempt; set the clock by NTP",
            Self::UnsignedQuery => "sign the URL that is sent; KMS itself needs no query at all",
            Self::MissingComma => "have a library write the JSON",
            Self::ActionInQuery => "send `X-Amz-Target: TrentService.Sign`, and sign it",
            Self::HiddenAnswer => {
                "log status and body as they come from KMS, before any fault rule"
            }
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Mistake {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|one| one.as_str() == name);
        found.ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str);
            format!("the mistakes are {}", names.join(", "))
        })
    }
}

/// Sends requests to KMS that are wrong on purpose.
#[derive(Debug)]
pub struct Mistakes {
    http: reqwest::Client,
    endpoint: Url,
    authorizer: Authorizer,
    belated: Authorizer,
}

impl Mistakes {
    /// Takes where KMS is, and whose signatures it knows.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] where the endpoint or the region is none.
    pub fn new(endpoint: &str, region: &str, credentials: CredentialsCache) -> Result<Self, Error> {
        let endpoint: Url = endpoint
            .parse()
            .map_err(|error| Error::caused(ErrorKind::Config, error))?;
        let belated = authorizer(&endpoint, region, credentials.clone())?
            .clock(SystemTime::now() - AGE)
            .build();
        Ok(Self {
            http: http_client()?,
            authorizer: authorizer(&endpoint, region, credentials)?.build(),
            belated,
            endpoint,
        })
    }

    /// Makes a mistake, and returns what comes back.
    ///
    /// # Errors
    ///
    /// Where nothing comes back, or a mistake is none.
    pub async fn make(&self, mistake: Mistake) -> Result<Refusal, Error> {
        let right = right();
        let json = right.to_string();
        let target = Some("Sign");
        let request = match mistake {
            Mistake::ReformattedJson => {
                let mut request = self.sign(&self.authorizer, "", target, json).await?;
                replace_body(&mut request, format!("{right:#}"));
                request
            }
            Mistake::StaleDate | Mistake::HiddenAnswer => {
                self.sign(&self.belated, "", target, json).await?
            }
            Mistake::UnsignedQuery => {
                let mut request = self.sign(&self.authorizer, "", target, json).await?;
                request.url_mut().set_query(Some(QUERY));
                request
            }
            Mistake::MissingComma => {
                let json = json.replacen("\",\"", "\"\"", 1);
                self.sign(&self.authorizer, "", target, json).await?
            }
            Mistake::ActionInQuery => self.sign(&self.authorizer, QUERY, None, json).await?,
        };
        let refusal = self.send(request).await?;
        Ok(match mistake {
            Mistake::HiddenAnswer => behind_gateway(),
            _ => refusal,
        })
    }

    /// Makes none of them: all that can be wrong then is the key.
    ///
    /// # Errors
    ///
    /// As those of [`make`](Self::make).
    pub async fn make_none(&self) -> Result<Refusal, Error> {
        let json = right().to_string();
        let request = self.sign(&self.authorizer, "", Some("Sign"), json).await?;
        self.send(request).await
    }

    async fn sign(
        &self,
        authorizer: &Authorizer,
        query: &str,
        operation: Option<&str>,
        json: String,
    ) -> Result<Request, Error> {
        let transport = |error| Error::caused(ErrorKind::Transport, error);
        let mut url = self.endpoint.clone();
        url.set_query(Some(query).filter(|query| !query.is_empty()));
        let mut request = self.http.post(url).header("content-type", CONTENT_TYPE);
        if let Some(operation) = operation {
            request = request.header("x-amz-target", format!("{SERVICE}.{operation}"));
        }
        let mut request = request.body(json).build().map_err(transport)?;
        sigv4_reqwest::sign(authorizer, &mut request, None)
            .await
            .map_err(|error| Error::caused(ErrorKind::Transport, error))?;
        Ok(request)
    }

    async fn send(&self, request: Request) -> Result<Refusal, Error> {
        let transport = |error| Error::caused(ErrorKind::Transport, error);
        let answer = self.http.execute(request).await.map_err(transport)?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.bytes().await.map_err(transport)?;
        if status.is_success() {
            return Err(Error::new(ErrorKind::Answer));
        }
        Ok(Refusal::read(status, &headers, &body))
    }
}

/// A request with which nothing is wrong but the key.
fn right() -> Value {
    let algorithm = Algorithm::EcdsaSha256;
    sign_request(
        "alias/no-such-key",
        &Message::new(b"hello", algorithm),
        algorithm,
    )
}

fn replace_body(request: &mut Request, body: String) {
    let length = HeaderValue::from(body.len());
    request.headers_mut().insert(header::CONTENT_LENGTH, length);
    *request.body_mut() = Some(body.into());
}

/// What a client gets from a gateway with a rule for faults, whatever KMS told the gateway.
fn behind_gateway() -> Refusal {
    let body = br#"{"fault":{"faultstring":"Forbidden"}}"#;
    Refusal::read(StatusCode::FORBIDDEN, &HeaderMap::new(), body)
}

const AGE: Duration = Duration::from_secs(20 * 60);
const QUERY: &str = "Action=Sign&Version=2014-11-01";
