//! [`BedrockClient`].

use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use http::header;
use reqwest::Request;
use reqwest::Response;
use reqwest::Url;
use serde_json::Value;
use sigv4_core::runtime::CredentialsCache;

use super::answer::ConverseAnswer;
use super::builder::BedrockClientBuilder;
use super::endpoints::Endpoint;
use super::error::Error;
use super::invoke::InvokeAnswer;
use super::invoke::InvokeRequest;
use super::invoke::InvokeStream;
use super::json;
use super::json::FromJson;
use super::message::ConverseRequest;
use super::models::FoundationModel;
use super::send;
use super::send::Head;
use super::send::Sender;
use super::send::Silence;
use super::stream::ConverseStream;
use super::stream::Events;

/// Talks to the models of Amazon Bedrock.
///
/// It is cheap to clone, and its clones share their connections.
///
/// # Attempts
///
/// A request that is throttled, that meets a service or a model which is not ready, or that has no
/// answer because its connection failed, is sent again as the [policy](super::RetryPolicy) has it,
/// each time with a signature of its own. Once an answer has begun nothing is sent again: a stream
/// that breaks off is an error, and what was read of it stays read. A connection that failed may
/// have delivered the request all the same; the model is then asked twice, and so is the bill.
///
/// Where AWS says that the credentials have ended, or that the clock is wrong,
/// [`execute`](sigv4_reqwest::execute) sees to it and sends the request once more.
///
/// # Errors
///
/// All methods return [`Error`]; what AWS says is in [`Error::Service`].
///
/// # Cancel safety
///
/// Any future can be dropped. The request may have been sent then, and a model that has begun to
/// answer may go on for a while. Dropping a stream closes its connection.
#[derive(Clone, Debug)]
pub struct BedrockClient {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    sender: Sender,
    runtime: Endpoint,
    control: Endpoint,
    silence: Silence,
}

impl BedrockClient {
    /// Begins a client that signs for a region with these credentials.
    ///
    /// The region decides alone, also for a model whose ARN names another.
    pub fn builder(
        region: impl Into<String>,
        credentials: CredentialsCache,
    ) -> BedrockClientBuilder {
        BedrockClientBuilder::new(region.into(), credentials)
    }

    pub(super) fn new(
        sender: Sender,
        runtime: Endpoint,
        control: Endpoint,
        silence: Silence,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                sender,
                runtime,
                control,
                silence,
            }),
        }
    }

    /// Has a model answer, and returns the answer when it is whole.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub async fn converse(&self, request: &ConverseRequest<'_>) -> Result<ConverseAnswer, Error> {
        let url = self.model(request.model(), "converse")?;
        let answer = self
            .post(url, JSON, JSON, encode(request), Head::Whole)
            .await?;
        Ok(ConverseAnswer::from_json(&self.decode(answer).await?)?)
    }

    /// Has a model answer, and returns the answer while it is made.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub async fn converse_stream(
        &self,
        request: &ConverseRequest<'_>,
    ) -> Result<ConverseStream, Error> {
        let url = self.model(request.model(), "converse-stream")?;
        let answer = self
            .post(url, JSON, EVENTS, encode(request), Head::Beginning)
            .await?;
        Ok(ConverseStream::new(self.events(answer)?))
    }

    /// Has a model answer in its own format, and returns the answer when it is whole.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub async fn invoke_model(&self, request: &InvokeRequest) -> Result<InvokeAnswer, Error> {
        let url = self.model(request.model(), "invoke")?;
        let (content_type, accept) = (request.content_type_or_json(), request.accept_or_json());
        let answer = self
            .post(url, content_type, accept, request.body(), Head::Whole)
            .await?;
        InvokeAnswer::read(answer, &self.shared.silence).await
    }

    /// Has a model answer in its own format, and returns the answer while it is made.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub async fn invoke_model_with_response_stream(
        &self,
        request: &InvokeRequest,
    ) -> Result<InvokeStream, Error> {
        let url = self.model(request.model(), "invoke-with-response-stream")?;
        let content_type = request.content_type_or_json();
        let mut sent = post(url, content_type, EVENTS, request.body())?;
        insert(&mut sent, "x-amzn-bedrock-accept", request.accept_or_json())?;
        let answer = self.shared.sender.send(&sent, Head::Beginning).await?;
        Ok(InvokeStream::new(self.events(answer)?))
    }

    /// Returns the models that there are in the region.
    ///
    /// Whether the account may use them is another matter.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub async fn list_foundation_models(&self) -> Result<Vec<FoundationModel>, Error> {
        let url = self.shared.control.url(&["foundation-models"]);
        let mut request = Request::new(Method::GET, url);
        insert(&mut request, header::ACCEPT.as_str(), JSON)?;
        let answer = self.shared.sender.send(&request, Head::Beginning).await?;
        Ok(json::field(&self.decode(answer).await?, "modelSummaries")?)
    }

    fn model(&self, model: &str, operation: &str) -> Result<Url, Error> {
        // As a segment of a path the last two would mean another path.
        if model.is_empty() || matches!(model, "." | "..") {
            return Err(Error::Request(
                "the model is missing; name its id, or that of an inference profile",
            ));
        }
        Ok(self.shared.runtime.url(&["model", model, operation]))
    }

    async fn post(
        &self,
        url: Url,
        content_type: &str,
        accept: &str,
        body: Bytes,
        head: Head,
    ) -> Result<Response, Error> {
        let request = post(url, content_type, accept, body)?;
        self.shared.sender.send(&request, head).await
    }

    async fn decode(&self, answer: Response) -> Result<Value, Error> {
        json::parse(&send::body(answer, &self.shared.silence).await?)
    }

    fn events(&self, answer: Response) -> Result<Events, Error> {
        Events::new(answer, self.shared.silence.clone())
    }
}

fn post(url: Url, content_type: &str, accept: &str, body: Bytes) -> Result<Request, Error> {
    let mut request = Request::new(Method::POST, url);
    insert(&mut request, header::CONTENT_TYPE.as_str(), content_type)?;
    insert(&mut request, header::ACCEPT.as_str(), accept)?;
    *request.body_mut() = Some(body.into());
    Ok(request)
}

fn insert(request: &mut Request, name: &'static str, value: &str) -> Result<(), Error> {
    let value = value.parse();
    let value = value.map_err(|_| Error::Request("a media type is no value of a header"))?;
    request.headers_mut().insert(name, value);
    Ok(())
}

fn encode(request: &ConverseRequest<'_>) -> Bytes {
    request.to_json().to_string().into()
}

const JSON: &str = "application/json";
const EVENTS: &str = "application/vnd.amazon.eventstream";
