//! [`sign`]: from a `reqwest::Request` to a signed one.

use std::future::poll_fn;
use std::pin::Pin;

use http::Uri;
use http_body::Body as _;
use http_body::SizeHint;
use reqwest::Body;
use reqwest::Request;
use reqwest::Url;
use sigv4_core::Payload;
use sigv4_core::PayloadMode;
use sigv4_core::PlusPolicy;
use sigv4_core::RequestHead;
use sigv4_core::SigningOverrides;
use sigv4_core::runtime::Authorizer;
use sigv4_core::runtime::Plan;
use sigv4_core::runtime::SigningReceipt;
use sigv4_core::runtime::adapter;
use sigv4_core::runtime::adapter::BodyHolder;
use sigv4_core::runtime::adapter::EncodedBody;
use sigv4_core::runtime::adapter::HeldBody;
use sigv4_core::runtime::adapter::LengthChecked;

use crate::error::Error;

/// Signs a request, without the middleware.
///
/// Returns `None` for a request that was left as it is, because its overrides say so or because it
/// keeps an `Authorization` header of its own. Send what was signed with a client that
/// [follows no redirects](crate::redirect_policy). Nothing is learnt from its answer, which only
/// [`execute`](crate::execute) and the middleware see.
///
/// ```
/// # async fn example(authorizer: sigv4_core::runtime::Authorizer) -> Result<(), Box<dyn std::error::Error>> {
/// let client = reqwest::Client::builder().redirect(sigv4_reqwest::redirect_policy()).build()?;
/// let mut request = client.get("https://sqs.us-east-1.amazonaws.com/").build()?;
/// sigv4_reqwest::sign(&authorizer, &mut request, None).await?;
/// let response = client.execute(request).await?;
/// # Ok(())
/// # }
/// ```
///
/// A body that is a stream is read into memory to be hashed, up to the limit of the authorizer, and
/// is in one piece afterwards; with every [mode](PayloadMode) but `Hashed` it stays a stream. The
/// limit does not concern a body that is in memory already.
///
/// With [`PayloadMode::AwsChunked`], and for streams of events, the body is encoded as it passes: it
/// is a stream then, whatever it was, which cannot be cloned, and signing it again is an error. To
/// send such a request again, clone it before it is signed.
///
/// # Errors
///
/// [`Signing`](crate::ErrorKind::Signing) when the request is out of scope, cannot be signed as it
/// is, or there are no credentials: its cause is the [`sigv4_core::Error`].
/// [`Url`](crate::ErrorKind::Url) when reqwest would send another URL than was signed. The request is
/// then unchanged, except for a body that is a stream: what was read of it before an error of its
/// own is gone, and one that was read to its end is in one piece.
///
/// # Cancel safety
///
/// The same holds for a future that is dropped.
pub async fn sign(
    authorizer: &Authorizer,
    request: &mut Request,
    overrides: Option<&SigningOverrides>,
) -> Result<Option<SigningReceipt>, Error> {
    // reqwest writes spaces in queries as `+`.
    let overrides = match overrides.cloned().unwrap_or_default() {
        overrides
            if overrides
                .plus_policy()
                .or_else(|| authorizer.signer().plus_policy())
                .is_some() =>
        {
            overrides
        }
        overrides => overrides.plus(PlusPolicy::Space),
    };
    let mut uri: Uri = request
        .url()
        .as_str()
        .parse()
        .map_err(|_| Error::url(request.url()))?;
    let mut headers = request.headers().clone();
    let method = request.method().clone();

    let head = RequestHead::new(&method, &mut uri, &mut headers);
    let plan = authorizer
        .plan(&head, Some(&overrides))
        .map_err(Error::signing)?;
    let Plan::Sign(mode) = plan else {
        return Ok(None);
    };
    let (covered, length) = cover_body(request, mode, authorizer.body_limit())
        .await
        .map_err(Error::signing)?;
    // How long an encoded body is, if anybody knows, the signer says.
    let is_encoded = matches!(covered, Some(Payload::AwsChunked { .. } | Payload::Events));
    adapter::set_length(&method, &mut headers, length.filter(|_| !is_encoded));
    let credentials = authorizer.credentials().await.map_err(Error::signing)?;
    let in_memory = || request.body().and_then(Body::as_bytes).unwrap_or_default();
    let payload = covered.unwrap_or_else(|| Payload::Bytes(in_memory()));
    let mut head = RequestHead::new(&method, &mut uri, &mut headers);
    let authorized = authorizer
        .sign(&mut head, payload, &credentials, Some(&overrides))
        .map_err(Error::signing)?;

    let url = url(&uri).ok_or_else(|| Error::url(request.url()))?;
    *request.url_mut() = url;
    *request.headers_mut() = headers;
    let Some(authorized) = authorized else {
        return Ok(None);
    };
    if is_encoded {
        let body = request.body_mut().take().unwrap_or_default();
        *request.body_mut() = Some(
            match EncodedBody::new(authorizer, &authorized, body, length) {
                Ok(encoded) => Body::wrap(encoded),
                Err(body) => body,
            },
        );
    }
    Ok(Some(authorized.into_receipt()))
}

/// Finds out the length of the body and what is to be signed of it; `None` where it is in memory
/// and has yet to be hashed.
async fn cover_body(
    request: &mut Request,
    mode: PayloadMode,
    limit: u64,
) -> Result<(Option<Payload<'static>>, Option<u64>), sigv4_core::Error> {
    let declared = adapter::declared_length(request.headers())?;
    let method = request.method().clone();
    let hint = request
        .body()
        .map_or_else(|| SizeHint::with_exact(0), Body::size_hint);
    let length = adapter::agreed_length(declared, hint.exact())?;
    if let Some(payload) = adapter::encoded_payload(mode, &method, length) {
        return Ok((Some(payload), length));
    }
    let covered = adapter::passing_payload(mode);
    let expected = adapter::expected_hash(mode);
    let is_stream = |body: &&mut Body| body.as_bytes().is_none();
    let Some(stream) = request.body_mut().as_mut().filter(is_stream) else {
        let Some(expected) = expected else {
            return Ok((covered, length));
        };
        let in_memory = request.body().and_then(Body::as_bytes).unwrap_or_default();
        return Ok((Some(adapter::check_hash(in_memory, expected)?), length));
    };
    // A client does not look at a body that says it is empty, so that somebody else has to.
    if covered.is_some() && length != Some(0) {
        adapter::check_stream(&method, length)?;
        let checked = LengthChecked::new(std::mem::take(stream), length);
        *stream = Body::wrap(checked);
        return Ok((covered, length));
    }
    let holder = BodyHolder::new(limit, length)?.expecting(expected);
    holder.expect_at_least(hint.lower())?;
    let held = hold(stream, holder).await?;
    let (payload, length) = (covered.unwrap_or_else(|| held.payload()), held.length());
    // What is made of bytes can be cloned, so that a retry can send it again.
    *stream = Body::from(held.into_bytes());
    Ok((Some(payload), Some(length)))
}

/// Reads a body to its end.
async fn hold(body: &mut Body, mut holder: BodyHolder) -> Result<HeldBody, sigv4_core::Error> {
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await {
        let frame = frame.map_err(adapter::unreadable_body)?;
        holder.push(frame.into_data().map_err(|_| adapter::trailers_refused())?)?;
    }
    holder.finish()
}

/// Turns a URI into a URL, unless that would change it.
fn url(uri: &Uri) -> Option<Url> {
    let url = Url::parse(&uri.to_string()).ok()?;
    (url.path() == uri.path() && url.query() == uri.query()).then_some(url)
}
