//! How services differ: one table, and the type that holds a row of it.

use http::HeaderName;
use http::Method;

use crate::error::Error;
use crate::error::ErrorKind;
use crate::names;
use crate::scope::NO_STREAM;
use crate::scope::has_no_stream;
use crate::target::View;

/// How one service wants its requests signed.
///
/// Each setter says what the [`standard`](Self::standard) has; [`for_service`](Self::for_service)
/// lists which services differ.
///
/// [`Signer::builder`](crate::Signer::builder) takes the rules from the service's name, so that
/// most programs never see this type. It is there for a service behind another name, or one that
/// this crate does not know:
///
/// ```
/// use sigv4_core::{Signer, SigningRules};
///
/// // An S3-compatible store that signs as `storage`.
/// let signer = Signer::builder("storage", "eu-central-1")
///     .rules(SigningRules::for_service("s3"))
///     .build()?;
/// # Ok::<(), sigv4_core::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningRules {
    pub(crate) double_encode_path: bool,
    pub(crate) normalize_path: bool,
    pub(crate) needs_content_sha256: bool,
    pub(crate) unsigned_payload: UnsignedPayload,
    pub(crate) presigns_unsigned_payload: bool,
    pub(crate) session_token: SessionTokenMode,
    pub(crate) token_header: HeaderName,
    pub(crate) plus: PlusPolicy,
    pub(crate) answered_by_aws: bool,
    pub(crate) chunked_bodies: ChunkedBodies,
    pub(crate) event_streams: bool,
}

impl SigningRules {
    /// Returns the rules that most services follow: the path is normalised and encoded twice, the
    /// payload is always hashed, and `x-amz-content-sha256` is not needed.
    ///
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>
    #[must_use]
    pub const fn standard() -> Self {
        Self {
            double_encode_path: true,
            normalize_path: true,
            needs_content_sha256: false,
            unsigned_payload: UnsignedPayload::Refused,
            presigns_unsigned_payload: false,
            session_token: SessionTokenMode::Signed,
            token_header: names::X_AMZ_SECURITY_TOKEN,
            plus: PlusPolicy::Space,
            answered_by_aws: true,
            chunked_bodies: ChunkedBodies::Refused,
            event_streams: false,
        }
    }

    /// Returns the rules of the service with this signing name: those of
    /// [`standard`](Self::standard) for a service without rules of its own.
    ///
    /// | signing name | differs from the standard | source |
    /// |---|---|---|
    /// | `s3`, `s3-outposts` | path encoded once and not normalised; `x-amz-content-sha256` always; payload may be unsigned, is not covered in presigned URLs; aws-chunked uploads; a raw `+` is a plus | [S3 API][s3], [streaming][s3-streaming] |
    /// | `s3express` | as `s3`, the token in `x-amz-s3session-token` | [CreateSession][s3express] |
    /// | `s3-object-lambda` | as `s3`, without aws-chunked | [WriteGetObjectResponse][object-lambda] |
    /// | `glacier` | `x-amz-content-sha256` always | [Glacier][glacier] |
    /// | `aoss` | `x-amz-content-sha256` always; payload may be unsigned | [OpenSearch Serverless][aoss] |
    /// | `vpc-lattice-svcs` | payload never covered; answers are the customer's | [Lattice][lattice] |
    /// | `execute-api`, `lambda` | answers are the customer's | [API Gateway][execute-api], [function URLs][lambda] |
    /// | `iotdevicegateway` | token appended after signing | [IoT][iot] |
    /// | `ebs`, `mediastore`, `omics` | payload may be unsigned | [models of the services][models] |
    /// | `lex` | payload may be unsigned; event streams | the same |
    /// | `bedrock`, `health-agent`, `polly`, `qbusiness` | event streams | the same |
    /// | `sagemaker`, `transcribe` | event streams | [SageMaker][sagemaker], [Transcribe][transcribe] |
    ///
    /// `kms`, `sts`, `es`, `neptune-db`, `dynamodb`, `sqs` and everything else are as the standard
    /// says. What no row fits is put together with the setters.
    ///
    /// `s3express` means requests with the credentials of a session. `CreateSession` itself is
    /// signed with ordinary ones, whose token has the ordinary header: give its signer the rules of
    /// `s3`.
    ///
    /// [s3]: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
    /// [s3-streaming]: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
    /// [s3express]: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateSession.html
    /// [object-lambda]: https://docs.aws.amazon.com/AmazonS3/latest/API/API_WriteGetObjectResponse.html
    /// [glacier]: https://docs.aws.amazon.com/amazonglacier/latest/dev/amazon-glacier-signing-requests.html
    /// [aoss]: https://docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-clients.html
    /// [lattice]: https://docs.aws.amazon.com/vpc-lattice/latest/ug/sigv4-authenticated-requests.html
    /// [execute-api]: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-control-access-using-iam-policies-to-invoke-api.html
    /// [lambda]: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
    /// [iot]: https://docs.aws.amazon.com/iot/latest/developerguide/protocols.html
    /// [models]: https://github.com/boto/botocore/tree/develop/botocore/data
    /// [sagemaker]: https://docs.aws.amazon.com/sdk-for-python/v1/reference/clients/sagemaker-runtime-http2/operations/invoke_endpoint_with_bidirectional_stream/
    /// [transcribe]: https://docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html#streaming-http2
    #[must_use]
    pub fn for_service(service: &str) -> Self {
        let standard = Self::standard();
        // The path is the object's key: taken as it is and encoded once.
        let s3 = Self {
            double_encode_path: false,
            normalize_path: false,
            needs_content_sha256: true,
            unsigned_payload: UnsignedPayload::Allowed,
            presigns_unsigned_payload: true,
            plus: PlusPolicy::Literal,
            chunked_bodies: ChunkedBodies::Uploads,
            ..Self::standard()
        };
        match service {
            "s3" | "s3-outposts" => s3,
            // The token of a session has a header of its own.
            "s3express" => Self {
                token_header: names::X_AMZ_S3SESSION_TOKEN,
                ..s3
            },
            "s3-object-lambda" => s3.chunked_bodies(ChunkedBodies::Refused),
            "glacier" => standard.needs_content_sha256(true),
            "aoss" => standard
                .needs_content_sha256(true)
                .unsigned_payload(UnsignedPayload::Allowed),
            // It does not look at payloads, and passes requests on to the customer.
            "vpc-lattice-svcs" => standard
                .needs_content_sha256(true)
                .unsigned_payload(UnsignedPayload::Always)
                .presigns_unsigned_payload(true)
                .answered_by_aws(false),
            // Behind both is a program of the customer.
            "execute-api" | "lambda" => standard.answered_by_aws(false),
            "iotdevicegateway" => standard.session_token(SessionTokenMode::Appended),
            "ebs" | "mediastore" | "omics" => standard.unsigned_payload(UnsignedPayload::Allowed),
            "lex" => standard
                .unsigned_payload(UnsignedPayload::Allowed)
                .event_streams(true),
            "bedrock" | "health-agent" | "polly" | "qbusiness" | "sagemaker" | "transcribe" => {
                standard.event_streams(true)
            }
            _ => standard,
        }
    }

    /// Sets whether the path, which is percent-encoded on the wire, is encoded once more for the
    /// signature. Standard: yes. Only the S3 family does without.
    ///
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html#create-canonical-request>
    #[must_use]
    pub const fn double_encode_path(mut self, yes: bool) -> Self {
        self.double_encode_path = yes;
        self
    }

    /// Sets whether dot segments and empty segments are removed from the path. Standard: yes. To S3
    /// they are a part of the key.
    ///
    /// <https://www.rfc-editor.org/rfc/rfc3986#section-6.2.2.3>
    #[must_use]
    pub const fn normalize_path(mut self, yes: bool) -> Self {
        self.normalize_path = yes;
        self
    }

    /// Sets whether the service wants `x-amz-content-sha256` on every request. Standard: no.
    #[must_use]
    pub const fn needs_content_sha256(mut self, yes: bool) -> Self {
        self.needs_content_sha256 = yes;
        self
    }

    /// Sets what the service makes of a payload that is not covered by the signature. Standard:
    /// [`Refused`](UnsignedPayload::Refused).
    #[must_use]
    pub const fn unsigned_payload(mut self, unsigned_payload: UnsignedPayload) -> Self {
        self.unsigned_payload = unsigned_payload;
        self
    }

    /// Sets whether presigned URLs cover no payload, unless told to. Standard: no, they cover an
    /// empty one.
    ///
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>
    #[must_use]
    pub const fn presigns_unsigned_payload(mut self, yes: bool) -> Self {
        self.presigns_unsigned_payload = yes;
        self
    }

    /// Sets whether AWS itself writes the answers of the service, and not a customer's program.
    ///
    /// Only then do the adapters act, by default, on an answer that says that the credentials have
    /// ended or that the time is wrong. Standard: yes.
    #[must_use]
    pub const fn answered_by_aws(mut self, yes: bool) -> Self {
        self.answered_by_aws = yes;
        self
    }

    /// Sets which bodies in aws-chunked encoding the service takes. Standard:
    /// [`Refused`](ChunkedBodies::Refused).
    #[must_use]
    pub const fn chunked_bodies(mut self, chunked_bodies: ChunkedBodies) -> Self {
        self.chunked_bodies = chunked_bodies;
        self
    }

    /// Sets whether there are operations of the service that take a stream of signed events.
    /// Standard: no.
    #[must_use]
    pub const fn event_streams(mut self, yes: bool) -> Self {
        self.event_streams = yes;
        self
    }

    /// Sets where the session token of temporary credentials goes. Standard:
    /// [`Signed`](SessionTokenMode::Signed).
    #[must_use]
    pub const fn session_token(mut self, session_token: SessionTokenMode) -> Self {
        self.session_token = session_token;
        self
    }

    /// Sets what a raw `+` in a query means. Standard: [`Space`](PlusPolicy::Space).
    #[must_use]
    pub const fn plus(mut self, plus: PlusPolicy) -> Self {
        self.plus = plus;
        self
    }

    /// Tells what the service makes of a payload that is not covered by the signature.
    #[must_use]
    pub const fn unsigned_payload_mode(&self) -> UnsignedPayload {
        self.unsigned_payload
    }

    /// Tells whether presigned URLs cover no payload, unless told to:
    /// [`presigns_unsigned_payload`](Self::presigns_unsigned_payload).
    #[must_use]
    pub const fn presigns_unsigned(&self) -> bool {
        self.presigns_unsigned_payload
    }

    /// Tells which bodies in aws-chunked encoding the service takes.
    #[must_use]
    pub const fn chunked_bodies_mode(&self) -> ChunkedBodies {
        self.chunked_bodies
    }

    /// Tells whether the service reads `/a//b` and `/a/./b` as `/a/b`. To S3 they are other keys.
    #[must_use]
    pub const fn normalizes_path(&self) -> bool {
        self.normalize_path
    }
}

/// What a service makes of `UNSIGNED-PAYLOAD`.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnsignedPayload {
    /// The service answers with an error: the payload must be hashed.
    Refused,
    /// The service takes it where the caller asks for it.
    Allowed,
    /// The service takes nothing else: a payload that is given is not hashed.
    Always,
}

/// Which bodies in aws-chunked encoding a service takes.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChunkedBodies {
    /// None: nobody but S3 decodes them.
    Refused,
    /// Those of uploads (`PutObject`, `UploadPart`), of which it has to be told the length
    /// beforehand. They are `PUT` requests whose query names nothing else than a part.
    Uploads,
    /// All, whether their length is known or not.
    Any,
}

impl ChunkedBodies {
    pub(crate) fn check(self, view: &View<'_>, length_is_known: bool) -> Result<(), Error> {
        match self {
            Self::Refused => Err(CHUNKED_REFUSED),
            Self::Uploads if !is_upload(view) => Err(NO_UPLOAD),
            Self::Uploads if !length_is_known => Err(LENGTH_NEEDED),
            Self::Any if !length_is_known && has_no_stream(view.method) => Err(NO_STREAM),
            Self::Uploads | Self::Any => Ok(()),
        }
    }
}

/// Tells uploads from what else has a body: other methods, and `PUT` of what a query names, such as
/// tags or a policy.
fn is_upload(view: &View<'_>) -> bool {
    let query = view.uri.query().unwrap_or("");
    let names = query
        .split('&')
        .map(|pair| pair.split_once('=').map_or(pair, |(name, _)| name));
    *view.method == Method::PUT
        && names.filter(|name| !name.is_empty()).all(|name| {
            matches!(name, "partNumber" | "uploadId" | "x-id")
                || names::is_own_parameter(name.as_bytes())
        })
}

const CHUNKED_REFUSED: Error = Error::new(
    ErrorKind::Payload,
    "the service does not decode aws-chunked bodies; hash the body, \
     or allow them in the signing rules of the service",
);
const NO_UPLOAD: Error = Error::new(
    ErrorKind::Payload,
    "only uploads (PutObject, UploadPart) may have an aws-chunked body; hash this one",
);
const LENGTH_NEEDED: Error = Error::new(
    ErrorKind::LengthRequired,
    "the service wants to know the length of an aws-chunked body beforehand; declare it by \
     Content-Length, or upload in parts of known length (multipart upload)",
);

/// Where the session token of temporary credentials goes.
///
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionTokenMode {
    /// It is sent and covered by the signature.
    Signed,
    /// It is sent, and added after the signature was made.
    Appended,
    /// It is not sent. One that is there is removed; the program may add it after signing.
    Omitted,
}

/// What a raw `+` in a query means.
///
/// [RFC 3986](https://www.rfc-editor.org/rfc/rfc3986#section-2.2) says a plus, HTML forms say a
/// space, and AWS services differ. The canonical form, which is what is sent, has `%2B` or `%20` and
/// can be misread by nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlusPolicy {
    /// A plus: `%2B`.
    Literal,
    /// A space: `%20`.
    Space,
    /// Neither: the request is refused with
    /// [`ErrorKind::AmbiguousPlus`](crate::ErrorKind::AmbiguousPlus).
    Reject,
}

/// What becomes of a URI that is not in canonical form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum WireForm {
    /// The canonical path, query and authority replace those of the request, so that the server
    /// reads exactly what was signed.
    #[default]
    Canonical,
    /// The canonical form is signed and the URI is left as it is, for clients that cannot change
    /// it. The server has to derive the same canonical form from it.
    AsGiven,
    /// The request is refused with [`ErrorKind::NotCanonical`](crate::ErrorKind::NotCanonical).
    RefuseIfDifferent,
}

/// Whether `x-amz-content-sha256` is sent: the SHA-256 of the body in hex, or a word that says why
/// there is none.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ContentSha256 {
    /// Where the [rules](SigningRules) of the service want it, where the payload is unsigned, and
    /// where the request carries one already, which is then replaced.
    #[default]
    Auto,
    /// On every request. No service is known to mind.
    Always,
    /// On no request; one that is there is removed.
    Never,
}

/// What becomes of an `Authorization` header that the request carries already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ExistingAuthorization {
    /// An earlier AWS signature (`AWS4-…`) is replaced, which makes signing twice safe. Anything
    /// else is refused with
    /// [`ErrorKind::ExistingAuthorization`](crate::ErrorKind::ExistingAuthorization).
    #[default]
    ReplaceOwn,
    /// The request is left as it is and goes out with that header and without a signature.
    DangerKeep,
}
