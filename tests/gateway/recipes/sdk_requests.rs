//! What SDKs put on the wire with the dummy keys of the recipe: boto3 1.44.5, and the SDK for
//! JavaScript 3.1168.0. Captured, and not changed but for the name of the operating system.

/// A request as it came.
pub(super) struct Captured {
    /// The SDK and what it was asked for.
    pub(super) name: &'static str,
    /// Request line and headers, with LF between them.
    pub(super) head: &'static str,
    /// What is behind them, with the framing of the chunked coding if it has that.
    pub(super) body: &'static str,
}

pub(super) const REQUESTS: [Captured; 16] = [
    Captured {
        name: "boto3, put_object",
        head: "\
PUT /bucket/key HTTP/1.1
Host: 127.0.0.1:18555
Accept-Encoding: identity
User-Agent: Boto3/1.44.5 md/Botocore#1.44.5 ua/2.1 os/linux#6.1.0 md/arch#x86_64 lang/python#3.11.7 md/pyimpl#CPython m/U,E,e,N,Z,b cfg/retry-mode#standard Botocore/1.44.5
Expect: 100-continue
x-amz-checksum-crc32: NhCmhg==
x-amz-sdk-checksum-algorithm: CRC32
X-Amz-Date: 20261122T085208Z
X-Amz-Content-SHA256: 2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824
Authorization: AWS4-HMAC-SHA256 Credential=dummy/20261122/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-checksum-crc32;x-amz-content-sha256;x-amz-date;x-amz-sdk-checksum-algorithm, Signature=52371a3c86c58e9af92970348e39da71a78e0c036a04eb554b51ddc5dbc07d70
amz-sdk-invocation-id: c48de6f5-39ad-4f82-b144-dc4f1c26dc04
amz-sdk-request: attempt=1; max=1
Content-Length: 5",
        body: "hello",
    },
    Captured {
        name: "boto3, put_object with settings",
        head: "\
PUT /bucket/stream HTTP/1.1
Host: 127.0.0.1:18555
Accept-Encoding: identity
x-amz-meta-a: b
Content-Type: text/plain
x-amz-acl: private
x-amz-storage-class: STANDARD_IA
User-Agent: Boto3/1.44.5 md/Botocore#1.44.5 ua/2.1 os/linux#6.1.0 md/arch#x86_64 lang/python#3.11.7 md/pyimpl#CPython m/U,E,e,N,Z,b cfg/retry-mode#standard Botocore/1.44.5
Expect: 100-continue
x-amz-checksum-crc32: jbQcGg==
x-amz-sdk-checksum-algorithm: CRC32
X-Amz-Date: 20261122T085208Z
X-Amz-Content-SHA256: 1d4846d65c1705e8b9551549312b1acb2406c68a0320191b66c5043122bb3b3d
Authorization: AWS4-HMAC-SHA256 Credential=dummy/20261122/us-east-1/s3/aws4_request, SignedHeaders=content-type;host;x-amz-acl;x-amz-checksum-crc32;x-amz-content-sha256;x-amz-date;x-amz-meta-a;x-amz-sdk-checksum-algorithm;x-amz-storage-class, Signature=b006d21ca4991e2f234784db7b8019daccc48b3d14e28bb000098e25efe1a2c6
amz-sdk-invocation-id: f8bd985f-902f-4ccf-b3a9-10b98a53df05
amz-sdk-request: attempt=1; max=1
Content-Length: 50",
        body: "hellohellohellohellohellohellohellohellohellohello",
    },
    Captured {
        name: "boto3, put_object over TLS",
        head: "\
PUT /bucket/key HTTP/1.1
Host: 127.0.0.1:18559
Accept-Encoding: identity
User-Agent: Boto3/1.44.5 md/Botocore#1.44.5 ua/2.1 os/linux#6.1.0 md/arch#x86_64 lang/python#3.11.7 md/pyimpl#CPython m/E,Z,N,b,U,e cfg/retry-mode#standard Botocore/1.44.5
Expect: 100-continue
Transfer-Encoding: chunked
Content-Encoding: aws-chunked
X-Amz-Trailer: x-amz-checksum-crc32
X-Amz-Decoded-Content-Length: 5
x-amz-sdk-checksum-algorithm: CRC32
X-Amz-Date: 20261122T090419Z
X-Amz-Content-SHA256: STREAMING-UNSIGNED-PAYLOAD-TRAILER
Authorization: AWS4-HMAC-SHA256 Credential=dummy/20261122/us-east-1/s3/aws4_request, SignedHeaders=content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-sdk-checksum-algorithm;x-amz-trailer, Signature=c84bbff920af525085dbea090837929b60a3a2fdc85101e829bed72b7f930912
amz-sdk-invocation-id: 5a41ca5a-a9fc-48cb-a67e-5c6b0c34d955
amz-sdk-request: attempt=1; max=1",
        body: "2e\r\n5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n\r\n0\r\n\r\n",
    },
    Captured {
        name: "boto3, get_object",
        head: "\
GET /bucket/a%20key/%C3%BC%2B%3A%40%3D.txt HTTP/1.1
Host: 127.0.0.1:18555
Accept-Encoding: identity
x-amz-checksum-mode: ENABLED
User-Agent: Boto3/1.44.5 md/Botocore#1.44.5 ua/2.1 os/linux#6.1.0 md/arch#x86_64 lang/python#3.11.7 md/pyimpl#CPython m/E,e,N,Z,b cfg/retry-mode#standard Botocore/1.44.5
X-Amz-Date: 20261122T085208Z
X-Amz-Content-SHA256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
Authorization: AWS4-HMAC-SHA256 Credential=dummy/20261122/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-checksum-mode;x-amz-content-sha256;x-amz-date, Signature=1cec6e345cf339d7b2f8d51d9c0d6170ecf4070b8e200c8aa90a0a5244bbf087
amz-sdk-invocation-id: 9407afe8-6aab-4855-b595-41fde844117b
amz-sdk-request: attempt=1; max=1",
        body: "",
    },
    Captured {
        name: "boto3, list_objects_v2",
        head: "\
GET /bucket?list-type=2&prefix=a%20b%2Fc%2Bd&encoding-type=url HTTP/1.1
Host: 127.0.0.1:18555
Accept-Encoding: identity
User-Agent: Boto3/1.44.5 md/Botocore#1.44.5 ua/2.1 os/linux#6.1.0 md/arch#x86_64 lang/python#3.11.7 md/pyimpl#CPython m/E,e,N,Z,b cfg/retry-mode#standard Botocore/1.44.5
X-Amz-Date: 20261122T085208Z
X-Amz-Content-SHA256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
Authorization: AWS4-HMAC-SHA256 Credential=dummy/20261122/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=31a03c4bde73353b9a56a6db57a18358becb88b9dcbb04cb4eee4abc6be0094c
amz-sdk-invocation-id: 86260092-3c75-434a-ba8a-144315f1bc7d
amz-sdk-request: attempt=1; max=1",
        body: "",
    },
    Captured {
        name: "boto3, create_multipart_upload",
        head: "\
POST /bucket/big?uploads HTTP/1.1
Host: 127.0.0.1:18555
Accept-Encoding: identity
User-Agent: Boto3/1.44.5 md/Botocore#1.44.5 ua/2.1 os/linux#6.1.0 md/arch#x86_64 lang/python#3.11.7 md/pyimpl#CPython m/E,e,N,Z,b cfg/retry-mode#standard Botocore/1.44.5
X-Amz-Date: 20261122T085208Z
X-Amz-Content-SHA256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
Authorization: AWS4-HMAC-SHA256 Credential=dummy/20261122/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=590dac1c073817f2045ce12792aa14709232c043f6444b3c63526f4552d0c9af
amz-sdk-invocation-id: 54af4c76-7e21-47c6-93fc-6f59a8f3d8d0
amz-sdk-request: attempt=1; max=1
Content-Length: 0",
        body: "",
    },
    Captured {
        name: "boto3, upload_part",
        head: "\
PUT /bucket/big?uploadId=u1&partNumber=1 HTTP/1.1
Host: 127.0.0.1:18555
Accept-Encoding: identity
User-Agent: Boto3/1.44.5 md/Botocore#1.44.5 ua/2.1 os/linux#6.1.0 md/arch#x86_64 lang/python#3.11.7 md/pyimpl#CPython m/U,E,e,N,Z,b cfg/retry-mode#standard Botocore/1.44.5
Expect: 100-continue
x-amz-checksum-crc32: 8NWbEw==
x-amz-sdk-checksum-algorithm: CRC32
X-Amz-Date: 20261122T085208Z
X-Amz-Content-SHA256: 76094b9e0d161cdf6d6f19069b1c8e3dd9d6ab2c692d4be9c04f3096aa63bab7
Authorization: AWS4-HMAC-SHA256 Credential=dummy/20261122/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-checksum-crc32;x-amz-content-sha256;x-amz-date;x-amz-sdk-checksum-algorithm, Signature=b72875dc68e935eb1fed4559a3ac19b8fe00032d4d203169fc9cfb8b4212702c
amz-sdk-invocation-id: 773c5df4-c5a0-4054-a105-7fd514bb4918
amz-sdk-request: attempt=1; max=1
Content-Length: 16",
        body: "partpartpartpart",
    },
    Captured {
        name: "boto3, complete_multipart_upload",
        head: "\
POST /bucket/big?uploadId=u1 HTTP/1.1
Host: 127.0.0.1:18555
Accept-Encoding: identity
User-Agent: Boto3/1.44.5 md/Botocore#1.44.5 ua/2.1 os/linux#6.1.0 md/arch#x86_64 lang/python#3.11.7 md/pyimpl#CPython m/E,e,N,Z,b cfg/retry-mode#standard Botocore/1.44.5
X-Amz-Date: 20261122T085208Z
X-Amz-Content-SHA256: 7070a0e90ac99fe1686698ffd5e038eb79333b940f6933cd2cf823871aced43b
Authorization: AWS4-HMAC-SHA256 Credential=dummy/20261122/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=1fd995e288dfcd553db86e236a95cde44e043eb8b3e610260ff7628e664476a6
amz-sdk-invocation-id: a71c344c-9880-408b-8b53-eedf21c7406f
amz-sdk-request: attempt=1; max=1
Content-Length: 154",
        body: "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Part><ETag>\"e\"</ETag><PartNumber>1</PartNumber></Part></CompleteMultipartUpload>",
    },
    Captured {
        name: "boto3, delete_objects",
        head: "\
POST /bucket?delete HTTP/1.1
Host: 127.0.0.1:18555
Accept-Encoding: identity
User-Agent: Boto3/1.44.5 md/Botocore#1.44.5 ua/2.1 os/linux#6.1.0 md/arch#x86_64 lang/python#3.11.7 md/pyimpl#CPython m/U,E,e,N,Z,b cfg/retry-mode#standard Botocore/1.44.5
x-amz-checksum-crc32: pIhv0g==
x-amz-sdk-checksum-algorithm: CRC32
X-Amz-Date: 20261122T085208Z
X-Amz-Content-SHA256: 56d2d13f9418b4dfa5d2975b599c67d532c87ed23a8aaeb229cb9eb59e823cb8
Authorization: AWS4-HMAC-SHA256 Credential=dummy/20261122/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-checksum-crc32;x-amz-content-sha256;x-amz-date;x-amz-sdk-checksum-algorithm, Signature=efdb5581ddb2aaea0c31305eded02e3a4d08e950d13e96bdc55f6d4698a62c9a
amz-sdk-invocation-id: 9da049ab-78cf-47c4-9f10-36f5ecc29d94
amz-sdk-request: attempt=1; max=1
Content-Length: 96",
        body: "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Object><Key>key</Key></Object></Delete>",
    },
    Captured {
        name: "boto3, copy_object",
        head: "\
PUT /bucket/key2 HTTP/1.1
Host: 127.0.0.1:18555
Accept-Encoding: identity
x-amz-copy-source: bucket/a%20b
User-Agent: Boto3/1.44.5 md/Botocore#1.44.5 ua/2.1 os/linux#6.1.0 md/arch#x86_64 lang/python#3.11.7 md/pyimpl#CPython m/E,e,N,Z,b cfg/retry-mode#standard Botocore/1.44.5
X-Amz-Date: 20261122T085208Z
X-Amz-Content-SHA256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
Authorization: AWS4-HMAC-SHA256 Credential=dummy/20261122/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-copy-source;x-amz-date, Signature=0f71c9f57b6efde11a9454c8acbee34a807094352f0df976135464d9bf64be8e
amz-sdk-invocation-id: 15a09bd5-6a46-4417-9e84-4c7223d6612e
amz-sdk-request: attempt=1; max=1
Content-Length: 0",
        body: "",
    },
    Captured {
        name: "boto3, describe_key",
        head: "\
POST /kms HTTP/1.1
Host: 127.0.0.1:18555
Accept-Encoding: identity
X-Amz-Target: TrentService.DescribeKey
Content-Type: application/x-amz-json-1.1
User-Agent: Boto3/1.44.5 md/Botocore#1.44.5 ua/2.1 os/linux#6.1.0 md/arch#x86_64 lang/python#3.11.7 md/pyimpl#CPython m/E,e,N,Z,b cfg/retry-mode#standard Botocore/1.44.5
X-Amz-Date: 20261122T085208Z
Authorization: AWS4-HMAC-SHA256 Credential=dummy/20261122/us-east-1/kms/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=639bf535e26258aabeaa16aa36d32e29ba9aea040f8aebd449c9be26e444ba11
amz-sdk-invocation-id: 87321078-82de-4183-a3ba-e9bd4ecdcf1e
amz-sdk-request: attempt=1; max=1
Content-Length: 25",
        body: "{\"KeyId\": \"alias/orders\"}",
    },
    Captured {
        name: "JavaScript, PutObject",
        head: "\
PUT /bucket/key?x-id=PutObject HTTP/1.1
content-type: application/octet-stream
content-length: 5
x-amz-sdk-checksum-algorithm: CRC32
x-amz-checksum-crc32: NhCmhg==
x-amz-user-agent: aws-sdk-js/3.1168.0
user-agent: aws-sdk-js/3.1168.0 ua/2.1 os/linux#6.1.0 lang/js md/nodejs#20.20.2 api/s3#3.1168.0 m/N,Z,b,U,E,e
host: 127.0.0.1:18556
amz-sdk-invocation-id: aaea40d8-3af6-4b18-b5a0-d3a04f1b595c
amz-sdk-request: attempt=1; max=1
x-amz-date: 20261122T085323Z
x-amz-content-sha256: 2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824
authorization: AWS4-HMAC-SHA256 Credential=dummy/20261122/us-east-1/s3/aws4_request, SignedHeaders=amz-sdk-invocation-id;amz-sdk-request;content-length;content-type;host;x-amz-checksum-crc32;x-amz-content-sha256;x-amz-date;x-amz-sdk-checksum-algorithm;x-amz-user-agent, Signature=58da679a7401b768bcfd3fa0acb73fba17bc7b2b572eae4bc7b8eef240a5ae0f
Connection: keep-alive",
        body: "hello",
    },
    Captured {
        name: "JavaScript, PutObject of a stream",
        head: "\
PUT /bucket/stream?x-id=PutObject HTTP/1.1
content-type: application/octet-stream
x-amz-sdk-checksum-algorithm: CRC32
content-encoding: aws-chunked
transfer-encoding: chunked
x-amz-decoded-content-length: 10
x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER
x-amz-trailer: x-amz-checksum-crc32
x-amz-user-agent: aws-sdk-js/3.1168.0
user-agent: aws-sdk-js/3.1168.0 ua/2.1 os/linux#6.1.0 lang/js md/nodejs#20.20.2 api/s3#3.1168.0 m/N,Z,b,U,E,e
host: 127.0.0.1:18556
amz-sdk-invocation-id: d68c5abe-28d0-4e29-a04f-7f19a603e592
amz-sdk-request: attempt=1; max=1
x-amz-date: 20261122T085323Z
authorization: AWS4-HMAC-SHA256 Credential=dummy/20261122/us-east-1/s3/aws4_request, SignedHeaders=amz-sdk-invocation-id;amz-sdk-request;content-encoding;content-type;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-sdk-checksum-algorithm;x-amz-trailer;x-amz-user-agent, Signature=ab6a40d958c674080e61b0741194a17987010a3fa67cd185dc84ff290653200e
Connection: keep-alive",
        body: "3\r\n5\r\n\r\n5\r\nhello\r\n2\r\n\r\n\r\n3\r\n5\r\n\r\n5\r\nhello\r\n2\r\n\r\n\r\n3\r\n0\r\n\r\n1f\r\nx-amz-checksum-crc32:9YyXaA==\r\n\r\n2\r\n\r\n\r\n0\r\n\r\n",
    },
    Captured {
        name: "JavaScript, GetObject",
        head: "\
GET /bucket/a%20key/%C3%BC%2B%3A%40%3D.txt?x-id=GetObject HTTP/1.1
x-amz-checksum-mode: ENABLED
x-amz-user-agent: aws-sdk-js/3.1168.0
user-agent: aws-sdk-js/3.1168.0 ua/2.1 os/linux#6.1.0 lang/js md/nodejs#20.20.2 api/s3#3.1168.0 m/N,Z,b,E,e
host: 127.0.0.1:18556
amz-sdk-invocation-id: 02580237-1b8b-4aa0-8e6d-e7bf334114f6
amz-sdk-request: attempt=1; max=1
x-amz-date: 20261122T085323Z
x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
authorization: AWS4-HMAC-SHA256 Credential=dummy/20261122/us-east-1/s3/aws4_request, SignedHeaders=amz-sdk-invocation-id;amz-sdk-request;host;x-amz-checksum-mode;x-amz-content-sha256;x-amz-date;x-amz-user-agent, Signature=77718c93e8b90c99b7877217f7e6fde08c0c687f7d8e9f51e8a8968f7a3baf38
Connection: keep-alive",
        body: "",
    },
    Captured {
        name: "JavaScript, ListObjectsV2",
        head: "\
GET /bucket/?list-type=2&prefix=a%20b%2Fc%2Bd HTTP/1.1
x-amz-user-agent: aws-sdk-js/3.1168.0
user-agent: aws-sdk-js/3.1168.0 ua/2.1 os/linux#6.1.0 lang/js md/nodejs#20.20.2 api/s3#3.1168.0 m/N,E,e
host: 127.0.0.1:18556
amz-sdk-invocation-id: df1465a9-21d8-41fd-9fbc-363510f6973d
amz-sdk-request: attempt=1; max=1
x-amz-date: 20261122T085323Z
x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
authorization: AWS4-HMAC-SHA256 Credential=dummy/20261122/us-east-1/s3/aws4_request, SignedHeaders=amz-sdk-invocation-id;amz-sdk-request;host;x-amz-content-sha256;x-amz-date;x-amz-user-agent, Signature=9e4c9de756db8aa700d45a1be7015ad021a238dad783b2ef54b555ae89e4f072
Connection: keep-alive",
        body: "",
    },
    Captured {
        name: "JavaScript, DescribeKey",
        head: "\
POST /kms/ HTTP/1.1
content-type: application/x-amz-json-1.1
x-amz-target: TrentService.DescribeKey
content-length: 24
x-amz-user-agent: aws-sdk-js/3.1161.0
user-agent: aws-sdk-js/3.1161.0 ua/2.1 os/linux#6.1.0 lang/js md/nodejs#20.20.2 api/kms#3.1161.0 m/N,E,e
host: 127.0.0.1:18556
amz-sdk-invocation-id: 39b73a0c-1600-4116-b5c2-17d7dc6267b9
amz-sdk-request: attempt=1; max=1
x-amz-date: 20261122T085323Z
x-amz-content-sha256: 606c5cb242dad7d7e070a7baf743d5fe3233777139e5b36225bb2856fbb0cd77
authorization: AWS4-HMAC-SHA256 Credential=dummy/20261122/us-east-1/kms/aws4_request, SignedHeaders=amz-sdk-invocation-id;amz-sdk-request;content-length;content-type;host;x-amz-content-sha256;x-amz-date;x-amz-target;x-amz-user-agent, Signature=98d5ab6b03603a2a826350e4baf80fcec7c6d8a15b04dffbf345b85f4b590554
Connection: keep-alive",
        body: "{\"KeyId\":\"alias/orders\"}",
    },
];
