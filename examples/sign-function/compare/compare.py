#!/usr/bin/env python3
"""Compares `sign-function --stdin` with botocore and with awscrt, on random requests.

    examples/sign-function/compare/compare.py [--count 10000] [--seed 1] [--program PATH]

botocore signs in Python. awscrt binds aws-c-auth, the signer in C that several SDKs share. Both, and
`cryptography` to check ECDSA, are installed by pip into target/compare, once. Of botocore the
canonical request and the string to sign are compared, too. Signatures of SigV4A are random in awscrt:
they are checked with the public key over the text that the program says it signed.

Where a reference differs, on purpose or not, it is given what it takes to come to the same result.
Each such step has a name, in DIFFERENCES, and is counted.
"""

import argparse
import base64
import collections
import datetime
import hashlib
import hmac
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import time
import venv

ROOT = pathlib.Path(__file__).resolve().parents[3]
VENV = ROOT / "target" / "compare"
PACKAGES = ["botocore==1.44.5", "awscrt==0.38.1", "cryptography"]


def enter_venv():
    """Runs this again with an interpreter that has the packages."""
    python = VENV / "bin" / "python"
    if not (VENV / "installed").exists():
        venv.create(VENV, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *PACKAGES], check=True)
        (VENV / "installed").touch()
    os.execv(python, [str(python), *sys.argv])


try:
    import awscrt
    import botocore
    import cryptography
except ImportError:
    if pathlib.Path(sys.prefix) == VENV:
        raise
    enter_venv()

import awscrt.auth
import awscrt.exceptions
import awscrt.http
import botocore.auth
import botocore.awsrequest
import botocore.credentials
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from urllib.parse import quote, unquote_to_bytes, urlsplit

KEY_ID = "AKIDEXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TOKEN = "FwoGZXIvYXdzEExampleSession/Token+With=Signs=="

DIFFERENCES = {
    "key spelling": "both sign the key of an S3 object as it is spelled; S3 compares one spelling",
    "query spelling": "botocore does not encode the query of a URL; it is encoded before",
    "plus in a query": "awscrt reads a raw + as a plus everywhere; here it is a space but for S3",
    "broken escape": "awscrt refuses a % in a query that begins no escape; it is given %25",
    "colon and slash": "awscrt takes :/ for the end of a scheme; it is %3A in its query, and botocore's in a path",
    "repeated parameter": "botocore keeps the first of the parameters of one name in a link; left to awscrt",
    "octets in a query": "botocore replaces what is not UTF-8 in a link; left to awscrt",
    "unicode blank": "botocore folds blanks that are not ASCII, whose octets are no blanks to a server",
}


# ---- Requests ----

SERVICES = ["bedrock", "execute-api", "kms", "s3", "sqs"]
METHODS = ["GET", "PUT", "POST", "DELETE", "HEAD", "PATCH", "OPTIONS", "PROPFIND"]
AUTHORITIES = [
    "https://host.amazonaws.com",
    "https://host.amazonaws.com:443",
    "http://localhost:80",
    "http://localhost:443",
    "https://host.amazonaws.com:8182",
    "https://Host.AmazonAWS.com",
    "https://host.amazonaws.com:",
    "https://[2001:db8::80]:443",
    "http://[::1]:9000",
]
# None that aws-c-auth leaves out whatever it is told.
HEADERS = [
    "Content-Type", "content-md5", "X-Amz-Target", "x-amz-acl", "x-amz-meta-note", "x-amz-",
    "Accept", "cookie", "if-match", "origin", "range", "x-amzn-requestid", "X-Custom",
    "a!#$%&'*+-.^_`|~1", "Accept-Encoding", "Content-Length", "forwarded", "referer",
    "x-b3-traceid", "x-forwarded-for",
]


def pick_text(chance, pieces, most):
    return "".join(chance.choice(pieces)(chance) for _ in range(chance.randint(0, most)))


def letters(chance):
    return "".join(chance.choices("abcXYZ019-._~", k=chance.randint(1, 5)))


def one_of(*texts):
    return lambda chance: chance.choice(texts)


ESCAPES = one_of("%20", "%2F", "%2f", "%3A", "%7e", "%41", "%c3%a9", "%25", "%00", "%2B", "%E1%88%B4", "%ff", "%zz", "%")
MARKS = one_of(*":@!$'()*,;")
ODD = one_of(*'[]\\^|"{}', "é", "✓")
ODD_IN_QUERY = one_of(*'[]\\^|"{}<>`', "é", "✓")
SEGMENT = [letters, letters, letters, ESCAPES, MARKS, ODD, one_of("&", "+", "=")]
IN_QUERY = [letters, letters, letters, ESCAPES, MARKS, ODD_IN_QUERY, one_of("+", "/", "?", "=")]


def make_path(chance):
    if chance.random() < 0.05:
        return ""
    def segment():
        if chance.random() < 0.3:
            return chance.choice(["", ".", "..", "...", ".a", "%2e%2e"])
        return pick_text(chance, SEGMENT, 3)
    return "/" + "/".join(segment() for _ in range(chance.randint(1, 5)))


def make_query(chance):
    def pair():
        kind = chance.random()
        if kind < 0.1:
            return chance.choice(["", "a", "a=1=2", "X-Amz-Foo=1", "="])
        name = chance.choice(["a", "b", "X"]) if kind < 0.5 else pick_text(chance, IN_QUERY, 2)
        return f"{name}={pick_text(chance, IN_QUERY, 3)}"
    return "&".join(pair() for _ in range(chance.randint(0, 5)))


def make_value(chance):
    kind = chance.random()
    if kind < 0.4:
        return "".join(chance.choices([chr(code) for code in range(32, 127)], k=chance.randint(0, 20)))
    if kind < 0.7:
        return "".join(chance.choices(" \t,\"ab", k=chance.randint(0, 12)))
    return "".join(chance.choices(" aé✓\u00a0", k=chance.randint(0, 8)))


def make_request(chance, number):
    authority = chance.choice(AUTHORITIES)
    url = authority + make_path(chance)
    if chance.random() < 0.7:
        url += "?" + make_query(chance)
    reference = chance.choice(["botocore", "botocore", "awscrt", "awscrt", "awscrt sigv4a"])
    # botocore signs this one instead of `x-amz-date`.
    known = HEADERS if reference == "botocore" else [*HEADERS, "Date"]
    headers = [[chance.choice(known), make_value(chance)] for _ in range(chance.randint(0, 8))]
    names = [name for name, _ in headers]
    if reference != "botocore":
        # These are given what is signed by name; botocore signs all that it is given.
        names = [name for name in names if chance.random() < 0.7]
    if chance.random() < 0.2:
        host = chance.choice(["signed.example.com", "Signed.Example.COM:443", "[::1]:9000"])
        headers.append(["Host", host])
    moment = datetime.datetime.fromtimestamp(chance.randrange(0, 4102444800), datetime.timezone.utc)
    zone = datetime.timezone(datetime.timedelta(minutes=chance.randrange(-720, 840, 15)))
    service = chance.choice(SERVICES)
    request = {
        "id": str(number),
        "method": chance.choice(METHODS),
        "url": url,
        "headers": headers,
        "service": service,
        "region": chance.choice(["us-east-1", "eu-central-1", "local"]),
        "sign_headers": names,
        "time": moment.astimezone(zone).isoformat(),
        "credentials": {"access_key_id": KEY_ID, "secret_access_key": SECRET},
    }
    if reference == "awscrt sigv4a":
        request["algorithm"] = "sigv4a"
        request["region"] = chance.choice(["*", "us-*", "us-east-1", "us-east-1,eu-west-1"])
    if chance.random() < 0.5:
        request["credentials"]["session_token"] = TOKEN
        if reference != "botocore" and chance.random() < 0.3:
            request["session_token"] = "append"
    body = bytes(chance.randrange(256) for _ in range(chance.choice([0, 0, 1, 30])))
    if chance.random() < 0.5:
        request["placement"] = "query"
        request["expires_in"] = chance.randrange(1, 604801)
        if reference == "botocore":
            # It would move the fields of a body into the query.
            body = b""
    elif chance.random() < 0.3:
        request["content_sha256"] = "always"
    if body:
        request["body_base64"] = base64.b64encode(body).decode()
    return reference, request


# ---- References ----

def host_of(request):
    """The host as HTTP clients send it."""
    for name, value in request["headers"]:
        if name.lower() == "host":
            return value
    parts = urlsplit(request["url"])
    host = parts.netloc.lower().rstrip(":")
    default = {"http": ":80", "https": ":443"}[parts.scheme]
    return host.removesuffix(default)


def encoded_query(query, plus):
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    def encoded(text):
        return quote(unquote_to_bytes(text.replace("+", plus)), safe="-_.~")
    return [(encoded(name), encoded(value)) for name, _, value in pairs]


def prepared_url(request, reference, undone):
    """Writes the URL so that a reference comes to the same canonical form."""
    parts = urlsplit(request["url"])
    path, query = parts.path or "/", parts.query
    is_s3 = request["service"] == "s3"
    if is_s3:
        spelled = quote(unquote_to_bytes(path), safe="/-_.~")
        if spelled != path:
            undone.add("key spelling")
            path = spelled
    pairs = encoded_query(query, "%2B" if is_s3 else "%20")
    if reference == "botocore":
        spelled = "&".join(f"{name}={value}" for name, value in pairs)
        if spelled != query:
            undone.add("query spelling")
            query = spelled
    else:
        if "+" in query and not is_s3:
            undone.add("plus in a query")
            query = query.replace("+", "%20")
        if ":/" in query:
            undone.add("colon and slash")
            query = query.replace(":", "%3A")
        whole = re.sub("%(?![0-9A-Fa-f]{2})", "%25", query)
        if whole != query:
            undone.add("broken escape")
            query = whole
    return f"{parts.scheme}://{parts.netloc}{path}" + (f"?{query}" if query else "")


def moment_of(request):
    return datetime.datetime.fromisoformat(request["time"]).astimezone(datetime.timezone.utc)


def body_of(request):
    return base64.b64decode(request.get("body_base64", ""))


def in_query(request):
    return request.get("placement") == "query"


def by_botocore(request, undone):
    credentials = request["credentials"]
    keys = botocore.credentials.Credentials(KEY_ID, SECRET, credentials.get("session_token"))
    is_s3 = request["service"] == "s3"
    name = ("S3" if is_s3 else "") + ("SigV4QueryAuth" if in_query(request) else "SigV4Auth")
    base = getattr(botocore.auth, name)
    texts = {}

    class Signer(base):
        def _header_value(self, value):
            folded = super()._header_value(value)
            ours = " ".join(word for word in value.replace("\t", " ").split(" ") if word)
            if folded != ours:
                undone.add("unicode blank")
            return ours

        def string_to_sign(self, request, canonical_request):
            texts["canonical_request"] = canonical_request
            texts["string_to_sign"] = super().string_to_sign(request, canonical_request)
            return texts["string_to_sign"]

        def signature(self, string_to_sign, request):
            texts["signature"] = super().signature(string_to_sign, request)
            return texts["signature"]

    extra = {"expires": request["expires_in"]} if in_query(request) else {}
    signer = Signer(keys, request["service"], request["region"], **extra)
    url = prepared_url(request, "botocore", undone)
    subject = botocore.awsrequest.AWSRequest(request["method"], url, data=body_of(request))
    for name, value in request["headers"]:
        subject.headers.add_header(name, value)
    if request.get("content_sha256") == "always" and not is_s3:
        subject.headers["X-Amz-Content-SHA256"] = hashlib.sha256(body_of(request)).hexdigest()
    # So that S3 covers the body over https, too.
    subject.context["client_config"] = type("Config", (), {"s3": {"payload_signing_enabled": True}})
    botocore.auth.get_current_datetime = lambda *_, **__: moment_of(request)
    signer.add_auth(subject)
    return texts


def by_awscrt(request, undone):
    auth, credentials = awscrt.auth, request["credentials"]
    is_s3 = request["service"] == "s3"
    url = prepared_url(request, "awscrt", undone)
    target = url.split("://", 1)[1]
    target = "/" + target.partition("/")[2]
    headers = awscrt.http.HttpHeaders([("Host", host_of(request))])
    for name, value in request["headers"]:
        if name.lower() != "host":
            headers.add(name, value)
    subject = awscrt.http.HttpRequest(request["method"], target, headers)
    digest = hashlib.sha256(body_of(request)).hexdigest()
    sends_digest = not in_query(request) and (is_s3 or request.get("content_sha256") == "always")
    signed = {name.lower() for name in request["sign_headers"]} | {"host"}
    kind = auth.AwsSignatureType
    config = auth.AwsSigningConfig(
        algorithm=auth.AwsSigningAlgorithm.V4_ASYMMETRIC
        if request.get("algorithm") == "sigv4a" else auth.AwsSigningAlgorithm.V4,
        signature_type=kind.HTTP_REQUEST_QUERY_PARAMS if in_query(request) else kind.HTTP_REQUEST_HEADERS,
        credentials_provider=auth.AwsCredentialsProvider.new_static(
            KEY_ID, SECRET, credentials.get("session_token")),
        region=request["region"],
        service=request["service"],
        date=moment_of(request),
        should_sign_header=lambda name: name.lower() in signed,
        use_double_uri_encode=not is_s3,
        should_normalize_uri_path=not is_s3,
        signed_body_value="UNSIGNED-PAYLOAD" if is_s3 and in_query(request) else digest,
        signed_body_header_type=auth.AwsSignedBodyHeaderType.X_AMZ_CONTENT_SHA_256
        if sends_digest else auth.AwsSignedBodyHeaderType.NONE,
        expiration_in_seconds=request.get("expires_in"),
        omit_session_token=request.get("session_token") == "append",
    )
    try:
        result = auth.aws_sign_request(subject, config).result()
    except awscrt.exceptions.AwsCrtError as error:
        return {"signature": f"{error} for {target}"}
    if in_query(request):
        signature = result.path.split("X-Amz-Signature=")[1].split("&")[0]
    else:
        signature = result.headers.get("Authorization").split("Signature=")[1]
    return {"signature": signature}


# ---- Comparison ----

def public_key():
    """Derives the key of SigV4A as AWS describes it."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    for counter in range(1, 255):
        text = b"\0\0\0\1AWS4-ECDSA-P256-SHA256\0" + KEY_ID.encode() + bytes([counter]) + b"\0\0\1\0"
        number = int.from_bytes(hmac.digest(b"AWS4A" + SECRET.encode(), text, "sha256"), "big")
        if number <= order - 2:
            return ec.derive_private_key(number + 1, ec.SECP256R1()).public_key()
    raise AssertionError("no key")


PUBLIC_KEY = public_key()


def verifies(signature, text):
    try:
        PUBLIC_KEY.verify(bytes.fromhex(signature), text.encode(), ec.ECDSA(hashes.SHA256()))
        return True
    except (InvalidSignature, ValueError):
        return False


def differences(reference, request, answer, undone):
    """Names what differs between an answer and a reference."""
    if "error" in answer:
        yield f"refused: {answer['error']}"
        return
    hashed = hashlib.sha256(answer["canonical_request"].encode()).hexdigest()
    if answer["string_to_sign"].rsplit("\n", 1)[1] != hashed:
        yield "hash of the canonical request"
    expected = by_botocore(request, undone) if reference == "botocore" else by_awscrt(request, undone)
    if request.get("algorithm") == "sigv4a":
        for whose, signature in [("its own", answer["signature"]), ("awscrt's", expected["signature"])]:
            if not verifies(signature, answer["string_to_sign"]):
                yield f"{whose} signature is not of this text: {signature}"
        return
    for name, text in expected.items():
        if answer[name] != text:
            yield f"{name}: {text!r} expected"


def why_left_out(reference, request):
    """Names the difference for which a reference cannot be asked."""
    names = [name for name, _ in encoded_query(urlsplit(request["url"]).query, "%20")]
    if reference == "botocore" and in_query(request) and len(set(names)) < len(names):
        return "repeated parameter"
    try:
        unquote_to_bytes(urlsplit(request["url"]).query).decode()
    except UnicodeDecodeError:
        if reference == "botocore" and in_query(request):
            return "octets in a query"
    if reference != "botocore" and ":/" in urlsplit(request["url"]).path and request["service"] != "s3":
        return "colon and slash"
    return None


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--count", type=int, default=10000)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--program", help="instead of what cargo builds")
    arguments = arguments.parse_args()
    command = ["cargo", "run", "-q", "-p", "sign-function", "--"]
    command = [arguments.program] if arguments.program else command

    chance = random.Random(arguments.seed)
    requests, classes = [], collections.Counter()
    while len(requests) < arguments.count:
        reference, request = make_request(chance, len(requests))
        reason = why_left_out(reference, request)
        if reason:
            classes[reason] += 1
            continue
        requests.append((reference, request))
    lines = "".join(json.dumps(request) + "\n" for _, request in requests)
    begin = time.monotonic()
    done = subprocess.run([*command, "--stdin"], input=lines.encode(), stdout=subprocess.PIPE,
                          cwd=ROOT, check=True)
    seconds = time.monotonic() - begin
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(requests), "one answer a request"

    kinds, wrong = collections.Counter(), 0
    for (reference, request), answer in zip(requests, answers):
        undone = set()
        assert answer.get("id") == request["id"], "in order"
        found = list(differences(reference, request, answer, undone))
        kinds[reference, "query" if in_query(request) else "headers"] += 1
        classes.update(undone)
        classes["none"] += not undone
        wrong += bool(found)
        if found and wrong <= 5:
            print(json.dumps(request), json.dumps(answer), *found, sep="\n  ", file=sys.stderr)

    print(f"botocore {botocore.__version__}, awscrt {awscrt.__version__}, seed {arguments.seed}")
    print(f"{len(requests)} requests signed in {seconds:.1f} s")
    for (reference, placement), count in sorted(kinds.items()):
        print(f"{count:8} {reference}, {placement}")
    print("to be undone, because the reference differs:")
    print(f"{classes['none']:8} nothing")
    for name, why in DIFFERENCES.items():
        print(f"{classes[name]:8} {name}: {why}")
    print(f"{wrong} differences beside these")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
