"""How each proxy is started: its command line, its configuration and its environment.

Everything that belongs to one proxy alone is here, so that a change of its command line is a change
of one function.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path

ACCESS_KEY_ID = "AKIDEXAMPLE"
SECRET_ACCESS_KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
REGION = "us-east-1"


@dataclass(frozen=True)
class Case:
    """A kind of request. `service` decides whether its payload is covered by the signature."""

    name: str
    method: str
    body: bytes
    service: str
    unsigned: bool


BODY = b"x" * 10_240
# S3 takes payloads that no signature covers, and both proxies leave them so where they are told.
CASES = [
    Case("GET", "GET", b"", "bedrock", False),
    Case("POST 10 KB hashed", "POST", BODY, "bedrock", False),
    Case("GET unsigned", "GET", b"", "s3", True),
    Case("POST 10 KB unsigned", "POST", BODY, "s3", True),
]


def environment() -> dict[str, str]:
    """The credentials, and nothing else that a chain of credentials could find."""
    return {
        "PATH": os.environ.get("PATH", ""),
        "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    }


def gateway(binary: str, case: Case, port: int, upstream: int, folder: Path) -> tuple[list, dict]:
    """Ours, with one worker thread, and without a line in the log for each request."""
    configuration = {
        "listeners": [{"tcp": f"127.0.0.1:{port}"}],
        "routes": [{
            "match": "/",
            "upstream": f"http://127.0.0.1:{upstream}",
            "service": case.service,
            "region": REGION,
            "payload": "unsigned" if case.unsigned else "hashed",
        }],
        "log": {"requests": "none"},
    }
    file = folder / f"gateway-{port}.yaml"
    # JSON is YAML.
    file.write_text(json.dumps(configuration, indent=1))
    return [binary, "--config", file, "--workers", "1"], environment()


def envoy(binary: str, case: Case, port: int, upstream: int, folder: Path) -> tuple[list, dict]:
    """Envoy, with one worker thread and without what it does besides: no request ids, no headers
    of its own, no access log, no tracing, no admin port."""
    extensions = "type.googleapis.com/envoy.extensions"
    filters = f"{extensions}.filters.http"
    signing = {
        "@type": f"{filters}.aws_request_signing.v3.AwsRequestSigning",
        "service_name": case.service,
        "region": REGION,
        "host_rewrite": f"127.0.0.1:{upstream}",
        "use_unsigned_payload": case.unsigned,
        "credential_provider": {
            "custom_credential_provider_chain": True,
            "environment_credential_provider": {},
        },
    }
    router = {"@type": f"{filters}.router.v3.Router", "suppress_envoy_headers": True}
    to_upstream = {"match": {"prefix": "/"}, "route": {"cluster": "upstream", "timeout": "0s"}}
    manager = {
        "@type": f"{extensions}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "bench",
        "generate_request_id": False,
        "http_filters": [
            {"name": "envoy.filters.http.aws_request_signing", "typed_config": signing},
            {"name": "envoy.filters.http.router", "typed_config": router},
        ],
        "route_config": {"virtual_hosts": [
            {"name": "all", "domains": ["*"], "routes": [to_upstream]},
        ]},
    }
    address = lambda port: {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    endpoint = {"endpoint": {"address": address(upstream)}}
    configuration = {"static_resources": {
        "listeners": [{
            "name": "bench",
            "address": address(port),
            "filter_chains": [{"filters": [{
                "name": "envoy.filters.network.http_connection_manager",
                "typed_config": manager,
            }]}],
        }],
        "clusters": [{
            "name": "upstream",
            "type": "STATIC",
            "load_assignment": {
                "cluster_name": "upstream",
                "endpoints": [{"lb_endpoints": [endpoint]}],
            },
        }],
    }}
    file = folder / f"envoy-{port}.json"
    file.write_text(json.dumps(configuration, indent=1))
    command = [binary, "-c", str(file), "--concurrency", "1", "--disable-hot-restart"]
    return command + ["--log-level", "error"], environment()


STARTERS = {"envoy": envoy, "axum-gateway": gateway}
