//! What is asked for.

use aws_smithy_types::event_stream::Message;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use http::Method;
use http::StatusCode;
use serde_json::Value;
use serde_json::json;

use super::frames::event;
use super::models;
use super::turn::Refusal;
use super::turn::Turn;
use super::words;
use super::words::LATENCY_MS;
use super::words::Reply;
use crate::server::Call;
use crate::server::respond;

/// An operation of Bedrock.
#[derive(Clone, Copy)]
pub(super) enum Operation {
    ListFoundationModels,
    Converse,
    ConverseStream,
    InvokeModel,
    InvokeModelWithResponseStream,
}

/// What it comes to.
pub(super) enum Outcome {
    Whole(Response),
    Stream(Vec<Message>),
}

impl Operation {
    /// Tells which it is, of a model that there is.
    pub(super) fn of(call: &Call) -> Result<Self, Refusal> {
        let path = call.head.uri.path();
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        let (model, operation) = match (&call.head.method, &segments[..]) {
            (&Method::GET, ["foundation-models"]) => return Ok(Self::ListFoundationModels),
            (&Method::POST, ["model", model, operation]) => (model, operation),
            _ => return Err(unknown()),
        };
        let operation = match *operation {
            "converse" => Self::Converse,
            "converse-stream" => Self::ConverseStream,
            "invoke" => Self::InvokeModel,
            "invoke-with-response-stream" => Self::InvokeModelWithResponseStream,
            _ => return Err(unknown()),
        };
        models::check(model)?;
        Ok(operation)
    }

    pub(super) fn perform(self, turn: Option<&Turn>, call: &Call) -> Result<Outcome, Refusal> {
        let said = match turn {
            Some(Turn::Says(text)) => Some(&**text),
            _ => None,
        };
        let body = || {
            serde_json::from_slice::<Value>(&call.body).map_err(|_| {
                let code = "SerializationException";
                Refusal::new(StatusCode::BAD_REQUEST, code, "")
            })
        };
        Ok(match self {
            Self::ListFoundationModels => Outcome::Whole(whole(&models::list())),
            Self::Converse => Outcome::Whole(converse(&Reply::to(&body()?, said)?)),
            Self::ConverseStream => Outcome::Stream(converse_stream(&Reply::to(&body()?, said)?)),
            Self::InvokeModel => Outcome::Whole(invoke(&body()?, said)),
            Self::InvokeModelWithResponseStream => Outcome::Stream(invoke_stream(&body()?, said)),
        })
    }
}

fn converse(reply: &Reply) -> Response {
    whole(&json!({
        "output": {"message": {
            "role": "assistant",
            "content": [{"text": reply.words.concat()}],
        }},
        "stopReason": reply.stop_reason(),
        "usage": reply.usage(),
        "metrics": {"latencyMs": LATENCY_MS},
    }))
}

fn converse_stream(reply: &Reply) -> Vec<Message> {
    let start = json!({"role": "assistant", "p": "abcdefgh"});
    let mut events = vec![event("messageStart", &start)];
    for word in &reply.words {
        // The padding is to keep those who listen from telling words by their length.
        let delta = json!({"contentBlockIndex": 0, "delta": {"text": word}, "p": "abcd"});
        events.push(event("contentBlockDelta", &delta));
    }
    let stop = json!({"contentBlockIndex": 0});
    events.push(event("contentBlockStop", &stop));
    let stop = json!({"stopReason": reply.stop_reason()});
    events.push(event("messageStop", &stop));
    let metadata = json!({"usage": reply.usage(), "metrics": {"latencyMs": LATENCY_MS}});
    events.push(event("metadata", &metadata));
    events
}

/// Answers in a format of its own: `prompt` in, `completion` out.
fn invoke(body: &Value, said: Option<&str>) -> Response {
    let prompt = body["prompt"].as_str().unwrap_or_default();
    let completion = completion(prompt, said);
    let mut answer = whole(&json!({"completion": completion}));
    let figures = [
        ("x-amzn-bedrock-input-token-count", words::count(prompt)),
        (
            "x-amzn-bedrock-output-token-count",
            words::count(&completion),
        ),
        ("x-amzn-bedrock-invocation-latency", 42),
    ];
    for (name, value) in figures {
        answer.headers_mut().insert(name, HeaderValue::from(value));
    }
    answer
}

fn invoke_stream(body: &Value, said: Option<&str>) -> Vec<Message> {
    let prompt = body["prompt"].as_str().unwrap_or_default();
    let words = words::split(&completion(prompt, said));
    let chunk = |word: String| {
        let bytes = STANDARD.encode(json!({"completion": word}).to_string());
        event("chunk", &json!({"bytes": bytes, "p": "abc"}))
    };
    words.into_iter().map(chunk).collect()
}

fn completion(prompt: &str, said: Option<&str>) -> String {
    said.map_or_else(|| format!("You asked \"{prompt}\"."), str::to_owned)
}

fn whole(body: &Value) -> Response {
    respond(StatusCode::OK, "application/json", body.to_string())
}

fn unknown() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "UnknownOperationException", "")
}
