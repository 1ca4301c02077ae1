//! What AWS says when it refuses is told once, and the answer passes as if nobody had looked.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::Mutex;

use bytes::Bytes;
use http::Extensions;
use http::Request;
use http::Response;
use http_body_util::BodyExt;
use http_body_util::Empty;
use http_body_util::Full;
use hyper::body::Body;
use sigv4_core::runtime::AwsRefusal;
use sigv4_core::runtime::RefusalCause;
use sigv4_core::runtime::SigningReceipt;
use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;
use sigv4_tower::AnswerErrorsLayer;
use sigv4_tower::RecoverLayer;
use sigv4_tower::RefusalsLayer;
use sigv4_tower::SigV4Layer;
use sigv4_tower::watch_refusal;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tower::Layer;
use tower::ServiceBuilder;
use tower::ServiceExt;
use tower::service_fn;

use crate::fixture::builder;
use crate::fixture::get;
use crate::fixture::hyper_client;
use crate::shared::body::Pieces;
use crate::shared::body::Step;
use crate::shared::body::next_frame;

const DENIED: &str = r#"{"__type":"AccessDeniedException","Message":"no"}"#;

/// What was found, and the host of the receipt.
type Told = (AwsRefusal, Option<String>);

/// Notes what the hook is told.
#[derive(Clone, Debug, Default)]
struct Notes {
    told: Arc<Mutex<Vec<Told>>>,
}

impl Notes {
    fn hook(&self) -> impl Fn(&AwsRefusal, &Extensions) + Clone + Send + 'static {
        let told = Arc::clone(&self.told);
        move |refusal, extensions| {
            let host = extensions.get::<SigningReceipt>();
            let host = host.map(|receipt| receipt.host().to_owned());
            told.lock().unwrap().push((refusal.clone(), host));
        }
    }

    fn causes(&self) -> Vec<RefusalCause> {
        let told = self.told.lock().unwrap();
        told.iter().map(|(refusal, _)| refusal.cause()).collect()
    }

    fn codes(&self) -> Vec<Option<String>> {
        let told = self.told.lock().unwrap();
        let code = |refusal: &AwsRefusal| refusal.code().map(str::to_owned);
        told.iter().map(|(refusal, _)| code(refusal)).collect()
    }
}

async fn next<B: Body + Unpin>(body: &mut B) -> Option<B::Data>
where
    B::Error: std::fmt::Debug,
{
    let frame = next_frame(body).await?;
    frame.unwrap().into_data().ok()
}

fn refused(body: Pieces) -> Response<Pieces> {
    Response::builder().status(403).body(body).unwrap()
}

#[tokio::test]
async fn are_told_with_the_receipt_and_pass_unchanged() {
    let server = WireServer::start(|request| {
        let status = if request.target() == "/good" {
            200
        } else {
            403
        };
        let answer = WireResponse::new(status).header("x-amzn-requestid", "1");
        answer.body(DENIED)
    })
    .await;
    let (notes, host) = (Notes::default(), server.authority());
    let authorizer = builder("sqs", &host).build();
    let client = ServiceBuilder::new()
        .layer(AnswerErrorsLayer::new())
        .layer(RefusalsLayer::new(notes.hook()))
        .layer(RecoverLayer::new(authorizer.clone()))
        .layer(SigV4Layer::new(authorizer))
        .service(hyper_client());
    for (path, count) in [("/good", 0), ("/bad", 1), ("/bad", 2)] {
        let request = get(format!("{}{path}", server.url()));
        let response = client.clone().oneshot(request).await.unwrap();
        assert_eq!(response.headers()["x-amzn-requestid"], "1");
        assert_eq!(
            response.body().size_hint().exact(),
            Some(DENIED.len() as u64)
        );
        let body = response.into_body().collect().await.unwrap();
        assert_eq!(body.to_bytes(), DENIED);
        assert_eq!(notes.causes(), vec![RefusalCause::Permission; count]);
    }
    assert_eq!(notes.told.lock().unwrap()[0].1.as_deref(), Some(&*host));
}

#[tokio::test]
async fn are_told_at_the_end_at_16_kib_or_when_dropped_and_once() {
    let halves = || [&DENIED[..9], &DENIED[9..]].map(str::to_owned);
    let long = |blanks: usize| [" ".repeat(blanks), DENIED.to_owned()];
    let denied = Some("AccessDeniedException");
    for (name, body, reads, at, code) in [
        ("two pieces", Pieces::of(halves()), 3, 3, denied),
        (
            "trailers",
            Pieces::of(halves()).then(Step::Trailers),
            4,
            4,
            denied,
        ),
        (
            "a length that is known",
            Pieces::of(halves()).announcing(49),
            2,
            3,
            denied,
        ),
        (
            "cut off before the code",
            Pieces::of([&DENIED[..20]]),
            2,
            2,
            None,
        ),
        (
            "17 KiB, the code in time",
            Pieces::of([DENIED.to_owned(), " ".repeat(17 * 1024)]),
            3,
            2,
            denied,
        ),
        (
            "17 KiB, the code too late",
            Pieces::of(long(17 * 1024)),
            3,
            1,
            None,
        ),
        (
            "dropped when nothing was read",
            Pieces::of(halves()),
            0,
            1,
            None,
        ),
        ("dropped early", Pieces::of(halves()), 1, 2, None),
        (
            "never ends",
            Pieces::of(halves()).then(Step::Hang),
            2,
            3,
            denied,
        ),
        ("empty", Pieces::default(), 1, 1, None),
    ] {
        let notes = Notes::default();
        let response = watch_refusal(refused(body), notes.hook());
        let mut body = response.into_body();
        for read in 1..=reads {
            let before = notes.codes().len();
            assert_eq!(before, usize::from(read > at), "{name}: before {read}");
            next(&mut body).await;
        }
        drop(body);
        assert_eq!(notes.codes(), [code.map(str::to_owned)], "{name}");
    }
}

#[tokio::test]
async fn are_told_with_the_last_piece_where_the_body_knows_that_it_is() {
    let notes = Notes::default();
    let response = Response::builder().status(403);
    let response = response.body(Full::<Bytes>::from(DENIED)).unwrap();
    let mut body = watch_refusal(response, notes.hook()).into_body();
    assert_eq!(notes.causes(), []);
    assert_eq!(next(&mut body).await.unwrap(), DENIED);
    // Servers do not ask again then, and may keep it for a while.
    assert!(body.is_end_stream());
    assert_eq!(notes.causes(), [RefusalCause::Permission]);
}

#[tokio::test]
async fn are_told_when_the_body_fails() {
    let notes = Notes::default();
    let body = Pieces::of([DENIED]).then(Step::Failure);
    let body = watch_refusal(refused(body), notes.hook()).into_body();
    body.collect().await.unwrap_err();
    assert_eq!(notes.causes(), [RefusalCause::Permission]);
}

#[tokio::test]
async fn are_told_at_once_where_the_body_says_nothing() {
    let answer = || Response::builder().status(403);
    let zipped = || answer().header("content-encoding", "gzip");
    let typed = zipped().header("x-amzn-errortype", "ThrottlingException:");
    for (name, response, code) in [
        ("compressed", zipped(), None),
        (
            "compressed, a code in the header",
            typed,
            Some("ThrottlingException"),
        ),
    ] {
        let notes = Notes::default();
        let response = response.body(Pieces::of([DENIED])).unwrap();
        let mut body = watch_refusal(response, notes.hook()).into_body();
        assert_eq!(notes.codes(), [code.map(str::to_owned)], "{name}");
        assert_eq!(next(&mut body).await.unwrap(), DENIED);
        drop(body);
        assert_eq!(notes.codes().len(), 1, "{name}");
    }
    let notes = Notes::default();
    let response = answer().body(Empty::<Bytes>::new()).unwrap();
    let _answer = watch_refusal(response, notes.hook());
    assert_eq!(notes.causes(), [RefusalCause::Unknown]);
}

#[tokio::test]
async fn of_our_own_are_not_told() {
    let notes = Notes::default();
    let authorizer = builder("sqs", "sqs.us-east-1.amazonaws.com").build();
    let stack = ServiceBuilder::new()
        .layer(RefusalsLayer::new(notes.hook()))
        .layer(AnswerErrorsLayer::new())
        .layer(SigV4Layer::new(authorizer))
        .service(hyper_client::<Empty<Bytes>>());
    let response = stack
        .oneshot(get("https://elsewhere.example.com/"))
        .await
        .unwrap();
    assert_eq!(response.status(), 403);
    response.into_body().collect().await.unwrap();
    assert_eq!(notes.causes(), []);
}

#[tokio::test]
async fn of_other_statuses_are_none() {
    for status in [200, 302, 500, 503] {
        let notes = Notes::default();
        let inner = service_fn(move |_: Request<()>| async move {
            let answer = Response::builder().status(status);
            Ok::<_, Infallible>(answer.body(Full::<Bytes>::from(DENIED)).unwrap())
        });
        let service = RefusalsLayer::new(notes.hook()).layer(inner);
        let response = service.oneshot(Request::new(())).await.unwrap();
        response.into_body().collect().await.unwrap();
        assert_eq!(notes.causes(), [], "{status}");
    }
}

#[tokio::test]
async fn reach_the_client_before_they_are_whole() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let (arrived, rest) = oneshot::channel::<()>();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let (first, last) = DENIED.split_at(1);
        let text = format!(
            "HTTP/1.1 403 No\r\ncontent-length: {}\r\n\r\n{first}",
            DENIED.len()
        );
        stream.write_all(text.as_bytes()).await.unwrap();
        // The rest is not made before the client has the first byte.
        rest.await.unwrap();
        stream.write_all(last.as_bytes()).await.unwrap();
    });
    let notes = Notes::default();
    let client = ServiceBuilder::new()
        .layer(RefusalsLayer::new(notes.hook()))
        .layer(SigV4Layer::new(builder("sqs", &host).build()))
        .service(hyper_client());
    let response = client
        .oneshot(get(format!("http://{host}/")))
        .await
        .unwrap();
    let mut body = response.into_body();
    assert_eq!(next(&mut body).await.unwrap(), DENIED[..1]);
    assert_eq!(notes.causes(), []);
    arrived.send(()).unwrap();
    let rest = body.collect().await.unwrap().to_bytes();
    assert_eq!(rest, DENIED[1..]);
    assert_eq!(notes.causes(), [RefusalCause::Permission]);
    server.await.unwrap();
}
