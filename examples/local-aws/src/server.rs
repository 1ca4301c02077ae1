//! The address that all services share: checks signatures, and asks the service that was meant.

use std::collections::HashMap;
use std::io;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::SystemTime;

use axum::Router;
use axum::body::Body;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::Method;
use http::header;
use http::request::Parts;
use sigv4_tests::fake_aws::FakeSts;
use sigv4_tests::fake_aws::Handout;
use sigv4_tests::oracle;
use sigv4_tests::oracle::Verified;
use sigv4_tests::secrets;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::Bedrock;
use crate::ExecuteApi;
use crate::Kms;
use crate::S3;
use crate::refusal::Refusal;

/// What a request may hold that is held to be hashed. Those of S3 stream.
const BODY_LIMIT: usize = 25 << 20;
/// How old a signature may be, or how far ahead.
pub(crate) const TOLERANCE: Duration = Duration::from_secs(300);

/// The services, running. They stop when this is dropped.
#[derive(Debug)]
pub struct LocalAws {
    address: SocketAddr,
    sts: FakeSts,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

/// A request that was signed as it should be.
#[derive(Debug)]
#[non_exhaustive]
pub struct Call {
    /// Method, path and headers as they arrived.
    pub head: Parts,
    /// The body, whole.
    pub body: Bytes,
    /// What the signature says.
    pub verified: Verified,
}

/// What is remembered of a request, whether it was answered or refused.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Seen {
    /// The method.
    pub method: Method,
    /// The path and query as they arrived.
    pub target: String,
    /// The headers as they arrived.
    pub headers: http::HeaderMap,
    /// The body. Empty for S3, where it streams.
    pub body: Bytes,
    /// Why its signature was refused. S3 judges bodies and time by itself: see its answer.
    pub refused: Option<String>,
}

#[derive(Debug)]
struct Shared {
    bedrock: Bedrock,
    kms: Kms,
    s3: S3,
    execute_api: ExecuteApi,
    /// The secret of each access key id, and its session token.
    keys: Mutex<HashMap<String, (String, Option<String>)>>,
    seen: Mutex<Vec<Seen>>,
}

impl LocalAws {
    /// Starts the services on a free port of loopback.
    ///
    /// # Errors
    ///
    /// When there is no free port, or no temporary folder for the objects of S3.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let user = (secrets::SECRET_ACCESS_KEY.to_owned(), None);
        let shared = Arc::new(Shared {
            bedrock: Bedrock::new(),
            kms: Kms::new(),
            s3: S3::new()?,
            execute_api: ExecuteApi::new(),
            keys: Mutex::new(HashMap::from([(secrets::ACCESS_KEY_ID.to_owned(), user)])),
            seen: Mutex::default(),
        });
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&shared));
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                eprintln!("local-aws: {error}");
            }
        });
        let sts = FakeSts::start().await;
        Ok(Self {
            address,
            sts,
            shared,
            task,
        })
    }

    /// Returns `http://127.0.0.1:port`, which is every service's.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns what the environment of a program has to hold so that it finds the services and is
    /// known to them: the variables that AWS's own tools read.
    #[must_use]
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL", self.url()),
            ("AWS_ENDPOINT_URL_STS", self.sts.url()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", secrets::ACCESS_KEY_ID.to_owned()),
            (
                "AWS_SECRET_ACCESS_KEY",
                secrets::SECRET_ACCESS_KEY.to_owned(),
            ),
        ]
    }

    /// Returns the models, to say how they are to answer.
    #[must_use]
    pub fn bedrock(&self) -> &Bedrock {
        &self.shared.bedrock
    }

    /// Returns the keys.
    #[must_use]
    pub fn kms(&self) -> &Kms {
        &self.shared.kms
    }

    /// Returns the object store.
    #[must_use]
    pub fn s3(&self) -> &S3 {
        &self.shared.s3
    }

    /// Returns the API.
    #[must_use]
    pub fn execute_api(&self) -> &ExecuteApi {
        &self.shared.execute_api
    }

    /// Returns the security token service.
    #[must_use]
    pub fn sts(&self) -> &FakeSts {
        &self.sts
    }

    /// Accepts the signatures of these credentials, too, at all services.
    pub fn trust(&self, credentials: &Handout) {
        self.sts.trust(credentials);
        let secret = credentials.secret_access_key().to_owned();
        let token = Some(credentials.session_token().to_owned());
        let id = credentials.access_key_id().to_owned();
        self.shared.s3.trust(&id, &secret);
        lock(&self.shared.keys).insert(id, (secret, token));
    }

    /// Returns what has arrived so far, in order, but for what STS was asked.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        lock(&self.shared.seen).clone()
    }
}

impl Drop for LocalAws {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let mut seen = Seen {
        method: head.method.clone(),
        target: head.uri.to_string(),
        headers: head.headers.clone(),
        body: Bytes::new(),
        refused: None,
    };
    let service =
        scope_of(&head).and_then(|scope| scope.split('/').rev().nth(1).map(str::to_owned));
    // Its bodies may be long, and it checks what covers them itself, also signatures of chunks.
    if service.as_deref() == Some("s3") {
        let result = shared.verify(&head, announced(&head));
        seen.refused = result.as_ref().err().map(ToString::to_string);
        lock(&shared.seen).push(seen);
        if let Err(refusal) = result {
            // Otherwise a client might see a broken connection instead of the answer.
            drop(to_bytes(body, BODY_LIMIT).await);
            return refusal.answer("s3");
        }
        return shared.s3.answer(Request::from_parts(head, body)).await;
    }
    let result = match to_bytes(body, BODY_LIMIT).await {
        Ok(body) => {
            seen.body = body.clone();
            shared.verify_in_time(head, body)
        }
        Err(error) => Err(Refusal::unreadable(&error.to_string())),
    };
    seen.refused = result.as_ref().err().map(ToString::to_string);
    lock(&shared.seen).push(seen);
    match result {
        Err(refusal) => refusal.answer(service.as_deref().unwrap_or_default()),
        Ok(call) => match service.as_deref() {
            Some("bedrock") => shared.bedrock.answer(call).await,
            Some("kms") => shared.kms.answer(&call),
            Some("execute-api") => shared.execute_api.answer(&call),
            service => Refusal::unknown_service(service).answer(service.unwrap_or_default()),
        },
    }
}

impl Shared {
    /// Checks the signature of a request, and that it is one of now.
    fn verify_in_time(&self, head: Parts, body: Bytes) -> Result<Call, Refusal> {
        let verified = self.verify(&head, oracle::Body::Bytes(&body))?;
        // A link holds for as long as it says, anything else for five minutes either way.
        let now = SystemTime::now();
        let age = now.duration_since(verified.time).unwrap_or_default();
        let ahead = verified.time.duration_since(now).unwrap_or_default();
        if age > verified.expires_in.unwrap_or(TOLERANCE) || ahead > TOLERANCE {
            return Err(Refusal::stale(&verified.date, now));
        }
        Ok(Call {
            head,
            body,
            verified,
        })
    }

    /// Checks the signature of a head, and that the token is that of the key.
    fn verify(&self, head: &Parts, covered: oracle::Body<'_>) -> Result<Verified, Refusal> {
        let scope = scope_of(head).ok_or_else(Refusal::unsigned)?;
        let id = scope.split('/').next().unwrap_or_default();
        let known = lock(&self.keys).get(id).cloned();
        let (secret, token) = known.ok_or_else(Refusal::unknown_key)?;
        let verified = oracle::verify(head, covered, &secret).map_err(Refusal::mismatch)?;
        if verified.token != token {
            return Err(Refusal::wrong_token());
        }
        if let Some(name) = verified.unsigned_amz_headers.first() {
            return Err(Refusal::unsigned_header(name));
        }
        Ok(verified)
    }
}

/// Returns what a request to S3 says of its body. A link says nothing, and does not cover it.
fn announced(head: &Parts) -> oracle::Body<'_> {
    let value = head.headers.get("x-amz-content-sha256");
    let text = value.and_then(|value| value.to_str().ok());
    text.map_or(oracle::Body::Unsigned, oracle::Body::Announced)
}

/// Returns the credential scope, with the access key id before it, of a header or of the query.
fn scope_of(head: &Parts) -> Option<String> {
    if let Some(value) = head.headers.get(header::AUTHORIZATION) {
        let (_, rest) = value.to_str().ok()?.split_once("Credential=")?;
        return rest.split(',').next().map(str::to_owned);
    }
    let parameters = head.uri.query()?.split('&');
    let mut credentials = parameters.filter_map(|pair| pair.strip_prefix("X-Amz-Credential="));
    credentials.next().map(|scope| scope.replace("%2F", "/"))
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes an answer of a text.
pub(crate) fn respond(status: http::StatusCode, content_type: &str, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    if let Ok(value) = content_type.parse() {
        response.headers_mut().insert(header::CONTENT_TYPE, value);
    }
    response
}
