//! The requests that are signed.

use std::time::Duration;

use http::Method;
use http::Request;

/// A request, and what has to be known to sign it.
///
/// All headers of all cases are such that every signer covers them, so that all hash the same text.
#[derive(Debug)]
pub struct Case {
    /// The name in tables and filters.
    pub name: &'static str,
    /// The request, without its body.
    pub request: Request<()>,
    /// The body, as far as the signature is concerned.
    pub body: Body,
    /// The signing name of the service.
    pub service: &'static str,
    /// The session token of temporary credentials.
    pub token: Option<String>,
    /// The lifetime of the URL, where the signature goes into the query.
    pub presigned: Option<Duration>,
}

/// A body.
#[derive(Debug)]
pub enum Body {
    /// There is none.
    Empty,
    /// It is hashed.
    Bytes(Vec<u8>),
    /// It is not covered by the signature.
    Unsigned,
}

impl Case {
    /// The region of all cases.
    pub const REGION: &'static str = "us-east-1";
    /// The set of regions of all cases that are signed with SigV4A.
    pub const REGION_SET: &'static str = "*";
    /// The access key id of all cases.
    pub const ACCESS_KEY_ID: &'static str = "AKIDEXAMPLE";
    /// The secret access key of all cases: that of AWS's documentation.
    pub const SECRET_ACCESS_KEY: &'static str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    /// Returns all cases.
    #[must_use]
    pub fn all() -> Vec<Self> {
        vec![
            Self::get(),
            Self::bedrock(),
            Self::put_unsigned(),
            Self::post_large(),
            Self::presign(),
        ]
    }

    /// Returns the cases whose names hold one of the filters; all, if there are no filters.
    #[must_use]
    pub fn filtered(filters: &[String]) -> Vec<Self> {
        let mut cases = Self::all();
        if !filters.is_empty() {
            cases.retain(|case| filters.iter().any(|filter| case.name.contains(filter)));
        }
        cases
    }

    /// Tells whether the rules of S3 apply.
    #[must_use]
    pub fn is_s3(&self) -> bool {
        self.service == "s3"
    }

    /// How many requests are made before the clock starts, and signed before it stops: enough for
    /// the clock to cost little, few enough for all of them to be in the processor's first cache,
    /// and what they free in the allocator's, as with a request that a program has just built.
    #[must_use]
    pub fn batch(&self) -> usize {
        match &self.body {
            Body::Bytes(bytes) if bytes.len() > 64 * 1024 => 1,
            _ => 8,
        }
    }

    fn get() -> Self {
        Self {
            name: "a: GET, 4 headers, empty body",
            request: request(
                Method::GET,
                "https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com/prod/items?limit=25&sort=name",
                &[
                    ("content-type", "application/json"),
                    ("x-amz-meta-tenant", "ten-042"),
                    ("x-amz-client-context", "eyJjIjp7fX0="),
                    ("x-amz-tag", "nightly"),
                ],
            ),
            body: Body::Empty,
            service: "execute-api",
            token: None,
            presigned: None,
        }
    }

    fn bedrock() -> Self {
        Self {
            name: "b: POST Bedrock, 1 KiB body, 800 B token",
            request: request(
                Method::POST,
                "https://bedrock-runtime.us-east-1.amazonaws.com\
                 /model/anthropic.claude-3-5-sonnet-20240620-v1:0/converse",
                &[("content-type", "application/json")],
            ),
            body: Body::Bytes(bytes(1024)),
            service: "bedrock",
            token: Some("IQoJb3JpZ2luX2Vj".repeat(50)),
            presigned: None,
        }
    }

    fn put_unsigned() -> Self {
        Self {
            name: "c: PUT S3, UNSIGNED-PAYLOAD",
            request: request(
                Method::PUT,
                "https://examplebucket.s3.us-east-1.amazonaws.com/reports/2024/06/report%20final.pdf",
                &[
                    ("content-type", "application/pdf"),
                    ("x-amz-storage-class", "STANDARD_IA"),
                ],
            ),
            body: Body::Unsigned,
            service: "s3",
            token: None,
            presigned: None,
        }
    }

    fn post_large() -> Self {
        Self {
            name: "d: POST, 1 MiB body",
            request: request(
                Method::POST,
                "https://lambda.us-east-1.amazonaws.com/2015-03-31/functions/resize/invocations",
                &[
                    ("content-type", "application/octet-stream"),
                    ("x-amz-invocation-type", "RequestResponse"),
                ],
            ),
            body: Body::Bytes(bytes(1024 * 1024)),
            service: "lambda",
            token: None,
            presigned: None,
        }
    }

    fn presign() -> Self {
        Self {
            name: "e: presigned GET S3",
            request: request(
                Method::GET,
                "https://examplebucket.s3.us-east-1.amazonaws.com/photos/2024/06/beach.jpg",
                &[],
            ),
            body: Body::Unsigned,
            service: "s3",
            token: None,
            presigned: Some(Duration::from_secs(900)),
        }
    }
}

fn request(method: Method, uri: &str, headers: &[(&str, &str)]) -> Request<()> {
    let mut builder = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder
        .body(())
        .expect("the requests of the cases are valid")
}

/// Bytes that repeat at no multiple of a block.
fn bytes(length: usize) -> Vec<u8> {
    (0..=250).cycle().take(length).collect()
}
