//! The demonstration: an upstream in the same process, requests through the gateway, and a verdict
//! on each.
//!
//! The upstream answers as Bedrock does. Before it does, it recomputes the signature of what
//! arrived with another implementation, the crate `aws-sigv4`; a signature that does not fit gets
//! the 403 that AWS would answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;

use axum::Json;
use axum::Router;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::Response;
use axum_gateway::args::Args;
use axum_gateway::config::Config;
use axum_gateway::server;
use axum_gateway::stats::Stats;
use bytes::Bytes;
use http::Method;
use http::StatusCode;
use http::Uri;
use http_body_util::BodyExt;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::json;
use sigv4_tests::oracle;
use sigv4_tests::oracle::Verified;
use tokio::net::TcpListener;

use crate::BoxError;
use crate::signals::Signals;

/// The example keys of AWS's documentation, which belong to nobody.
const ACCESS_KEY_ID: &str = "AKIDEXAMPLE";
const SECRET_ACCESS_KEY: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const PREFIX: &str = "/bedrock";
const MODEL: &str = "/model/anthropic.claude-3-5-sonnet-20241022-v2";
/// Asks for a hop behind the signer that changes the request.
const TAMPER: &str = "x-demo-tamper";

/// Shows the gateway at work, and then leaves it running unless `once`.
pub(crate) async fn run(args: &Args, once: bool) -> Result<(), BoxError> {
    let seen = Seen::default();
    let upstream = TcpListener::bind("127.0.0.1:0").await?;
    let upstream_address = upstream.local_addr()?;
    let bedrock = Router::new().fallback(answer).with_state(seen.clone());
    tokio::spawn(async move { axum::serve(upstream, bedrock).await });

    // With --once nobody is to call it, so that any free port will do.
    let listen = if once {
        "127.0.0.1:0"
    } else {
        &args.flags.listen
    };
    let config = Config::parse(
        &configuration(listen, upstream_address),
        "the demonstration",
    )?;
    let gateway = server::start(config, Stats::new()).await?;
    let address = *gateway.addresses().first().ok_or("it listens nowhere")?;

    println!("gateway   http://{address}{PREFIX}");
    println!("upstream  http://{upstream_address}, which recomputes signatures with aws-sigv4\n");
    let mut failures = 0;
    for case in cases() {
        let passed = case.run(address, &seen).await?;
        failures += usize::from(!passed);
    }
    if failures > 0 {
        return Err(format!("{failures} of the requests did not end as they should").into());
    }
    println!("every request ended as it should");
    if once {
        return Ok(());
    }

    println!("\nthe gateway stays up; try it, and end it with ctrl-c:\n");
    println!(
        "  curl -i http://{address}{PREFIX}{MODEL}:0/converse -H 'content-type: application/json' \\\n    \
         -d '{}'",
        converse()
    );
    // There is no file to read again: a terminal that is closed ends it, too.
    Signals::new()?.reload_or_end().await;
    gateway.drain().await;
    Ok(())
}

/// What would stand in a file, with the example keys of AWS's documentation.
fn configuration(listen: &str, upstream: SocketAddr) -> String {
    format!(
        "
listeners:
  - tcp: \"{listen}\"
credentials:
  example:
    type: static
    access_key_id: {ACCESS_KEY_ID}
    secret_access_key: {SECRET_ACCESS_KEY}
routes:
  - name: bedrock
    match: {PREFIX}
    upstream: http://{upstream}
    service: bedrock
    region: us-east-1
    credentials: example
limits:
  drain: 1s
"
    )
}

/// What the upstream saw of the latest request.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Option<Sight>>>);

struct Sight {
    target: String,
    verdict: Result<Verified, String>,
}

impl Seen {
    fn put(&self, sight: Sight) {
        *self.0.lock().unwrap_or_else(|error| error.into_inner()) = Some(sight);
    }

    fn take(&self) -> Option<Sight> {
        self.0
            .lock()
            .unwrap_or_else(|error| error.into_inner())
            .take()
    }
}

/// Answers as Bedrock does, if the signature fits.
async fn answer(State(seen): State<Seen>, request: Request) -> Response {
    let (mut head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, 1 << 20).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    // What no hop behind a signer should do: lets another model answer than the one that was signed.
    if head.headers.contains_key(TAMPER) {
        let other = head.uri.to_string().replace("sonnet", "opus");
        head.uri = Uri::try_from(other).unwrap_or_default();
    }
    let verdict = oracle::verify(&head, &body, SECRET_ACCESS_KEY);
    let response = match &verdict {
        Ok(_) if head.method == Method::POST => Json(json!({
            "output": {"message": {"role": "assistant", "content": [{"text": "Your signature fits."}]}},
            "stopReason": "end_turn",
            "usage": {"inputTokens": 3, "outputTokens": 5, "totalTokens": 8},
            "metrics": {"latencyMs": 1},
        }))
        .into_response(),
        Ok(_) => Json(json!({"modelSummaries": []})).into_response(),
        Err(_) => (
            StatusCode::FORBIDDEN,
            [("x-amzn-errortype", "InvalidSignatureException")],
            Json(json!({"message": SIGNATURE_DOES_NOT_MATCH})),
        )
            .into_response(),
    };
    seen.put(Sight {
        target: head.uri.to_string(),
        verdict,
    });
    response
}

/// What AWS says.
const SIGNATURE_DOES_NOT_MATCH: &str = "The request signature we calculated does not match the \
    signature you provided. Check your AWS Secret Access Key and signing method. Consult the \
    service documentation for details.";

/// A request through the gateway, and how it should end.
struct Case {
    about: &'static str,
    method: Method,
    target: String,
    /// The target as it has to arrive.
    arrives: String,
    tampered: bool,
}

fn cases() -> Vec<Case> {
    let get = |about, target: &str, arrives: &str| Case {
        about,
        method: Method::GET,
        target: target.to_owned(),
        arrives: arrives.to_owned(),
        tampered: false,
    };
    let post = |about, target: &str| Case {
        method: Method::POST,
        ..get(about, target, target)
    };
    vec![
        post("a model id with a colon", &format!("{MODEL}:0/converse")),
        post("the same, escaped", &format!("{MODEL}%3A0/converse")),
        post(
            "the ARN of an inference profile",
            "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2F\
             us.anthropic.claude-3-5-sonnet-20241022-v2%3A0/converse",
        ),
        get(
            "repeated and empty query keys",
            "/foundation-models?byProvider=b&byProvider=a&empty=&flag",
            "/foundation-models?byProvider=a&byProvider=b&empty=&flag=",
        ),
        Case {
            tampered: true,
            arrives: format!("{}:0/converse", MODEL.replace("sonnet", "opus")),
            ..post(
                "a request that is changed after it was signed",
                &format!("{MODEL}:0/converse"),
            )
        },
    ]
}

impl Case {
    /// Sends the request, prints what became of it, and tells whether that is as it should be.
    async fn run(&self, gateway: SocketAddr, seen: &Seen) -> Result<bool, BoxError> {
        let body = if self.method == Method::POST {
            converse()
        } else {
            String::new()
        };
        let mut request = http::Request::builder()
            .method(&self.method)
            .uri(format!("http://{gateway}{PREFIX}{}", self.target));
        if self.method == Method::POST {
            request = request.header("content-type", "application/json");
        }
        if self.tampered {
            request = request.header(TAMPER, "yes");
        }
        let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
        let response = client.request(request.body(Full::from(body))?).await?;
        let status = response.status();
        let answer = response.into_body().collect().await?.to_bytes();

        println!("{}", self.about);
        println!("  request   {} {PREFIX}{}", self.method, self.target);
        let Some(Sight { target, verdict }) = seen.take() else {
            println!("  nothing arrived at the upstream; the gateway answered {status}\n");
            return Ok(false);
        };
        println!("  arrived   {} {target}", self.method);
        match &verdict {
            Ok(verified) => {
                println!("  signed    {}", verified.signed_headers.join(";"));
                println!(
                    "  for       {} in {}, by {} at {}",
                    verified.service, verified.region, verified.access_key_id, verified.date
                );
                println!("  verdict   {status}: aws-sigv4 computes the same signature");
            }
            Err(_) => println!("  verdict   {status}: {}", String::from_utf8_lossy(&answer)),
        }
        println!();
        let expected = if self.tampered {
            StatusCode::FORBIDDEN
        } else {
            StatusCode::OK
        };
        Ok(status == expected && verdict.is_err() == self.tampered && target == self.arrives)
    }
}

fn converse() -> String {
    r#"{"messages":[{"role":"user","content":[{"text":"Does my signature fit?"}]}]}"#.to_owned()
}
