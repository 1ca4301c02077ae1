//! Questions and answers in a model's own format.

use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderMap;
use http::header;
use reqwest::Response;
use serde_core::de::DeserializeOwned;
use serde_json::Value;

use super::error::Error;
use super::json;
use super::send;
use super::send::Silence;
use super::stream::Events;

/// A request to a model in its own format.
///
/// <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html>
#[derive(Clone)]
#[must_use]
pub struct InvokeRequest {
    model: String,
    body: Bytes,
    content_type: Option<String>,
    accept: Option<String>,
}

impl InvokeRequest {
    /// Makes a request to a model, as [`ConverseRequest::new`](super::ConverseRequest::new) does.
    pub fn new(model: impl Into<String>, body: impl Into<Bytes>) -> Self {
        Self {
            model: model.into(),
            body: body.into(),
            content_type: None,
            accept: None,
        }
    }

    /// Makes a request of JSON.
    pub fn json(model: impl Into<String>, body: &Value) -> Self {
        Self::new(model, body.to_string())
    }

    /// Sets the media type of the body. Default: JSON.
    pub fn content_type(mut self, media_type: impl Into<String>) -> Self {
        self.content_type = Some(media_type.into());
        self
    }

    /// Sets the media type of the answer. Default: JSON.
    pub fn accept(mut self, media_type: impl Into<String>) -> Self {
        self.accept = Some(media_type.into());
        self
    }

    pub(super) fn model(&self) -> &str {
        &self.model
    }

    pub(super) fn body(&self) -> Bytes {
        self.body.clone()
    }

    pub(super) fn content_type_or_json(&self) -> &str {
        self.content_type.as_deref().unwrap_or(JSON)
    }

    pub(super) fn accept_or_json(&self) -> &str {
        self.accept.as_deref().unwrap_or(JSON)
    }
}

/// Shows how long the body is.
impl fmt::Debug for InvokeRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InvokeRequest")
            .field("model", &self.model)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .finish_non_exhaustive()
    }
}

/// The answer of a model in its own format.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct InvokeAnswer {
    /// The answer.
    pub body: Bytes,
    /// Its media type.
    pub content_type: Option<String>,
    /// How many tokens the request counts as, if AWS says so.
    pub input_tokens: Option<u64>,
    /// How many tokens the answer counts as, if AWS says so.
    pub output_tokens: Option<u64>,
    /// How long it took by the clock of the service, if AWS says so.
    pub latency: Option<Duration>,
}

impl InvokeAnswer {
    /// Reads the body, of an answer that is JSON.
    ///
    /// # Errors
    ///
    /// [`Error::Answer`], where it is not.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(|error| Error::Answer(error.into()))
    }

    pub(super) async fn read(answer: Response, silence: &Silence) -> Result<Self, Error> {
        let headers = answer.headers().clone();
        let number = |name| text(&headers, name)?.parse().ok();
        Ok(Self {
            body: send::body(answer, silence).await?,
            content_type: text(&headers, header::CONTENT_TYPE.as_str()).map(str::to_owned),
            input_tokens: number("x-amzn-bedrock-input-token-count"),
            output_tokens: number("x-amzn-bedrock-output-token-count"),
            latency: number("x-amzn-bedrock-invocation-latency").map(Duration::from_millis),
        })
    }
}

/// The answer of a model in its own format, while it is made.
///
/// Only the model's own format says whether it is complete: a stream that ends with a frame has
/// ended as far as this can tell.
#[derive(Debug)]
pub struct InvokeStream {
    events: Events,
}

impl InvokeStream {
    pub(super) const fn new(events: Events) -> Self {
        Self { events }
    }

    /// Returns the next piece of the answer, or `None` behind the last. What is not a piece is passed
    /// over.
    ///
    /// # Errors
    ///
    /// [`Error`]. Behind an error there is nothing more.
    ///
    /// # Cancel safety
    ///
    /// A call that is dropped loses nothing: the next one goes on where it was.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        while let Some(event) = self.events.next().await? {
            if event.event_type() == Some("chunk") {
                let piece = piece(event.payload());
                if piece.is_err() {
                    self.events.end();
                }
                return piece.map(Some);
            }
        }
        Ok(None)
    }

    /// Returns the id under which AWS's support finds the request.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.events.request_id()
    }
}

fn piece(payload: &[u8]) -> Result<Bytes, Error> {
    let chunk = json::parse(payload)?;
    let bytes: String = json::required(&chunk, "bytes")?;
    let bytes = STANDARD.decode(bytes);
    let bytes = bytes.map_err(|error| Error::Answer(error.to_string().into()))?;
    Ok(bytes.into())
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

const JSON: &str = "application/json";

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sigv4_core::EventMessage;
    use sigv4_core::runtime::TokioRuntime;

    use super::*;

    #[tokio::test]
    async fn behind_a_piece_that_cannot_be_read_there_is_nothing_more() {
        for payload in ["not JSON", "{}", r#"{"bytes":7}"#, r#"{"bytes":"?"}"#] {
            let chunk = |payload: &'static str| {
                let message = EventMessage::new(payload).with_header(":event-type", "chunk");
                let message = message.with_header(":message-type", "event");
                message.encode().unwrap()
            };
            let frames = [chunk(payload), chunk(r#"{"bytes":"aGk="}"#)].concat();
            let answer = http::Response::builder()
                .header(header::CONTENT_TYPE, "application/vnd.amazon.eventstream")
                .body(frames)
                .unwrap();
            let silence = Silence {
                limit: Duration::from_secs(60),
                runtime: Arc::new(TokioRuntime::new()),
            };
            let events = Events::new(answer.into(), silence).unwrap();
            let mut stream = InvokeStream::new(events);
            assert!(
                matches!(stream.next().await, Err(Error::Answer(_))),
                "{payload}"
            );
            assert_eq!(stream.next().await.unwrap(), None, "{payload}");
        }
    }
}
