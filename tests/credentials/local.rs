//! Providers that need neither files of AWS nor an HTTP client.

use std::collections::HashMap;

use serde_json::Value;
use sigv4_tests::secrets;

use crate::helper::Order;

/// Fetches with these variables and no others.
async fn fetch(what: &str, variables: &[(&str, &str)]) -> Value {
    let home = tempfile::tempdir().unwrap();
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let order = Order {
        providers: "local".to_owned(),
        what: what.to_owned(),
        source: r#"{"type":"environment"}"#.to_owned(),
        hosts: HashMap::new(),
    };
    let variables = variables.iter().map(owned).collect();
    let answer = order.run(home.path(), &variables).await;
    secrets::assert_no_secret(&answer.to_string());
    answer
}

const ID: (&str, &str) = ("AWS_ACCESS_KEY_ID", secrets::ACCESS_KEY_ID);
const SECRET: (&str, &str) = ("AWS_SECRET_ACCESS_KEY", secrets::SECRET_ACCESS_KEY);
const TOKEN: (&str, &str) = ("AWS_SESSION_TOKEN", secrets::SESSION_TOKEN);

#[tokio::test]
async fn reads_the_environment() {
    for (name, variables, has_token) in [
        ("keys", &[ID, SECRET][..], false),
        ("a token", &[ID, SECRET, TOKEN], true),
        (
            "an empty token",
            &[ID, SECRET, ("AWS_SESSION_TOKEN", "")],
            false,
        ),
    ] {
        let found = fetch("credentials", variables).await;
        assert_eq!(found["id"], ID.1, "{name}");
        assert_eq!(found["token"].is_string(), has_token, "{name}");
        assert_eq!(found["provider"], "EnvironmentVariable", "{name}");
    }
}

#[tokio::test]
async fn tells_half_a_pair_from_nothing() {
    for (name, variables, class) in [
        ("nothing", &[][..], "not loaded"),
        (
            "blanks",
            &[("AWS_ACCESS_KEY_ID", " "), ("AWS_SECRET_ACCESS_KEY", "")],
            "not loaded",
        ),
        ("an id", &[ID], "configuration"),
        ("a secret", &[SECRET], "configuration"),
    ] {
        assert_eq!(
            fetch("credentials", variables).await["class"],
            class,
            "{name}"
        );
    }
}

#[tokio::test]
async fn takes_the_region_from_the_environment() {
    let (first, second) = (
        ("AWS_REGION", "us-west-1"),
        ("AWS_DEFAULT_REGION", "us-west-2"),
    );
    assert_eq!(fetch("region", &[first, second]).await["id"], "us-west-1");
    assert_eq!(
        fetch("region", &[("AWS_REGION", ""), second]).await["id"],
        "us-west-2"
    );
    let nowhere = fetch("region", &[]).await;
    assert!(
        nowhere["text"].as_str().unwrap().contains("`AWS_REGION`"),
        "{nowhere}"
    );
    let wrong = fetch("region", &[("AWS_REGION", "us west")]).await;
    assert_eq!(wrong["class"], "region", "{wrong}");
}
