//! What a model answers, while it is made.

use bytes::Bytes;
use http::header;
use reqwest::Body;
use reqwest::Response;
use serde_json::Value;
use sigv4_core::EventMessage;
use sigv4_core::EventStream;

use super::answer::Metrics;
use super::answer::StopReason;
use super::answer::Usage;
use super::error::Error;
use super::json::field;
use super::json::parse;
use super::json::required;
use super::message::Role;
use super::refusal;
use super::send::Silence;
use super::send::request_id;

/// The answer of a model, while it is made.
///
/// Dropping it closes the connection.
#[derive(Debug)]
pub struct ConverseStream {
    events: Events,
    /// Whether the message is complete. What follows it are its figures.
    stopped: bool,
    ended: bool,
}

impl ConverseStream {
    pub(super) const fn new(events: Events) -> Self {
        Self {
            events,
            stopped: false,
            ended: false,
        }
    }

    /// Returns what comes next, or `None` behind the end of the answer.
    ///
    /// # Errors
    ///
    /// [`Error::Service`] where AWS gives up, [`Error::Stream`], [`Error::Incomplete`] or
    /// [`Error::Idle`] where the answer breaks off. Behind an error there is nothing more.
    ///
    /// # Cancel safety
    ///
    /// A call that is dropped loses nothing: the next one goes on where it was.
    pub async fn next(&mut self) -> Result<Option<StreamEvent>, Error> {
        if self.ended {
            return Ok(None);
        }
        let event = match self.events.next().await {
            Ok(Some(message)) => StreamEvent::read(&message).map(Some),
            Ok(None) if self.stopped => Ok(None),
            Ok(None) => Err(Error::Incomplete),
            Err(error) => Err(error),
        };
        match &event {
            Ok(Some(StreamEvent::MessageStop { .. })) => self.stopped = true,
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => self.ended = true,
        }
        event
    }

    /// Returns the id under which AWS's support finds the request.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.events.request_id()
    }
}

/// A piece of an answer.
///
/// <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStreamOutput.html>
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum StreamEvent {
    /// The answer begins.
    MessageStart {
        /// Who says it.
        role: Role,
    },
    /// A block begins that is not a text.
    ContentBlockStart {
        /// Which one.
        index: u64,
        /// What it is.
        start: Value,
    },
    /// The next words of a block that is a text.
    Text {
        /// Which one.
        index: u64,
        /// The words.
        text: String,
    },
    /// The next piece of a block that is not a text.
    ContentBlockDelta {
        /// Which one.
        index: u64,
        /// The piece.
        delta: Value,
    },
    /// A block ends.
    ContentBlockStop {
        /// Which one.
        index: u64,
    },
    /// The answer ends.
    MessageStop {
        /// Why.
        reason: StopReason,
    },
    /// What the answer counts as, and how long it took.
    Metadata {
        /// What it counts as.
        usage: Usage,
        /// How long it took.
        metrics: Metrics,
    },
    /// An event that this client does not know.
    Other {
        /// Its name.
        event_type: String,
        /// What is in it.
        payload: Bytes,
    },
}

impl StreamEvent {
    fn read(message: &EventMessage) -> Result<Self, Error> {
        let payload = message.payload();
        let index = |json| field(json, "contentBlockIndex");
        Ok(match message.event_type() {
            Some("messageStart") => Self::MessageStart {
                role: required(&parse(payload)?, "role")?,
            },
            Some("contentBlockStart") => {
                let json = parse(payload)?;
                Self::ContentBlockStart {
                    index: index(&json)?,
                    start: field(&json, "start")?,
                }
            }
            Some("contentBlockDelta") => {
                let json = parse(payload)?;
                Self::delta(index(&json)?, field(&json, "delta")?)
            }
            Some("contentBlockStop") => Self::ContentBlockStop {
                index: index(&parse(payload)?)?,
            },
            Some("messageStop") => Self::MessageStop {
                reason: field(&parse(payload)?, "stopReason")?,
            },
            Some("metadata") => {
                let json = parse(payload)?;
                Self::Metadata {
                    usage: field(&json, "usage")?,
                    metrics: field(&json, "metrics")?,
                }
            }
            other => Self::Other {
                event_type: other.unwrap_or_default().to_owned(),
                payload: payload.clone(),
            },
        })
    }

    fn delta(index: u64, delta: Value) -> Self {
        match delta.get("text").and_then(Value::as_str) {
            Some(text) => Self::Text {
                index,
                text: text.to_owned(),
            },
            None => Self::ContentBlockDelta { index, delta },
        }
    }
}

/// The frames of an answer.
#[derive(Debug)]
pub(super) struct Events {
    stream: EventStream<Body>,
    silence: Silence,
    request_id: Option<String>,
    ended: bool,
}

impl Events {
    pub(super) fn new(answer: Response, silence: Silence) -> Result<Self, Error> {
        let media_type = answer.headers().get(header::CONTENT_TYPE);
        let media_type = media_type
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        if !media_type.starts_with("application/vnd.amazon.eventstream") {
            return Err(Error::Answer("it is no event stream".into()));
        }
        Ok(Self {
            request_id: request_id(answer.headers()).map(str::to_owned),
            stream: EventStream::new(Body::from(answer)),
            silence,
            ended: false,
        })
    }

    /// Returns the next frame. Behind the last, and behind an error, there is `None`.
    pub(super) async fn next(&mut self) -> Result<Option<EventMessage>, Error> {
        if self.ended {
            return Ok(None);
        }
        let next = match self.silence.bounds(self.stream.next()).await {
            Ok(Ok(event)) => Ok(event),
            Ok(Err(error)) => Err(
                match refusal::of_frame(&error, self.request_id.as_deref()) {
                    Some(error) => Error::Service(Box::new(error)),
                    None => Error::Stream(error),
                },
            ),
            Err(error) => Err(error),
        };
        self.ended = !matches!(next, Ok(Some(_)));
        next
    }

    /// Has nothing come any more.
    pub(super) const fn end(&mut self) {
        self.ended = true;
    }

    pub(super) fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str, payload: &'static str) -> Result<StreamEvent, Error> {
        StreamEvent::read(&EventMessage::new(payload).with_header(":event-type", name))
    }

    #[test]
    fn passes_over_what_it_does_not_know() {
        let text = r#"{"contentBlockIndex":1,"delta":{"text":"Blue"},"p":"abc"}"#;
        let index = 1;
        assert_eq!(
            event("contentBlockDelta", text).unwrap(),
            StreamEvent::Text {
                index,
                text: "Blue".to_owned()
            }
        );
        let thought = r#"{"contentBlockIndex":1,"delta":{"reasoningContent":{"text":"hm"}}}"#;
        let delta = serde_json::json!({"reasoningContent": {"text": "hm"}});
        assert_eq!(
            event("contentBlockDelta", thought).unwrap(),
            StreamEvent::ContentBlockDelta { index, delta }
        );
        let number = r#"{"delta":{"text":7}}"#;
        let (index, delta) = (0, serde_json::json!({"text": 7}));
        assert_eq!(
            event("contentBlockDelta", number).unwrap(),
            StreamEvent::ContentBlockDelta { index, delta }
        );
        let StreamEvent::Other {
            event_type,
            payload,
        } = event("newEvent", "not JSON").unwrap()
        else {
            unreachable!("the event is not known")
        };
        assert_eq!((&*event_type, &payload[..]), ("newEvent", &b"not JSON"[..]));
        for name in [
            "contentBlockDelta",
            "contentBlockStop",
            "messageStop",
            "metadata",
        ] {
            assert!(event(name, r#"{"new":[1]}"#).is_ok(), "{name}");
            assert!(
                matches!(event(name, "not JSON"), Err(Error::Answer(_))),
                "{name}"
            );
        }
    }

    #[test]
    fn what_is_not_of_its_kind_is_an_error() {
        for (name, payload, expected) in [
            ("messageStart", "{}", "its role is no string"),
            (
                "contentBlockDelta",
                r#"{"contentBlockIndex":-1}"#,
                "its contentBlockIndex is no count",
            ),
            ("contentBlockStop", "[]", "it is no object"),
            (
                "messageStop",
                r#"{"stopReason":7}"#,
                "its stopReason is no string",
            ),
            ("metadata", r#"{"usage":7}"#, "its usage is no object"),
        ] {
            let Err(Error::Answer(error)) = event(name, payload) else {
                unreachable!("{name} should not be read")
            };
            assert_eq!(error.to_string(), expected, "{name}");
        }
    }
}
