//! What an answer teaches, and the answer as it was; the request once more, where that helps.

use http::Response as HttpResponse;
use http_body::Body as _;
use reqwest::Body;
use reqwest::Request;
use reqwest::Response;
use reqwest::ResponseBuilderExt;
use reqwest::Url;
use sigv4_core::SigningOverrides;
use sigv4_core::runtime::Authorizer;
use sigv4_core::runtime::SigningReceipt;
use sigv4_core::runtime::adapter;
use sigv4_core::runtime::adapter::Inquiry;
use sigv4_core::runtime::adapter::Peek;
use sigv4_core::runtime::adapter::PeekedBody;
use sigv4_core::runtime::adapter::Remedy;

use crate::error::Error;
use crate::request::sign;

/// A request that has been signed.
pub(crate) struct Attempt {
    pub(crate) receipt: SigningReceipt,
    /// Whether its answer is looked at.
    pub(crate) learns: bool,
    /// The request once more, where it can be sent again.
    pub(crate) again: Option<Request>,
}

impl Attempt {
    /// Signs a request. `None` for one that is sent as it is.
    pub(crate) async fn sign(
        authorizer: &Authorizer,
        request: &mut Request,
        overrides: Option<&SigningOverrides>,
    ) -> Result<Option<Self>, Error> {
        let learns = adapter::replay_limit(authorizer, overrides).is_some();
        // What is encoded as it passes cannot be sent again; what is in memory can be encoded again.
        let plain = (learns && adapter::encodes(authorizer, overrides))
            .then(|| request.try_clone())
            .flatten();
        let Some(receipt) = sign(authorizer, request, overrides).await? else {
            return Ok(None);
        };
        // A body in memory is shared and not copied. A stream cannot be sent again.
        let again = if learns {
            plain.or_else(|| request.try_clone())
        } else {
            None
        };
        Ok(Some(Self {
            receipt,
            learns,
            again,
        }))
    }
}

/// What comes of an answer.
pub(crate) enum Settled {
    /// It is the answer.
    Answer(Response),
    /// The request is to be sent once more, as it has been signed again.
    Again(Box<Request>, SigningReceipt),
}

/// Learns from an answer, and signs the request again where that helps.
pub(crate) async fn settle(
    authorizer: &Authorizer,
    answer: Response,
    again: Option<Request>,
    overrides: Option<&SigningOverrides>,
) -> Settled {
    let (answer, is_sent_again) = learn(authorizer, answer, again.is_some()).await;
    let Some(mut request) = again.filter(|_| is_sent_again) else {
        return Settled::Answer(answer);
    };
    // What the first signature added is replaced. The answer is dropped where that has worked: the
    // second request may need what it occupies.
    match sign(authorizer, &mut request, overrides).await {
        Ok(Some(receipt)) => Settled::Again(Box::new(request), receipt),
        _ => Settled::Answer(answer),
    }
}

/// Puts the receipt to an answer of the URL that was signed. Any other is an error.
pub(crate) fn accept(
    mut answer: Response,
    signed: &Url,
    receipt: SigningReceipt,
) -> Result<Response, Error> {
    if answer.url() != signed {
        return Err(Error::redirected(answer.url()));
    }
    answer.extensions_mut().insert(receipt);
    Ok(answer)
}

/// Leaves the query out of the URL that an error of the client shows, where there is a signature in
/// it: such a URL is a credential.
pub(crate) fn without_signature(error: reqwest::Error, signed: &Url) -> reqwest::Error {
    if !has_signature(signed) {
        return error;
    }
    let mut shown = signed.clone();
    shown.set_query(None);
    error.with_url(shown)
}

fn has_signature(url: &Url) -> bool {
    let mut pairs = url.query().unwrap_or_default().split('&');
    pairs.any(|pair| pair.starts_with("X-Amz-Signature="))
}

/// Looks into an answer and learns from it. Returns it, and whether the request is to be sent once
/// more, if that is possible.
async fn learn(
    authorizer: &Authorizer,
    answer: Response,
    can_send_again: bool,
) -> (Response, bool) {
    let (headers, extensions) = (answer.headers(), answer.extensions());
    let Some(inquiry) = Inquiry::of(authorizer, answer.status(), headers, extensions) else {
        return (answer, false);
    };
    let (answer, inquiry) = if inquiry.wants_body() {
        look_into(answer, inquiry).await
    } else {
        (answer, inquiry)
    };
    let again = match inquiry.settle() {
        Remedy::Nothing => false,
        Remedy::SendAgain => can_send_again,
        Remedy::ReplaceCredentials(replacement) if can_send_again => replacement.wait().await,
        Remedy::ReplaceCredentials(replacement) => {
            replacement.begin();
            false
        }
    };
    (answer, again)
}

/// Reads the beginning of the body and puts it back.
async fn look_into(answer: Response, inquiry: Inquiry) -> (Response, Inquiry) {
    let url = answer.url().clone();
    let (mut head, body) = HttpResponse::<Body>::from(answer).into_parts();
    let mut body = PeekedBody::new(body);
    let inquiry = if body.is_end_stream() {
        inquiry
    } else {
        Peek::new(inquiry).run(&mut body).await
    };
    // The address of the peer is in the extensions. The URL is not, and this is the only way to
    // give a response one.
    let mut carrier = HttpResponse::builder().url(url);
    if let Some(url) = carrier.extensions_mut() {
        head.extensions.extend(std::mem::take(url));
    }
    let answer = HttpResponse::from_parts(head, Body::wrap(body));
    (Response::from(answer), inquiry)
}
