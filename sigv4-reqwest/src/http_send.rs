//! [`CredentialsClient`]: what the light credential providers send their requests with.

use std::time::Duration;

use bytes::Bytes;
use bytes::BytesMut;
use http::Request;
use reqwest::Client;
use reqwest::redirect::Policy;
use sigv4_core::runtime::HttpFuture;
use sigv4_core::runtime::HttpResult;
use sigv4_core::runtime::HttpSend;
use sigv4_core::runtime::MAX_ANSWER;

/// The client that asks for credentials: a `reqwest::Client` of its own.
///
/// It takes no proxy, not even that of the environment: what is asked is on the same machine, or is
/// STS, and what is sent and received are credentials. It follows no redirects, for the same
/// reason, keeps no cookies, sends no referer, and repeats nothing by itself. For STS the
/// dependency on reqwest needs one of its TLS features, as for everything else.
///
/// ```
/// use sigv4_reqwest::CredentialsClient;
///
/// let http = CredentialsClient::new()?;
/// // `CredentialsCache::new(light::DefaultChain::new(http))`, with the feature
/// // `light-credentials` of `sigv4-core`.
/// # Ok::<(), reqwest::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct CredentialsClient {
    client: Client,
}

impl CredentialsClient {
    /// Makes the client.
    ///
    /// # Errors
    ///
    /// When the TLS library cannot be set up.
    pub fn new() -> reqwest::Result<Self> {
        let client = Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .no_gzip()
            .no_brotli()
            .no_deflate()
            .no_zstd()
            .connect_timeout(CONNECT)
            .pool_max_idle_per_host(1)
            .pool_idle_timeout(IDLE)
            .build()?;
        Ok(Self { client })
    }

    async fn exchange(&self, request: Request<Bytes>) -> HttpResult {
        // Paths of credential services are secret, and reqwest's errors tell the URL.
        let without_url = |error: reqwest::Error| error.without_url();
        let request = reqwest::Request::try_from(request).map_err(without_url)?;
        let mut answer = self.client.execute(request).await.map_err(without_url)?;
        // Room for all of it at once: growing would leave pieces of a secret behind.
        let expected = answer.content_length().unwrap_or(16 * 1024);
        let expected = usize::try_from(expected).unwrap_or(usize::MAX);
        if expected > MAX_ANSWER {
            return Err(TOO_LONG.into());
        }
        let mut body = BytesMut::with_capacity(expected);
        while let Some(piece) = answer.chunk().await.map_err(without_url)? {
            if piece.len() > MAX_ANSWER - body.len() {
                return Err(TOO_LONG.into());
            }
            body.extend_from_slice(&piece);
        }
        let mut response = http::Response::new(body.freeze());
        *response.status_mut() = answer.status();
        *response.version_mut() = answer.version();
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        Ok(response)
    }
}

impl HttpSend for CredentialsClient {
    fn send(&self, request: Request<Bytes>) -> HttpFuture<'_> {
        Box::pin(self.exchange(request))
    }
}

/// How long a connection may take to STS, which can be on another continent. That to a service on
/// the same machine is given up earlier, by the provider that asks it.
const CONNECT: Duration = Duration::from_secs(3);
/// Credentials are fetched every few minutes at most; a connection is kept for the requests of one
/// fetch.
const IDLE: Duration = Duration::from_secs(10);
const TOO_LONG: &str = "the answer is longer than any with credentials";

#[cfg(test)]
mod tests {
    use std::error::Error as StdError;
    use std::io::Read;
    use std::io::Write;
    use std::net::SocketAddr;
    use std::net::TcpListener;
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    /// Answers each connection with the next of the answers, and tells what it was sent.
    fn serve(answers: Vec<Vec<u8>>) -> (SocketAddr, mpsc::Receiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, received) = mpsc::channel();
        thread::spawn(move || {
            for answer in answers {
                let (mut connection, _) = listener.accept().unwrap();
                let mut request = Vec::new();
                let mut piece = [0; 4096];
                // All requests here end with `end` or have no body.
                while !(request.ends_with(b"end") || request.ends_with(b"\r\n\r\n")) {
                    let read = connection.read(&mut piece).unwrap();
                    assert!(read > 0);
                    request.extend_from_slice(&piece[..read]);
                }
                sender.send(String::from_utf8(request).unwrap()).unwrap();
                // Whoever refuses a long answer does not read to its end.
                let _ = connection.write_all(&answer);
            }
        });
        (address, received)
    }

    async fn get(address: SocketAddr) -> HttpResult {
        let request = Request::get(format!("http://{address}/s3cr3t-path"))
            .body(Bytes::new())
            .unwrap();
        CredentialsClient::new().unwrap().send(request).await
    }

    fn text(error: &(dyn StdError + 'static)) -> String {
        let mut text = format!("{error} {error:?}");
        let mut source = error.source();
        while let Some(error) = source {
            text.push_str(&error.to_string());
            source = error.source();
        }
        text
    }

    #[tokio::test]
    async fn sends_a_request_as_it_is_and_returns_the_answer() {
        let answer = b"HTTP/1.1 403 Forbidden\r\nx-a: b\r\nContent-Length: 5\r\n\r\nhello";
        let (address, received) = serve(vec![answer.to_vec()]);
        let request = Request::put(format!("http://{address}/a%2Fb?c=d"))
            .header("authorization", "token")
            .body(Bytes::from_static(b"body end"))
            .unwrap();
        let answer = CredentialsClient::new()
            .unwrap()
            .send(request)
            .await
            .unwrap();
        assert_eq!(answer.status(), 403);
        assert_eq!(answer.headers()["x-a"], "b");
        assert_eq!(answer.body(), "hello");
        let sent = received.recv().unwrap();
        assert!(sent.starts_with("PUT /a%2Fb?c=d HTTP/1.1\r\n"), "{sent}");
        assert!(sent.contains("\r\nauthorization: token\r\n"), "{sent}");
        assert!(sent.ends_with("\r\n\r\nbody end"), "{sent}");
        assert!(
            !sent.to_ascii_lowercase().contains("accept-encoding"),
            "{sent}"
        );
    }

    #[tokio::test]
    async fn follows_no_redirect() {
        let answer =
            b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n";
        let (address, received) = serve(vec![answer.to_vec()]);
        assert_eq!(get(address).await.unwrap().status(), 307);
        received.recv().unwrap();
        assert!(received.recv().is_err(), "there was one request");
    }

    #[tokio::test]
    async fn fails_on_an_answer_that_is_too_long() {
        let body = vec![b'x'; MAX_ANSWER + 1];
        let declared = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        let endless = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
        for (name, head, body) in [
            ("declared", &*declared, &body[..]),
            ("not declared", endless, &body[..]),
        ] {
            let (address, _received) = serve(vec![[head.as_bytes(), body].concat()]);
            let error = get(address).await.unwrap_err();
            assert_eq!(error.to_string(), TOO_LONG, "{name}");
        }
        let most = [endless.as_bytes(), &body[1..]].concat();
        let (address, _received) = serve(vec![most]);
        assert_eq!(get(address).await.unwrap().body().len(), MAX_ANSWER);
    }

    #[tokio::test]
    async fn fails_on_half_an_answer_without_telling_the_url() {
        let half = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf";
        let (address, _received) = serve(vec![half.to_vec()]);
        let error = get(address).await.unwrap_err();
        assert!(!text(&*error).contains("s3cr3t"), "{}", text(&*error));

        // Nobody listens where somebody just did.
        let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr();
        let error = get(gone.unwrap()).await.unwrap_err();
        assert!(!text(&*error).contains("s3cr3t"), "{}", text(&*error));
    }
}
