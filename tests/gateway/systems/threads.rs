//! Many threads, two services with other rules for paths, one gateway.

use std::io::Read;
use std::io::Write;
use std::net::SocketAddr;
use std::net::TcpStream;
use std::thread;

use sigv4_tests::oracle;
use sigv4_tests::patience;
use sigv4_tests::secrets;
use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;

use super::route;
use super::serve;

const THREADS: usize = 12;
const EACH: usize = 834;

/// The same in both, and signed differently: `%20` is encoded once more for all but S3.
const PATHS: [&str; 4] = ["a%20b", "a%20b@c", "x/y%20z", "a%7E%20b"];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_ten_thousand_requests_of_two_services_none_is_signed_by_the_rules_of_the_other() {
    let server = WireServer::start(|request| {
        let secret = secrets::SECRET_ACCESS_KEY;
        let verdict = oracle::verify(&request.head(), request.body(), secret);
        match verdict {
            Ok(verified) => WireResponse::new(200).body(verified.service),
            Err(why) => WireResponse::new(403).body(why),
        }
    })
    .await;
    let services = ["s3", "execute-api"];
    let gateway = serve(
        &services
            .map(|service| route(service, &server.url(), ""))
            .concat(),
    )
    .await;
    let address = gateway.addresses()[0];
    let threads: Vec<_> = (0..THREADS)
        .map(|number| {
            let service = services[number % services.len()];
            thread::spawn(move || ask(address, service, number))
        })
        .collect();
    let bad = tokio::task::spawn_blocking(move || {
        let answers = threads.into_iter().map(|thread| thread.join().unwrap());
        answers.collect::<Vec<_>>().concat()
    });
    let bad = bad.await.unwrap();
    assert_eq!(bad, [""; 0]);
    assert_eq!(server.requests().len(), THREADS * EACH);
}

/// Sends one request after the other over one connection, and returns the answers that are bad.
fn ask(address: SocketAddr, service: &str, number: usize) -> Vec<String> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(patience::LIMIT)).unwrap();
    let mut bad = Vec::new();
    for at in 0..EACH {
        let path = PATHS[(at + number) % PATHS.len()];
        let request = format!(
            "PUT /{service}/{path}?n=a%20{at} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n\
             {at:04}"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let answer = read(&mut stream);
        if !(answer.starts_with("HTTP/1.1 200") && answer.ends_with(&format!("\r\n\r\n{service}")))
        {
            bad.push(format!("{service} {path}: {answer}"));
        }
    }
    bad
}

fn read(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let count = stream.read(&mut piece).unwrap();
        answer.extend_from_slice(&piece[..count]);
        let text = String::from_utf8_lossy(&answer);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            assert_ne!(count, 0, "{text}");
            continue;
        };
        let head = head.to_ascii_lowercase();
        let length = head.split("content-length: ").nth(1).unwrap_or("0");
        let length = length.lines().next().unwrap_or("0").trim().parse().unwrap();
        if count == 0 || body.len() >= length {
            return text.into_owned();
        }
    }
}
