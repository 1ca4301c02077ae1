//! Whole configurations: good ones, each error with its line and field, and that none of it shows a
//! secret.

use std::path::Path;
use std::time::Duration;

use http::Method;
use sigv4_core::PayloadMode;

use super::*;

/// Set by Cargo for every test.
const SET: &str = "CARGO_PKG_DESCRIPTION";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

fn parse(text: &str) -> Result<Config, ConfigErrors> {
    Config::parse(text, "gateway.yaml")
}

/// A route with these lines behind its first three.
fn route(lines: &str) -> String {
    let lines = lines.replace('\n', "\n    ");
    format!("routes:\n  - upstream: https://a.example\n    region: us-east-1\n    {lines}\n")
}

#[test]
fn the_examples_are_good() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    for name in ["api-gateway", "bedrock", "kms", "s3"] {
        let path = folder.join(format!("{name}.yaml"));
        let text = fs::read_to_string(&path).unwrap();
        let config = parse(&text.replace("env:APIM_KEY", &format!("env:{SET}")));
        assert!(config.is_ok(), "{name}: {}", config.unwrap_err());
    }
    let bedrock = Config::load(&folder.join("bedrock.yaml")).unwrap_err();
    assert!(
        bedrock
            .to_string()
            .contains("`APIM_KEY` is not set; set it")
    );
}

#[test]
fn says_all_that_it_does_not_say_itself() {
    let config = parse(&route("service: bedrock")).unwrap();
    let [listener] = &config.listeners[..] else {
        panic!("one listener");
    };
    assert_eq!(
        listener.address,
        Address::Tcp(([127, 0, 0, 1], 8080).into())
    );
    assert!(listener.anonymous);
    let [route] = &config.routes[..] else {
        panic!("one route");
    };
    assert_eq!((&*route.name, &*route.credentials), ("all", "default"));
    assert_eq!(route.matches.path, "/");
    assert_eq!(route.payload, PayloadMode::Hashed);
    assert_eq!(route.body_limit, 10 * 1024 * 1024);
    assert_eq!(route.in_query, None);
    assert_eq!(route.timeouts.connect, Duration::from_secs(5));
    assert_eq!(route.protocol, Protocol::Negotiated);
    assert_eq!(config.credentials[0].source.kind(), "default");
    assert_eq!(config.limits.concurrency, 1024);
}

#[test]
fn the_most_specific_route_comes_first() {
    let route = |name: &str, matches: &str| {
        format!(
            "  - {{ name: {name}, match: {matches}, upstream: 'https://a.example', service: s, \
             region: r }}\n"
        )
    };
    let text = [
        "routes:\n".to_owned(),
        route("all", "/"),
        route("short", "/a"),
        route("long", "/a/b"),
        route("method", "{ path: /a, methods: [GET] }"),
        route("host", "{ path: /, hosts: [localhost] }"),
    ];
    let config = parse(&text.concat()).unwrap();
    let names: Vec<&str> = config.routes.iter().map(|route| &*route.name).collect();
    assert_eq!(names, ["host", "long", "method", "short", "all"]);
    assert_eq!(config.routes[2].matches.methods, [Method::GET]);
}

#[test]
fn each_fault_has_its_line_its_field_and_a_remedy() {
    let full = |lines: &str| route(&format!("service: s3\n{lines}"));
    let more = |lines: &str| format!("{}{lines}\n", route("service: s3"));
    let with_key = "callers: [{ name: a, bearer: t-0123456789abcdef }]";
    let rows: Vec<(&str, String, u64, &str, &str)> = vec![
        ("not YAML", "routes: [".into(), 1, "", "is not YAML"),
        ("twice", "log: {}\nlog: {}".into(), 2, "", "stands here twice"),
        ("unknown field", full("upstraem: x"), 5, "routes[0].upstraem", "`upstream` meant"),
        ("wrong type", full("path: 3"), 5, "routes[0].path", "put it in quotes"),
        ("wrong choice", full("payload: unsinged"), 5, "routes[0].payload", "`unsigned` meant"),
        ("no unit", full("timeouts: { idle: 5 }"), 5, "routes[0].timeouts.idle", "with its unit"),
        ("no routes", "log: {}".into(), 1, "routes", "at least one"),
        ("no upstream", "routes:\n  - { service: s, region: r }".into(), 2, "routes[0].upstream", "is missing"),
        ("no service", route("path: /a"), 2, "routes[0].service", "signing name"),
        ("bad service", route("service: S3"), 4, "routes[0].service", "lower case"),
        ("region set", route("service: s3\nregion_set: '*'"), 5, "routes[0].region_set", "leave one"),
        ("set by sigv4", full("algorithm: sigv4").replace("region: us-east-1", "region_set: '*'"), 3, "routes[0].region_set", "sigv4a"),
        ("set as region", full("").replace("us-east-1", "us-*"), 3, "routes[0].region", "only SigV4A"),
        ("bad match", full("match: a"), 5, "routes[0].match", "such as `/bedrock`"),
        ("dots in match", full("match: { path: /a/../b }"), 5, "routes[0].match.path", "dot segments"),
        ("escapes in match", full("match: /%61"), 5, "routes[0].match", "without escapes"),
        ("small method", full("match: { methods: [get] }"), 5, "routes[0].match.methods[0]", "capitals"),
        ("TRACE", full("match: { methods: [TRACE] }"), 5, "routes[0].match.methods[0]", "never forwarded"),
        ("host with port", full("match: { hosts: ['localhost:80'] }"), 5, "routes[0].match.hosts[0]", "without a port"),
        ("host of nobody", full("match: { hosts: [a.internal] }"), 5, "routes[0].match.hosts[0]", "`hosts` of one"),
        ("plain http", full("").replace("https://a", "http://a"), 2, "routes[0].upstream", "danger_allow_http"),
        ("no URI", full("").replace("https://a.example", "a b"), 2, "routes[0].upstream", "must be a URI"),
        ("bad host", full("host: a/b"), 5, "routes[0].host", "`host:port`"),
        ("HTTP/2 and host", full("host: b.example\nprotocol: http2"), 6, "routes[0].protocol", "`http1`"),
        ("prefix of nothing", full("path: /a\nstrip_prefix: true"), 6, "routes[0].strip_prefix", "leave it out"),
        ("bad path", full("path: a"), 5, "routes[0].path", "begin with a slash"),
        ("limit", full("body_limit: 0"), 5, "routes[0].body_limit", "is 0"),
        ("timeout", full("timeouts: { connect: 0s }"), 5, "routes[0].timeouts.connect", "is 0"),
        ("unsigned", route("service: kms\npayload: unsigned"), 5, "routes[0].payload", "`kms`"),
        ("chunked", route("service: kms\npayload: aws_chunked"), 5, "routes[0].payload", "`kms`"),
        ("chunked in query", full("payload: aws_chunked\nplacement: query"), 5, "routes[0].payload", "in the query"),
        ("chunk", full("payload: { aws_chunked: { chunk_size: 1 } }"), 5, "routes[0].payload.aws_chunked.chunk_size", "8"),
        ("checksum", full("payload: { aws_chunked: { signed: false } }"), 5, "routes[0].payload.aws_chunked.checksum", "crc64nvme"),
        ("long link", full("placement: { query: { expires_in: 8d } }"), 5, "routes[0].placement.query.expires_in", "seven days"),
        ("pattern", full("headers: { exclude: [{ regex: '(' }] }"), 5, "routes[0].headers.exclude[0].regex", "regular expression"),
        ("set header", full("headers: { set: { host: a } }"), 5, "routes[0].headers.set.host", "host"),
        ("variable of a header", full("headers: { set: { x-api-key: 'env:NOT_SET_2' } }"), 5, "routes[0].headers.set.x-api-key", "NOT_SET_2"),
        ("set twice", full("headers: { set: { X-A: a, x-a: b } }"), 5, "routes[0].headers.set.x-a", "leave one"),
        ("allowed anyway", full("headers: { allow: [x-amz-meta-*, '*', x-*, x-amzn-a, cookie] }"), 5, "routes[0].headers.allow[4]", "leave it out"),
        ("parameter that passes", full("query: { allow: [X-Amz-A, versionId] }"), 5, "routes[0].query.allow[1]", "leave it out"),
        ("removed", full("headers: { remove: [content-length] }"), 5, "routes[0].headers.remove", "content-length"),
        ("no credentials", full("credentials: main"), 5, "routes[0].credentials", "not in `credentials`"),
        ("bad role", full("credentials: { type: assume_role, role_arn: a }"), 5, "routes[0].credentials.role_arn", "arn:aws:iam"),
        ("field of role", full("credentials: { type: assume_role, role_arm: a }"), 5, "routes[0].credentials.role_arm", "`role_arn` meant"),
        ("variable", full("credentials: { type: static, access_key_id: a, secret_access_key: 'env:NOT_SET_1' }"), 5, "routes[0].credentials.secret_access_key", "`NOT_SET_1`"),
        ("named", more("credentials:\n  main: { type: profile, name: '' }"), 6, "credentials.main.name", "is empty"),
        ("same name", more("  - { name: all, match: /b, upstream: 'https://a.example', service: s, region: r }"), 5, "routes[1].name", "give it another"),
        ("same match", more("  - { name: b, match: { methods: [] }, upstream: 'https://a.example', service: s, region: r }"), 5, "routes[1].match", "route `all`"),
        ("no listeners", more("listeners: []"), 5, "listeners", "127.0.0.1:8080"),
        ("no address", more("listeners: [{ hosts: [] }]"), 5, "listeners[0]", "`tcp` or `unix`"),
        ("two addresses", more("listeners: [{ tcp: '127.0.0.1:1', unix: /s }]"), 5, "listeners[0].unix", "one by one"),
        ("bad address", more("listeners: [{ tcp: localhost }]"), 5, "listeners[0].tcp", "127.0.0.1:8080"),
        ("mode", more("listeners: [{ unix: /s, mode: rw }]"), 5, "listeners[0].mode", "octal"),
        ("same address", more("listeners: [{ unix: /s }, { unix: /s }]"), 5, "listeners[1]", "another address"),
        ("open", more("listeners: [{ tcp: '0.0.0.0:80' }]"), 5, "listeners[0].tcp", "add `callers`"),
        ("open to all", more(&format!("listeners: [{{ tcp: '0.0.0.0:80', anonymous: true }}]\n{with_key}")), 5, "listeners[0].anonymous", "outside"),
        ("nobody", more("listeners: [{ unix: /s, anonymous: false }]"), 5, "listeners[0].anonymous", "nobody"),
        ("open admin", more("admin: { tcp: '0.0.0.0:80' }"), 5, "admin.tcp", "`token`"),
        ("empty token", more("admin: { unix: /s, token: '' }"), 5, "admin.token", "is empty"),
        ("short token", more("admin: { unix: /s, token: 0123456789abcde }"), 5, "admin.token", "fewer than 16"),
        ("admin twice", more("admin: { tcp: '127.0.0.1:8080' }"), 5, "admin", "another address"),
        ("no key", more("callers: [{ name: a }]"), 5, "callers[0]", "has no key"),
        ("keys", more("callers: [{ name: a, bearer: t-0123456789abcdef, header: { name: x, value: u-0123456789abcdef } }]"), 5, "callers[0]", "one caller for each"),
        ("empty key", more("callers: [{ name: a, bearer: '' }]"), 5, "callers[0].bearer", "is empty"),
        ("short key", more("callers: [{ name: a, bearer: 0123456789abcde }]"), 5, "callers[0].bearer", "openssl rand"),
        ("short header", more("callers: [{ name: a, header: { name: x, value: 0123456789abcde } }]"), 5, "callers[0].header.value", "fewer than 16"),
        ("same key", more("callers: [{ name: a, bearer: t-0123456789abcdef }, { name: b, bearer: t-0123456789abcdef }]"), 5, "callers[1]", "its own"),
        ("same caller", more("callers: [{ name: a, bearer: t-0123456789abcdef }, { name: a, bearer: u-0123456789abcdef }]"), 5, "callers[1].name", "another"),
        ("key in use", more("callers: [{ name: a, header: { name: host, value: t-0123456789abcdef } }]"), 5, "callers[0].header.name", "take another"),
        ("no CA", more("callers: [{ name: a, certificate: b }]"), 5, "callers[0].certificate", "`client_ca`"),
        ("no route", more("callers: [{ name: a, bearer: t-0123456789abcdef, routes: [b] }]"), 5, "callers[0].routes[0]", "there are: all"),
        ("may do nothing", more("callers: [{ name: a, bearer: t-0123456789abcdef, routes: [] }]"), 5, "callers[0].routes", "leave it out"),
        ("no room", more("limits: { held_bytes: 1MiB }"), 5, "limits.held_bytes", "route `all`, 10MiB"),
        ("concurrency", more("limits: { concurrency: 0 }"), 5, "limits.concurrency", "is 0"),
        ("policy", route("policies: [{ policyRef: { name: rate-limit } }]").replace("    region: us-east-1\n", ""), 3, "routes[0].policies[0].policyRef.name", "native-aws-signature-flex"),
        ("beside a policy", full("policies: [{ policyRef: { name: native-aws-signature-flex }, config: { serviceName: s3, region: r } }]").replace("    region: us-east-1\n", ""), 3, "routes[0].service", "leave it out here"),
    ];
    let mut wrong = Vec::new();
    for (name, text, line, field, part) in rows {
        let errors = parse(&text).unwrap_err();
        let [error] = errors.errors() else {
            wrong.push(format!("{name}: {errors}"));
            continue;
        };
        let place = format!("gateway.yaml:{line}:{}: ", error.column().unwrap());
        if (error.line(), error.field()) != (Some(line), field)
            || !error.message().contains(part)
            || !error.to_string().starts_with(&place)
        {
            wrong.push(format!("{name}: {error}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn all_faults_are_said_at_once_in_the_order_of_the_file() {
    let text = "
listeners: [{ tcp: nowhere }]
callers: [{ name: a }]
routes:
  - { upstream: 'ftp://a', service: S, region: r, body_limit: 0 }
limits: { drain: 0s }
";
    let errors = parse(text).unwrap_err();
    let fields: Vec<&str> = errors.errors().iter().map(Located::field).collect();
    assert_eq!(
        fields,
        [
            "listeners[0].tcp",
            "callers[0]",
            "routes[0].upstream",
            "routes[0].service",
            "routes[0].body_limit",
            "limits.drain"
        ]
    );
}

#[test]
fn keys_in_clear_text_beyond_this_machine_are_warned_of() {
    const KEY: &str = "{ name: a, bearer: t-0123456789abcdef }";
    const CERTIFIED: &str = "{ name: b, certificate: b.internal }";
    const TLS: &str = "tls: { certificate: /c, key: /k, client_ca: /a }";
    const TOKEN: &str = "token: t-0123456789abcdef";
    for (name, listener, callers, admin, expected) in [
        ("loopback", "tcp: '127.0.0.1:1'", KEY, "", None),
        ("IPv6", "tcp: '[::1]:1'", KEY, "", None),
        ("Unix", "unix: /s", KEY, "", None),
        ("TLS", &format!("tcp: '0.0.0.0:1', {TLS}"), KEY, "", None),
        (
            "certificates",
            &format!("tcp: '0.0.0.0:1', {TLS}"),
            CERTIFIED,
            "",
            None,
        ),
        (
            "plain",
            "tcp: '0.0.0.0:1'",
            KEY,
            "",
            Some("warning: the listener 0.0.0.0:1 is"),
        ),
        (
            "admin on loopback",
            "unix: /s",
            KEY,
            "tcp: '127.0.0.1:2'",
            None,
        ),
        (
            "admin",
            "unix: /s",
            KEY,
            "tcp: '[::]:2'",
            Some("warning: the admin listener [::]:2 is"),
        ),
    ] {
        let admin = match admin {
            "" => String::new(),
            address => format!("admin: {{ {address}, {TOKEN} }}\n"),
        };
        let text = format!(
            "{}listeners: [{{ {listener} }}]\ncallers: [{callers}]\n{admin}",
            route("service: s3")
        );
        let config = parse(&text).unwrap_or_else(|errors| panic!("{name}: {errors}"));
        let shown = config.to_string();
        let warning = shown.lines().find(|line| line.starts_with("warning: "));
        assert_eq!(warning.is_some(), expected.is_some(), "{name}: {shown}");
        let is_it = |start: &str| warning.is_some_and(|warning| warning.starts_with(start));
        assert!(expected.is_none_or(is_it), "{name}: {warning:?}");
        assert_eq!(config.warnings().len(), usize::from(warning.is_some()));
    }
}

#[test]
fn says_where_credentials_come_from() {
    let role = "credentials: { type: assume_role, role_arn: \"arn:aws:iam::123456789012:role/r\", \
                external_id: s3cr3t, source: { type: profile, name: dev } }";
    let shown = parse(&route(&format!("service: s3\n{role}"))).unwrap();
    let shown = shown.to_string();
    let expected = "credentials all: assume_role arn:aws:iam::123456789012:role/r, with an \
                    external_id, by (profile dev)\n";
    assert!(shown.contains(expected), "{shown}");
    assert!(!shown.contains("s3cr3t"), "{shown}");
}

#[test]
fn no_secret_is_in_any_error_or_output() {
    let good = format!(
        "
callers:
  - {{ name: a, bearer: '{SECRET}' }}
  - {{ name: b, header: {{ name: x-key, value: '{SECRET}' }} }}
admin: {{ tcp: '127.0.0.1:1', token: '{SECRET}' }}
routes:
  - upstream: https://a.example
    service: s3
    region: r
    headers: {{ set: {{ x-secret: '{SECRET}' }} }}
    credentials: {{ type: static, access_key_id: AKIDEXAMPLE, secret_access_key: '{SECRET}' }}
"
    );
    let config = parse(&good).unwrap();
    for text in [
        config.to_string(),
        format!("{config:?}"),
        format!("{config:#?}"),
    ] {
        assert!(!text.contains(SECRET), "{text}");
    }
    // The secret stands where something else belongs, in the file and in the value.
    for place in [
        "callers: SECRET",
        "callers: [SECRET]",
        "callers: [{ name: a, header: SECRET }]",
        "callers: [{ name: a, bearer: [SECRET] }]",
        "callers: [{ name: a, bearer: 'SECRET\t\u{e9}' }]",
        "callers: [{ name: SECRET, bearer: a }]",
        "callers: [{ SECRET: a }]",
        "callers: [{ name: a, bearer: a, routes: [SECRET] }]",
        "admin: { tcp: SECRET }",
        "admin: { token: SECRET, token: SECRET }",
        "credentials: { main: SECRET }",
        "credentials: { main: { type: SECRET } }",
        "credentials: { main: { type: static, secret_access_key: { SECRET: 1 } } }",
        "credentials: { main: { type: static, access_key_id: '', secret_access_key: SECRET } }",
        "routes: [{ credentials: SECRET }]",
        "routes: [{ payload: SECRET, upstream: 'https://u:SECRET@a.example' }]",
        "routes: [{ upstream: 'https://u:SECRET@a.example', service: SECRET, region: SECRET }]",
        "routes: [{ timeouts: { idle: SECRET } }]",
        "routes: [{ headers: { set: { host: SECRET } }, upstream: 'https://a.example' }]",
        "log: { format: SECRET }",
        "a: 'SECRET\nb: }",
        "a: *SECRET",
        "SECRET",
        "SECRET: [",
        "a: \"SECRET\\q\"",
    ] {
        let errors = parse(&place.replace("SECRET", SECRET)).unwrap_err();
        for text in [errors.to_string(), format!("{errors:?}")] {
            assert!(!text.contains(SECRET), "{place}: {text}");
        }
    }
}

#[test]
fn the_policies_of_flex_gateway_load_as_they_are() {
    let rows = [
        (
            "default credentials",
            "serviceName: s3\nregion: us-east-1",
            "default",
            "sigv4, hashed",
        ),
        (
            "static",
            "serviceName: s3\nregion: us-east-1\nauthenticationMode: static\ninlineCredentialProvider:\n  accessKeyId: AKIDEXAMPLE\n  secretAccessKey: wJalr\n  sessionToken: token",
            "static",
            "sigv4, hashed",
        ),
        (
            "profile",
            "serviceName: s3\nregion: us-east-1\nauthenticationMode: profile\ncredentialsFileProvider:\n  credentialsDataSource:\n    filename: ~/.aws/credentials\n  profile: dev",
            "profile",
            "sigv4, hashed",
        ),
        (
            "SigV4A",
            "serviceName: s3\nregion: '*'\nuseUnsignedPayload: true\nsigningAlgorithm: AWS_SIGV4A",
            "default",
            "sigv4a, unsigned",
        ),
        (
            "excluded headers",
            "serviceName: s3\nregion: us-east-1\nmatchExcludedHeaders:\n  - x-plain\n  - exact: x-a\n  - prefix: x-envoy\n  - suffix: -b\n  - contains: c\n  - regex: x-[0-9]+",
            "default",
            "sigv4, hashed",
        ),
    ];
    for (name, config, kind, expected) in rows {
        let config = config.replace('\n', "\n          ");
        let text = format!(
            "routes:\n  - match: /a\n    upstream: https://a.example\n    policies:\n      - \
             policyRef:\n          name: native-aws-signature-flex\n        config:\n          \
             {config}\n"
        );
        let config = parse(&text).unwrap_or_else(|errors| panic!("{name}: {errors}\n{text}"));
        assert_eq!(config.credentials[0].source.kind(), kind, "{name}");
        let value = |name: &str| {
            let mut all = config.routes[0].described.iter();
            all.find_map(|(key, value)| (*key == name).then(|| value.clone()))
                .unwrap()
        };
        let found = format!("{}, {}", value("algorithm"), value("payload"));
        assert_eq!(found, expected, "{name}");
        let signed = value("headers.sign");
        assert!(signed.starts_with(
            "all, as Envoy does - x-forwarded-for - x-forwarded-proto - x-amzn-trace-id"
        ));
        if name == "excluded headers" {
            assert!(signed.ends_with(" - x-plain - x-a - x-envoy* - *-b - *c* - regex x-[0-9]+"));
        }
    }
}

#[test]
fn a_policy_of_flex_gateway_says_what_is_wrong_with_it() {
    for (name, config, field) in [
        ("unknown field", "serviceNam: s3, region: r", "serviceNam"),
        ("no region", "serviceName: s3", "region"),
        (
            "mode",
            "serviceName: s3, region: r, authenticationMode: role",
            "authenticationMode",
        ),
        (
            "no keys",
            "serviceName: s3, region: r, authenticationMode: static",
            "inlineCredentialProvider",
        ),
        (
            "unused keys",
            "serviceName: s3, region: r, inlineCredentialProvider: { accessKeyId: a, secretAccessKey: b }",
            "inlineCredentialProvider",
        ),
        ("set", "serviceName: s3, region: '*'", "region"),
        (
            "unsigned",
            "serviceName: kms, region: r, useUnsignedPayload: true",
            "useUnsignedPayload",
        ),
        (
            "pattern",
            "serviceName: s3, region: r, matchExcludedHeaders: [{ exact: '' }]",
            "matchExcludedHeaders[0].exact",
        ),
    ] {
        let text = format!(
            "routes: [{{ match: /a, upstream: 'https://a.example', policies: [{{ policyRef: {{ \
             name: native-aws-signature-flex }}, config: {{ {config} }} }}] }}]"
        );
        let errors = parse(&text).unwrap_err();
        let fields: Vec<&str> = errors.errors().iter().map(Located::field).collect();
        let expected = format!("routes[0].policies[0].config.{field}");
        assert_eq!(fields, [expected.as_str()], "{name}: {errors}");
    }
}

#[test]
fn credentials_are_known_again_by_what_is_written() {
    let print = |credentials: &str| {
        let text = route(&format!("service: s3\ncredentials: {credentials}"));
        parse(&text).unwrap().credentials[0].fingerprint
    };
    let one = print("{ type: profile, name: a }");
    assert_eq!(one, print("{ name: \"a\", type: profile }"));
    assert_ne!(one, print("{ type: profile, name: b }"));
}

#[test]
fn an_import_is_a_configuration() {
    let rows = [
        (
            "bare",
            "service_name: s3\nregion: us-east-1\nhost_rewrite: b.s3.amazonaws.com",
            1,
        ),
        (
            "JSON names",
            "{\"serviceName\": \"s3\", \"region\": \"us-east-1\", \"hostRewrite\": \"b.s3.amazonaws.com\", \"useUnsignedPayload\": true}",
            1,
        ),
        (
            "per route",
            "stat_prefix: a\naws_request_signing:\n  service_name: s3\n  region: '*'\n  signing_algorithm: AWS_SIGV4A\n  host_rewrite: h.example",
            1,
        ),
        (
            "filter",
            "name: f\ntyped_config:\n  '@type': type.googleapis.com/envoy.extensions.filters.http.aws_request_signing.v3.AwsRequestSigning\n  service_name: lambda\n  region: us-east-1\n  host_rewrite: h.example\n  query_string: { expiration_time: 30s }\n  match_excluded_headers: [{ prefix: x-envoy }, { safe_regex: { regex: 'a.*' } }]",
            1,
        ),
        (
            "document",
            "routes:\n  - match: { prefix: /a }\n    typed_per_filter_config:\n      x:\n        '@type': type.googleapis.com/envoy.extensions.filters.http.aws_request_signing.v3.AwsRequestSigningPerRoute\n        stat_prefix: one\n        aws_request_signing: { service_name: s3, region: r, host_rewrite: a.example }\n  - match: { prefix: /b }\n    typed_per_filter_config:\n      x:\n        '@type': type.googleapis.com/envoy.extensions.filters.http.aws_request_signing.v3.AwsRequestSigningPerRoute\n        stat_prefix: two\n        aws_request_signing: { service_name: s3, region: r, host_rewrite: b.example }",
            2,
        ),
        (
            "credentials",
            "service_name: s3\nregion: r\nhost_rewrite: h.example\nmatch_included_headers: [{ exact: a }]\ncredential_provider:\n  custom_credential_provider_chain: true\n  iam_roles_anywhere_credential_provider: {}\n  credentials_file_provider: { credentials_data_source: { filename: /f, watched_directory: { path: / } }, profile: p }\n  assume_role_credential_provider: { role_arn: 'arn:aws:iam::123456789012:role/a', role_session_name: ab, external_id: cd, session_duration: 900s }\n  assume_role_with_web_identity_provider: { web_identity_token_data_source: { filename: /t }, role_arn: 'arn:aws:iam::123456789012:role/a' }\n  container_credential_provider: {}\n  instance_profile_credential_provider: {}",
            1,
        ),
        (
            "inline",
            "service_name: s3\nregion: r\nhost_rewrite: h.example\ncredential_provider: { inline_credential: { access_key_id: AKIDEXAMPLE, secret_access_key: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' } }",
            1,
        ),
    ];
    for (name, text, routes) in rows {
        let imported = envoy::import_text(text, "envoy.yaml", None).unwrap();
        let config = parse(&imported.yaml)
            .unwrap_or_else(|errors| panic!("{name}: {errors}\n{}", imported.yaml));
        assert_eq!(config.routes.len(), routes, "{name}");
        assert!(!format!("{imported:?}").contains(SECRET), "{name}");
        let has = |part: &str| {
            imported
                .warnings
                .iter()
                .any(|warning| warning.contains(part))
        };
        match name {
            "filter" => assert_eq!(config.routes[0].in_query, Some(Duration::from_secs(30))),
            "document" => assert_eq!(&*config.routes[0].name, "one"),
            "credentials" => {
                assert_eq!(config.credentials[0].source.kind(), "chain");
                assert!(has("match_included_headers") && has("iam_roles_anywhere"));
                assert!(has("watched_directory"));
            }
            "inline" => assert!(has("the keys are not copied")),
            _ => {}
        }
    }
}

#[test]
fn an_import_warns_of_what_has_no_meaning_and_takes_an_upstream() {
    let text = "service_name: s3\nfuture_field: 1";
    let imported = envoy::import_text(text, "envoy.yaml", Some("https://s3.example/")).unwrap();
    assert!(
        imported.yaml.contains("upstream: https://s3.example\n"),
        "{}",
        imported.yaml
    );
    assert!(
        imported.yaml.contains("region: env:AWS_REGION"),
        "{}",
        imported.yaml
    );
    let warnings = imported.warnings.join("\n");
    assert!(
        warnings.contains("future_field has no meaning here"),
        "{warnings}"
    );
    assert!(warnings.contains("region is not said"), "{warnings}");
    let errors = envoy::import_text("a: b", "envoy.yaml", None).unwrap_err();
    assert!(errors.to_string().contains("AwsRequestSigning"), "{errors}");
}
