//! What is asked again, and what is not.

use std::collections::HashSet;
use std::error::Error as StdError;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use bedrock_chat::client::Error;
use bedrock_chat::client::RetryPolicy;
use local_aws::LocalAws;
use local_aws::bedrock::Break;
use local_aws::bedrock::Turn;
use tokio::io::copy_bidirectional;
use tokio::net::TcpListener;
use tokio::net::TcpSocket;
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::fixture::ANSWER;
use crate::fixture::Pauses;
use crate::fixture::Ticking;
use crate::fixture::builder;
use crate::fixture::client;
use crate::fixture::question;
use crate::fixture::read;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn what_is_throttled_is_asked_again_each_time_signed_anew() {
    let aws = LocalAws::start().await.unwrap();
    let (pauses, told) = (Pauses::default(), Arc::new(Mutex::new(Vec::new())));
    let hook = Arc::clone(&told);
    let client = builder(&aws.url())
        .clock(Ticking::default())
        .runtime(pauses.clone())
        .random(|| 0.5)
        .retry(RetryPolicy::new().base(SECOND))
        .on_retry(move |retry| hook.lock().unwrap().push((retry.attempt, retry.pause)))
        .build()
        .unwrap();
    for _ in 0..3 {
        aws.bedrock().next(Turn::throttled());
    }
    let mut stream = client.converse_stream(&question()).await.unwrap();
    let (text, end) = read(&mut stream).await;
    end.unwrap();
    assert_eq!(text, ANSWER);

    let seen = aws.seen();
    let headers = |name: &str| seen.iter().map(|seen| seen.headers[name].clone()).collect();
    let signatures: HashSet<_> = headers("authorization");
    let dates: HashSet<_> = headers("x-amz-date");
    assert_eq!((seen.len(), signatures.len(), dates.len()), (4, 4, 4));
    assert!(seen.iter().all(|seen| seen.refused.is_none()));
    assert_eq!(pauses.all(), [SECOND / 2, SECOND, SECOND * 2]);
    let told = told.lock().unwrap().clone();
    assert_eq!(told, [(1, SECOND / 2), (2, SECOND), (3, SECOND * 2)]);
}

#[tokio::test]
async fn only_what_may_pass_is_asked_again() {
    for (status, code, is_asked_again) in [
        (429, "ThrottlingException", true),
        (429, "ModelNotReadyException", true),
        (503, "ServiceUnavailableException", true),
        (503, "ServiceUnavailable", true),
        (500, "InternalServerException", true),
        (500, "InternalFailure", true),
        (502, "SomethingNew", true),
        (400, "ThrottlingException", true),
        (400, "ValidationException", false),
        (400, "ServiceQuotaExceededException", false),
        (403, "AccessDeniedException", false),
        (404, "ResourceNotFoundException", false),
        (408, "ModelTimeoutException", false),
        (424, "ModelErrorException", false),
    ] {
        let aws = LocalAws::start().await.unwrap();
        aws.bedrock().next(Turn::refused(status, code, "No."));
        let answer = client(&aws).converse(&question()).await;
        assert_eq!(answer.is_ok(), is_asked_again, "{code}");
        assert_eq!(aws.seen().len(), 1 + usize::from(is_asked_again), "{code}");
    }
}

#[tokio::test]
async fn the_last_refusal_is_the_error() {
    let aws = LocalAws::start().await.unwrap();
    for _ in 0..9 {
        aws.bedrock().next(Turn::throttled());
    }
    let client = builder(&aws.url()).runtime(Pauses::default());
    let client = client
        .retry(RetryPolicy::new().attempts(3))
        .build()
        .unwrap();
    let error = client.converse(&question()).await.unwrap_err();
    assert_eq!(
        error.service().and_then(|told| told.code()),
        Some("ThrottlingException")
    );
    assert_eq!(aws.seen().len(), 3);
}

#[tokio::test]
async fn an_answer_says_how_long_to_wait() {
    for (seconds, is_asked_again) in [(7, true), (61, false)] {
        let aws = LocalAws::start().await.unwrap();
        let pauses = Pauses::default();
        let client = builder(&aws.url()).runtime(pauses.clone()).build().unwrap();
        aws.bedrock().next(Turn::throttled_for(seconds));
        let answer = client.converse(&question()).await;
        assert_eq!(answer.is_ok(), is_asked_again, "{seconds}");
        let expected = if is_asked_again {
            vec![SECOND * 7]
        } else {
            vec![]
        };
        assert_eq!(pauses.all(), expected);
    }
}

#[tokio::test]
async fn a_connection_that_fails_before_the_answer_is_made_again() {
    let aws = LocalAws::start().await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let behind = aws.url().trim_start_matches("http://").to_owned();
    tokio::spawn(async move {
        for number in 0.. {
            let (mut connection, _) = listener.accept().await.unwrap();
            if number < 2 {
                // Read, so that the request was sent, and closed without an answer.
                connection.readable().await.unwrap();
                continue;
            }
            let mut server = TcpStream::connect(&behind).await.unwrap();
            let _ = copy_bidirectional(&mut connection, &mut server).await;
        }
    });
    let client = builder(&url).runtime(Pauses::default()).build().unwrap();
    let mut stream = client.converse_stream(&question()).await.unwrap();
    assert_eq!(read(&mut stream).await.0, ANSWER);
}

#[tokio::test]
async fn silence_instead_of_an_answer_is_asked_again() {
    for (name, silent, is_answered) in [("once", 1, true), ("always", 4, false)] {
        let (aws, pauses) = (LocalAws::start().await.unwrap(), Pauses::default());
        let (url, mut arrived) = silent_at_first(&aws, silent).await;
        let client = builder(&url).runtime(pauses.clone()).build().unwrap();
        let (question, limit) = (question(), SECOND * 120);
        let reaching = async {
            for _ in 0..silent {
                arrived.recv().await.unwrap();
                assert_eq!(pauses.limit(), Some(limit), "{name}");
                pauses.reach_limit();
            }
        };
        let (answer, ()) = tokio::join!(client.converse_stream(&question), reaching);
        match answer {
            Ok(mut stream) => assert_eq!(read(&mut stream).await.0, ANSWER, "{name}"),
            Err(error) => {
                assert!(!is_answered, "{name}: {error:?}");
                assert!(matches!(error, Error::NoAnswer(after) if after == limit));
                assert_eq!(error.to_string(), "no answer came for 120s");
            }
        }
        assert_eq!(pauses.all().len(), silent.min(3), "{name}");
        assert_eq!(aws.seen().len(), usize::from(is_answered), "{name}");
    }
}

#[tokio::test]
async fn a_whole_answer_has_its_time_and_is_not_asked_for_again() {
    let (aws, pauses) = (LocalAws::start().await.unwrap(), Pauses::default());
    let (url, mut arrived) = silent_at_first(&aws, 1).await;
    let client = builder(&url).runtime(pauses.clone()).build().unwrap();
    let (question, hour) = (question(), SECOND * 3_600);
    let reaching = async {
        arrived.recv().await.unwrap();
        assert_eq!(pauses.limit(), Some(hour));
        pauses.reach_limit();
    };
    let (answer, ()) = tokio::join!(client.converse(&question), reaching);
    let error = answer.unwrap_err();
    assert!(
        matches!(error, Error::NoAnswer(after) if after == hour),
        "{error:?}"
    );
    assert!(pauses.all().is_empty() && aws.seen().is_empty());
}

/// Passes everything on, but says nothing to the first so many connections. Returns where it is, and
/// what tells when one of these was asked something.
async fn silent_at_first(aws: &LocalAws, silent: usize) -> (String, mpsc::Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let behind = aws.url().trim_start_matches("http://").to_owned();
    let (sender, arrived) = mpsc::channel(1);
    tokio::spawn(async move {
        let mut open = Vec::new();
        for number in 0.. {
            let (mut connection, _) = listener.accept().await.unwrap();
            if number < silent {
                connection.readable().await.unwrap();
                open.push(connection);
                sender.send(()).await.unwrap();
                continue;
            }
            let mut server = TcpStream::connect(&behind).await.unwrap();
            let _ = copy_bidirectional(&mut connection, &mut server).await;
        }
    });
    (url, arrived)
}

#[tokio::test]
async fn nobody_there_is_an_error_in_the_end() {
    // It has the port, so that nobody else gets it, and does not listen.
    let nobody = TcpSocket::new_v4().unwrap();
    nobody.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let gone = nobody.local_addr().unwrap();
    let pauses = Pauses::default();
    let client = builder(&format!("http://{gone}")).runtime(pauses.clone());
    let error = client
        .build()
        .unwrap()
        .converse(&question())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Transport(_)), "{error:?}");
    let cause = error.source().unwrap().to_string();
    assert_eq!(cause, "127.0.0.1 cannot be reached");
    assert_eq!(pauses.all().len(), 3);
}

#[tokio::test]
async fn nothing_is_asked_again_once_the_answer_has_begun() {
    let throttling = |after| Turn::Breaks {
        after,
        how: Break::Exception {
            name: "throttlingException".to_owned(),
            message: "Too many tokens.".to_owned(),
        },
    };
    let breaks = |after, how| Turn::Breaks { after, how };
    for (name, turn, said) in [
        ("throttled before the first token", throttling(0), ""),
        ("throttled behind it", throttling(2), "You "),
        ("cut before the first token", breaks(1, Break::Cut), ""),
        ("cut behind it", breaks(3, Break::Cut), "You asked "),
        ("truncated", breaks(3, Break::Truncated), "You asked "),
        ("ended", breaks(3, Break::Ended), "You asked "),
        ("nothing at all", breaks(0, Break::Ended), ""),
    ] {
        let aws = LocalAws::start().await.unwrap();
        let pauses = Pauses::default();
        let client = builder(&aws.url()).runtime(pauses.clone()).build().unwrap();
        aws.bedrock().next(turn);
        let mut stream = client.converse_stream(&question()).await.unwrap();
        let (text, end) = read(&mut stream).await;
        assert!(end.is_err(), "{name}");
        assert_eq!(text, said, "{name}");
        assert!(stream.next().await.unwrap().is_none(), "{name}");
        assert_eq!((aws.seen().len(), pauses.all().len()), (1, 0), "{name}");
    }
}
