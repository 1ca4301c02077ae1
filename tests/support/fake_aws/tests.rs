use std::time::Duration;
use std::time::SystemTime;

use bytes::Bytes;
use http::Request;
use http::Response;
use sigv4_core::Payload;
use sigv4_core::Signer;
use sigv4_core::runtime::HttpResult;
use sigv4_core::runtime::HttpSend;

use super::*;
use crate::secrets;
use crate::time;

async fn ask(request: http::request::Builder) -> Response<Bytes> {
    try_ask(request).await.unwrap()
}

async fn try_ask(request: http::request::Builder) -> HttpResult {
    let request = request.body(Bytes::new()).unwrap();
    LoopbackHttp::new().send(request).await
}

fn text(response: &Response<Bytes>) -> &str {
    str::from_utf8(response.body()).unwrap()
}

/// Asks STS, signed with the credentials of the fixtures.
fn form(sts: &FakeSts, body: &'static str, service: &str) -> Request<Bytes> {
    let mut request = Request::post(format!("{}/", sts.url()))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::from_static(body.as_bytes()))
        .unwrap();
    let signer = Signer::builder(service, "us-east-1").build().unwrap();
    let payload = Payload::Bytes(body.as_bytes());
    signer
        .sign(
            &mut request,
            payload,
            &secrets::credentials(),
            SystemTime::now(),
        )
        .unwrap();
    request
}

const ASSUME: &str = "Action=AssumeRole&Version=2011-06-15\
    &RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fapp&RoleSessionName=session";

#[tokio::test]
async fn imds_insists_on_a_session_token() {
    let imds = FakeImds::start().await;
    let role = format!("{}/latest/meta-data/iam/security-credentials/", imds.url());
    assert_eq!(ask(Request::get(&role)).await.status(), 401);
    let token = format!("{}/latest/api/token", imds.url());
    assert_eq!(ask(Request::put(&token)).await.status(), 400);
    let ttl = "x-aws-ec2-metadata-token-ttl-seconds";
    assert_eq!(
        ask(Request::put(&token).header(ttl, "21601"))
            .await
            .status(),
        400
    );
    let answer = ask(Request::put(&token).header(ttl, "60")).await;
    assert_eq!(answer.headers()[ttl], "60");

    let with_token =
        |url: &str| Request::get(url).header("x-aws-ec2-metadata-token", text(&answer));
    assert_eq!(text(&ask(with_token(&role)).await), FakeImds::ROLE);
    let credentials = ask(with_token(&format!("{role}{}", FakeImds::ROLE))).await;
    assert!(text(&credentials).contains("\"AccessKeyId\":\"ASIAINSTANCE\""));
    assert_eq!(ask(with_token(&format!("{role}other"))).await.status(), 404);
    assert_eq!(imds.requests().len(), 7);
}

#[tokio::test]
async fn a_container_insists_on_its_authorization() {
    let container = FakeContainer::start().await;
    container.require_authorization("Bearer fixture");
    assert_eq!(ask(Request::get(container.url())).await.status(), 401);
    let request = Request::get(container.url()).header("authorization", "Bearer fixture");
    let answer = ask(request).await;
    assert!(text(&answer).contains("\"AccessKeyId\":\"ASIACONTAINER\""));
}

#[tokio::test]
async fn sts_checks_signatures() {
    let sts = FakeSts::start().await;
    let http = LoopbackHttp::new();
    let answer = http.send(form(&sts, ASSUME, "sts")).await.unwrap();
    assert_eq!(answer.status(), 200, "{}", text(&answer));
    assert!(text(&answer).contains("<AccessKeyId>ASIAAPP</AccessKeyId>"));

    let mut other_body = form(&sts, ASSUME, "sts");
    *other_body.body_mut() = Bytes::from(ASSUME.replace("app", "admin"));
    let mut unknown = form(&sts, ASSUME, "sts");
    let authorization = unknown.headers()["authorization"].to_str().unwrap();
    let authorization = authorization.replace(secrets::ACCESS_KEY_ID, "AKIDNOBODY");
    let authorization = authorization.parse().unwrap();
    unknown.headers_mut().insert("authorization", authorization);
    for (name, request, code) in [
        ("another body", other_body, "SignatureDoesNotMatch"),
        (
            "another service",
            form(&sts, ASSUME, "s3"),
            "SignatureDoesNotMatch",
        ),
        ("an unknown key", unknown, "InvalidClientTokenId"),
    ] {
        let answer = http.send(request).await.unwrap();
        assert_eq!(answer.status(), 403, "{name}");
        let code = format!("<Code>{code}</Code>");
        assert!(text(&answer).contains(&code), "{name}: {}", text(&answer));
    }
}

#[tokio::test]
async fn does_what_the_script_says() {
    let container = FakeContainer::start().await;
    let url = container.url();
    container.answer_with(Script::first([
        Step::SERVER_ERROR,
        Step::Malformed,
        Step::Without("SecretAccessKey"),
        Step::Spoilt("Expiration"),
        Step::Hand(Handout::new("other").expiring_in(Duration::from_secs(12))),
        Step::Half,
        Step::HangUp,
    ]));
    assert_eq!(ask(Request::get(&url)).await.status(), 500);
    let malformed = ask(Request::get(&url)).await;
    assert!(serde_json::from_slice::<serde_json::Value>(malformed.body()).is_err());
    let lacking = ask(Request::get(&url)).await;
    assert!(!text(&lacking).contains("SecretAccessKey"));
    let spoilt = ask(Request::get(&url)).await;
    assert!(text(&spoilt).contains("\"Expiration\":\"nonsense\""));
    let other: serde_json::Value =
        serde_json::from_slice(ask(Request::get(&url)).await.body()).unwrap();
    assert_eq!(other["AccessKeyId"], "ASIAOTHER");
    let end = time::parse(other["Expiration"].as_str().unwrap()).unwrap();
    assert!(end <= SystemTime::now() + Duration::from_secs(12));
    assert!(try_ask(Request::get(&url)).await.is_err(), "half an answer");
    assert!(try_ask(Request::get(&url)).await.is_err(), "no answer");
    assert!(text(&ask(Request::get(&url)).await).contains("ASIACONTAINER"));
}

#[tokio::test]
async fn holds_answers_back_until_it_is_told() {
    let container = FakeContainer::start().await;
    let gate = Gate::new();
    container.answer_with(Step::Good.behind(&gate));
    let mut answer = Box::pin(ask(Request::get(container.url())));
    tokio::select! {
        biased;
        _ = &mut answer => panic!("the gate is shut"),
        _ = container.arrived(1) => {}
    }
    gate.open();
    assert_eq!(answer.await.status(), 200);

    container.answer_with(Step::Hang);
    tokio::select! {
        biased;
        _ = try_ask(Request::get(container.url())) => panic!("it hangs"),
        _ = container.arrived(2) => {}
    }
}
