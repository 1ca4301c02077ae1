//! [`RecoverLayer`] and [`Recover`].

use std::mem;
use std::task::Context;
use std::task::Poll;

use http::Request;
use http::Response;
use http_body::Body;
use sigv4_core::SigningOverrides;
use sigv4_core::runtime::Authorizer;
use sigv4_core::runtime::adapter;
use tower_layer::Layer;
use tower_service::Service;

use crate::BoxError;
use crate::recover_future::RecoverFuture;
use crate::recovered_body::RecoveredBody;
use crate::replay_body::ReplayBody;

/// Recovers by itself from what AWS says of credentials and clocks.
///
/// Put it directly outside of [`SigV4Layer`], with a clone of the same authorizer. Where an answer
/// says that the credentials have ended it has them replaced, where it says that the time of the
/// signature is wrong it corrects the clock for that host; and in both cases it sends the request
/// once more.
///
/// ```
/// use sigv4_tower::{RecoverLayer, SigV4Layer};
/// use tower::ServiceBuilder;
///
/// # fn example<S>(authorizer: sigv4_core::runtime::Authorizer, client: S) {
/// let client = ServiceBuilder::new()
///     .layer(RecoverLayer::new(authorizer.clone()))
///     .layer(SigV4Layer::new(authorizer))
///     .service(client); // e.g. a hyper_util::client::legacy::Client
/// # }
/// ```
///
/// # What it acts on
///
/// Answers of status 400, 401 and 403 to requests that were signed, by the error code in the header
/// `x-amzn-errortype` or in the body, of which at most 16 KiB are read, for one second at most:
///
/// - `ExpiredToken`, `ExpiredTokenException`, `InvalidToken`, `InvalidAccessKeyId`,
///   `InvalidClientTokenId`, `UnrecognizedClientException`: the
///   [cache](sigv4_core::runtime::CredentialsCache) asks its provider for other credentials, once
///   for each set and every 30 s at most. The answer waits for them for 3 s at most.
/// - `RequestTimeTooSkewed`, `RequestInTheFuture`: the clock is corrected by the `Date` of the
///   answer.
/// - `SignatureDoesNotMatch`, `InvalidSignatureException`, `AuthFailure`: the same if the clock is
///   more than 4 minutes off, or if the message says that the time is the reason.
/// - `RequestExpired`: the same if the clock is more than 4 minutes off; else the credentials are
///   replaced if they end within 5 minutes.
/// - `AccessDenied` with the message `Request has expired`, which S3 gives to a signature
///   [in the query](sigv4_core::runtime::Placement::Query): the clock is corrected.
///
/// Any other `AccessDenied`, and all others, cause nothing. Corrections have a
/// [bound](sigv4_core::runtime::AuthorizerBuilder::max_skew) and are made only on the word of
/// answers that came over https, or from a loopback address. Where the code of a customer may write
/// the answers (API Gateway, function URLs, Lattice) nothing is done
/// [by default](sigv4_core::SigningRules::answered_by_aws). All of this is set up with the
/// [authorizer](sigv4_core::runtime::AuthorizerBuilder::recover_credentials).
///
/// # What is kept to send a request again
///
/// Its head, and its body while that passes: the same `Bytes` that are sent, up to a limit. A body
/// that is longer, fails, has trailers, or was not read to its end when the answer came is not sent
/// again, nor is a stream of [events](sigv4_core::Payload::Events), which is said once. What the
/// answer taught holds for later requests then.
///
/// # Interaction with
///
/// - **Retries** go outside. A request is sent twice at most by this layer, so that a policy that
///   counts attempts has to reckon with twice as many in the worst case.
/// - **Presigned URLs** of a client, and requests that are not signed, pass as they are.
///
/// [`SigV4Layer`]: crate::SigV4Layer
#[derive(Clone, Debug)]
#[must_use]
pub struct RecoverLayer {
    authorizer: Authorizer,
    limit: Option<u64>,
}

impl RecoverLayer {
    /// Makes a layer that teaches this authorizer.
    pub const fn new(authorizer: Authorizer) -> Self {
        Self {
            authorizer,
            limit: None,
        }
    }

    /// Sets up to how many bytes a body is kept to be sent again.
    ///
    /// Default: up to the [limit](Authorizer::body_limit) of the authorizer where the body is
    /// hashed, for which it is held anyway; 64 KiB where it passes as a stream. What is kept stays
    /// until the head of the answer has come.
    pub const fn replay_limit(mut self, bytes: u64) -> Self {
        self.limit = Some(bytes);
        self
    }
}

impl<S> Layer<S> for RecoverLayer {
    type Service = Recover<S>;

    fn layer(&self, inner: S) -> Recover<S> {
        Recover {
            inner,
            layer: self.clone(),
        }
    }
}

/// Sends a request once more where that helps. Made by [`RecoverLayer`].
///
/// The answer is passed on as it is, with a body of another type that gives the same. It is that of
/// the second request where there was one, whatever it says.
///
/// # Errors
///
/// That of the service inside. Where the second request fails the error is that of the second: it
/// may have been carried out, and the first answer, which says that it was refused, would be wrong.
/// Where the service does not become ready for the second request, within a second, the first
/// answer is passed on.
///
/// # Cancel safety
///
/// A future that is dropped sends nothing more. Credentials that are being replaced go on being so.
#[derive(Clone, Debug)]
pub struct Recover<S> {
    inner: S,
    layer: RecoverLayer,
}

impl<S, B, R> Service<Request<B>> for Recover<S>
where
    S: Service<Request<ReplayBody<B>>, Response = Response<R>, Error: Into<BoxError>> + Clone,
    B: Body,
    R: Body,
{
    type Response = Response<RecoveredBody<R>>;
    type Error = BoxError;
    type Future = RecoverFuture<S, B, R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The service that was polled ready has to be the one that is called; the clone that stays
        // behind is not ready yet.
        let clone = self.inner.clone();
        let mut ready = mem::replace(&mut self.inner, clone);
        let overrides = request.extensions().get::<SigningOverrides>();
        match adapter::replay_limit(&self.layer.authorizer, overrides) {
            None => RecoverFuture::passing(ready.call(request.map(ReplayBody::passing))),
            Some(limit) => {
                // What is not to be kept at all is not, whatever was set.
                let limit = self.layer.limit.filter(|_| limit > 0).unwrap_or(limit);
                RecoverFuture::new(ready, self.layer.authorizer.clone(), limit, request)
            }
        }
    }
}
