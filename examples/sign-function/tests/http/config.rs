//! What a configuration file says wrong.

use std::path::Path;

use http::StatusCode;
use sign_function::callers::Callers;
use sign_function::config::Config;

use crate::fixture::KEY;
use crate::fixture::Served;
use crate::fixture::credentials;

const README: &str = include_str!("../../README.md");

const LIST: &str =
    "{ services: [s3], regions: [eu-west-1], hosts: [s3.amazonaws.com], methods: [GET] }";

fn caller(name: &str, key: &str) -> String {
    format!("  - name: {name}\n    key: {key}\n    allow: {LIST}\n")
}

#[test]
fn says_where_a_file_is_wrong() {
    let in_list = |from: &str, to: &str| {
        let list = LIST.replace(from, to);
        format!(
            "anyone:\n  {}\n",
            list[2..list.len() - 2].replace("], ", "]\n  ")
        )
    };
    for (name, text, place, part) in [
        (
            "nobody",
            "listen: 127.0.0.1:0\n".to_owned(),
            "test.yaml: ",
            "lets nobody call",
        ),
        (
            "an unknown field",
            "anyones: 1\n".to_owned(),
            "test.yaml:1:1",
            "anyones",
        ),
        (
            "a field twice",
            "listen: 127.0.0.1:1\nlisten: 127.0.0.1:2\n".to_owned(),
            "test.yaml:2:1",
            "",
        ),
        ("no YAML", "callers: [\n".to_owned(), "test.yaml:", ""),
        (
            "no address",
            "listen: here\n".to_owned(),
            "test.yaml:1:9",
            "",
        ),
        (
            "no services",
            in_list("[s3]", "[]"),
            "test.yaml:2:",
            "name some",
        ),
        (
            "services left out",
            "anyone: { hosts: [a.example.com] }\n".to_owned(),
            "test.yaml:1:",
            "services",
        ),
        (
            "half a name",
            in_list("[eu-west-1]", "['eu-*']"),
            "test.yaml:3:",
            "`*` stands alone",
        ),
        (
            "a star for hosts",
            in_list("[s3.amazonaws.com]", "['*']"),
            "test.yaml:4:",
            "two labels",
        ),
        (
            "a star before one label",
            in_list("[s3.amazonaws.com]", "['*.com']"),
            "test.yaml:4:",
            "two labels",
        ),
        (
            "a star within a label",
            in_list("[s3.amazonaws.com]", "['a*.example.com']"),
            "test.yaml:4:",
            "whole label",
        ),
        (
            "a URL for a host",
            in_list("[s3.amazonaws.com]", "['https://a.example.com']"),
            "test.yaml:4:",
            "without scheme",
        ),
        (
            "a key without quotes",
            format!("callers:\n{}", caller("a", "1234567890123456")),
            "test.yaml:3:",
            "quotes",
        ),
        (
            "an unknown source",
            "credentials: { type: keychain }\n".to_owned(),
            "test.yaml:1:",
            "keychain",
        ),
        (
            "a word for a number",
            "limits: { body_bytes: many }\n".to_owned(),
            "test.yaml:1:",
            "",
        ),
    ] {
        let error = Config::parse(&text, "test.yaml").unwrap_err().to_string();
        assert!(error.starts_with(place), "{name}: {error}");
        assert!(error.contains(part), "{name}: {error}");
        assert!(!error.contains("1234567890123456"), "{name}: {error}");
        assert!(!error.contains('\n'), "{name}: {error}");
    }
    let error = Config::load(Path::new("/no/such/file")).unwrap_err();
    assert!(error.to_string().contains("/no/such/file"), "{error}");
}

#[test]
fn refuses_keys_that_are_none() {
    let keys = |keys: &[(&str, &str)]| {
        let callers = keys.iter().map(|(name, key)| caller(name, key));
        let text = format!("callers:\n{}", callers.collect::<String>());
        let config = Config::parse(&text, "test.yaml").unwrap();
        Callers::new(&config.callers, None)
    };
    for (name, callers, part) in [
        ("short", &[("a", "fifteen-letters")][..], "fewer than 16"),
        ("empty", &[("a", "''")], "fewer than 16"),
        (
            "with a blank",
            &[("a", "'sixteen letters and more'")],
            "cannot be sent",
        ),
        (
            "with an umlaut",
            &[("a", "sechzehn-schlüssel-zeichen")],
            "cannot be sent",
        ),
        (
            "from nowhere",
            &[("a", "env:SIGN_FUNCTION_NO_SUCH_KEY")],
            "cannot be read",
        ),
        (
            "twice",
            &[("a", "sixteen-letters-a"), ("b", "sixteen-letters-a")],
            "\"b\" has the key",
        ),
        (
            "a name twice",
            &[("a", "sixteen-letters-a"), ("a", "sixteen-letters-b")],
            "has the name",
        ),
    ] {
        let error = keys(callers).unwrap_err().to_string();
        assert!(error.contains(part), "{name}: {error}");
        for (_, key) in callers {
            assert!(
                key.len() < 4 || !error.contains(key.trim_matches('\'')),
                "{name}: {error}"
            );
        }
    }
    let fine = keys(&[("a", "sixteen-letters-"), ("b", "sixteen-letters+")]).unwrap();
    let text = format!("{fine:?}");
    assert!(!text.contains("sixteen"), "{text}");
}

#[test]
fn reads_the_examples_of_the_documentation() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    Config::load(&folder.join("azure/sign.yaml")).unwrap();

    Config::parse(&of_the_readme(), "README.md").unwrap();
}

/// Returns the file that the README shows, with a key in it.
fn of_the_readme() -> String {
    let block = README.split("```yaml\n# sign.yaml").nth(1);
    let yaml = block.and_then(|rest| rest.split("```").next());
    let yaml = yaml.expect("the README has a block of it");
    let written = "env:ORDERS_WORKFLOW_KEY";
    assert_eq!(yaml.matches(written).count(), 1);
    yaml.replace(written, KEY)
}

/// What `curl` sends in the README, with the file that stands there, but for who signs.
#[tokio::test]
async fn signs_the_request_of_the_documentation() {
    let yaml = of_the_readme();
    let (yaml, _) = yaml.split_once("\ncredentials:").unwrap();
    let yaml = yaml.replace("127.0.0.1:8080", "127.0.0.1:0");
    let served = Served::start(&format!("{yaml}\n{}", credentials())).await;
    let bodies = README.split("-d '").skip(1);
    let mut count = 0;
    for body in bodies.map(|rest| rest.split_once('\'').unwrap().0) {
        let request = serde_json::from_str(body).unwrap();
        let answer = served.sign(&request).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.json);
        count += 1;
    }
    assert_eq!(count, 1);
}
