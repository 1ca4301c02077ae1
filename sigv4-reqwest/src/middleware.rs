//! [`SigV4Middleware`].

use async_trait::async_trait;
use http::Extensions;
use reqwest::Request;
use reqwest::Response;
use reqwest_middleware::Middleware;
use reqwest_middleware::Next;
use sigv4_core::SigningOverrides;
use sigv4_core::runtime::Authorizer;

use crate::error::Error;
use crate::request::sign;

/// Signs the requests of a `reqwest_middleware` client.
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
/// # Interaction with
///
/// - **Retries** (`reqwest-retry`): add them before this middleware, so that each attempt is signed
///   anew. `reqwest-retry` lets no streaming body pass: give it bytes. A
///   [retryable](Error::is_retryable) error of ours is fatal to the default strategy.
/// - **Redirects**: the client has to be built with [`redirect_policy`](crate::redirect_policy). An
///   answer that comes from another URL than the one that was signed is an error, but by then the
///   request has been elsewhere: that check does not replace the policy.
/// - **Default headers** of the `reqwest::Client` are added after this middleware and are not
///   signed. That does no harm, except for `x-amz-*`, which S3 refuses unsigned, and for a
///   `content-type` that a service wants signed: set these on the request.
/// - **Userinfo** in a URL (`https://user:pass@host`) becomes a Basic `Authorization` header where
///   the request is made by a builder, and that is an error unless the signer is told to keep it. In
///   a `Request` made by hand it stays in the URL, and is removed.
/// - **Requests that are not signed**, by their overrides or because they keep an `Authorization`,
///   pass as they are: whether they are redirected is not looked at.
/// - **`.query(..)`** (feature `query` of `reqwest-middleware`) writes spaces as `+`; a raw `+` is
///   therefore read as a space, whatever the service, unless the signer or the overrides say
///   otherwise.
///
/// # Errors
///
/// An [`Error`] of this crate, inside `reqwest_middleware::Error::Middleware`, to be had by
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
        let overrides = extensions.get::<SigningOverrides>().cloned();
        let receipt = sign(&self.authorizer, &mut request, overrides.as_ref())
            .await
            .map_err(reqwest_middleware::Error::middleware)?;
        let Some(receipt) = receipt else {
            return next.run(request, extensions).await;
        };
        let signed = request.url().clone();
        let mut response = next.run(request, extensions).await?;
        if *response.url() != signed {
            let error = Error::redirected(response.url());
            return Err(reqwest_middleware::Error::middleware(error));
        }
        response.extensions_mut().insert(receipt);
        Ok(response)
    }
}
