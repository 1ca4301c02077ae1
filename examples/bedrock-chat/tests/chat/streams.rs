//! Answers while they are made, and how they end.

use std::time::Duration;

use bedrock_chat::client::Error;
use bedrock_chat::client::InvokeRequest;
use bedrock_chat::client::StopReason;
use bedrock_chat::client::StreamEvent;
use local_aws::LocalAws;
use local_aws::bedrock::Break;
use local_aws::bedrock::Turn;
use serde_json::json;
use sigv4_core::EventErrorKind;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::fixture::MODEL;
use crate::fixture::Pauses;
use crate::fixture::builder;
use crate::fixture::client;
use crate::fixture::question;
use crate::fixture::read;
use crate::fixture::until;

const TWO_MINUTES: Duration = Duration::from_secs(120);

#[tokio::test]
async fn tells_everything_in_its_order() {
    let aws = LocalAws::start().await.unwrap();
    aws.bedrock().next(Turn::Says("Blue sky".to_owned()));
    let mut stream = client(&aws).converse_stream(&question()).await.unwrap();
    assert_eq!(
        stream.request_id(),
        Some("00000000-0000-4000-8000-000000000001")
    );
    let mut told = Vec::new();
    while let Some(event) = stream.next().await.unwrap() {
        told.push(match event {
            StreamEvent::MessageStart { role } => format!("start {role}"),
            StreamEvent::Text { index, text } => format!("{index} {text}"),
            StreamEvent::ContentBlockStop { index } => format!("end {index}"),
            StreamEvent::MessageStop { reason } => {
                assert_eq!(reason, StopReason::EndTurn);
                "stop".to_owned()
            }
            StreamEvent::Metadata { usage, metrics } => {
                format!(
                    "{} {} {}",
                    usage.input_tokens, usage.output_tokens, metrics.latency_ms
                )
            }
            event => format!("{event:?}"),
        });
    }
    assert_eq!(
        told,
        [
            "start assistant",
            "0 Blue ",
            "0 sky",
            "end 0",
            "stop",
            "1 2 42"
        ]
    );
    assert!(stream.next().await.unwrap().is_none());
}

#[tokio::test]
async fn gives_each_word_when_it_comes() {
    let aws = LocalAws::start().await.unwrap();
    aws.bedrock().next(Turn::Held);
    let mut stream = client(&aws).converse_stream(&question()).await.unwrap();
    for expected in [None, Some("You "), Some("asked ")] {
        // What is dropped while it waits loses nothing.
        let early = timeout(Duration::from_millis(20), stream.next()).await;
        assert!(early.is_err(), "{early:?} before it was sent");
        aws.bedrock().release(1);
        match (stream.next().await.unwrap().unwrap(), expected) {
            (StreamEvent::Text { text, .. }, Some(expected)) => assert_eq!(text, expected),
            (StreamEvent::MessageStart { .. }, None) => {}
            other => unreachable!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn says_how_it_broke_off() {
    let text = "The system is too busy.".to_owned();
    let aws = LocalAws::start().await.unwrap();
    let client = client(&aws);
    for (name, code) in [
        ("throttlingException", "ThrottlingException"),
        ("modelStreamErrorException", "ModelStreamErrorException"),
        ("newException", "NewException"),
    ] {
        let (name, message) = (name.to_owned(), text.clone());
        let how = Break::Exception { name, message };
        aws.bedrock().next(Turn::Breaks { after: 2, how });
        let mut stream = client.converse_stream(&question()).await.unwrap();
        let error = read(&mut stream).await.1.unwrap_err();
        let told = error.service().unwrap();
        assert_eq!((told.code(), told.message()), (Some(code), Some(&*text)));
        assert_eq!(told.request_id(), stream.request_id());
        assert!(told.is_in_stream());
        assert_eq!(error.to_string(), format!("{code}: {text}"));
    }

    let (code, message) = ("InternalError".to_owned(), text.clone());
    let how = Break::Error { code, message };
    aws.bedrock().next(Turn::Breaks { after: 2, how });
    let error = read(&mut client.converse_stream(&question()).await.unwrap())
        .await
        .1
        .unwrap_err();
    assert_eq!(error.to_string(), format!("InternalError: {text}"));

    for (how, kind) in [
        (Break::Truncated, Some(EventErrorKind::Truncated)),
        (Break::Damaged, Some(EventErrorKind::Checksum)),
        (Break::Cut, Some(EventErrorKind::Body)),
        (Break::Ended, None),
    ] {
        aws.bedrock().next(Turn::Breaks {
            after: 2,
            how: how.clone(),
        });
        let mut stream = client.converse_stream(&question()).await.unwrap();
        match (read(&mut stream).await.1.unwrap_err(), kind) {
            (Error::Stream(error), Some(kind)) => assert_eq!(error.kind(), kind, "{how:?}"),
            (Error::Incomplete, None) => {}
            (error, _) => unreachable!("{how:?}: {error:?}"),
        }
    }
}

#[tokio::test]
async fn an_answer_without_its_figures_is_complete() {
    let aws = LocalAws::start().await.unwrap();
    let how = Break::Ended;
    aws.bedrock().next(Turn::Breaks { after: 11, how });
    let mut stream = client(&aws).converse_stream(&question()).await.unwrap();
    let (text, end) = read(&mut stream).await;
    end.unwrap();
    assert_eq!(text, crate::fixture::ANSWER);
}

#[tokio::test]
async fn does_not_wait_for_ever() {
    let (aws, pauses) = (LocalAws::start().await.unwrap(), Pauses::default());
    aws.bedrock().next(Turn::Held);
    aws.bedrock().release(2);
    let client = builder(&aws.url()).runtime(pauses.clone()).build().unwrap();
    let mut stream = client.converse_stream(&question()).await.unwrap();
    for _ in 0..2 {
        stream.next().await.unwrap().unwrap();
    }
    let ending = async { tokio::join!(stream.next(), async { pauses.reach_limit() }) };
    let (end, ()) = timeout(Duration::from_secs(60), ending).await.unwrap();
    assert!(matches!(end, Err(Error::Idle(TWO_MINUTES))), "{end:?}");
    assert!(stream.next().await.unwrap().is_none());
    // What was said was said.
    assert_eq!((aws.seen().len(), pauses.all().len()), (1, 0));
}

#[tokio::test]
async fn does_not_wait_for_ever_for_the_rest_of_a_whole_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut open = Vec::new();
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            connection.read_u8().await.unwrap();
            let half = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{";
            connection.write_all(half).await.unwrap();
            open.push(connection);
        }
    });
    let (pauses, time) = (Pauses::default(), Duration::from_secs(200));
    let client = builder(&url).runtime(pauses.clone()).idle_timeout(time);
    let client = client.build().unwrap();
    let (question, invoke) = (
        question(),
        InvokeRequest::json(MODEL, &json!({"prompt": "Why?"})),
    );
    for name in ["converse", "invoke", "list"] {
        let asking = async {
            match name {
                "converse" => client.converse(&question).await.err(),
                "invoke" => client.invoke_model(&invoke).await.err(),
                _ => client.list_foundation_models().await.err(),
            }
        };
        let reaching = async {
            until("the head", || pauses.limit() == Some(time)).await;
            pauses.reach_limit();
        };
        let (error, ()) = tokio::join!(asking, reaching);
        assert!(
            matches!(error, Some(Error::Idle(after)) if after == time),
            "{name}: {error:?}"
        );
        // For the next one, the last of this one is none.
        pauses.forget();
    }
    assert!(pauses.all().is_empty());
}

#[tokio::test]
async fn what_is_dropped_closes_its_connection() {
    let aws = LocalAws::start().await.unwrap();
    aws.bedrock().next(Turn::Held);
    aws.bedrock().release(2);
    let mut stream = client(&aws).converse_stream(&question()).await.unwrap();
    stream.next().await.unwrap();
    drop(stream);
    until("the end of the stream", || aws.bedrock().left() == 1).await;
}

#[tokio::test]
async fn a_stream_in_a_models_own_format_breaks_off_likewise() {
    let aws = LocalAws::start().await.unwrap();
    let client = client(&aws);
    let request = InvokeRequest::json(MODEL, &json!({"prompt": "Why?"}));
    for how in [Break::Truncated, Break::Cut] {
        aws.bedrock().next(Turn::Breaks { after: 1, how });
        let mut stream = client
            .invoke_model_with_response_stream(&request)
            .await
            .unwrap();
        assert!(stream.next().await.unwrap().is_some());
        assert!(matches!(stream.next().await, Err(Error::Stream(_))));
        assert!(stream.next().await.unwrap().is_none());
    }
    assert_eq!(aws.seen().len(), 2);
}
