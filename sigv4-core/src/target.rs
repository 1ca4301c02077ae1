//! What is read of a request, and the canonical form of where it goes.

use std::borrow::Cow;

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::Uri;
use http::uri::Authority;
use http::uri::PathAndQuery;

use crate::canonical::headers::SignedHeaders;
use crate::canonical::host;
use crate::canonical::host::HostHeader;
use crate::canonical::path::CanonicalPath;
use crate::canonical::query;
use crate::canonical::query::CanonicalQuery;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::header_rules::RequestHeaderRules;
use crate::names;
use crate::request::Signable;
use crate::rules::ExistingAuthorization;
use crate::rules::WireForm;
use crate::scope::Scope;
use crate::stream::head::StreamHead;
use crate::stream::head::announces_stream;

/// What signing reads of a request.
pub(crate) struct View<'a> {
    pub(crate) method: &'a Method,
    pub(crate) uri: &'a Uri,
    pub(crate) headers: &'a HeaderMap,
}

impl<'a> View<'a> {
    pub(crate) fn new<R: Signable>(request: &'a R) -> Result<Self, Error> {
        let (method, uri) = (request.method(), request.uri());
        let headers = request.headers();
        // Those of an earlier signature do not count: what can be signed can be signed again.
        if headers.keys_len() > MAX_HEADERS
            && headers
                .keys()
                .filter(|name| !names::is_own_header(name.as_str()))
                .count()
                > MAX_HEADERS
        {
            return Err(NO_ROOM);
        }
        if *method == Method::CONNECT || uri.path_and_query().is_none() {
            return Err(TUNNEL);
        }
        if uri.path() == "*" {
            return Err(ASTERISK);
        }
        Ok(Self {
            method,
            uri,
            headers: request.headers(),
        })
    }

    /// Tells whether the request is to go out with the `Authorization` header that it has.
    #[cfg(feature = "runtime")]
    pub(crate) fn check_authorization(
        &self,
        existing: ExistingAuthorization,
    ) -> Result<bool, Error> {
        let mut authorization = Authorization::None;
        for value in self.headers.get_all(http::header::AUTHORIZATION) {
            authorization.add(value);
        }
        authorization.check(existing)
    }

    /// Adds the headers that the rules say are signed, except those the signer itself owns or
    /// replaces, and returns what is to be known of those.
    ///
    /// That is one pass, since a look-up in the map costs about as much.
    pub(crate) fn read_headers<'b>(
        &self,
        rules: &RequestHeaderRules<'_>,
        stream: &StreamHead,
        signed: &mut SignedHeaders<'b>,
    ) -> OwnHeaders<'b>
    where
        'a: 'b,
    {
        let mut own = OwnHeaders {
            host: HostHeader::None,
            authorization: Authorization::None,
            has_content_sha256: false,
            has_token: false,
            has_region_set: false,
            was_stream: false,
        };
        for (header, value) in self.headers {
            match header.as_str() {
                "host" => own.host.add(value),
                "authorization" => own.authorization.add(value),
                "x-amz-date" => {}
                "x-amz-content-sha256" => {
                    own.has_content_sha256 = true;
                    own.was_stream |= announces_stream(value);
                }
                "x-amz-region-set" => own.has_region_set = true,
                "x-amz-security-token" | "x-amz-s3session-token" => own.has_token = true,
                name if rules.signs(name) && !stream.changes_it(header) => {
                    signed.push(name, value.as_bytes());
                }
                _ => {}
            }
        }
        own
    }
}

/// What a request carries under names that the signer owns.
pub(crate) struct OwnHeaders<'a> {
    pub(crate) host: HostHeader<'a>,
    pub(crate) authorization: Authorization,
    pub(crate) has_content_sha256: bool,
    pub(crate) has_token: bool,
    pub(crate) has_region_set: bool,
    /// Whether an earlier signature was for a body that is signed as it passes.
    pub(crate) was_stream: bool,
}

/// The `Authorization` headers of a request.
pub(crate) enum Authorization {
    None,
    /// AWS signatures, which may be replaced.
    Own,
    Foreign,
}

impl Authorization {
    fn add(&mut self, value: &HeaderValue) {
        let is_own = value.as_bytes().starts_with(b"AWS4-");
        *self = match self {
            Self::None | Self::Own if is_own => Self::Own,
            _ => Self::Foreign,
        };
    }

    /// Tells whether the request is to go out with the header that it has.
    pub(crate) fn check(&self, existing: ExistingAuthorization) -> Result<bool, Error> {
        match (self, existing) {
            (Self::None, _) => Ok(false),
            (_, ExistingAuthorization::DangerKeep) => Ok(true),
            (Self::Own, ExistingAuthorization::ReplaceOwn) => Ok(false),
            (Self::Foreign, ExistingAuthorization::ReplaceOwn) => Err(FOREIGN_AUTHORIZATION),
        }
    }
}

/// The canonical path, query and authority of a request.
pub(crate) struct Target<'a> {
    pub(crate) path: CanonicalPath<'a>,
    pub(crate) query: CanonicalQuery<'a>,
    /// The authority of the URI in normal form, unless it is so already.
    authority: Option<String>,
}

impl<'a> Target<'a> {
    pub(crate) fn new(
        view: &View<'a>,
        scope: &Scope<'_>,
        wire: WireForm,
        added: &[(&str, &[u8])],
    ) -> Result<Self, Error> {
        let uri = view.uri;
        let authority = match uri.authority() {
            Some(authority) => {
                match host::normal(authority, uri.scheme())? {
                    Cow::Owned(normal) => Some(normal),
                    // A part of the authority, and thus the whole of it if it is as long.
                    Cow::Borrowed(normal) => {
                        (normal.len() != authority.as_str().len()).then(|| normal.to_owned())
                    }
                }
            }
            None => None,
        };
        Ok(Self {
            path: CanonicalPath::new(uri.path(), scope.rules, wire),
            query: query::canonical(uri.query().unwrap_or(""), scope.plus, added)?,
            authority,
        })
    }

    /// Returns the host that is signed.
    pub(crate) fn host<'b>(
        &'b self,
        view: &View<'b>,
        header: HostHeader<'b>,
    ) -> Result<&'b str, Error> {
        let authority = view.uri.authority().map(Authority::as_str);
        host::host(self.authority.as_deref().or(authority), header)
    }

    /// Refuses a request whose URI is not what would be sent.
    fn check_canonical(&self, view: &View<'_>) -> Result<(), Error> {
        self.check(self.query_differs(view))
    }

    /// Refuses a request whose URI is not what would be sent, apart from the signature in its query
    /// that another one replaces.
    pub(crate) fn check_but_for_signature(&self, view: &View<'_>) -> Result<(), Error> {
        let differs = match view.uri.query() {
            Some(given) if self.query.was_signed => {
                let ours = self.query.text.split('&').filter(|pair| !pair.is_empty());
                let given = given.split('&').filter(|pair| {
                    let name = pair.split_once('=').map_or(*pair, |(name, _)| name);
                    !names::is_own_parameter(name.as_bytes())
                });
                !ours.eq(given)
            }
            _ => self.query_differs(view),
        };
        self.check(differs)
    }

    fn check(&self, query_differs: bool) -> Result<(), Error> {
        if self.path.rewritten().is_some() {
            Err(NOT_CANONICAL_PATH)
        } else if self.authority.is_some() {
            Err(NOT_CANONICAL_AUTHORITY)
        } else if query_differs {
            Err(NOT_CANONICAL_QUERY)
        } else {
            Ok(())
        }
    }

    fn query_differs(&self, view: &View<'_>) -> bool {
        match &self.query.text {
            Cow::Borrowed(_) => false,
            Cow::Owned(text) => text != view.uri.query().unwrap_or(""),
        }
    }

    /// Returns the URI to send, if it is another than the one that was given.
    pub(crate) fn rewritten(&self, view: &View<'_>, wire: WireForm) -> Result<Option<Uri>, Error> {
        match wire {
            WireForm::AsGiven => Ok(None),
            WireForm::RefuseIfDifferent => self.check_canonical(view).map(|()| None),
            WireForm::Canonical => {
                let differs = self.path.rewritten().is_some()
                    || self.authority.is_some()
                    || self.query_differs(view);
                differs
                    .then(|| self.uri(view, &self.query.text))
                    .transpose()
            }
        }
    }

    /// Puts a URI together from the path and authority to send, and a query.
    pub(crate) fn uri(&self, view: &View<'_>, query: &str) -> Result<Uri, Error> {
        let path = self.path.rewritten().unwrap_or_else(|| view.uri.path());
        let mut text = String::with_capacity(path.len() + 1 + query.len());
        text.push_str(path);
        if !query.is_empty() {
            text.push('?');
            text.push_str(query);
        }
        let mut parts = view.uri.clone().into_parts();
        let target = PathAndQuery::from_maybe_shared(Bytes::from(text));
        parts.path_and_query = Some(target.map_err(|error| TOO_LONG.because(error))?);
        if let Some(authority) = &self.authority {
            let authority = Authority::try_from(authority.as_str());
            parts.authority = Some(authority.map_err(|error| NO_AUTHORITY.because(error))?);
        }
        Uri::from_parts(parts).map_err(|error| TOO_LONG.because(error))
    }
}

/// How many different headers a request may have. AWS takes far fewer. A `HeaderMap` panics when it
/// has to grow beyond its bounds, which up to here it never has to, however its hashes collide.
const MAX_HEADERS: usize = 6_000;

const NO_ROOM: Error = Error::new(
    ErrorKind::TooManyHeaders,
    "the request has too many headers for those of the signature to be added; send fewer",
);
const TUNNEL: Error = Error::new(
    ErrorKind::RequestTarget,
    "a request for a tunnel (CONNECT, or a target without a path) cannot be signed; \
     send it to the service itself",
);
const ASTERISK: Error = Error::new(
    ErrorKind::RequestTarget,
    "the request target `*` names no resource that could be signed for; use a path",
);
const TOO_LONG: Error = Error::new(
    ErrorKind::RequestTarget,
    "the canonical path and query do not fit into a URI; shorten them",
);
const NO_AUTHORITY: Error = Error::new(
    ErrorKind::RequestTarget,
    "the authority of the URI is empty without its userinfo and port; give it a host",
);
const FOREIGN_AUTHORIZATION: Error = Error::new(
    ErrorKind::ExistingAuthorization,
    "the request carries an Authorization header that is no AWS signature; \
     remove it (it may come from userinfo in the URL) or let the signer keep it",
);
const NOT_CANONICAL_PATH: Error = Error::new(
    ErrorKind::NotCanonical,
    "the path is not in canonical form; encode it, without dot segments and empty segments",
);
const NOT_CANONICAL_QUERY: Error = Error::new(
    ErrorKind::NotCanonical,
    "the query is not in canonical form; encode its names and values and sort them",
);
const NOT_CANONICAL_AUTHORITY: Error = Error::new(
    ErrorKind::NotCanonical,
    "the authority is not in canonical form; \
     write it in lower case, without userinfo and default port",
);
