//! `reqsign-aws-v4`, the signer of OpenDAL, through `reqsign_core::Signer`, which is what its
//! documentation shows.

use std::pin::pin;
use std::task::Context as TaskContext;
use std::task::Poll;
use std::task::Waker;

use http::HeaderName;
use http::HeaderValue;
use http::request::Parts;
use reqsign_aws_v4::Credential;
use reqsign_aws_v4::RequestSigner;
use reqsign_aws_v4::StaticCredentialProvider;
use reqsign_core::Context;
use reqsign_core::Signer;
use reqsign_core::hash::hex_sha256;

use crate::case::Body;
use crate::case::Case;
use crate::contender::Contender;

/// `reqsign-aws-v4`. It never hashes a body: its caller does, and says so in a header, which is a
/// part of the measured work.
#[derive(Debug)]
pub struct Reqsign<'a> {
    case: &'a Case,
    signer: Signer<Credential>,
}

impl<'a> Reqsign<'a> {
    /// Prepares what outlives a request.
    #[must_use]
    pub fn new(case: &'a Case) -> Self {
        let mut provider =
            StaticCredentialProvider::new(Case::ACCESS_KEY_ID, Case::SECRET_ACCESS_KEY);
        if let Some(token) = &case.token {
            provider = provider.with_session_token(token);
        }
        let signer = Signer::new(
            Context::new(),
            provider,
            RequestSigner::new(case.service, Case::REGION),
        );
        Self { case, signer }
    }

    /// Adds the header that says what the body is.
    pub(crate) fn declare_body(&self, request: &mut Parts) {
        let value = match &self.case.body {
            Body::Empty => HeaderValue::from_static(EMPTY_SHA256),
            Body::Bytes(bytes) => {
                HeaderValue::try_from(hex_sha256(bytes)).expect("hex is a header value")
            }
            // What the signer assumes by itself.
            Body::Unsigned => return,
        };
        request.headers.insert(X_AMZ_CONTENT_SHA256, value);
    }
}

impl Contender for Reqsign<'_> {
    type Input = Parts;
    type Output = ();

    const NAME: &'static str = "reqsign";

    fn input(&self) -> Self::Input {
        self.case.request.clone().into_parts().0
    }

    fn sign(&self, input: &mut Self::Input) -> Self::Output {
        self.declare_body(input);
        // The credentials are static: nothing is ever waited for, and no executor is measured.
        let signing = pin!(self.signer.sign(input, self.case.presigned));
        match signing.poll(&mut TaskContext::from_waker(Waker::noop())) {
            Poll::Ready(result) => result.expect("the requests of the cases can be signed"),
            Poll::Pending => unreachable!("static credentials are ready at once"),
        }
    }
}

const X_AMZ_CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");
/// The SHA-256 of nothing.
const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
