//! A service that talks in event streams, on loopback: it answers with events while the request is
//! still open, and has `aws-sigv4` judge each that arrives, by the signature of the one before.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use aws_sigv4::event_stream;
use aws_sigv4::sign::v4;
use aws_smithy_eventstream::frame::DecodedFrame;
use aws_smithy_eventstream::frame::MessageFrameDecoder;
use aws_smithy_eventstream::frame::read_message_from;
use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_runtime_api::client::identity::Identity;
use aws_smithy_types::event_stream::Header;
use aws_smithy_types::event_stream::HeaderValue;
use aws_smithy_types::event_stream::Message;
use bytes::Bytes;
use bytes::BytesMut;
use http::Request;
use http::Response;
use http::StatusCode;
use http::Version;
use http::request::Parts;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use sigv4_tests::oracle;
use sigv4_tests::oracle::Body;
use sigv4_tests::oracle::Verified;
use sigv4_tests::patience::soon;
use sigv4_tests::secrets;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::mpsc::UnboundedSender;

use crate::shared::body::Live;

/// A service that is running, and what it tells.
pub(crate) struct EventServer {
    address: SocketAddr,
    told: UnboundedReceiver<Told>,
}

/// What a service sees.
#[derive(Debug)]
pub(crate) enum Told {
    /// A request opens a stream. Its signature fits.
    Opened { by: Verified, over: Version },
    /// An event, whose signature fits, with the date that it has.
    Event { payload: Bytes, date: SystemTime },
    /// The signed end of the stream.
    End { date: SystemTime },
    /// The body of the request has ended as it should.
    Closed,
    /// The request was broken off.
    BrokenOff,
    /// Something does not fit.
    Wrong(String),
}

/// How a service answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// With an event `Heard` for each, at once; with an exception to one that says `fail`.
    Talks,
    /// With 403 and this code before the first event, by the clock that it says.
    Refuses(&'static str, &'static str),
    /// The same when it has heard everything.
    RefusesAtTheEnd(&'static str, &'static str),
}

impl EventServer {
    /// Starts a service whose answers are of this manner, one after the other; the last is kept up.
    pub(crate) async fn start(over: Version, manners: &'static [Manner]) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, told) = mpsc::unbounded_channel();
        let turn = Arc::new(AtomicUsize::new(0));
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(
                    over,
                    stream,
                    tell.clone(),
                    Arc::clone(&turn),
                    manners,
                ));
            }
        });
        Self { address, told }
    }

    pub(crate) fn authority(&self) -> String {
        self.address.to_string()
    }

    /// Waits for what is told next.
    pub(crate) async fn told(&mut self) -> Told {
        let told = soon("the service is told something", self.told.recv());
        match told.await.unwrap() {
            Told::Wrong(what) => panic!("{what}"),
            told => told,
        }
    }

    /// Returns what has been told, if anything has.
    pub(crate) fn told_already(&mut self) -> Option<Told> {
        self.told.try_recv().ok()
    }

    pub(crate) async fn opened(&mut self) -> (Verified, Version) {
        match self.told().await {
            Told::Opened { by, over } => (by, over),
            other => panic!("{other:?} opens no stream"),
        }
    }

    pub(crate) async fn heard(&mut self) -> (String, SystemTime) {
        match self.told().await {
            Told::Event { payload, date } => (String::from_utf8(payload.to_vec()).unwrap(), date),
            other => panic!("{other:?} is no event"),
        }
    }

    /// Waits for the signed end, and that of the body right behind it.
    pub(crate) async fn ended(&mut self) -> SystemTime {
        match (self.told().await, self.told().await) {
            (Told::End { date }, Told::Closed) => date,
            other => panic!("{other:?} is no end"),
        }
    }
}

async fn serve(
    over: Version,
    stream: TcpStream,
    tell: UnboundedSender<Told>,
    turn: Arc<AtomicUsize>,
    manners: &'static [Manner],
) {
    let answer = service_fn(move |request: Request<Incoming>| {
        let turn = turn.fetch_add(1, Ordering::SeqCst);
        let manner = manners[turn.min(manners.len() - 1)];
        let tell = tell.clone();
        async move { Ok::<_, Infallible>(answer(request, manner, tell).await) }
    });
    let stream = TokioIo::new(stream);
    // How a connection ends is up to the client.
    let _ = if over == Version::HTTP_2 {
        let server = http2::Builder::new(TokioExecutor::new());
        server.serve_connection(stream, answer).await
    } else {
        let server = http1::Builder::new();
        server.serve_connection(stream, answer).await
    };
}

async fn answer(
    request: Request<Incoming>,
    manner: Manner,
    tell: UnboundedSender<Told>,
) -> Response<Live> {
    let (head, body) = request.into_parts();
    let (say, answer) = Live::new();
    let mut response = Response::new(answer);
    let judge = match Judge::of(&head) {
        Ok(judge) => judge,
        Err(wrong) => {
            tell.send(Told::Wrong(wrong)).unwrap();
            return response;
        }
    };
    let opened = Told::Opened {
        by: judge.verified.clone(),
        over: head.version,
    };
    tell.send(opened).unwrap();
    let listening = listen(judge, body, tell, say);
    let (code, date) = match manner {
        Manner::Talks => {
            tokio::spawn(listening);
            return response;
        }
        Manner::Refuses(code, date) => {
            tokio::spawn(listening);
            (code, date)
        }
        Manner::RefusesAtTheEnd(code, date) => {
            listening.await;
            (code, date)
        }
    };
    *response.status_mut() = StatusCode::FORBIDDEN;
    *response.body_mut() = Live::new().1;
    let headers = response.headers_mut();
    headers.insert("x-amzn-errortype", code.parse().unwrap());
    headers.insert("date", date.parse().unwrap());
    response
}

/// Hears what arrives, as it arrives, and answers each event.
async fn listen(
    mut judge: Judge,
    mut body: Incoming,
    tell: UnboundedSender<Told>,
    say: UnboundedSender<std::io::Result<Bytes>>,
) {
    let mut decoder = MessageFrameDecoder::new();
    let mut octets = BytesMut::new();
    let told = loop {
        match body.frame().await {
            None if octets.is_empty() => break Told::Closed,
            None => break Told::Wrong("the body ends in the midst of a message".to_owned()),
            Some(Err(_)) => break Told::BrokenOff,
            Some(Ok(frame)) => octets.extend_from_slice(frame.data_ref().unwrap()),
        }
        while let DecodedFrame::Complete(envelope) = decoder.decode_frame(&mut octets).unwrap() {
            let told = judge.judge(&envelope).unwrap_or_else(Told::Wrong);
            if let Told::Event { payload, .. } = &told {
                // Nobody may be listening any more.
                let _ = say.send(Ok(reply(payload)));
            }
            tell.send(told).unwrap();
        }
    };
    tell.send(told).unwrap();
}

fn reply(heard: &Bytes) -> Bytes {
    let header = |name: &'static str, value: &'static str| {
        Header::new(name, HeaderValue::String(value.into()))
    };
    let message = if *heard == "fail" {
        Message::new(r#"{"Message":"You said too much."}"#)
            .add_header(header(":message-type", "exception"))
            .add_header(header(":exception-type", "LimitExceededException"))
    } else {
        Message::new(heard.clone())
            .add_header(header(":message-type", "event"))
            .add_header(header(":event-type", "Heard"))
    };
    let mut encoded = Vec::new();
    write_message_to(&message, &mut encoded).unwrap();
    encoded.into()
}

/// Recomputes the signatures of a stream.
struct Judge {
    verified: Verified,
    secret: String,
    previous: String,
}

impl Judge {
    fn of(head: &Parts) -> Result<Self, String> {
        let authorization = head.headers.get("authorization").ok_or("unsigned")?;
        let authorization = authorization.to_str().map_err(|error| error.to_string())?;
        let id = authorization.split("Credential=").nth(1);
        let id = id.and_then(|id| id.split('/').next());
        let secret = secret_of(id.ok_or("there is no access key id")?);
        let body = Body::Announced("STREAMING-AWS4-HMAC-SHA256-EVENTS");
        let verified = oracle::verify(head, body, &secret)?;
        let kind = head.headers.get("content-type").ok_or("there is no type")?;
        if kind != "application/vnd.amazon.eventstream" {
            return Err(format!("{kind:?} is no event stream"));
        }
        if head.headers.contains_key("content-length") {
            return Err("nobody can know how long an event stream is".to_owned());
        }
        let previous = verified.signature.clone();
        Ok(Self {
            verified,
            secret,
            previous,
        })
    }

    fn judge(&mut self, envelope: &Message) -> Result<Told, String> {
        let date = envelope.headers().iter();
        let date = date.filter(|header| header.name().as_str() == ":date");
        let date = date.map(|header| header.value().as_timestamp()).next();
        let date = date.and_then(Result::ok).ok_or("an event has no date")?;
        let date = SystemTime::try_from(date).map_err(|error| error.to_string())?;
        let id = self.verified.access_key_id.clone();
        let credentials =
            aws_credential_types::Credentials::new(id, self.secret.clone(), None, None, "judge");
        let identity = Identity::from(credentials);
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.verified.region)
            .name(&self.verified.service)
            .time(date)
            .settings(())
            .build()
            .unwrap();
        let mut rest = envelope.payload().clone();
        let (expected, told) = if rest.is_empty() {
            let end = event_stream::sign_empty_message(&self.previous, &params);
            (end, Told::End { date })
        } else {
            let message = read_message_from(&mut rest).map_err(|error| error.to_string())?;
            let payload = message.payload().clone();
            let event = event_stream::sign_message(&message, &self.previous, &params);
            (event, Told::Event { payload, date })
        };
        let (expected, signature) = expected.map_err(|error| error.to_string())?.into_parts();
        if sorted(&expected) != sorted(envelope) || expected.payload() != envelope.payload() {
            return Err(format!("{told:?} has another signature"));
        }
        self.previous = signature;
        Ok(told)
    }
}

/// The headers of an envelope; their order is up to the sender.
fn sorted(message: &Message) -> Vec<&Header> {
    let mut headers: Vec<_> = message.headers().iter().collect();
    headers.sort_by_key(|header| header.name().as_str());
    headers
}

/// The secrets of those who may talk: the user of the fixtures, and anybody else by their id.
pub(crate) fn secret_of(id: &str) -> String {
    match id {
        secrets::ACCESS_KEY_ID => secrets::SECRET_ACCESS_KEY.to_owned(),
        id => format!("the secret of {id}"),
    }
}
