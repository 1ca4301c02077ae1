//! [`ResponseFuture`].

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use http::Request;
use http::Response;
use http::request::Parts;
use http_body::Body;
use pin_project_lite::pin_project;
use sigv4_core::Error;
use sigv4_core::Payload;
use sigv4_core::SigningOverrides;
use sigv4_core::runtime::Authorized;
use sigv4_core::runtime::Authorizer;
use sigv4_core::runtime::CachedCredentials;
use sigv4_core::runtime::Plan;
use sigv4_core::runtime::SigningReceipt;
use sigv4_core::runtime::TrySign;
use sigv4_core::runtime::adapter;
use sigv4_core::runtime::adapter::BodyHolder;
use tower_service::Service;

use crate::BoxError;
use crate::body::SignedBody;
use crate::echo::Echo;

pin_project! {
    /// The answer to a request that is signed on its way. The future of [`SigV4`](crate::SigV4).
    ///
    /// It boxes nothing, unless the credentials have to be waited for.
    pub struct ResponseFuture<S, B>
    where
        S: Service<Request<SignedBody<B>>>,
    {
        #[pin]
        state: State<S, B, S::Future>,
    }
}

pin_project! {
    #[project = StateProjection]
    #[project_replace = StateReplaced]
    enum State<S, B, F> {
        Failed { error: Option<Error> },
        Reading {
            #[pin]
            body: B,
            holder: BodyHolder,
            payload: Option<Payload<'static>>,
            unsigned: Unsigned<S>,
        },
        Waiting {
            credentials: CredentialsFuture,
            payload: Payload<'static>,
            body: SignedBody<B>,
            unsigned: Unsigned<S>,
        },
        Sending {
            #[pin]
            response: F,
            receipt: Option<SigningReceipt>,
            echo: Option<Box<Echo>>,
        },
    }
}

type CredentialsFuture =
    Pin<Box<dyn Future<Output = Result<Arc<CachedCredentials>, Error>> + Send>>;

/// A request that has yet to be signed, apart from its body, and where it goes then.
struct Unsigned<S> {
    head: Parts,
    service: S,
    authorizer: Authorizer,
}

impl<S, B> ResponseFuture<S, B>
where
    S: Service<Request<SignedBody<B>>>,
    B: Body<Error: Into<BoxError>>,
{
    pub(crate) fn new(service: S, authorizer: Authorizer, request: Request<B>) -> Self {
        let state = Self::begin(service, authorizer, request).unwrap_or_else(State::failed);
        Self { state }
    }

    /// Goes as far as is possible without waiting.
    fn begin(
        mut service: S,
        authorizer: Authorizer,
        request: Request<B>,
    ) -> Result<State<S, B, S::Future>, Error> {
        let plan = authorizer.plan(&request, overrides(request.extensions()))?;
        let Plan::Sign(mode) = plan else {
            let response = service.call(request.map(SignedBody::untouched));
            return Ok(State::Sending {
                response,
                receipt: None,
                echo: None,
            });
        };
        let declared = adapter::declared_length(request.headers())?;
        let (mut head, body) = request.into_parts();
        let is_empty = body.is_end_stream();
        // One that contradicts itself is not for us to explain.
        let exact = adapter::agreed_length(body.size_hint().exact(), is_empty.then_some(0))?;
        let length = adapter::agreed_length(declared, exact)?;
        if let Some(payload) = adapter::encoded_payload(mode, &head.method, length) {
            // How long it is then, if anybody knows, the signer says.
            adapter::set_length(&head.method, &mut head.headers, None);
            let unsigned = Unsigned {
                head,
                service,
                authorizer,
            };
            return unsigned.sign(payload, SignedBody::to_encode(body, length));
        }
        let expected = adapter::expected_hash(mode);
        let payload = match adapter::passing_payload(mode) {
            None if is_empty && expected.is_none() => Some(Payload::EMPTY),
            payload => payload,
        };
        // A client does not look at a body that says it is empty, so that somebody else has to.
        let has_to_be_read = payload.is_none() || (length == Some(0) && !is_empty);
        if has_to_be_read {
            let holder = BodyHolder::new(authorizer.body_limit(), length)?.expecting(expected);
            holder.expect_at_least(body.size_hint().lower())?;
            let unsigned = Unsigned {
                head,
                service,
                authorizer,
            };
            return Ok(State::Reading {
                body,
                holder,
                payload,
                unsigned,
            });
        }
        adapter::check_stream(&head.method, length)?;
        adapter::set_length(&head.method, &mut head.headers, length);
        let body = if is_empty {
            SignedBody::empty()
        } else {
            SignedBody::streamed(body, length)
        };
        Unsigned {
            head,
            service,
            authorizer,
        }
        .sign(payload.unwrap_or(Payload::EMPTY), body)
    }
}

impl<S> Unsigned<S> {
    /// Signs and sends, or waits for the credentials to do so.
    fn sign<B>(
        mut self,
        payload: Payload<'static>,
        body: SignedBody<B>,
    ) -> Result<State<S, B, S::Future>, Error>
    where
        S: Service<Request<SignedBody<B>>>,
    {
        let overrides = self.overrides();
        match self
            .authorizer
            .try_sign(&mut self.head, payload, overrides.as_ref())?
        {
            TrySign::Done(authorized) => Ok(self.send(body, authorized)),
            _ => {
                let authorizer = self.authorizer.clone();
                let credentials = Box::pin(async move { authorizer.credentials().await });
                Ok(State::Waiting {
                    credentials,
                    payload,
                    body,
                    unsigned: self,
                })
            }
        }
    }

    fn sign_with<B>(
        mut self,
        credentials: &CachedCredentials,
        payload: Payload<'static>,
        body: SignedBody<B>,
    ) -> Result<State<S, B, S::Future>, Error>
    where
        S: Service<Request<SignedBody<B>>>,
    {
        let overrides = self.overrides();
        let authorized =
            self.authorizer
                .sign(&mut self.head, payload, credentials, overrides.as_ref())?;
        Ok(self.send(body, authorized))
    }

    fn send<B>(
        mut self,
        body: SignedBody<B>,
        authorized: Option<Authorized>,
    ) -> State<S, B, S::Future>
    where
        S: Service<Request<SignedBody<B>>>,
    {
        let body = match &authorized {
            Some(authorized) => body.encoded(&self.authorizer, authorized),
            None => body,
        };
        let receipt = authorized.map(Authorized::into_receipt);
        let echo = receipt.as_ref().and_then(|_| Echo::of(&self.head.uri));
        let request = Request::from_parts(self.head, body);
        let response = self.service.call(request);
        State::Sending {
            response,
            receipt,
            echo,
        }
    }

    fn overrides(&self) -> Option<SigningOverrides> {
        overrides(&self.head.extensions).cloned()
    }
}

fn overrides(extensions: &http::Extensions) -> Option<&SigningOverrides> {
    extensions.get::<SigningOverrides>()
}

impl<S, B, R> Future for ResponseFuture<S, B>
where
    S: Service<Request<SignedBody<B>>, Response = Response<R>, Error: Into<BoxError>>,
    B: Body<Error: Into<BoxError>>,
{
    type Output = Result<Response<R>, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                StateProjection::Reading { body, holder, .. } => {
                    let read = ready!(poll_read(body, holder, cx));
                    read.and_then(|()| state.as_mut().after_reading())
                }
                StateProjection::Waiting { credentials, .. } => {
                    let credentials = ready!(credentials.as_mut().poll(cx));
                    credentials.and_then(|credentials| state.as_mut().after_waiting(&credentials))
                }
                StateProjection::Sending {
                    response,
                    receipt,
                    echo,
                } => {
                    let mut response = ready!(response.poll(cx)).map_err(Into::into)?;
                    if let Some(echo) = echo {
                        echo.remove_from(response.headers_mut());
                    }
                    if let Some(receipt) = receipt.take() {
                        response.extensions_mut().insert(receipt);
                    }
                    return Poll::Ready(Ok(response));
                }
                StateProjection::Failed { error } => {
                    let error = error
                        .take()
                        .expect("a future is not polled after it has ended");
                    return Poll::Ready(Err(error.into()));
                }
            };
            let next = next.unwrap_or_else(State::failed);
            state.set(next);
        }
    }
}

impl<S, B> State<S, B, S::Future>
where
    S: Service<Request<SignedBody<B>>>,
{
    fn after_reading(self: Pin<&mut Self>) -> Result<Self, Error> {
        let StateReplaced::Reading {
            holder,
            payload,
            mut unsigned,
            ..
        } = self.project_replace(Self::ENDED)
        else {
            return Ok(Self::ENDED);
        };
        let body = holder.finish()?;
        adapter::set_length(
            &unsigned.head.method,
            &mut unsigned.head.headers,
            Some(body.length()),
        );
        unsigned.sign(
            payload.unwrap_or_else(|| body.payload()),
            SignedBody::held(body),
        )
    }

    fn after_waiting(self: Pin<&mut Self>, credentials: &CachedCredentials) -> Result<Self, Error> {
        let StateReplaced::Waiting {
            payload,
            body,
            unsigned,
            ..
        } = self.project_replace(Self::ENDED)
        else {
            return Ok(Self::ENDED);
        };
        unsigned.sign_with(credentials, payload, body)
    }
}

impl<S, B, F> State<S, B, F> {
    const ENDED: Self = Self::Failed { error: None };

    fn failed(error: Error) -> Self {
        Self::Failed { error: Some(error) }
    }
}

impl<S, B> fmt::Debug for ResponseFuture<S, B>
where
    S: Service<Request<SignedBody<B>>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Failed { .. } => "Failed",
            State::Reading { .. } => "Reading",
            State::Waiting { .. } => "Waiting",
            State::Sending { .. } => "Sending",
        };
        f.debug_tuple("ResponseFuture").field(&state).finish()
    }
}

/// Reads a body to its end.
fn poll_read<B>(
    mut body: Pin<&mut B>,
    holder: &mut BodyHolder,
    cx: &mut Context<'_>,
) -> Poll<Result<(), Error>>
where
    B: Body<Error: Into<BoxError>>,
{
    while let Some(frame) = ready!(body.as_mut().poll_frame(cx)) {
        let frame = frame.map_err(adapter::unreadable_body)?;
        match frame.into_data() {
            Ok(data) => holder.push(adapter::into_bytes(data))?,
            Err(_) => return Poll::Ready(Err(adapter::trailers_refused())),
        }
    }
    Poll::Ready(Ok(()))
}
