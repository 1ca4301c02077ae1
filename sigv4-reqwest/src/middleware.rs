//! [`SigV4Middleware`].

use async_trait::async_trait;
use http::Extensions;
use reqwest::Request;
use reqwest::Response;
use reqwest_middleware::Middleware;
use reqwest_middleware::Next;
use sigv4_core::SigningOverrides;
use sigv4_core::runtime::Authorizer;
use sigv4_core::runtime::SigningReceipt;

use crate::recover;
use crate::recover::Attempt;
use crate::recover::Settled;

/// Signs the requests of a `reqwest_middleware` client, and recovers from what AWS says of
/// credentials and clocks.
///
/// ```
/// # fn example(authorizer: sigv4_core::runtime::Authorizer) -> Result<(), Box<dyn std::error::Error>> {
/// let client = reqwest::Client::builder().redirect(sigv4_reqwest::redirect_policy()).build()?;
/// let client = reqwest_middleware::ClientBuilder::new(client)
///     .with(sigv4_reqwest::SigV4Middleware::new(authorizer))
///     .build();
/// # Ok(())
/// # }
/// ```
///
/// Per request, [`SigningOverrides`] given by `RequestBuilder::with_extension` say what is to be
/// done otherwise. The answer carries a [`SigningReceipt`](sigv4_core::runtime::SigningReceipt) in
/// its extensions.
///
/// # Bodies
///
/// Bytes are hashed; a stream is read into memory for that, up to a limit, unless the authorizer or
/// the request says otherwise; see [`PayloadMode`](sigv4_core::PayloadMode). An upload to S3, signed
/// in chunks as it passes:
///
/// ```
/// use sigv4_core::{AwsChunked, PayloadMode, SigningOverrides};
///
/// # fn example(client: reqwest_middleware::ClientWithMiddleware, body: reqwest::Body, length: u64) {
/// let chunks = PayloadMode::AwsChunked(AwsChunked::signed());
/// let request = client
///     .put("https://bucket.s3.us-east-1.amazonaws.com/key")
///     .header("content-length", length) // a stream does not know it
///     .with_extension(SigningOverrides::new().payload(chunks))
///     .body(body);
/// # }
/// ```
///
/// # Recovery
///
/// Where an answer of status 400, 401 or 403 says that the credentials have ended, or are not
/// known, they are replaced; where it says that the time of the signature is wrong, the clock is
/// corrected for that host. In both cases the request is sent once more, if its body is in memory.
/// For that the error code is looked up in the header `x-amzn-errortype`, or in the first 16 KiB of
/// the body, for one second at most; the answer that is returned has the whole body, and everything
/// else, as if nobody had looked. `AccessDenied` causes nothing.
///
/// The answer to the second request is returned, whatever it says, and so is its error: the request
/// may have been carried out then, and the first answer, which says that it was refused, would be
/// wrong. Where the second request cannot be signed the first answer is returned.
///
/// What is believed, and how far, and how to turn it off, is up to the
/// [authorizer](sigv4_core::runtime::AuthorizerBuilder::recover_credentials). Where the code of a
/// customer may write the answers (API Gateway, function URLs, Lattice) nothing of this is done by
/// default.
///
/// # Interaction with
///
/// - **Retries** (`reqwest-retry`): add them before this middleware, so that each attempt is signed
///   anew. `reqwest-retry` lets no streaming body pass: give it bytes. Its default strategy takes
///   every error of a middleware for fatal: have yours ask [`is_retryable`](crate::is_retryable).
///   An attempt may be two requests, see above.
/// - **Redirects**: the client has to be built with [`redirect_policy`](crate::redirect_policy). An
///   answer that comes from another URL than the one that was signed is an error, but by then the
///   request has been elsewhere: that check does not replace the policy.
/// - **Default headers** of the `reqwest::Client` are added after this middleware and are not
///   signed. That does no harm, except for `x-amz-*`, which S3 refuses unsigned, and for a
///   `content-type` that a service wants signed: set these on the request.
/// - **Userinfo** in a URL (`https://user:pass@host`) becomes a Basic `Authorization` header where
///   the request is made by a builder, and that is an error unless the signer is told to keep it.
///   In a `Request` made by hand it stays in the URL, and is removed.
/// - **Requests that are not signed**, by their overrides or because they keep an `Authorization`,
///   pass as they are: whether they are redirected is not looked at.
/// - **Signatures in the query** ([`Placement::Query`](sigv4_core::runtime::Placement::Query)): the
///   URL is a credential then. An error of the client that passes here is shown without its query;
///   the `url()` of the answer has it, and so has an error that is made of the answer later
///   (`error_for_status`): `without_url()` removes it.
/// - **`.query(..)`** (feature `query` of `reqwest-middleware`) writes spaces as `+`; a raw `+` is
///   therefore read as a space, whatever the service, unless the signer or the overrides say
///   otherwise.
///
/// # Errors
///
/// An [`Error`](crate::Error) of this crate, inside `reqwest_middleware::Error::Middleware`, to be had by
/// `downcast_ref`. The request was not sent then, except with
/// [`Redirected`](crate::ErrorKind::Redirected).
#[derive(Clone, Debug)]
#[must_use]
pub struct SigV4Middleware {
    authorizer: Authorizer,
}

impl SigV4Middleware {
    /// Makes a middleware that signs by this authorizer.
    pub const fn new(authorizer: Authorizer) -> Self {
        Self { authorizer }
    }
}

#[async_trait]
impl Middleware for SigV4Middleware {
    async fn handle(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> reqwest_middleware::Result<Response> {
        let authorizer = &self.authorizer;
        let overrides = extensions.get::<SigningOverrides>().cloned();
        let overrides = overrides.as_ref();
        let attempt = Attempt::sign(authorizer, &mut request, overrides).await;
        let attempt = attempt.map_err(reqwest_middleware::Error::middleware)?;
        let Some(attempt) = attempt else {
            return next.run(request, extensions).await;
        };
        if !attempt.learns {
            return send(request, attempt.receipt, extensions, next).await;
        }
        let answer = send(request, attempt.receipt, extensions, next.clone()).await?;
        match recover::settle(authorizer, answer, attempt.again, overrides).await {
            Settled::Answer(answer) => Ok(answer),
            Settled::Again(request, receipt) => send(*request, receipt, extensions, next).await,
        }
    }
}

/// Sends a request that has been signed.
async fn send(
    request: Request,
    receipt: SigningReceipt,
    extensions: &mut Extensions,
    next: Next<'_>,
) -> reqwest_middleware::Result<Response> {
    let signed = request.url().clone();
    let sent = next.run(request, extensions).await;
    let answer = sent.map_err(|error| match error {
        reqwest_middleware::Error::Reqwest(error) => {
            recover::without_signature(error, &signed).into()
        }
        error => error,
    })?;
    recover::accept(answer, &signed, receipt).map_err(reqwest_middleware::Error::middleware)
}
