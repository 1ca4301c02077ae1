//! What an answer teaches, and the answer as it was.

use http::Response as HttpResponse;
use http_body::Body as _;
use reqwest::Body;
use reqwest::Response;
use reqwest::ResponseBuilderExt;
use sigv4_core::runtime::Authorizer;
use sigv4_core::runtime::adapter::Inquiry;
use sigv4_core::runtime::adapter::Peek;
use sigv4_core::runtime::adapter::PeekedBody;
use sigv4_core::runtime::adapter::Remedy;

/// Looks into an answer and learns from it. Returns it, and whether the request is to be sent once
/// more, if that is possible.
pub(crate) async fn learn(
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
