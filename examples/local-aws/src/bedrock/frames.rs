//! The frames of a stream, written by `aws-smithy-eventstream` and sent one after the other.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::Header;
use aws_smithy_types::event_stream::HeaderValue;
use aws_smithy_types::event_stream::Message;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use http_body_util::channel::Channel;
use http_body_util::channel::Sender;
use serde_json::Value;
use serde_json::json;
use tokio::sync::Semaphore;

use super::turn::Break;
use crate::server::respond;

/// Makes an event.
pub(super) fn event(name: &str, payload: &Value) -> Message {
    message("event", (":event-type", name), payload)
}

/// Answers with a stream of these events.
pub(super) fn send(
    events: Vec<Message>,
    held: Option<Arc<Semaphore>>,
    end: Option<(usize, Break)>,
    left: Arc<AtomicUsize>,
) -> Response {
    let (mut sender, body) = Channel::<Bytes, io::Error>::new(1);
    let count = end.as_ref().map_or(events.len(), |(after, _)| *after);
    tokio::spawn(async move {
        for event in events.into_iter().take(count) {
            if let Some(held) = &held {
                // Whoever has gone does not wait for what comes next.
                tokio::select! {
                    permit = held.acquire() => permit.into_iter().for_each(|permit| permit.forget()),
                    () = gone(&mut sender) => {}
                }
            }
            if sender.send_data(encode(&event)).await.is_err() {
                left.fetch_add(1, Ordering::SeqCst);
                return;
            }
        }
        if let Some((_, how)) = end {
            finish(sender, how).await;
        }
    });
    let mut answer = respond(
        StatusCode::OK,
        "application/vnd.amazon.eventstream",
        String::new(),
    );
    *answer.body_mut() = Body::new(body);
    answer
}

/// Completes when nobody listens any more.
async fn gone(sender: &mut Sender<Bytes, io::Error>) {
    // A piece without octets is written as nothing, and not at all when there is nobody.
    while sender.send_data(Bytes::new()).await.is_ok() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

async fn finish(mut sender: Sender<Bytes, io::Error>, how: Break) {
    let frame = match how {
        Break::Exception {
            name,
            message: text,
        } => {
            let payload = json!({"message": text});
            encode(&message("exception", (":exception-type", &name), &payload))
        }
        Break::Error {
            code,
            message: text,
        } => {
            let frame = message("error", (":error-code", &code), &Value::Null);
            encode(&frame.add_header(header(":error-message", &text)))
        }
        Break::Truncated => {
            let frame = encode(&event(
                "contentBlockDelta",
                &json!({"contentBlockIndex": 0}),
            ));
            frame.slice(..frame.len() / 2)
        }
        Break::Damaged => {
            let mut frame = encode(&event("contentBlockStop", &json!({}))).to_vec();
            if let Some(last) = frame.last_mut() {
                *last ^= 1;
            }
            frame.into()
        }
        Break::Ended => return,
        Break::Cut => {
            // What is not written yet would be lost with the connection. There is room for one piece:
            // the second of nothing has it when all before was taken, and whoever takes a piece
            // writes it before others of the same thread have their turn.
            for _ in 0..2 {
                let _ = sender.send_data(Bytes::new()).await;
            }
            sender.abort(io::Error::other("the connection is to be closed"));
            return;
        }
    };
    // Who has gone does not need it.
    let _ = sender.send_data(frame).await;
}

fn message(kind: &str, (name, value): (&'static str, &str), payload: &Value) -> Message {
    let payload = match payload {
        Value::Null => Bytes::new(),
        payload => payload.to_string().into(),
    };
    Message::new(payload)
        .add_header(header(name, value))
        .add_header(header(":content-type", "application/json"))
        .add_header(header(":message-type", kind))
}

fn header(name: &'static str, value: &str) -> Header {
    Header::new(name, HeaderValue::String(value.to_owned().into()))
}

fn encode(message: &Message) -> Bytes {
    let mut frame = Vec::new();
    // These headers and payloads are short enough for every frame.
    let _ = write_message_to(message, &mut frame);
    frame.into()
}
