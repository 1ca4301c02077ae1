//! [`Placement`]: where in a request its signature goes.

use std::time::Duration;
use std::time::SystemTime;

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Uri;
use http::header;

use crate::credentials::Credentials;
use crate::date::Timestamp;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::names;
use crate::overrides::SigningOverrides;
use crate::payload::Payload;
use crate::presign::PresignOptions;
use crate::presign::QuerySigned;
use crate::presign::is_hoistable;
use crate::request::Signable;
use crate::signature::Signature;
use crate::signed::Signed;
use crate::signer::Signer;
use crate::stream::head::StreamHead;
use crate::target::View;

/// Says where the signatures of an [`Authorizer`](crate::runtime::Authorizer) go.
///
/// ```
/// use std::time::Duration;
/// # use sigv4_core::{Credentials, Signer};
/// use sigv4_core::runtime::{Authorizer, Placement};
/// # use sigv4_core::runtime::{CredentialsCache, HostScope};
///
/// # let credentials = Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")?;
/// # let credentials = CredentialsCache::new(credentials);
/// # let signer = Signer::builder("s3", "us-east-1").build()?;
/// # let scope = HostScope::exact(["bucket.s3.us-east-1.amazonaws.com"])?;
/// let authorizer = Authorizer::builder(signer, credentials, scope)
///     .placement(Placement::query(Duration::from_secs(60)))
///     .build();
/// # Ok::<(), sigv4_core::ConfigError>(())
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Placement {
    /// Into the headers: `authorization` and those that go with it.
    #[default]
    Headers,
    /// Into the query of the request's own URL, which anybody can use for a while who gets to see
    /// it. For services and hops that let no `Authorization` header through.
    ///
    /// The URI of the request is replaced; an earlier signature, in the query or the headers,
    /// likewise. What [`Presigned`](crate::Presigned) says of hoisted headers and lifetimes holds
    /// here. What is covered of the body is what the [mode](crate::PayloadMode) of the request says,
    /// whatever hash the options have: S3 and its kin get a hash as the header
    /// `x-amz-content-sha256`, the others expect it. Bodies that are signed as they pass, in chunks
    /// or as events, are an error of the kind [`Payload`](crate::ErrorKind::Payload).
    ///
    /// # Keep the URL out of logs
    ///
    /// Nothing of this family shows it, but `Debug` of the request does, and so does what is made of
    /// the URI elsewhere: a trace layer inside of the signer, an access log behind it, the errors
    /// and answers of an HTTP client that names the URL.
    Query(PresignOptions),
}

impl Placement {
    /// Puts signatures into the query that hold for so long, in whole seconds, or as long as their
    /// credentials do, where these end sooner: a request that is sent at once needs no more. Between
    /// a second and [seven days](PresignOptions::MAX_LIFETIME).
    #[must_use]
    pub const fn query(lifetime: Duration) -> Self {
        Self::Query(PresignOptions::expires_in(lifetime).clamp_to_credentials())
    }

    pub(crate) const fn takes_streams(&self) -> bool {
        matches!(self, Self::Headers)
    }
}

impl Signer {
    /// Signs a request in its query, as `options` say.
    pub(crate) fn sign_in_query<R: Signable>(
        &self,
        request: &mut R,
        payload: Payload<'_>,
        options: &PresignOptions,
        credentials: &Credentials,
        now: SystemTime,
        overrides: Option<&SigningOverrides>,
    ) -> Result<Signed, Error> {
        if payload.is_streamed() {
            return Err(NO_STREAM_IN_QUERY);
        }
        let (scope, time) = (self.scope(overrides)?, Timestamp::new(now)?);
        let view = View::new(request)?;
        if view.check_authorization(self.options().existing)? {
            return Ok(Signed {
                signature: None,
                time,
                seed: None,
            });
        }
        let moved = |name: &&HeaderName| options.hoist && is_hoistable(name);
        let moved = view.headers.keys().filter(moved).cloned().collect();
        let change = self.presign_canonical(
            scope,
            &view,
            Some(payload),
            options,
            credentials,
            &time,
            |_, signed| Ok(Change::new(signed, moved)),
        )?;
        Ok(Signed {
            signature: Some(change.apply(request)),
            time,
            seed: None,
        })
    }
}

/// What becomes of a request that is signed in its query.
struct Change {
    uri: Uri,
    signature: Signature,
    stream: StreamHead,
    digest: Option<HeaderValue>,
    /// The headers that are in the query now.
    moved: Vec<HeaderName>,
}

impl Change {
    fn new(signed: QuerySigned<'_>, moved: Vec<HeaderName>) -> Self {
        Self {
            stream: signed.stream.clone(),
            digest: signed.digest.map(|digest| digest.header_value()),
            uri: signed.uri,
            signature: signed.signature,
            moved,
        }
    }

    /// Changes the request, all at once. Nothing can fail any more.
    fn apply<R: Signable>(self, request: &mut R) -> Signature {
        let headers: &mut HeaderMap = request.headers_mut();
        self.stream.apply(headers);
        let earlier = [
            header::AUTHORIZATION,
            names::X_AMZ_DATE,
            names::X_AMZ_SECURITY_TOKEN,
            names::X_AMZ_S3SESSION_TOKEN,
            names::X_AMZ_REGION_SET,
            names::X_AMZ_CONTENT_SHA256,
        ];
        for name in earlier.into_iter().chain(self.moved) {
            headers.remove(name);
        }
        if let Some(digest) = self.digest {
            headers.insert(names::X_AMZ_CONTENT_SHA256, digest);
        }
        *request.uri_mut() = self.uri;
        self.signature
    }
}

pub(crate) const NO_STREAM_IN_QUERY: Error = Error::new(
    ErrorKind::Payload,
    "a body that is signed as it passes (aws-chunked, or signed events) cannot have its signature \
     in the query; place it in the headers, or hash the body",
);
