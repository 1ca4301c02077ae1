//! Uploads of clients that have a gateway for an endpoint, encoded by them and signed anew on the
//! way: what the server stores.

use std::net::Ipv4Addr;

use axum::Router;
use http::StatusCode;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use sigv4_core::AwsChunked;
use sigv4_core::runtime::Authorizer;
use sigv4_core::runtime::CredentialsCache;
use sigv4_tower::AnswerErrorsLayer;
use sigv4_tower::SigV4Layer;
use sigv4_tower::UpstreamLayer;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tower::ServiceBuilder;

use crate::server::BUCKET;
use crate::server::Server;
use crate::server::connector;
use crate::server::credentials;
use crate::server::signer;
use crate::source::SOURCES;
use crate::uploader::CHECKSUMS;
use crate::uploader::UPLOADERS;
use crate::uploader::Upload;
use crate::uploads::CHUNK;
use crate::uploads::data;
use crate::uploads::small;

/// Starts a gateway in front of a server, and returns its host and port.
async fn start(server: &Server) -> (String, JoinHandle<()>) {
    let upstream = UpstreamLayer::new(&format!("http://{}", server.authority()))
        .unwrap()
        .follow_client_payload();
    let scope = upstream.host_scope();
    let cache = CredentialsCache::new(credentials());
    let client = Client::builder(TokioExecutor::new()).build(connector());
    let stack = ServiceBuilder::new()
        .layer(AnswerErrorsLayer::new())
        .layer(upstream)
        .layer(SigV4Layer::new(
            Authorizer::builder(signer(), cache, scope).build(),
        ))
        .service(client);
    let router: Router = Router::new().fallback_service(stack);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let authority = listener.local_addr().unwrap().to_string();
    let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (authority, task)
}

#[tokio::test]
async fn stores_what_was_in_the_chunks_of_the_client() {
    let server = Server::start().await;
    let (gateway, task) = start(&server).await;
    let path = format!("/{BUCKET}/folder/a%20b");
    let lengths = [1, CHUNK, 3 * CHUNK + 5, 20_000, 1_000_000];
    let sources = SOURCES.into_iter().cycle();
    for ((checksum, length), source) in CHECKSUMS.into_iter().zip(lengths).zip(sources) {
        let upload = Upload::new(data(length), source, small(AwsChunked::unsigned(checksum)));
        for uploader in UPLOADERS {
            // Signed for the gateway, which no server behind it would take.
            let answer = uploader.put(&gateway, &path, &upload).await;
            assert_eq!(answer.status, StatusCode::OK, "{checksum:?} {answer:?}");
            let sent = server.head().headers;
            assert_eq!(sent["host"], server.authority());
            let kind = &sent["x-amz-content-sha256"];
            assert_eq!(kind, "STREAMING-UNSIGNED-PAYLOAD-TRAILER");
            let get = server.request("GET", &path, "");
            let answer = server.send_signed(get).await;
            assert!(answer.body == upload.data, "{checksum:?} {uploader:?}");
            let delete = server.request("DELETE", &path, "");
            assert_eq!(server.send_signed(delete).await.status, 204);
        }
    }
    // Chunks that are signed would have to be decoded, and signed again.
    let upload = Upload::new(data(CHUNK), SOURCES[0], small(AwsChunked::signed()));
    let answer = UPLOADERS[0].put(&gateway, &path, &upload).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    task.abort();
}
