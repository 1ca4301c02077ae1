"""An upstream that judges one request, by botocore.

It listens where nginx listens afterwards, so that nothing about a proxy differs between the request
that is judged and those that are counted.
"""

import hashlib
import http.client
import socket
import threading
from urllib.parse import quote
from urllib.parse import unquote
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

import proxies


class Listed(SigV4Auth):
    """botocore's signer, over the headers that a signature says it covers."""

    def __init__(self, service: str, listed: list[str]):
        credentials = Credentials(proxies.ACCESS_KEY_ID, proxies.SECRET_ACCESS_KEY)
        super().__init__(credentials, service, proxies.REGION)
        self.listed = listed

    def headers_to_sign(self, request):
        headers = http.client.HTTPMessage()
        for name in self.listed:
            values = request.headers.get_all(name)
            if values is None:
                raise ValueError(f"{name} is signed and did not arrive")
            for value in values:
                headers[name] = value
        return headers

    def _normalize_url_path(self, path):
        # S3 encodes each octet of a key once, however it arrived; the others encode the path again.
        if self._service_name == "s3":
            return quote(unquote(path), safe="/~")
        return super()._normalize_url_path(path)


def judge(case: proxies.Case, proxy: int, upstream: int) -> None:
    """Sends one request of a case through a proxy and judges what arrives. Raises ValueError."""
    with socket.create_server(("127.0.0.1", upstream)) as listener:
        arrived: list = []
        thread = threading.Thread(target=take, args=(listener, arrived), daemon=True)
        thread.start()
        connection = http.client.HTTPConnection("127.0.0.1", proxy, timeout=10)
        headers = {"content-type": "application/json"} if case.body else {}
        connection.request(case.method, "/model/a.b-v1:0/x?b=2&a=1%2F", case.body or None, headers)
        status = connection.getresponse().status
        connection.close()
        thread.join(10)
    if status != 200 or not arrived:
        raise ValueError(f"{case.name}: answered with {status}")
    check(case, *arrived)


def take(listener: socket.socket, arrived: list) -> None:
    """Reads one request and answers it."""
    stream, _ = listener.accept()
    with stream, stream.makefile("rb") as reader:
        method, target, _ = reader.readline().decode().split()
        headers = http.client.parse_headers(reader)
        body = reader.read(int(headers.get("content-length", "0")))
        arrived += [method, target, headers, body]
        stream.sendall(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")


def check(case: proxies.Case, method: str, target: str, headers, body: bytes) -> None:
    if (method, body) != (case.method, case.body):
        raise ValueError(f"{case.name}: another request arrived")
    algorithm, _, fields = headers.get("authorization", "").partition(" ")
    if algorithm != "AWS4-HMAC-SHA256":
        raise ValueError(f"{case.name}: it arrived without a signature")
    claim = dict(field.strip().split("=", 1) for field in fields.split(","))
    expected_hash = "UNSIGNED-PAYLOAD" if case.unsigned else hashlib.sha256(body).hexdigest()
    if headers.get("x-amz-content-sha256", expected_hash) != expected_hash:
        raise ValueError(f"{case.name}: another payload is announced")
    if case.unsigned and "x-amz-content-sha256" not in headers:
        raise ValueError(f"{case.name}: it is not announced that the payload is unsigned")

    url = f"http://{headers['host']}{target}"
    request = AWSRequest(method, url, headers=headers, data=body)
    request.context["timestamp"] = headers["x-amz-date"]
    signer = Listed(case.service, claim["SignedHeaders"].split(";"))
    if not {"host", "x-amz-date"} <= set(signer.listed):
        raise ValueError(f"{case.name}: not all is signed that must be")
    text = signer.string_to_sign(request, signer.canonical_request(request))
    if signer.signature(text, request) != claim["Signature"]:
        raise ValueError(f"{case.name}: botocore computes another signature ({urlsplit(url).path})")
