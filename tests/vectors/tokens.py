"""Makes tokens.json; see tokens.md."""

import base64
import datetime
import hashlib
import hmac
import json
from urllib.parse import urlencode

import awscrt.auth
import awscrt.http
import aws_bedrock_token_generator.token_generator as bedrock_generator
import aws_msk_iam_sasl_signer.MSKAuthTokenProvider as msk_generator
import boto3
import botocore.auth
import botocore.session
from awscli.customizations.eks.get_token import STSClientFactory, TokenGenerator
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.model import ServiceId
from botocore.signers import RequestSigner
from freezegun import freeze_time

KEY = "AKIDEXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TOKEN = "FwoGZXIvYXdzEFixtureSession/Token+ThatMustNotLeak0123456789=="
NOW = datetime.datetime(2015, 8, 30, 12, 36, tzinfo=datetime.timezone.utc)


def session(token, region):
    session = botocore.session.get_session()
    session.set_credentials(KEY, SECRET, token)
    session.set_config_variable("region", region)
    return session


def client(service, token, region, **options):
    return boto3.Session(botocore_session=session(token, region)).client(service, **options)


def rds(token, region, *arguments):
    return client("rds", token, region).generate_db_auth_token(*arguments)


def dsql(token, region, action, host, seconds):
    dsql = client("dsql", token, region)
    make = getattr(dsql, f"generate_db_{action}_auth_token")
    return make(host, region, ExpiresIn=seconds)


def cache(token, region, service, name, query):
    # The ElastiCacheIAMProvider of the documentation of redis-py.
    of = session(token, region)
    emitter = of.get_component("event_emitter")
    signer = RequestSigner(
        ServiceId(service), region, service, "v4", of.get_credentials(), emitter
    )
    url = f"https://{name}/?{urlencode(query)}"
    request = {"method": "GET", "url": url, "body": {}, "headers": {}, "context": {}}
    url = signer.generate_presigned_url(
        request, operation_name="connect", expires_in=900, region_name=region
    )
    return url.removeprefix("https://")


def msk(token, region):
    make = getattr(msk_generator, "__construct_auth_token")
    return make(region, Credentials(KEY, SECRET, token))[0]


def eks(token, region, cluster):
    sts = STSClientFactory(session(token, region)).get_sts_client(region_name=region)
    return TokenGenerator(sts).get_token(cluster)


def bedrock(token, region, seconds):
    return bedrock_generator._generate_token(Credentials(KEY, SECRET, token), region, seconds)


def iot(token, region, host, seconds):
    # awsiot.mqtt_connection_builder.websockets_with_default_aws_signing, with a time and a lifetime.
    headers = awscrt.http.HttpHeaders([("Host", host)])
    request = awscrt.http.HttpRequest("GET", "/mqtt", headers)
    config = awscrt.auth.AwsSigningConfig(
        algorithm=awscrt.auth.AwsSigningAlgorithm.V4,
        signature_type=awscrt.auth.AwsSignatureType.HTTP_REQUEST_QUERY_PARAMS,
        credentials_provider=awscrt.auth.AwsCredentialsProvider.new_static(KEY, SECRET, token),
        region=region,
        service="iotdevicegateway",
        date=NOW,
        expiration_in_seconds=seconds,
        omit_session_token=True,
    )
    awscrt.auth.aws_sign_request(request, config).result()
    return f"wss://{host}{request.path}"


def ses(region):
    # The algorithm of https://docs.aws.amazon.com/ses/latest/dg/smtp-credentials.html.
    key = ("AWS4" + SECRET).encode()
    for text in ("11111111", region, "ses", "aws4_request", "SendRawEmail"):
        key = hmac.new(key, text.encode(), hashlib.sha256).digest()
    return base64.b64encode(bytes([4]) + key).decode()


class CompactJson:
    @staticmethod
    def dumps(value):
        return json.dumps(value, separators=(",", ":"))


def post(token, region, bucket, key, fields, conditions, seconds):
    # Python writes JSON with blanks, which would be signed.
    botocore.auth.json, whole = CompactJson, botocore.auth.json
    try:
        s3 = client("s3", token, region, config=Config(signature_version="s3v4"))
        return s3.generate_presigned_post(bucket, key, fields, conditions, seconds)["fields"]
    finally:
        botocore.auth.json = whole


def signature(token, method, url, service, seconds, headers):
    request = AWSRequest(method=method, url=url, headers=headers)
    credentials = Credentials(KEY, SECRET, token)
    SigV4QueryAuth(credentials, service, "us-east-1", expires=seconds).add_auth(request)
    return request.url.split("X-Amz-Signature=")[1]


RDS = "mydb.123456789012.us-east-1.rds.amazonaws.com"
RDS_MIXED = "MyDB.Cluster-abc.eu-central-1.rds.amazonaws.com"
DSQL = "abcd1234.dsql.us-east-1.on.aws"
IOT = "abc123-ats.iot.us-east-1.amazonaws.com"
USER = {"Action": "connect", "User": "iam-user-01"}
AWKWARD_USER = {"Action": "connect", "User": "a b+c&d=ü"}
SERVERLESS = USER | {"ResourceType": "ServerlessCache"}
CONDITIONS = [
    {"acl": "private"},
    ["starts-with", "$x-amz-meta-tag", ""],
    ["starts-with", "$Content-Type", "image/"],
    ["content-length-range", 1, 10485760],
]
NOTE = {"x-amz-meta-note": "$x é"}
AWKWARD_KEY = 'übung/"a\\b"\n\u2028😀/\x7f.txt'
STS = "https://sts.us-east-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15"
BEDROCK = "https://bedrock.amazonaws.com/?Action=CallWithBearerToken"

MADE = {
    "rds": (rds, "us-east-1", RDS, 3306, "jane_doe"),
    "rds, awkward": (rds, "eu-central-1", RDS_MIXED, 5432, "a b+c/d@e:f&g=h%20'ü~"),
    "rds, port 443": (rds, "us-east-1", RDS, 443, "jane_doe"),
    "dsql": (dsql, "us-east-1", "connect", DSQL, 900),
    "dsql, admin": (dsql, "us-east-1", "connect_admin", DSQL, 3600),
    "elasticache": (cache, "us-east-1", "elasticache", "my-cache", USER),
    "elasticache, mixed case": (cache, "us-east-1", "elasticache", "My-Cache", USER),
    "elasticache, awkward": (cache, "us-east-1", "elasticache", "my-cache", AWKWARD_USER),
    "elasticache, serverless": (cache, "us-east-1", "elasticache", "my-cache", SERVERLESS),
    "memorydb": (cache, "eu-west-1", "memorydb", "my-cluster", USER),
    "msk": (msk, "us-east-1"),
    "msk, China": (msk, "cn-north-1"),
    "eks": (eks, "us-east-1", "my-cluster"),
    "eks, China": (eks, "cn-northwest-1", "My_cluster-2"),
    "eks, Europe": (eks, "eusc-de-east-1", "my-cluster"),
    "bedrock": (bedrock, "us-east-1", 43200),
    "bedrock, an hour": (bedrock, "eu-west-1", 3600),
    "iot": (iot, "us-east-1", IOT, 900),
    "post": (post, "us-east-1", "examplebucket", "user/eric/${filename}",
             {"acl": "private"}, CONDITIONS, 3600),
    "post, awkward": (post, "eu-central-1", "my.bucket", AWKWARD_KEY, NOTE, [NOTE], 60),
    "presigned, no port": (signature, "GET", "https://host.example.com/s?a=b", "transcribe", 300, {}),
    "presigned, port 80": (signature, "GET", "https://host.example.com:80/s?a=b", "transcribe", 300, {}),
    "presigned, port 443": (signature, "GET", "http://host.example.com:443/s?a=b", "transcribe", 300, {}),
    "presigned, port 3306": (signature, "GET", "https://host.example.com:3306/s?a=b", "transcribe", 300, {}),
    "presigned, port 8443": (signature, "GET", "https://host.example.com:8443/s?a=b", "transcribe", 300, {}),
    "presigned, a header": (signature, "GET", STS, "sts", 60, {"x-k8s-aws-id": "my-cluster"}),
    "presigned, no header": (signature, "GET", STS, "sts", 60, {}),
    "presigned, POST": (signature, "POST", BEDROCK, "bedrock", 300, {}),
}

with freeze_time(NOW):
    facts = {}
    for name, (make, *arguments) in MADE.items():
        facts[name] = {
            "long-term": make(None, *arguments),
            "session": make(TOKEN, *arguments),
        }
    for region in ("us-east-1", "eu-central-1"):
        facts[f"ses, {region}"] = {"long-term": ses(region)}
print(json.dumps(facts, indent=2))
