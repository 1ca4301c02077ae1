//! A sidecar in Kubernetes, and a unit of systemd.

use std::os::unix::fs::PermissionsExt;

use axum_gateway::args::Args;
use axum_gateway::args::Command;
use axum_gateway::config::Address;
use axum_gateway::config::Config;
use clap::Parser;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::net::UnixStream;

use crate::fixture::exchange;
use crate::fixture::exchange_and_stay;
use crate::fixture::get;
use crate::fixture::start;
use crate::recipes::page::Recipe;
use crate::recipes::page::judge;
use crate::recipes::page::with_keys_of_the_environment;

const PAGE: &str = include_str!("../../../docs/recipes/deployment.md");
const MANIFEST: &str = include_str!("../../../docs/recipes/kubernetes-sidecar.yaml");
const UNIT: &str = include_str!("../../../docs/recipes/axum-gateway.service");
const BEDROCK: &str = "https://bedrock-runtime.us-east-1.amazonaws.com";

/// The two documents of the manifest.
fn manifest() -> (Value, Value) {
    let documents: Vec<Value> = MANIFEST
        .split("\n---\n")
        .map(|document| serde_saphyr::from_str(document).unwrap())
        .collect();
    let [map, deployment] = <[Value; 2]>::try_from(documents).unwrap();
    assert_eq!(map["kind"], "ConfigMap");
    assert_eq!(deployment["kind"], "Deployment");
    (map, deployment)
}

#[tokio::test]
async fn the_sidecar_runs_and_is_probed() {
    let (map, deployment) = manifest();
    let pod = &deployment["spec"]["template"]["spec"];
    let gateway = &pod["initContainers"][0];
    // A sidecar ends after the others.
    assert_eq!(gateway["restartPolicy"], "Always");
    let server = judge().await;
    let recipe = Recipe::of_text(map["data"]["gateway.yaml"].as_str().unwrap())
        .with("127.0.0.1:8080", "127.0.0.1:0")
        .with("0.0.0.0:9901", "127.0.0.1:0")
        .with_secret("env:ADMIN_TOKEN", "token-of-the-operators")
        .with(BEDROCK, &server.url());
    let config = with_keys_of_the_environment(recipe.config());
    let grace = pod["terminationGracePeriodSeconds"].as_u64().unwrap();
    let limits = config.limits;
    assert!(grace > (limits.drain_delay + limits.drain).as_secs());
    let running = start(config).await;

    // The program asks under the address that it is given.
    let url = pod["containers"][0]["env"][0]["value"].as_str().unwrap();
    assert_eq!(url, "http://127.0.0.1:8080/bedrock");
    let answer = get(&running, "/bedrock/model/m/converse", "").await;
    assert_eq!((answer.status(), answer.body()), (200, "verified"));

    // A probe asks by the address of the pod, without a token.
    let admin = running.admin_address().unwrap().to_string();
    for (probe, expected) in [
        ("startupProbe", "ready\n"),
        ("livenessProbe", "ok\n"),
        ("readinessProbe", "ready\n"),
    ] {
        let probe = &gateway[probe]["httpGet"];
        assert_eq!(probe["port"], "admin");
        let path = probe["path"].as_str().unwrap();
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: 10.1.2.3:9901\r\nUser-Agent: kube-probe/1.33\r\n\
             Accept: */*\r\nConnection: close\r\n\r\n"
        );
        let answer = exchange(TcpStream::connect(&admin).await.unwrap(), &request).await;
        assert_eq!((answer.status(), answer.body()), (200, expected), "{path}");
    }
    let request = "GET / HTTP/1.1\r\nHost: 10.1.2.3:9901\r\nConnection: close\r\n\r\n";
    let answer = exchange(TcpStream::connect(&admin).await.unwrap(), request).await;
    assert_eq!(answer.status(), 401);
}

#[test]
fn the_manifest_fits_together() {
    let (map, deployment) = manifest();
    let pod = &deployment["spec"]["template"];
    let gateway = &pod["spec"]["initContainers"][0];
    assert_eq!(
        deployment["spec"]["selector"]["matchLabels"],
        pod["metadata"]["labels"]
    );
    let volume = &pod["spec"]["volumes"][0];
    assert_eq!(volume["configMap"]["name"], map["metadata"]["name"]);
    let mount = &gateway["volumeMounts"][0];
    assert_eq!(mount["name"], volume["name"]);
    let args = gateway["args"].as_array().unwrap();
    let args = args.iter().map(|arg| arg.as_str().unwrap());
    let args = Args::try_parse_from(["axum-gateway"].into_iter().chain(args)).unwrap();
    let file = format!("{}/gateway.yaml", mount["mountPath"].as_str().unwrap());
    assert_eq!(args.config.unwrap().to_str(), Some(&*file));
    assert_eq!(gateway["env"][0]["name"], "ADMIN_TOKEN");
    assert_eq!(gateway["ports"][0]["containerPort"], 9901);
}

#[test]
fn the_unit_starts_what_there_is() {
    let setting = |name: &str| -> Vec<&str> {
        let name = format!("{name}=");
        UNIT.lines()
            .filter_map(|line| line.strip_prefix(&*name))
            .collect()
    };
    let program = |line: &'static str| {
        let words = line.split(' ');
        Args::try_parse_from(words).unwrap()
    };
    let start = program(setting("ExecStart")[0]);
    let file = start.config.unwrap();
    for line in [setting("ExecStartPre")[0], setting("ExecReload")[0]] {
        match program(line).command {
            Some(Command::CheckConfig { file: checked }) => assert_eq!(checked, file),
            other => unreachable!("{line}: {other:?}"),
        }
    }
    let config = Recipe::of_page(PAGE, 0).config();
    let patience: u64 = setting("TimeoutStopSec")[0].parse().unwrap();
    assert!(patience > config.limits.drain.as_secs());
    // The sockets are in the directory that systemd makes.
    let directory = format!("/run/{}/", setting("RuntimeDirectory")[0]);
    let admin = config.admin.unwrap().address;
    for address in [&config.listeners[0].address, &admin] {
        let Address::Unix { path, .. } = address else {
            unreachable!("the recipe listens on sockets");
        };
        assert!(path.to_str().unwrap().starts_with(&directory), "{path:?}");
    }
}

#[tokio::test]
async fn the_sockets_are_asked_as_curl_does() {
    let server = judge().await;
    let recipe = Recipe::of_page(PAGE, 0).with(BEDROCK, &server.url());
    let (clients, admin) = (recipe.path("gateway.sock"), recipe.path("admin.sock"));
    let recipe = recipe
        .with("/run/axum-gateway/gateway.sock", clients.to_str().unwrap())
        .with("/run/axum-gateway/admin.sock", admin.to_str().unwrap());
    let config: Config = with_keys_of_the_environment(recipe.config());
    let _gateway = start(config).await;
    for (path, mode) in [(&clients, 0o660), (&admin, 0o600)] {
        let permissions = std::fs::metadata(path).unwrap().permissions();
        assert_eq!(permissions.mode() & 0o777, mode, "{path:?}");
    }

    let body = r#"{"messages":[{"role":"user","content":[{"text":"Hello"}]}]}"#;
    assert!(PAGE.contains(body), "the request of the page");
    let target = "/model/amazon.nova-lite-v1:0/converse";
    assert!(PAGE.contains(&format!("http://localhost{target}")));
    let request = format!(
        "POST {target} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n\
         content-type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = UnixStream::connect(&clients).await.unwrap();
    let answer = exchange_and_stay(&mut stream, &request).await;
    assert_eq!((answer.status(), answer.body()), (200, "verified"));

    let request = "GET /readyz HTTP/1.1\r\nHost: localhost\r\nUser-Agent: curl/8.5.0\r\n\
                   Accept: */*\r\n\r\n";
    let mut stream = UnixStream::connect(&admin).await.unwrap();
    let answer = exchange_and_stay(&mut stream, request).await;
    assert_eq!(answer.status(), 200, "{answer:?}");
    assert!(answer.body().starts_with("ready"), "{answer:?}");
}
