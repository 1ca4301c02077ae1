//! What was signed, noted beside the answer.

use std::fmt;
use std::time::SystemTime;

use http::HeaderMap;
use http::HeaderValue;
use http::Uri;
use http::header;
use http::uri::Authority;

use crate::runtime::recovery::Circumstances;

/// Says with which credentials, when and for which host a request was signed.
///
/// The adapters put it into the extensions of the answer, where whoever reads an error of AWS finds
/// what it is about.
#[derive(Clone)]
pub struct SigningReceipt {
    generation: u64,
    signed_at: SystemTime,
    circumstances: Circumstances,
    host: Host,
}

#[derive(Clone)]
enum Host {
    Header(HeaderValue),
    Authority(Authority),
    None,
}

impl SigningReceipt {
    pub(super) fn new(
        generation: u64,
        signed_at: SystemTime,
        circumstances: Circumstances,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Self {
        let host = match (headers.get(header::HOST), uri.authority()) {
            (Some(header), _) => Host::Header(header.clone()),
            (None, Some(authority)) => Host::Authority(authority.clone()),
            (None, None) => Host::None,
        };
        Self {
            generation,
            signed_at,
            circumstances,
            host,
        }
    }

    pub(super) const fn circumstances(&self) -> &Circumstances {
        &self.circumstances
    }

    /// Returns which of the credentials that the cache has handed out were used: each new set has
    /// the next number.
    #[must_use]
    pub const fn credential_generation(&self) -> u64 {
        self.generation
    }

    /// Returns the signing time, in whole seconds: that of the server, as far as its answers have
    /// taught it.
    #[must_use]
    pub const fn signed_at(&self) -> SystemTime {
        self.signed_at
    }

    /// Returns the host that was signed for.
    #[must_use]
    pub fn host(&self) -> &str {
        match &self.host {
            Host::Header(value) => value.to_str().unwrap_or_default(),
            Host::Authority(authority) => without_userinfo(authority),
            Host::None => "",
        }
    }
}

/// Returns the host of a request that is about to be signed.
pub(super) fn host_of<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> &'a str {
    match (headers.get(header::HOST), uri.authority()) {
        (Some(header), _) => header.to_str().unwrap_or_default(),
        (None, Some(authority)) => without_userinfo(authority),
        (None, None) => "",
    }
}

fn without_userinfo(authority: &Authority) -> &str {
    let text = authority.as_str();
    text.rsplit_once('@').map_or(text, |(_, host)| host)
}

impl fmt::Debug for SigningReceipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningReceipt")
            .field("credential_generation", &self.generation)
            .field("signed_at", &self.signed_at)
            .field("host", &self.host())
            .finish()
    }
}
