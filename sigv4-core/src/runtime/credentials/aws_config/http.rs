//! [`SdkHttpClient`]: lets the AWS SDK use the HTTP library of the program.

use std::sync::Arc;
use std::time::Duration;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::http::HttpClient;
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::http::HttpConnectorFuture;
use aws_smithy_runtime_api::client::http::HttpConnectorSettings;
use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use bytes::Bytes;
use http::Request;
use http::Response;

use crate::runtime::http_send::HttpSend;

/// An HTTP client for the AWS SDK that sends through an [`HttpSend`].
///
/// `aws-config` and the clients of the SDK take it wherever they take an `http_client`, and need
/// none of their own then: no second HTTP and TLS stack in the program.
///
/// It is made for the small requests and answers of credential services. Bodies are whole: a
/// request whose body is a stream fails, and so does an answer of more than
/// [`MAX_ANSWER`](crate::runtime::MAX_ANSWER) bytes. Where the SDK sets a read timeout, the whole
/// exchange may take as long; how long connecting may take is the affair of the [`HttpSend`].
///
/// ```no_run
/// # async fn example(http: impl sigv4_core::runtime::HttpSend) {
/// use aws_config::BehaviorVersion;
/// use sigv4_core::runtime::SdkHttpClient;
///
/// let config = aws_config::defaults(BehaviorVersion::latest())
///     .http_client(SdkHttpClient::new(http))
///     .load()
///     .await;
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SdkHttpClient {
    http: Arc<dyn HttpSend>,
}

impl SdkHttpClient {
    /// Makes a client of the SDK out of this one.
    #[must_use]
    pub fn new(http: impl HttpSend) -> Self {
        Self {
            http: Arc::new(http),
        }
    }
}

impl HttpClient for SdkHttpClient {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let connect = settings.connect_timeout().unwrap_or_default();
        SharedHttpConnector::new(Connector {
            http: Arc::clone(&self.http),
            limit: settings.read_timeout().map(|read| read.max(connect)),
        })
    }
}

/// One set of timeouts.
#[derive(Debug)]
struct Connector {
    http: Arc<dyn HttpSend>,
    limit: Option<Duration>,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let http = Arc::clone(&self.http);
        let limit = self.limit;
        HttpConnectorFuture::new(async move {
            let request = whole(request).map_err(ConnectorError::user)?;
            let exchange = http.send(request);
            let answer = match limit {
                None => exchange.await,
                Some(limit) => match tokio::time::timeout(limit, exchange).await {
                    Ok(answer) => answer,
                    Err(elapsed) => return Err(ConnectorError::timeout(elapsed.into())),
                },
            };
            // Retried as what it most likely is: a failure of the network.
            let response = answer.map_err(ConnectorError::io)?;
            of_the_sdk(response).map_err(|error| ConnectorError::other(error, None))
        })
    }
}

fn whole(request: HttpRequest) -> Result<Request<Bytes>, BoxError> {
    let request = request.try_into_http1x()?;
    let body = request
        .body()
        .bytes()
        .map(Bytes::copy_from_slice)
        .ok_or("the body of the request is a stream, which this client does not send")?;
    Ok(request.map(|_| body))
}

fn of_the_sdk(response: Response<Bytes>) -> Result<HttpResponse, BoxError> {
    let response = response.map(Into::into);
    Ok(HttpResponse::try_from(response)?)
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::time::Instant;

    use super::*;
    use crate::runtime::http_send::HttpFuture;

    /// Does one thing to every request.
    #[derive(Clone, Copy, Debug)]
    enum Network {
        Answers,
        Fails,
        Hangs,
    }

    impl HttpSend for Network {
        fn send(&self, request: Request<Bytes>) -> HttpFuture<'_> {
            Box::pin(async move {
                match self {
                    Self::Answers => {
                        let host = request.uri().host().unwrap_or_default().to_owned();
                        let response = Response::builder().status(404).header("x-host", host);
                        Ok(response.body(request.into_body())?)
                    }
                    Self::Fails => Err("connection refused".into()),
                    Self::Hangs => pending().await,
                }
            })
        }
    }

    async fn call(network: Network, limit: Option<u64>) -> Result<HttpResponse, ConnectorError> {
        let connector = Connector {
            http: Arc::new(network),
            limit: limit.map(Duration::from_secs),
        };
        let mut request = HttpRequest::get("http://sts.example.com/").unwrap();
        *request.body_mut() = "body".into();
        connector.call(request).await
    }

    #[tokio::test]
    async fn passes_requests_and_answers_on() {
        let response = call(Network::Answers, Some(5)).await.unwrap();
        assert_eq!(response.status().as_u16(), 404);
        assert_eq!(response.headers().get("x-host"), Some("sts.example.com"));
        assert_eq!(response.body().bytes(), Some(&b"body"[..]));
    }

    #[tokio::test(start_paused = true)]
    async fn says_what_kind_of_failure_it_was() {
        let error = call(Network::Fails, None).await.unwrap_err();
        assert!(error.is_io(), "{error:?}");
        let start = Instant::now();
        let error = call(Network::Hangs, Some(5)).await.unwrap_err();
        assert!(error.is_timeout(), "{error:?}");
        assert_eq!(start.elapsed(), Duration::from_secs(5));
    }
}
