//! The kinds of request that can be signed.

use std::fmt;

use http::HeaderMap;
use http::Method;
use http::Request;
use http::Uri;
use http::request::Parts;

/// A request, or its head, as [`Signer`](crate::Signer) reads and changes it.
///
/// Implemented for [`http::Request`] whatever its body, for [`http::request::Parts`], and for
/// [`RequestHead`], which is put together from the parts of any other request type.
pub trait Signable: sealed::Sealed {
    /// Returns the method.
    fn method(&self) -> &Method;
    /// Returns the URI.
    fn uri(&self) -> &Uri;
    /// Returns the headers.
    fn headers(&self) -> &HeaderMap;
    /// Returns the URI, to be changed.
    fn uri_mut(&mut self) -> &mut Uri;
    /// Returns the headers, to be changed.
    fn headers_mut(&mut self) -> &mut HeaderMap;
}

mod sealed {
    #[expect(
        unnameable_types,
        reason = "what cannot be named cannot be implemented elsewhere"
    )]
    pub trait Sealed {}
}

impl<B> sealed::Sealed for Request<B> {}

impl<B> Signable for Request<B> {
    fn method(&self) -> &Method {
        self.method()
    }

    fn uri(&self) -> &Uri {
        self.uri()
    }

    fn headers(&self) -> &HeaderMap {
        self.headers()
    }

    fn uri_mut(&mut self) -> &mut Uri {
        self.uri_mut()
    }

    fn headers_mut(&mut self) -> &mut HeaderMap {
        self.headers_mut()
    }
}

impl sealed::Sealed for Parts {}

impl Signable for Parts {
    fn method(&self) -> &Method {
        &self.method
    }

    fn uri(&self) -> &Uri {
        &self.uri
    }

    fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    fn uri_mut(&mut self) -> &mut Uri {
        &mut self.uri
    }

    fn headers_mut(&mut self) -> &mut HeaderMap {
        &mut self.headers
    }
}

/// The head of a request of an HTTP library that has its own request type.
///
/// ```
/// use http::{HeaderMap, Method, Uri};
/// use sigv4_core::{Credentials, Payload, RequestHead, Signer};
///
/// let signer = Signer::builder("sqs", "us-east-1").build()?;
/// let credentials = Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")?;
///
/// let mut uri = Uri::from_static("https://sqs.us-east-1.amazonaws.com/");
/// let mut headers = HeaderMap::new();
/// let mut head = RequestHead::new(&Method::GET, &mut uri, &mut headers);
/// signer.sign(&mut head, Payload::EMPTY, &credentials, std::time::SystemTime::now())?;
/// assert!(headers.contains_key("authorization"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct RequestHead<'a> {
    method: &'a Method,
    uri: &'a mut Uri,
    headers: &'a mut HeaderMap,
}

impl<'a> RequestHead<'a> {
    /// Puts a head together from its parts. Signing changes the URI and the headers.
    #[must_use]
    pub const fn new(method: &'a Method, uri: &'a mut Uri, headers: &'a mut HeaderMap) -> Self {
        Self {
            method,
            uri,
            headers,
        }
    }
}

/// Shows neither the query, which may be that of a presigned URL, nor the values of the headers.
impl fmt::Debug for RequestHead<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestHead")
            .field("method", &self.method)
            .field("path", &self.uri.path())
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl sealed::Sealed for RequestHead<'_> {}

impl Signable for RequestHead<'_> {
    fn method(&self) -> &Method {
        self.method
    }

    fn uri(&self) -> &Uri {
        self.uri
    }

    fn headers(&self) -> &HeaderMap {
        self.headers
    }

    fn uri_mut(&mut self) -> &mut Uri {
        self.uri
    }

    fn headers_mut(&mut self) -> &mut HeaderMap {
        self.headers
    }
}
