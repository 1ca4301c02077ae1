//! What comes back for each mistake.

use kms_sign::mistakes::Mistake;
use kms_sign::mistakes::Mistakes;
use local_aws::LocalAws;

use crate::credentials;

const MISMATCH: &str = "The request signature we calculated does not match";

#[tokio::test]
async fn each_is_refused_for_its_own_reason() {
    let aws = LocalAws::start().await.unwrap();
    let mistakes = Mistakes::new(&aws.url(), "us-east-1", credentials()).unwrap();
    for (mistake, code, message, is_signed_right) in [
        (
            Mistake::ReformattedJson,
            "InvalidSignatureException",
            MISMATCH,
            false,
        ),
        (
            Mistake::StaleDate,
            "InvalidSignatureException",
            "Signature expired: ",
            false,
        ),
        (
            Mistake::UnsignedQuery,
            "InvalidSignatureException",
            MISMATCH,
            false,
        ),
        (Mistake::MissingComma, "SerializationException", "", true),
        (
            Mistake::ActionInQuery,
            "UnknownOperationException",
            "",
            true,
        ),
    ] {
        let refusal = mistakes.make(mistake).await.unwrap();
        assert_eq!(refusal.status(), 400, "{mistake}");
        assert_eq!(refusal.code(), Some(code), "{mistake}");
        let said = refusal.message().unwrap_or_default();
        assert!(said.starts_with(message), "{mistake}: {said}");
        let seen = aws.seen().pop().unwrap();
        assert_eq!(seen.refused.is_none(), is_signed_right, "{mistake}");
    }
}

#[tokio::test]
async fn what_is_sent_is_what_the_mistake_is() {
    let aws = LocalAws::start().await.unwrap();
    let mistakes = Mistakes::new(&aws.url(), "us-east-1", credentials()).unwrap();
    mistakes.make_none().await.unwrap();
    for mistake in Mistake::ALL {
        mistakes.make(mistake).await.unwrap();
    }
    let seen = aws.seen();
    let [right, json, stale, query, comma, action, hidden] = &seen[..] else {
        unreachable!("one request for each: {seen:?}")
    };
    let parse = serde_json::from_slice::<serde_json::Value>;
    assert_ne!(json.body, right.body);
    assert_eq!(parse(&json.body).unwrap(), parse(&right.body).unwrap());
    assert_eq!(stale.body, right.body);
    assert!(stale.headers["x-amz-date"].as_bytes() < right.headers["x-amz-date"].as_bytes());
    assert_eq!(query.target, "/?Action=Sign&Version=2014-11-01");
    assert_eq!(query.body, right.body);
    assert_eq!(comma.body.len(), right.body.len() - 1);
    assert!(parse(&comma.body).is_err());
    assert_eq!(action.target, query.target);
    assert!(!action.headers.contains_key("x-amz-target"));
    assert_eq!(action.body, right.body);
    assert!(hidden.refused.is_some());
}

#[tokio::test]
async fn without_them_only_the_key_is_missing() {
    let aws = LocalAws::start().await.unwrap();
    let mistakes = Mistakes::new(&aws.url(), "us-east-1", credentials()).unwrap();
    let refusal = mistakes.make_none().await.unwrap();
    assert_eq!(refusal.code(), Some("NotFoundException"));
}

#[tokio::test]
async fn a_gateway_hides_code_and_message() {
    let aws = LocalAws::start().await.unwrap();
    let mistakes = Mistakes::new(&aws.url(), "us-east-1", credentials()).unwrap();
    let refusal = mistakes.make(Mistake::HiddenAnswer).await.unwrap();
    assert_eq!((refusal.status().as_u16(), refusal.code()), (403, None));
    let advice = refusal.advice().unwrap();
    assert!(
        advice.contains("something between here and AWS"),
        "{advice}"
    );
    let reason = aws.seen().pop().unwrap().refused.unwrap();
    assert!(reason.starts_with("Signature expired"), "{reason}");
}
