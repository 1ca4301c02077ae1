//! Tokens for what does not take a signed request: they are those of the generators that AWS
//! publishes, hold as long, and are made of nothing that could be something else.

use std::collections::BTreeMap;
use std::time::Duration;
use std::time::SystemTime;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sigv4_core::ConfigError;
use sigv4_core::ErrorKind;
use sigv4_core::tokens;
use sigv4_core::tokens::PostForm;
use sigv4_core::tokens::PostPolicy;
use sigv4_core::tokens::Token;
use sigv4_core::tokens::TokenSigner;
use sigv4_tests::secrets::SECRET_ACCESS_KEY;
use sigv4_tests::secrets::assert_no_secret;
use sigv4_tests::secrets::assert_no_secret_nor;
use sigv4_tests::secrets::credentials;
use sigv4_tests::secrets::temporary_credentials;

use crate::fixture::REGION;
use crate::fixture::hour;
use crate::fixture::now;
use crate::token_facts;
use crate::token_facts::LONG_TERM;
use crate::token_facts::both;

const RDS: &str = "mydb.123456789012.us-east-1.rds.amazonaws.com";
const RDS_MIXED: &str = "MyDB.Cluster-abc.eu-central-1.rds.amazonaws.com";
const DSQL: &str = "abcd1234.dsql.us-east-1.on.aws";
const IOT: &str = "abc123-ats.iot.us-east-1.amazonaws.com";
const USER: &str = "iam-user-01";

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn made(signer: &TokenSigner) -> Token {
    signer.token(&credentials(), now()).unwrap()
}

/// Takes the presigned URL out of a token.
fn url(token: &str) -> String {
    let decoded = if let Some(key) = token.strip_prefix("bedrock-api-key-") {
        BASE64_STANDARD.decode(key)
    } else if let Some(token) = token.strip_prefix("k8s-aws-v1.") {
        BASE64_URL_SAFE_NO_PAD.decode(token)
    } else if token.contains('?') {
        Ok(token.into())
    } else {
        BASE64_URL_SAFE_NO_PAD.decode(token)
    };
    String::from_utf8(decoded.unwrap()).unwrap()
}

/// Takes a URL apart: what stands before the query, and the parameters, sorted. They are compared
/// in their encoded form. What names the program that made the token is left out.
fn parts(url: &str) -> (String, Vec<&str>) {
    let (start, query) = url.split_once('?').unwrap();
    let mut parameters: Vec<&str> = query
        .split('&')
        .filter(|parameter| !parameter.starts_with("User-Agent="))
        .collect();
    parameters.sort_unstable();
    (start.to_owned(), parameters)
}

fn parameter<'a>(url: &'a str, name: &str) -> &'a str {
    let pairs = url
        .split(['?', '&'])
        .filter_map(|pair| pair.split_once('='));
    let mut values = pairs.filter(|pair| pair.0 == name).map(|pair| pair.1);
    let value = values.next().unwrap();
    assert_eq!(values.next(), None, "{name} is repeated");
    value
}

#[test]
fn are_those_of_the_generators() {
    let hour = seconds(3600);
    for (fact, signer) in [
        ("rds", tokens::rds(REGION, RDS, 3306, "jane_doe")),
        (
            "rds, awkward",
            tokens::rds("eu-central-1", RDS_MIXED, 5432, "a b+c/d@e:f&g=h%20'ü~"),
        ),
        ("rds, port 443", tokens::rds(REGION, RDS, 443, "jane_doe")),
        ("dsql", tokens::dsql(REGION, DSQL)),
        (
            "dsql, admin",
            tokens::dsql_admin(REGION, DSQL).map(|signer| signer.expires_in(hour)),
        ),
        ("elasticache", tokens::elasticache(REGION, "my-cache", USER)),
        (
            "elasticache, mixed case",
            tokens::elasticache(REGION, "My-Cache", USER),
        ),
        (
            "elasticache, awkward",
            tokens::elasticache(REGION, "my-cache", "a b+c&d=ü"),
        ),
        (
            "elasticache, serverless",
            tokens::elasticache_serverless(REGION, "my-cache", USER),
        ),
        (
            "memorydb",
            tokens::memorydb("eu-west-1", "my-cluster", USER),
        ),
        ("msk", tokens::msk(REGION)),
        ("msk, China", tokens::msk("cn-north-1")),
        ("eks", tokens::eks(REGION, "my-cluster")),
        ("eks, China", tokens::eks("cn-northwest-1", "My_cluster-2")),
        ("eks, Europe", tokens::eks("eusc-de-east-1", "my-cluster")),
        ("bedrock", tokens::bedrock(REGION)),
        (
            "bedrock, an hour",
            tokens::bedrock("eu-west-1").map(|signer| signer.expires_in(hour)),
        ),
        ("iot", tokens::iot(REGION, IOT)),
    ] {
        let signer = signer.unwrap();
        for (name, credentials) in both() {
            let token = signer.token(&credentials, now()).unwrap();
            let expected = token_facts::text(fact, name);
            let (ours, theirs) = (url(token.expose()), url(&expected));
            // They sign the host in lower case, and leave it as it was given. Ours is as it is signed.
            let (start, parameters) = parts(&theirs);
            let theirs = (start.to_ascii_lowercase(), parameters);
            assert_eq!(parts(&ours), theirs, "{fact}, {name}");
        }
    }
}

/// Where a generator sorts its parameters, too, the token is the same to the last byte.
#[test]
fn are_the_same_bytes_where_the_order_is_the_same() {
    let token = made(&tokens::bedrock(REGION).unwrap());
    assert_eq!(token.expose(), token_facts::text("bedrock", LONG_TERM));

    let user_agent = |url: &str| url.find("&User-Agent=").unwrap();
    let token = made(&tokens::msk(REGION).unwrap());
    let (ours, theirs) = (
        url(token.expose()),
        url(&token_facts::text("msk", LONG_TERM)),
    );
    assert_eq!(ours[..user_agent(&ours)], theirs[..user_agent(&theirs)]);
    assert!(parameter(&ours, "User-Agent").starts_with("sigv4-core%2F"));
}

/// The broker of IoT Core is the only one that leaves it out of the signature.
#[test]
fn the_token_of_a_session_is_signed_but_for_iot() {
    let of = |signer: TokenSigner| {
        let token = signer.token(&temporary_credentials(), now()).unwrap();
        let (with, without) = (url(token.expose()), url(made(&signer).expose()));
        parameter(&with, "X-Amz-Security-Token");
        parameter(&with, "X-Amz-Signature") != parameter(&without, "X-Amz-Signature")
    };
    assert!(of(tokens::dsql(REGION, DSQL).unwrap()));
    assert!(of(tokens::eks(REGION, "my-cluster").unwrap()));
    assert!(!of(tokens::iot(REGION, IOT).unwrap()));
}

/// One signer of each kind, and how long its tokens hold, at most, and by their own word.
fn kinds() -> Vec<(&'static str, TokenSigner, u64, u64, u64)> {
    let week = 604_800;
    let quarter =
        |name, signer: Result<TokenSigner, ConfigError>| (name, signer.unwrap(), 900, 900, 900);
    let half_a_day = 43_200;
    vec![
        quarter("rds", tokens::rds(REGION, RDS, 3306, USER)),
        quarter("elasticache", tokens::elasticache(REGION, "c", USER)),
        quarter(
            "elasticache, serverless",
            tokens::elasticache_serverless(REGION, "c", USER),
        ),
        quarter("memorydb", tokens::memorydb(REGION, "c", USER)),
        quarter("msk", tokens::msk(REGION)),
        ("dsql", tokens::dsql(REGION, DSQL).unwrap(), 900, week, 900),
        (
            "dsql, admin",
            tokens::dsql_admin(REGION, DSQL).unwrap(),
            900,
            week,
            900,
        ),
        ("iot", tokens::iot(REGION, IOT).unwrap(), 900, week, 900),
        ("eks", tokens::eks(REGION, "c").unwrap(), 840, 900, 60),
        (
            "bedrock",
            tokens::bedrock(REGION).unwrap(),
            half_a_day,
            half_a_day,
            half_a_day,
        ),
    ]
}

#[test]
fn hold_as_long_as_their_service_says() {
    for (name, signer, default, longest, said) in kinds() {
        let token = made(&signer);
        assert_eq!(token.expires_at(), now() + seconds(default), "{name}");
        let url = url(token.expose());
        assert_eq!(parameter(&url, "X-Amz-Expires"), said.to_string(), "{name}");

        let token = made(&signer.clone().expires_in(seconds(longest)));
        assert_eq!(token.expires_at(), now() + seconds(longest), "{name}");
        let token = made(&signer.clone().expires_in(Duration::from_millis(1_999)));
        assert_eq!(token.expires_at(), now() + seconds(1), "{name}");

        for lifetime in [seconds(longest + 1), Duration::ZERO, Duration::MAX] {
            let signer = signer.clone().expires_in(lifetime);
            let error = signer.token(&credentials(), now()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Expiry, "{name}, {lifetime:?}");
        }
    }
}

#[test]
fn never_outlive_the_credentials() {
    for (name, signer, default, _, _) in kinds() {
        // What the credentials have left, whether to clamp; the seconds that come of it.
        for (left, clamps, expected) in [
            (default, false, Some(default)),
            (default - 1, false, None),
            (default - 1, true, Some(default - 1)),
            (default + 1, true, Some(default)),
            (30, true, Some(30)),
            (0, true, None),
        ] {
            let credentials = temporary_credentials().with_expiry(now() + seconds(left));
            let mut signer = signer.clone();
            if clamps {
                signer = signer.clamp_to_credentials();
            }
            let token = signer.token(&credentials, now());
            let name = format!("{name}, {left} s left, clamped: {clamps}");
            let Some(expected) = expected else {
                assert_eq!(token.unwrap_err().kind(), ErrorKind::Expiry, "{name}");
                continue;
            };
            let token = token.unwrap();
            assert_eq!(token.expires_at(), now() + seconds(expected), "{name}");
            let url = url(token.expose());
            let said: u64 = parameter(&url, "X-Amz-Expires").parse().unwrap();
            assert!(said <= expected, "{name}");
        }
    }
}

#[test]
fn begin_with_the_second_that_they_name() {
    let signer = tokens::dsql(REGION, DSQL).unwrap();
    let later = now() + Duration::from_millis(700);
    let token = signer.token(&credentials(), later).unwrap();
    assert_eq!(token.expose(), made(&signer).expose());
    assert_eq!(token.expires_at(), now() + seconds(900));

    let before = SystemTime::UNIX_EPOCH - seconds(1);
    let error = signer.token(&credentials(), before).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Time);
}

#[test]
fn are_made_for_what_can_be_there() {
    let long = "a".repeat(600);
    let field = |made: Result<TokenSigner, ConfigError>| made.err().map(|error| error.field());
    for host in [
        "",
        "a/b",
        "a?b=c",
        "a#b",
        "user@a",
        "a:1",
        "https://a",
        "a b",
        "a\r\nb",
        "a%2eb",
        "ä.example",
        &long,
    ] {
        assert_eq!(field(tokens::rds(REGION, host, 1, "u")), Some("host"));
        assert_eq!(field(tokens::dsql(REGION, host)), Some("host"));
        assert_eq!(field(tokens::dsql_admin(REGION, host)), Some("host"));
        assert_eq!(field(tokens::iot(REGION, host)), Some("host"), "{host}");
    }
    for cluster in [
        "", "a.b", "a/b", "a?b", "a:1", "a b", "a\n", "a&b", "ä", &long,
    ] {
        let expected = Some("cluster");
        assert_eq!(field(tokens::elasticache(REGION, cluster, "u")), expected);
        let serverless = tokens::elasticache_serverless(REGION, cluster, "u");
        assert_eq!(field(serverless), expected);
        assert_eq!(field(tokens::memorydb(REGION, cluster, "u")), expected);
        assert_eq!(field(tokens::eks(REGION, cluster)), expected, "{cluster}");
    }
    for user in ["", "a\0", "a\r\nb", "\u{85}", &long] {
        let expected = Some("user");
        assert_eq!(field(tokens::rds(REGION, RDS, 1, user)), expected);
        assert_eq!(field(tokens::elasticache(REGION, "c", user)), expected);
        assert_eq!(field(tokens::memorydb(REGION, "c", user)), expected);
    }
    assert_eq!(field(tokens::rds(REGION, RDS, 0, "u")), Some("port"));
    for region in ["", "us east", "us-east-1/x", "*", "a?b"] {
        let expected = Some("region");
        assert_eq!(field(tokens::rds(region, RDS, 1, "u")), expected);
        assert_eq!(field(tokens::dsql(region, DSQL)), expected);
        assert_eq!(field(tokens::memorydb(region, "c", "u")), expected);
        assert_eq!(field(tokens::msk(region)), expected);
        assert_eq!(field(tokens::eks(region, "c")), expected);
        assert_eq!(field(tokens::bedrock(region)), expected);
        assert_eq!(field(tokens::iot(region, IOT)), expected);
        let password = tokens::ses_smtp_password(region, &credentials());
        assert_eq!(password.unwrap_err().field(), "region");
        let policy = PostPolicy::new(region, "bucket", "key");
        assert_eq!(policy.unwrap_err().field(), "region");
    }
}

/// A user is one parameter, whatever its name.
#[test]
fn a_user_cannot_say_more_than_its_name() {
    let signer = tokens::rds(REGION, RDS, 3306, "a&X-Amz-Expires=604800#?DBUser=admin").unwrap();
    let token = made(&signer);
    assert_eq!(
        parameter(token.expose(), "DBUser"),
        "a%26X-Amz-Expires%3D604800%23%3FDBUser%3Dadmin"
    );
    assert_eq!(parameter(token.expose(), "X-Amz-Expires"), "900");
}

#[test]
fn a_password_of_smtp_is_that_of_the_guide() {
    for region in [REGION, "eu-central-1"] {
        let password = tokens::ses_smtp_password(region, &credentials()).unwrap();
        let expected = token_facts::text(&format!("ses, {region}"), LONG_TERM);
        assert_eq!(password.expose(), expected);
        assert_no_secret_nor(&format!("{password:?}"), &[]);
        assert!(!format!("{password:?}").contains(&expected[1..9]));
    }
    let refused = tokens::ses_smtp_password(REGION, &temporary_credentials());
    assert_eq!(refused.unwrap_err().field(), "credentials");
}

fn policy() -> PostPolicy {
    PostPolicy::new(REGION, "examplebucket", "user/eric/${filename}")
        .and_then(|policy| policy.field("acl", "private"))
        .and_then(|policy| policy.starts_with("x-amz-meta-tag", ""))
        .and_then(|policy| policy.starts_with("Content-Type", "image/"))
        .and_then(|policy| policy.content_length_range(1..=10_485_760))
        .unwrap()
}

fn fields(form: &PostForm) -> BTreeMap<String, String> {
    let fields: Vec<_> = form
        .fields()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let count = fields.len();
    let fields = BTreeMap::from_iter(fields);
    assert_eq!(fields.len(), count, "a field is repeated");
    fields
}

#[test]
fn a_form_is_that_of_the_sdk() {
    let key = "übung/\"a\\b\"\n\u{2028}😀/\u{7f}.txt";
    let awkward = PostPolicy::new("eu-central-1", "my.bucket", key)
        .and_then(|policy| policy.field("x-amz-meta-note", "$x é"))
        .unwrap()
        .expires_in(seconds(60));
    for (fact, policy, lifetime) in [("post", policy(), 3600), ("post, awkward", awkward, 60)] {
        for (name, credentials) in both() {
            let form = policy.sign(&credentials, now()).unwrap();
            let expected = token_facts::fact(fact, name);
            let expected: BTreeMap<String, String> = serde_json::from_value(expected).unwrap();
            assert_eq!(fields(&form), expected, "{fact}, {name}");
            assert_eq!(form.expires_at(), now() + seconds(lifetime), "{fact}");
        }
    }
}

#[test]
fn a_form_never_outlives_the_credentials() {
    let credentials = temporary_credentials().with_expiry(now() + seconds(600));
    let error = policy().sign(&credentials, now()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Expiry);
    let form = policy().clamp_to_credentials().sign(&credentials, now());
    let form = form.unwrap();
    assert_eq!(form.expires_at(), now() + seconds(600));
    let policy_text = BASE64_STANDARD.decode(&fields(&form)["policy"]).unwrap();
    let expected = br#"{"expiration":"2015-08-30T12:46:00Z","#;
    assert!(policy_text.starts_with(expected));

    for lifetime in [Duration::ZERO, seconds(604_801)] {
        let policy = policy().expires_in(lifetime);
        let error = policy.sign(&credentials, now()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Expiry);
    }
}

#[test]
fn a_policy_is_made_for_what_can_be_there() {
    let field = |made: Result<PostPolicy, ConfigError>| made.err().map(|error| error.field());
    for bucket in ["", "a/b", "a b", "ä"] {
        assert_eq!(field(PostPolicy::new(REGION, bucket, "k")), Some("bucket"));
    }
    let in_the_middle = ["a/${filename}/b", "${filename}${filename}"];
    for key in ["", &"k".repeat(1025)].iter().chain(&in_the_middle) {
        assert_eq!(field(PostPolicy::new(REGION, "b", key)), Some("key"));
    }
    for name in [
        "",
        "$acl",
        "a b",
        "a\"",
        "ä",
        "bucket",
        "key",
        "Policy",
        "file",
        "X-Amz-Signature",
        "x-amz-date",
        "x-amz-security-token",
        "x-amz-credential",
        "x-amz-algorithm",
    ] {
        assert_eq!(field(policy().field(name, "v")), Some("field"), "{name}");
        assert_eq!(field(policy().starts_with(name, "v")), Some("field"));
    }
    let twice = policy().field("Cache-Control", "a").unwrap();
    assert_eq!(field(twice.field("cache-control", "b")), Some("field"));
    #[expect(clippy::reversed_empty_ranges, reason = "that is what is refused")]
    let refused = policy().content_length_range(2..=1);
    assert_eq!(field(refused), Some("content_length_range"));
    assert!(policy().content_length_range(1..=1).is_ok());
}

/// Neither the text of what is made, nor what it is made of.
#[test]
fn nothing_for_people_holds_a_secret() {
    let credentials = temporary_credentials().with_expiry(now() + hour());
    for (name, signer, ..) in kinds() {
        let signer = signer.clamp_to_credentials();
        let token = signer.token(&credentials, now()).unwrap();
        let url = url(token.expose());
        let text = format!("{signer:?} {signer:#?} {token:?} {token:#?}");
        assert_no_secret_nor(&text, &[parameter(&url, "X-Amz-Signature")]);
        assert!(!text.contains(&token.expose()[..16]), "{name}");
    }

    let name = "x-amz-server-side-encryption-customer-key";
    let policy = policy().field(name, SECRET_ACCESS_KEY).unwrap();
    let form = policy.sign(&credentials, now()).unwrap();
    let text = format!("{policy:?} {policy:#?} {form:?} {form:#?}");
    let fields = fields(&form);
    assert_no_secret_nor(&text, &[&fields["x-amz-signature"]]);
    assert!(!text.contains(&fields["policy"][..16]));
    assert!(text.contains("x-amz-meta-tag") || text.contains(name));

    let error = tokens::rds(REGION, RDS, 1, &format!("{SECRET_ACCESS_KEY}\n")).unwrap_err();
    assert_no_secret(&format!("{error} {error:?}"));
}
