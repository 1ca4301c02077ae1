//! What a test has the object store do wrong.

use std::pin::Pin;
use std::task::Context;
use std::task::Poll;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use http::header;
use http_body::Frame;

use crate::server::respond;

/// What is to go wrong with one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum S3Fault {
    /// An upload of an object or a part is refused with this status and code.
    RefuseUpload(u16, &'static str),
    /// The connection ends when an upload has been sent, without an answer.
    BreakUpload,
    /// A completion is answered with 200, and with an error in the body.
    FailCompletion,
    /// A completion is carried out, and the connection ends without an answer.
    LoseCompletion,
}

impl S3Fault {
    pub(super) fn concerns(self, is_upload: bool, is_completion: bool) -> bool {
        match self {
            Self::RefuseUpload(..) | Self::BreakUpload => is_upload,
            Self::FailCompletion | Self::LoseCompletion => is_completion,
        }
    }

    pub(super) fn is_carried_out(self) -> bool {
        self == Self::LoseCompletion
    }

    pub(super) fn answer(self) -> Response {
        let error = |code: &str| {
            format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code>\
                 <Message>This is {code}.</Message><Region>eu-west-1</Region>\
                 <RequestId>656c76696e6727732072657175657374</RequestId></Error>"
            )
        };
        match self {
            Self::RefuseUpload(status, code) => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
                respond(status, "application/xml", error(code))
            }
            // The spaces are what S3 sends while it is at it.
            Self::FailCompletion => {
                let text = error("InternalError").replacen('\n', "\n   \n", 1);
                respond(StatusCode::OK, "application/xml", text)
            }
            Self::BreakUpload | Self::LoseCompletion => {
                let mut response = Response::new(Body::new(Broken));
                let length = header::HeaderValue::from_static("1");
                response
                    .headers_mut()
                    .insert(header::CONTENT_LENGTH, length);
                response
            }
        }
    }
}

/// Takes a body, however long it is.
pub(super) async fn read_to_end(mut body: Body) {
    use http_body::Body as _;

    while let Some(Ok(_)) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {}
}

/// A body that ends the connection.
struct Broken;

impl http_body::Body for Broken {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(Some(Err("the connection is to end here")))
    }
}
