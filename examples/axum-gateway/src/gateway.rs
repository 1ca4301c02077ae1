//! The gateway itself: who may ask, where it goes, and what comes back.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use arc_swap::ArcSwap;
use http::Request;
use http::Response;
use http::header;
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use rustls::server::danger::ClientCertVerifier;
use sigv4_tower::AnsweredError;
use sigv4_tower::BrowserGuard;

use crate::admission::Admission;
use crate::admission::Permit;
use crate::body::Answer;
use crate::body::Tail;
use crate::callers::Callers;
use crate::callers::WrongKey;
use crate::config::LogRequests;
use crate::fault::Fault;
use crate::log;
use crate::passage::Passage;
use crate::record::Begun;
use crate::record::Record;
use crate::refusal::Refusal;
use crate::route;
use crate::route::Found;
use crate::server::Arrival;
use crate::server::Exchange;
use crate::server::Timeouts;
use crate::stack::Route;
use crate::stack::UpstreamBody;
use crate::stack::UpstreamFuture;
use crate::state::State;
use crate::stats::Rejection;
use crate::stats::RequestGuard;

/// Takes the requests of all connections.
pub struct Gateway {
    plan: ArcSwap<Plan>,
    admission: Admission,
    state: Arc<State>,
}

/// A configuration at work. A reload replaces it as a whole; what was begun by the old one ends by
/// the old one.
#[derive(Debug)]
pub struct Plan {
    /// The routes, as in the configuration, and which requests they take.
    pub routes: Vec<Arc<Route>>,
    /// Who may call.
    pub callers: Callers,
    /// For each listener, under which names it is asked, and whether without a key.
    pub doors: Vec<Door>,
    /// How many requests are worked on at once.
    pub concurrency: usize,
    /// How many bytes of bodies are held at once.
    pub held_bytes: u64,
    /// Which requests get a line in the log.
    pub log: LogRequests,
    /// How long clients may take.
    pub(crate) timeouts: Timeouts,
}

/// What a listener lets in.
#[derive(Debug)]
pub struct Door {
    /// The names under which it is asked by those who show no key.
    pub guard: BrowserGuard,
    /// Whether there may be such.
    pub anonymous: bool,
    /// Who decides which certificates of clients are valid here, if they are asked for any.
    pub clients: Option<Arc<dyn ClientCertVerifier>>,
}

impl Gateway {
    /// Begins with a plan.
    #[must_use]
    pub fn new(plan: Plan, state: Arc<State>) -> Self {
        Self {
            plan: ArcSwap::from_pointee(plan),
            admission: Admission::new(),
            state,
        }
    }

    /// Goes on with another plan.
    pub fn replace(&self, plan: Plan) {
        self.plan.store(Arc::new(plan));
    }

    /// Returns how long clients may take.
    pub(crate) fn timeouts(&self) -> Timeouts {
        self.plan.load().timeouts
    }

    /// Takes a request: it is on its way to the upstream then, or refused.
    #[must_use]
    pub fn take(
        &self,
        from: &Arrival,
        exchange: Exchange,
        request: Request<Incoming>,
    ) -> Answering {
        let plan = self.plan.load();
        let begun = Begun::new(&request, plan.log);
        match self.admit(&plan, from, request) {
            Ok((route, permit, request)) => Answering {
                state: Progress::Forwarded {
                    response: route.send(request, exchange.upload(), || {
                        let idle = route.timeouts().idle;
                        Passage::new(&self.admission, plan.held_bytes, idle)
                    }),
                    pending: Some(Pending {
                        record: Record::new(begun, Arc::clone(route), exchange),
                        permit,
                        counted: self.state.stats.request(),
                    }),
                },
            },
            Err(refusal) => {
                self.count(&plan, &begun, &refusal);
                Answering {
                    state: Progress::Refused {
                        response: Some(begun.sign_off(refusal.into_response(), &exchange)),
                    },
                }
            }
        }
    }

    /// Finds the route of a request that may go there, and removes what is not to go with it.
    fn admit<'a>(
        &self,
        plan: &'a Plan,
        from: &Arrival,
        mut request: Request<Incoming>,
    ) -> Result<(&'a Arc<Route>, Permit, Request<Incoming>), Refusal> {
        let (uri, headers) = (request.uri(), request.headers());
        let Ok(host) = BrowserGuard::requested_host(uri, headers) else {
            return Err(Refusal::TWO_HOSTS);
        };
        let door = plan.doors.get(from.listener());
        let clients = door.and_then(|door| door.clients.as_deref());
        let certified = from.caller(&plan.callers, clients);
        let caller = match plan.callers.identify(headers, certified) {
            Err(WrongKey) => return Err(Refusal::WRONG_KEY),
            Ok(None) if !door.is_some_and(|door| door.anonymous) => return Err(Refusal::NO_KEY),
            Ok(None) if door.is_none_or(|door| door.guard.check_host(uri, headers).is_err()) => {
                return Err(Refusal::OTHER_HOST);
            }
            Ok(caller) => caller,
        };
        if BrowserGuard::check_page(headers).is_err() {
            return Err(Refusal::WEB_PAGE);
        }
        if !uri.path().starts_with('/') {
            return Err(Refusal::NO_PATH);
        }
        let matches = plan.routes.iter().map(|route| route.matches());
        let index = match route::find(&matches, request.method(), host, uri.path()) {
            Found::Route(index) => index,
            Found::OtherMethods(methods) => return Err(Refusal::other_methods(&methods)),
            Found::Nothing => return Err(Refusal::no_route(uri.path())),
            Found::Ambiguous => return Err(Refusal::AMBIGUOUS_PATH),
        };
        if caller.is_some_and(|caller| !plan.callers.may_use(caller, index)) {
            return Err(Refusal::OTHER_ROUTE.of_route(index));
        }
        let Some(permit) = self.admission.enter(plan.concurrency) else {
            return Err(Refusal::BUSY.of_route(index));
        };
        let headers = request.headers_mut();
        plan.callers.remove_keys(headers);
        if caller.is_none() {
            // Cookies know no ports: those of any other server on this machine would go to AWS.
            headers.remove(header::COOKIE);
        }
        Ok((&plan.routes[index], permit, request))
    }

    fn count(&self, plan: &Plan, begun: &Begun, refusal: &Refusal) {
        let (reason, status) = (refusal.reason(), refusal.status());
        let route = refusal.route().and_then(|index| plan.routes.get(index));
        match route {
            Some(route) => route.stats().rejected(reason, status, &begun.request_id),
            None => self.state.stats.rejected(Rejection {
                reason,
                status,
                request_id: begun.request_id,
            }),
        }
        let name = route.map_or("", |route| route.name());
        log::rejected(begun.log, &begun.answered(name, status), reason, None);
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").finish_non_exhaustive()
    }
}

/// What goes with a request while the head of its answer is waited for.
struct Pending {
    record: Record,
    permit: Permit,
    counted: RequestGuard,
}

pin_project! {
    /// The answer, whatever happens.
    pub struct Answering {
        #[pin]
        state: Progress,
    }
}

pin_project! {
    #[project = ProgressProjection]
    enum Progress {
        Refused { response: Option<Response<Answer>> },
        Forwarded { #[pin] response: UpstreamFuture, pending: Option<Pending> },
    }
}

const POLLED_AGAIN: &str = "a future is not polled after it has ended";

impl Future for Answering {
    type Output = Result<Response<Answer>, std::convert::Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(Ok(match self.project().state.project() {
            ProgressProjection::Refused { response } => response.take().expect(POLLED_AGAIN),
            ProgressProjection::Forwarded { response, pending } => {
                let Ok(response) = ready!(response.poll(cx));
                pending.take().expect(POLLED_AGAIN).finish(response)
            }
        }))
    }
}

impl Pending {
    /// Has what it holds last as long as the body of the answer.
    fn finish(mut self, mut response: Response<UpstreamBody>) -> Response<Answer> {
        let answered = response.extensions_mut().remove::<AnsweredError>();
        if let Some(answered) = answered {
            let response = self.explain(answered.get(), response);
            return self.sign_off(response);
        }
        self.record.forward(response.status());
        let response = self.sign_off(response);
        let Self {
            record,
            permit,
            counted,
        } = self;
        let route = Arc::clone(record.route());
        let Begun {
            request_id, log, ..
        } = *record.begun();
        let tail = Tail::new(record, response.body(), permit, counted);
        if !response.status().is_client_error() {
            return response.map(|body| Answer::upstream(body, Some(tail)));
        }
        Answer::watched(response, tail, move |refusal| {
            route.stats().refused(refusal, &request_id);
            log::refused(log, &request_id, route.name(), refusal);
        })
    }

    /// Answers a request that was not forwarded, or whose upstream did not answer.
    fn explain(
        &mut self,
        error: &(dyn Error + 'static),
        answer: Response<UpstreamBody>,
    ) -> Response<Answer> {
        let fault = Fault::among_causes(error);
        let status = fault.map_or_else(|| answer.status(), Fault::status);
        self.record.refuse(status, error);
        match fault {
            Some(fault) => Refusal::from(fault).into_response(),
            None => answer.map(|body| Answer::upstream(body, None)),
        }
    }

    fn sign_off<B>(&self, response: Response<B>) -> Response<B> {
        self.record
            .begun()
            .sign_off(response, self.record.exchange())
    }
}
