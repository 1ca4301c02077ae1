//! `aws-sigv4`, the signer inside the AWS SDK, used as its documentation shows.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::PayloadChecksumKind;
use aws_sigv4::http_request::PercentEncodingMode;
use aws_sigv4::http_request::SignableBody;
use aws_sigv4::http_request::SignableRequest;
use aws_sigv4::http_request::SignatureLocation;
use aws_sigv4::http_request::SigningParams;
use aws_sigv4::http_request::SigningSettings;
use aws_sigv4::http_request::UriPathNormalizationMode;
use aws_sigv4::http_request::sign;
use aws_sigv4::sign::v4;
use aws_sigv4::sign::v4a;
use aws_smithy_runtime_api::client::identity::Identity;
use http::Request;

use crate::case::Body;
use crate::case::Case;
use crate::contender::Contender;

/// `aws-sigv4`, with the settings that the SDK has for the service.
#[derive(Debug)]
pub struct AwsSigV4<'a> {
    case: &'a Case,
    identity: Identity,
    is_asymmetric: bool,
}

impl<'a> AwsSigV4<'a> {
    /// Prepares what outlives a request.
    #[must_use]
    pub fn new(case: &'a Case) -> Self {
        let credentials = Credentials::new(
            Case::ACCESS_KEY_ID,
            Case::SECRET_ACCESS_KEY,
            case.token.clone(),
            None,
            "bench",
        );
        Self {
            case,
            identity: credentials.into(),
            is_asymmetric: false,
        }
    }

    /// Prepares the same for SigV4A, whose key it derives for each signature.
    #[must_use]
    pub fn sigv4a(case: &'a Case) -> Self {
        Self {
            is_asymmetric: true,
            ..Self::new(case)
        }
    }

    /// Signs as of a time and returns the signature.
    pub fn sign_at(&self, request: &mut Request<()>, now: SystemTime) -> String {
        let params = self.params(now);
        let headers = request
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_str().expect("values are ASCII")));
        let signable = SignableRequest::new(
            request.method().as_str(),
            request.uri().to_string(),
            headers,
            self.body(),
        )
        .expect("the requests of the cases are valid");
        let (instructions, signature) = sign(signable, &params)
            .expect("the requests of the cases can be signed")
            .into_parts();
        instructions.apply_to_request_http1x(request);
        signature
    }

    fn params(&self, now: SystemTime) -> SigningParams<'_> {
        if self.is_asymmetric {
            v4a::SigningParams::builder()
                .identity(&self.identity)
                .region_set(Case::REGION_SET)
                .name(self.case.service)
                .time(now)
                .settings(self.settings())
                .build()
                .expect("everything that is required is set")
                .into()
        } else {
            v4::SigningParams::builder()
                .identity(&self.identity)
                .region(Case::REGION)
                .name(self.case.service)
                .time(now)
                .settings(self.settings())
                .build()
                .expect("everything that is required is set")
                .into()
        }
    }

    fn settings(&self) -> SigningSettings {
        let mut settings = SigningSettings::default();
        if self.case.is_s3() {
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        }
        if let Some(lifetime) = self.case.presigned {
            settings.signature_location = SignatureLocation::QueryParams;
            settings.expires_in = Some(lifetime);
        } else if self.case.is_s3() {
            settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        }
        settings
    }

    fn body(&self) -> SignableBody<'_> {
        match &self.case.body {
            Body::Empty => SignableBody::empty(),
            Body::Bytes(bytes) => SignableBody::Bytes(bytes),
            Body::Unsigned => SignableBody::UnsignedPayload,
        }
    }
}

impl Contender for AwsSigV4<'_> {
    type Input = Request<()>;
    type Output = String;

    const NAME: &'static str = "aws-sigv4";

    fn input(&self) -> Self::Input {
        self.case.request.clone()
    }

    fn sign(&self, input: &mut Self::Input) -> Self::Output {
        self.sign_at(input, SystemTime::now())
    }
}
