//! Azure API Management in front of Bedrock.

use axum_gateway::server::Running;
use roxmltree::Document;
use sigv4_tests::secrets;
use sigv4_tests::wire::WireServer;
use tokio::io::AsyncBufReadExt;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::io::BufReader;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_rustls::TlsConnector;

use crate::fixture::Answer;
use crate::fixture::exchange_and_stay;
use crate::fixture::start;
use crate::recipes::page::Recipe;
use crate::recipes::page::assert_none_arrived;
use crate::recipes::page::blocks;
use crate::recipes::page::judge;
use crate::recipes::page::signed_headers;
use crate::recipes::page::with_keys_of_a_role;
use crate::tls::certificate;
use crate::tls::client;
use crate::tls::dial;
use crate::tls::issuer;

const PAGE: &str = include_str!("../../../docs/recipes/azure-api-management.md");
const KEY: &str = "key-of-the-gateway";
const SUBSCRIPTION: &str = "key-of-a-subscription";

/// The gateway of the recipe, and those it talks to.
struct Recited {
    gateway: Running,
    client: TlsConnector,
    models: WireServer,
    catalogue: WireServer,
    _recipe: Recipe,
}

/// Puts what a test needs where the recipe names what is in Azure and in AWS.
fn recipe(runtime: &str, catalogue: &str) -> (Recipe, TlsConnector) {
    let ca = issuer("ca");
    let (chain, key) = certificate(&ca, "gateway.internal");
    let recipe = Recipe::of_page(PAGE, 0)
        .with("0.0.0.0:8443", "127.0.0.1:0")
        .with("127.0.0.1:9901", "127.0.0.1:0")
        .with_file("/etc/gateway/tls.pem", &chain)
        .with_file("/etc/gateway/tls.key", &key)
        .with("https://bedrock-runtime.us-east-1.amazonaws.com", runtime)
        .with("https://bedrock.us-east-1.amazonaws.com", catalogue);
    (recipe, client(&ca, None, &[]))
}

async fn recited(change: impl FnOnce(Recipe) -> Recipe) -> Recited {
    let (models, catalogue) = (judge().await, judge().await);
    let (recipe, client) = recipe(&models.url(), &catalogue.url());
    let recipe = change(recipe);
    Recited {
        gateway: start(with_keys_of_a_role(recipe.config(), "web_identity")).await,
        client,
        models,
        catalogue,
        _recipe: recipe,
    }
}

impl Recited {
    async fn exchange(&self, request: &str) -> Answer {
        let mut stream = dial(&self.gateway, &self.client).await.unwrap();
        exchange_and_stay(&mut stream, request).await
    }
}

fn with_key(recipe: Recipe) -> Recipe {
    recipe.with_secret("env:GATEWAY_KEY", KEY)
}

/// A request as API Management sends it on, with the key of the client, too: its policy may have
/// been pasted without that line.
fn of_api_management(method: &str, path: &str, key: &str, body: &str) -> String {
    let framing = match body {
        "" => String::new(),
        body => format!(
            "Content-Type: application/json; charset=utf-8\r\nContent-Length: {}\r\n",
            body.len()
        ),
    };
    format!(
        "{method} {path} HTTP/1.1\r\n\
         Host: gateway.internal:8443\r\n\
         Connection: Keep-Alive\r\n\
         Accept: */*\r\n\
         User-Agent: python-requests/2.34.2\r\n\
         {key}\
         Ocp-Apim-Subscription-Key: {SUBSCRIPTION}\r\n\
         api-key: {SUBSCRIPTION}\r\n\
         Cookie: session={SUBSCRIPTION}\r\n\
         X-Forwarded-For: 203.0.113.7\r\n\
         Request-Id: |4bf92f3577b34da6a3ce929d0e0e4736.00f067aa0ba902b7.\r\n\
         Request-Context: appId=cid-v1:1a2b3c4d\r\n\
         traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\
         {framing}\r\n{body}"
    )
}

const BODY: &str = r#"{"messages":[{"role":"user","content":[{"text":"Grüße"}]}]}"#;

fn key() -> String {
    format!("x-gateway-key: {KEY}\r\n")
}

#[tokio::test]
async fn models_are_asked_under_all_their_names() {
    let it = recited(with_key).await;
    let claude = "anthropic.claude-3-5-sonnet-20241022-v2";
    let arn = "arn:aws:bedrock:us-east-1:123456789012:inference-profile%2Fus.amazon.nova-lite-v1:0";
    for (name, path) in [
        ("a colon", format!("/model/{claude}:0/converse")),
        ("a colon, escaped", format!("/model/{claude}%3A0/converse")),
        ("an ARN", format!("/model/{arn}/converse")),
        (
            "a stream",
            format!("/model/{claude}:0/invoke-with-response-stream"),
        ),
    ] {
        let target = format!("/bedrock{path}");
        let request = of_api_management("POST", &target, &key(), BODY);
        let answer = it.exchange(&request).await;
        assert_eq!(answer.status(), 200, "{name}: {answer:?}");
        let arrived = it.models.requests().pop().unwrap();
        assert_eq!(arrived.target(), path, "{name}");
        assert_eq!(arrived.body(), BODY.as_bytes(), "{name}");
        let kind = arrived.header("content-type");
        assert_eq!(kind.as_deref(), Some("application/json; charset=utf-8"));
    }
    assert_eq!(
        signed_headers(&it.models),
        ["content-type", "host", "x-amz-date", "x-amz-security-token"]
    );
    assert_none_arrived(&it.models, &[KEY, SUBSCRIPTION, "x-gateway-key", "cookie"]);
    let token = it.models.requests()[0]
        .header("x-amz-security-token")
        .map(String::from);
    assert_eq!(token.as_deref(), Some(secrets::SESSION_TOKEN));
    assert!(it.catalogue.requests().is_empty());
}

#[tokio::test]
async fn the_models_are_listed() {
    let it = recited(with_key).await;
    for (target, sent) in [
        ("/bedrock/foundation-models", "/foundation-models"),
        (
            "/bedrock/foundation-models?byProvider=Anthropic&byOutputModality=TEXT",
            // In the order in which it is signed.
            "/foundation-models?byOutputModality=TEXT&byProvider=Anthropic",
        ),
        (
            "/bedrock/foundation-models/amazon.nova-lite-v1:0",
            "/foundation-models/amazon.nova-lite-v1:0",
        ),
    ] {
        let request = of_api_management("GET", target, &key(), "");
        let answer = it.exchange(&request).await;
        assert_eq!(answer.status(), 200, "{target}: {answer:?}");
        let arrived = it.catalogue.requests().pop().unwrap();
        assert_eq!(arrived.request_line(), format!("GET {sent} HTTP/1.1"));
    }
    assert_none_arrived(&it.catalogue, &[KEY, SUBSCRIPTION]);
    assert!(it.models.requests().is_empty());
}

#[tokio::test]
async fn what_is_not_allowed_is_refused() {
    // One of the two routes is taken from the caller, for the sake of the 403.
    let it = recited(|recipe| {
        with_key(recipe).with("routes: [bedrock, bedrock-models]", "routes: [bedrock]")
    })
    .await;
    let wrong = "x-gateway-key: another\r\n";
    let twice = format!("{}{}", key(), key());
    let bearer = format!("Authorization: Bearer {KEY}\r\n");
    for (name, method, path, key, expected) in [
        ("no key", "POST", "/bedrock/model/m/converse", "", 401),
        (
            "another key",
            "POST",
            "/bedrock/model/m/converse",
            wrong,
            401,
        ),
        ("two keys", "POST", "/bedrock/model/m/converse", &twice, 401),
        (
            "the key elsewhere",
            "POST",
            "/bedrock/model/m/converse",
            &bearer,
            401,
        ),
        ("another path", "POST", "/bedrock/guardrail/g", &key(), 404),
        (
            "a path that begins so",
            "POST",
            "/bedrock/models",
            &key(),
            404,
        ),
        (
            "another method",
            "GET",
            "/bedrock/model/m/converse",
            &key(),
            405,
        ),
        (
            "another route",
            "GET",
            "/bedrock/foundation-models",
            &key(),
            403,
        ),
        (
            "a way out",
            "POST",
            "/bedrock/model/../custom-models",
            &key(),
            400,
        ),
    ] {
        let request = of_api_management(method, path, key, "");
        let answer = it.exchange(&request).await;
        assert_eq!(answer.status(), expected, "{name}: {answer:?}");
    }
    assert!(it.models.requests().is_empty() && it.catalogue.requests().is_empty());
}

#[tokio::test]
async fn the_first_event_of_a_stream_is_there_before_the_last_one_was_made() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (go_on, is_read) = oneshot::channel();
    let upstream = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            stream.read_line(&mut line).await.unwrap();
        }
        let mut body = vec![0; BODY.len()];
        stream.read_exact(&mut body).await.unwrap();
        let first = b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.amazon.eventstream\r\n\
                      Transfer-Encoding: chunked\r\n\r\n6\r\n\0\xffone\0\r\n";
        stream.write_all(first).await.unwrap();
        is_read.await.unwrap();
        stream
            .write_all(b"6\r\n\0\xfftwo\0\r\n0\r\n\r\n")
            .await
            .unwrap();
        // Until the gateway has what there was.
        let _ = stream.read(&mut body).await;
    });
    let (recipe, client) = recipe(&url, "https://bedrock.invalid");
    let recipe = with_key(recipe);
    let gateway = start(with_keys_of_a_role(recipe.config(), "web_identity")).await;
    let mut stream = dial(&gateway, &client).await.unwrap();
    let path = "/bedrock/model/amazon.nova-lite-v1:0/converse-stream";
    let request = of_api_management("POST", path, &key(), BODY);
    stream.write_all(request.as_bytes()).await.unwrap();

    // A gateway that gathers the answer would wait for ever.
    let read = async {
        let mut answer = Vec::new();
        while !answer.ends_with(b"\0\xffone\0\r\n") {
            assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0);
        }
        let head = String::from_utf8_lossy(&answer).to_ascii_lowercase();
        assert!(
            head.contains("content-type: application/vnd.amazon.eventstream\r\n"),
            "{head}"
        );
        go_on.send(()).unwrap();
        while !answer.ends_with(b"\0\xfftwo\0\r\n0\r\n\r\n") {
            assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0);
        }
    };
    sigv4_tests::patience::soon("the answer passes", read).await;
    drop(gateway);
    upstream.await.unwrap();
}

/// What `requests` 2.34.2 puts on the wire for the program of the recipe.
const OF_PYTHON: &str = "POST /bedrock/model/amazon.nova-lite-v1:0/converse HTTP/1.1\r\n\
    Host: 127.0.0.1:8443\r\n\
    User-Agent: python-requests/2.34.2\r\n\
    Accept-Encoding: gzip, deflate\r\n\
    Accept: */*\r\n\
    Connection: keep-alive\r\n\
    Ocp-Apim-Subscription-Key: key-of-a-subscription\r\n\
    Content-Length: 64\r\n\
    Content-Type: application/json\r\n\
    \r\n\
    {\"messages\": [{\"role\": \"user\", \"content\": [{\"text\": \"Hello\"}]}]}";

#[tokio::test]
async fn the_program_works_without_api_management() {
    let it = recited(|recipe| {
        recipe
            .with("name: x-gateway-key", "name: ocp-apim-subscription-key")
            .with_secret("env:GATEWAY_KEY", SUBSCRIPTION)
    })
    .await;
    let answer = it.exchange(OF_PYTHON).await;
    assert_eq!(answer.status(), 200, "{answer:?}");
    let arrived = it.models.only_request();
    assert_eq!(arrived.target(), "/model/amazon.nova-lite-v1:0/converse");
    let body = OF_PYTHON.split_once("\r\n\r\n").unwrap().1;
    assert_eq!(arrived.body(), body.as_bytes());
    assert_none_arrived(&it.models, &[SUBSCRIPTION]);

    let answer = it
        .exchange(&OF_PYTHON.replace(SUBSCRIPTION, "another"))
        .await;
    assert_eq!(answer.status(), 401);
}

#[test]
fn the_policy_can_be_pasted() {
    let policy = blocks(PAGE, "xml")[0];
    let policy = Document::parse(policy).unwrap();
    let root = policy.root_element();
    assert_eq!(root.tag_name().name(), "policies");
    let sections = root.children().filter(roxmltree::Node::is_element);
    let sections: Vec<&str> = sections.map(|section| section.tag_name().name()).collect();
    assert_eq!(sections, ["inbound", "backend", "outbound", "on-error"]);

    let named = |name: &'static str| {
        let nodes = policy.descendants();
        nodes.filter(move |node| node.has_tag_name(name))
    };
    let parent =
        |node: roxmltree::Node<'_, '_>| node.parent_element().unwrap().tag_name().name().to_owned();
    let backends: Vec<_> = named("set-backend-service").collect();
    assert_eq!(backends.len(), 1);
    assert_eq!(backends[0].attribute("base-url"), Some("{{gateway-url}}"));
    assert_eq!(parent(backends[0]), "inbound");
    let headers = named("set-header").map(|header| {
        assert_eq!(parent(header), "inbound");
        let value = header.first_element_child().and_then(|value| value.text());
        let attribute = |name| header.attribute(name).unwrap();
        (attribute("name"), attribute("exists-action"), value)
    });
    assert_eq!(
        headers.collect::<Vec<_>>(),
        [
            ("Ocp-Apim-Subscription-Key", "delete", None),
            ("api-key", "delete", None),
            ("x-gateway-key", "override", Some("{{gateway-key}}")),
        ]
    );
    let forwards: Vec<_> = named("forward-request").collect();
    assert_eq!(forwards.len(), 1);
    assert_eq!(parent(forwards[0]), "backend");
    assert_eq!(forwards[0].attribute("buffer-response"), Some("false"));
    assert_eq!(forwards[0].attribute("timeout"), Some("300"));
}
