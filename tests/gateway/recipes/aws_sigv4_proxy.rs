//! From `aws-sigv4-proxy`, flag by flag.

use std::collections::BTreeSet;

use axum_gateway::args::Args;
use axum_gateway::config::Config;
use axum_gateway::config::Route;
use clap::CommandFactory;
use clap::Parser;

use crate::fixture::get;
use crate::fixture::start;
use crate::recipes::page::Recipe;
use crate::recipes::page::assert_none_arrived;
use crate::recipes::page::blocks;
use crate::recipes::page::judge;
use crate::recipes::page::with_keys_of_the_environment;

const PAGE: &str = include_str!("../../../docs/recipes/aws-sigv4-proxy.md");

/// What its `--help` and its documentation name.
const THEIRS: [&str; 18] = [
    "--custom-headers",
    "--duplicate-headers",
    "--host",
    "--log-failed-requests",
    "--log-signing-process",
    "--name",
    "--no-verify-ssl",
    "--port",
    "--region",
    "--role-arn",
    "--sign-host",
    "--strip",
    "--transport.idle-conn-timeout",
    "--unsigned-payload",
    "--upstream-url-scheme",
    "--verbose",
    "AWS_ROLE_SESSION_NAME",
    "AWS_STS_REGIONAL_ENDPOINTS",
];

/// The columns of the table.
fn rows() -> Vec<[&'static str; 3]> {
    let lines = PAGE.lines().filter(|line| line.starts_with("| `"));
    let rows = lines.map(|line| {
        let mut cells = line.trim_matches('|').split('|').map(str::trim);
        [(); 3].map(|()| cells.next().expect("a row has three cells"))
    });
    rows.collect()
}

fn in_code(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

#[test]
fn all_of_its_flags_are_there() {
    let named: BTreeSet<&str> = rows()
        .iter()
        .flat_map(|[theirs, ..]| in_code(theirs))
        .collect();
    let theirs = BTreeSet::from(THEIRS);
    let shorts = BTreeSet::from(["-s"]);
    assert_eq!(named, theirs.union(&shorts).copied().collect());
}

#[test]
fn all_flags_that_are_given_for_them_exist() {
    let command = Args::command();
    let ours: BTreeSet<&str> = command
        .get_arguments()
        .filter_map(|it| it.get_long())
        .collect();
    let mut seen = 0;
    for [theirs, here, _] in rows() {
        for flag in in_code(here).filter_map(|code| code.strip_prefix("--")) {
            assert!(ours.contains(flag), "{theirs}: --{flag}");
            seen += 1;
        }
    }
    assert_eq!(seen, 6);
}

/// Returns the command of the page that begins so, as a shell splits it.
fn command(name: &str) -> Vec<&'static str> {
    let blocks = blocks(PAGE, "sh");
    let block = blocks.iter().find(|block| block.starts_with(name)).unwrap();
    block
        .split_whitespace()
        .filter(|&word| word != "\\")
        .collect()
}

fn told(route: &Route) -> Vec<&(&'static str, String)> {
    let is_other =
        |&&(name, _): &&(&str, String)| ["headers.remove", "headers.set"].contains(&name);
    route.described.iter().filter(|it| !is_other(it)).collect()
}

#[test]
fn its_command_the_flags_and_the_file_say_the_same() {
    let flags = Args::try_parse_from(command("axum-gateway")).unwrap();
    let flags = flags.load().unwrap().unwrap();
    let file = Recipe::of_page(PAGE, 0)
        .with_secret("env:API_KEY", "key")
        .config();
    assert_eq!(flags.listeners[0].address, file.listeners[0].address);
    assert_eq!(told(&flags.routes[0]), told(&file.routes[0]));
    let theirs = command("aws-sigv4-proxy");
    let host = theirs.last().unwrap();
    assert_eq!(file.routes[0].upstream, format!("https://{host}"));
}

#[test]
fn what_is_given_for_its_other_flags_is_understood() {
    let config = Config::parse(
        "
listeners: [{ tcp: '127.0.0.1:0' }]
log: { requests: refused }
routes:
  - match: /
    upstream: http://10.0.0.1:8080/path
    danger_allow_http: true
    host: bucket.s3.us-east-1.amazonaws.com
    service: s3
    region: us-east-1
    payload: unsigned
    headers: { remove: [cookie], set: { x-tenant: acme } }
    credentials:
      type: assume_role
      role_arn: arn:aws:iam::123456789012:role/gateway
      session_name: proxy
      region: us-east-1
",
        "gateway.yaml",
    );
    let config = config.unwrap();
    let route = told(&config.routes[0]);
    assert!(route.contains(&&("host", "bucket.s3.us-east-1.amazonaws.com".to_owned())));
    assert!(route.contains(&&("payload", "unsigned".to_owned())));
    assert_eq!(config.credentials[0].source.kind(), "assume_role");
}

#[tokio::test]
async fn headers_are_removed_and_set() {
    let server = judge().await;
    let upstream = "https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com";
    let recipe = Recipe::of_page(PAGE, 0)
        .with(upstream, &server.url())
        .with_secret("env:API_KEY", "key-of-the-api");
    let config = with_keys_of_the_environment(recipe.config_without_listener());
    let gateway = start(config).await;
    // The client's Host chooses nothing, nor does its own key count.
    let lines = "Host: 127.0.0.1:1\r\nCookie: session=1\r\nX-Api-Key: of-the-client\r\n";
    let answer = get(&gateway, "/prod/orders?x=%20", lines).await;
    assert_eq!((answer.status(), answer.body()), (200, "verified"));
    let arrived = server.only_request();
    assert_eq!(arrived.target(), "/prod/orders?x=%20");
    assert_eq!(
        arrived.header("x-api-key").as_deref(),
        Some("key-of-the-api")
    );
    assert_none_arrived(&server, &["cookie", "of-the-client"]);
}
