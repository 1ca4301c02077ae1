//! Published requests with bodies in `aws-chunked`, from the folder that the environment variable
//! `SIGV4_VECTORS` names: their heads, their chains of signatures, and the bodies that come of them.
//!
//! Signatures of SigV4A are never the same twice. Those are checked by the crate `ring`, with the
//! public key that is published for the access key.

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderName;
use http::Request;
use serde::Deserialize;
use sha2::Digest;
use sha2::Sha256;
use sigv4_core::AwsChunked;
use sigv4_core::ChunkSigner;
use sigv4_core::Credentials;
use sigv4_core::EcdsaBackend;
use sigv4_core::HeaderMatch;
use sigv4_core::HeaderRules;
use sigv4_core::Payload;
use sigv4_core::Signed;
use sigv4_core::Signer;
use sigv4_core::SigningTrace;
use sigv4_tests::aws_chunked::Announced;
use sigv4_tests::aws_chunked::ChainV4a;
use sigv4_tests::aws_chunked::decode;
use sigv4_tests::suite::RawRequest;
use sigv4_tests::time;

use crate::aws_chunked::CHECKSUMS;
use crate::aws_chunked::encode_by;
use crate::published_vectors::read;

#[test]
fn signs_the_published_requests_and_bodies() {
    let Some(file) = read::<File>("chunked.json") else {
        return;
    };
    let cases = file.cases.iter().filter(|case| case.algorithm == "v4");
    let cases: Vec<_> = cases.collect();
    assert_eq!((cases.len(), file.cases.len()), (3, 5));
    let (mut hashes, mut authorizations) = (0, 0);
    for case in cases {
        let name = &case.name;
        let (signed, request, trace) = case.sign(None, case.encoding());
        assert_eq!(signed.signature(), case.seed_signature.as_deref(), "{name}");
        if let Some(expected) = &case.canonical_request_sha256 {
            let actual = hex(&Sha256::digest(trace.canonical_request_bytes()));
            assert_eq!(actual, *expected, "{name}");
            hashes += 1;
        }
        if let Some(expected) = &case.authorization {
            assert_eq!(request.headers()["authorization"], **expected, "{name}");
            authorizations += 1;
        }
        case.check_signatures(&signed);
        case.check_body(&signed);
    }
    assert_eq!((hashes, authorizations), (1, 1));
}

#[test]
fn signs_the_published_requests_and_bodies_of_sigv4a() {
    let Some(file) = read::<File>("chunked.json") else {
        return;
    };
    let mut counted = (0, 0);
    for case in file.cases.iter().filter(|case| case.algorithm == "v4a") {
        for backend in [EcdsaBackend::P256, EcdsaBackend::Ring] {
            case.check_v4a(backend, &mut counted.1);
        }
        counted.0 += 1;
    }
    assert_eq!(counted, (2, 8), "cases, published strings to sign");
}

#[derive(Deserialize)]
struct File {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    algorithm: String,
    credentials: CaseCredentials,
    region: String,
    service: String,
    timestamp: String,
    request: CaseRequest,
    payload: String,
    authorization: Option<String>,
    canonical_request: Option<String>,
    canonical_request_sha256: Option<String>,
    seed_signature: Option<String>,
    chunks: Vec<RepeatedByte>,
    #[serde(default)]
    chunk_signatures: Vec<String>,
    #[serde(default)]
    chunk_string_to_sign: Vec<String>,
    #[serde(default)]
    trailers: Vec<(String, String)>,
    trailer_signature: Option<String>,
    trailer_string_to_sign: Option<String>,
    content_length: Option<usize>,
    final_frames: Option<Vec<String>>,
    public_key: Option<PublicKey>,
}

#[derive(Deserialize)]
struct CaseCredentials {
    access_key: String,
    secret_key: String,
}

#[derive(Deserialize)]
struct CaseRequest {
    method: String,
    uri: String,
    headers: Vec<(String, String)>,
}

#[derive(Deserialize)]
struct RepeatedByte {
    repeat: String,
    count: usize,
}

#[derive(Deserialize)]
struct PublicKey {
    x: String,
    y: String,
}

impl Case {
    fn credentials(&self) -> Credentials {
        let keys = &self.credentials;
        Credentials::new(&*keys.access_key, &*keys.secret_key).unwrap()
    }

    /// Signs what the published request has, which its signature covers, beside what is always
    /// signed.
    fn signer(&self, backend: Option<EcdsaBackend>) -> Signer {
        let mut rules = HeaderRules::minimal().include(exact("content-encoding"));
        if self.raw_header("content-length").is_some() {
            rules = rules.include(exact("content-length"));
        }
        let mut builder = Signer::builder(&*self.service, &*self.region).headers(rules);
        if let Some(backend) = backend {
            builder = builder.sigv4a(backend);
        }
        builder.build().unwrap()
    }

    /// How the body is encoded. No trailers but checksums are.
    fn encoding(&self) -> AwsChunked {
        let config = AwsChunked::signed();
        match &self.trailers[..] {
            [(name, _)] => {
                let mut checksums = CHECKSUMS.into_iter();
                let checksum = checksums.find(|checksum| checksum.header_name() == **name);
                config.trailer(checksum.unwrap())
            }
            _ => config,
        }
    }

    fn data(&self) -> Vec<Bytes> {
        let chunks = self.chunks.iter();
        chunks
            .map(|chunk| chunk.repeat.repeat(chunk.count).into())
            .collect()
    }

    /// Signs the request without the headers that come of the payload.
    fn sign(
        &self,
        backend: Option<EcdsaBackend>,
        encoding: AwsChunked,
    ) -> (Signed, Request<Vec<u8>>, SigningTrace) {
        let name = &self.name;
        let length = self.data().iter().map(Bytes::len).sum::<usize>() as u64;
        let announced = self.raw_header("x-amz-decoded-content-length");
        assert_eq!(announced, Some(&*length.to_string()), "{name}");
        let mut raw = RawRequest::new(
            self.request.method.clone(),
            self.request.uri.clone(),
            self.request.headers.clone(),
            Vec::new(),
        );
        raw.headers.retain(|(name, _)| !is_of_the_payload(name));
        assert_eq!(raw.headers.len(), 2, "{name}: the host, a storage class");
        let mut request = raw.to_origin_form().unwrap();

        let payload = Payload::AwsChunked {
            encoding,
            length: Some(length),
        };
        let (signer, credentials) = (self.signer(backend), self.credentials());
        let time = time::parse(&self.timestamp).expect("a case has a date");
        let trace = signer.trace(&request, payload, &credentials, time).unwrap();
        let signed = signer
            .sign(&mut request, payload, &credentials, time)
            .unwrap();
        assert_eq!(request.headers()["content-encoding"], "aws-chunked");
        (signed, request, trace)
    }

    fn raw_header(&self, name: &str) -> Option<&str> {
        let mut headers = self.request.headers.iter();
        headers
            .find(|(header, _)| header.eq_ignore_ascii_case(name))
            .map(|(_, value)| &**value)
    }

    /// Checks the chain behind the signature of the request, trailers and all.
    fn check_signatures(&self, signed: &Signed) {
        let name = &self.name;
        let mut chain = self.chain(None, signed);
        let chunks = self.data().into_iter().chain([Bytes::new()]);
        let signatures = chunks.map(|chunk| {
            let signature = chain.sign_chunk(&Sha256::digest(&chunk).into());
            signature.unwrap().as_str().to_owned()
        });
        let signatures: Vec<_> = signatures.collect();
        assert_eq!(signatures, self.chunk_signatures, "{name}");
        assert_eq!(
            self.trailer_signature.is_some(),
            !self.trailers.is_empty(),
            "{name}"
        );
        if let Some(expected) = &self.trailer_signature {
            let signature = chain.sign_trailers(&self.trailers_in_disguise()).unwrap();
            assert_eq!(signature.as_str(), expected, "{name}");
        }
    }

    /// Checks the body that the signature of the request gives, as far as such trailers can be sent.
    fn check_body(&self, signed: &Signed) {
        let name = &self.name;
        let mut signatures = self.chunk_signatures.iter();
        let mut expected: Vec<u8> = Vec::new();
        for chunk in self.data() {
            let (size, signature) = (chunk.len(), signatures.next().unwrap());
            let head = format!("{size:x};chunk-signature={signature}\r\n");
            expected.extend_from_slice(head.as_bytes());
            expected.extend_from_slice(&chunk);
            expected.extend_from_slice(b"\r\n");
        }
        let last = signatures.next().unwrap();
        let end = match &self.final_frames {
            Some(frames) => frames.concat(),
            None => format!("0;chunk-signature={last}\r\n\r\n"),
        };
        expected.extend_from_slice(end.as_bytes());
        let wire = encode_by(signed.chunk_encoder().unwrap(), self.data());
        assert!(wire == expected, "{name}");
        if let Some(length) = self.content_length {
            assert_eq!(wire.len(), length, "{name}");
        }
    }

    fn check_v4a(&self, backend: EcdsaBackend, strings_to_sign: &mut usize) {
        let name = &self.name;
        // Its trailers are none that a body can have: this is one of the same kind.
        let has_trailers = !self.trailers.is_empty();
        let encoding = match has_trailers {
            true => AwsChunked::signed().trailer(CHECKSUMS[1]),
            false => AwsChunked::signed(),
        };
        let (signed, request, trace) = self.sign(Some(backend), encoding);

        // The length that is published is that of a body signed by SigV4. Each signature of SigV4A
        // is 80 characters longer: those of three chunks, and of the trailers.
        let (length, trailer) = match has_trailers {
            true => ("67266", Some("x-amz-checksum-crc32c")),
            false => ("67064", None),
        };
        let mut expected = self.canonical_request.clone().unwrap();
        let replace = |text: &mut String, from: &str, to: &str| {
            assert!(text.contains(from), "{name}");
            *text = text.replacen(from, to, 1);
        };
        let of_length = format!("content-length:{length}\n");
        replace(&mut expected, "content-length:66824\n", &of_length);
        if let Some(trailer) = trailer {
            let of_trailer = format!("x-amz-trailer:{trailer}\n");
            replace(
                &mut expected,
                "x-amz-trailer:first,second,third\n",
                &of_trailer,
            );
        }
        assert_eq!(trace.canonical_request(), expected, "{name}");
        assert!(expected.ends_with(&format!("\n{}", self.payload)), "{name}");

        let (key, date) = (self.public_key(), "20130524T000000Z");
        let chain = ChainV4a {
            public_key: &key,
            date,
            scope: "20130524/s3/aws4_request",
            seed: signed.signature().unwrap(),
        };
        let hash = hex(&Sha256::digest(expected.as_bytes()));
        let scope = chain.scope;
        let text = format!("AWS4-ECDSA-P256-SHA256\n{date}\n{scope}\n{hash}");
        assert_eq!(trace.string_to_sign(), text, "{name}");
        chain.check(&text, chain.seed).unwrap();

        let wire = encode_by(signed.chunk_encoder().unwrap(), self.data());
        assert_eq!(request.headers()["content-length"], *wire.len().to_string());
        let announced = Announced {
            signed: true,
            trailer,
        };
        let decoded = decode(&wire, announced).unwrap();
        assert_eq!(decoded.data(), self.data().concat());
        decoded.verify_v4a(chain).unwrap();
        if has_trailers {
            decoded.verify_checksum().unwrap();
        }

        // The published strings to sign, each with the signature before in its place.
        let mut chain_of_ours = self.chain(Some(backend), &signed);
        let mut previous = chain.seed.to_owned();
        let chunks = self.data().into_iter().chain([Bytes::new()]);
        for (at, chunk) in chunks.enumerate() {
            let signature = chain_of_ours.sign_chunk(&Sha256::digest(&chunk).into());
            let signature = signature.unwrap().as_str().to_owned();
            if let Some(text) = self.chunk_string_to_sign.get(at) {
                let place = "{previous signature, hex, without * padding}";
                let mut text = text.clone();
                replace(&mut text, place, &previous);
                chain.check(&text, &signature).unwrap();
                *strings_to_sign += 1;
            }
            previous = signature;
        }
        if let Some(text) = &self.trailer_string_to_sign {
            let place = "{final chunk signature, hex, without * padding}";
            let mut text = text.clone();
            replace(&mut text, place, &previous);
            let signature = chain_of_ours.sign_trailers(&self.trailers_in_disguise());
            chain.check(&text, signature.unwrap().as_str()).unwrap();
            *strings_to_sign += 1;
        }
    }

    /// The bare chain, for what is not encoded.
    fn chain(&self, backend: Option<EcdsaBackend>, signed: &Signed) -> ChunkSigner {
        ChunkSigner::new(
            &self.signer(backend),
            &self.credentials(),
            signed.signing_time(),
            signed.signature().unwrap(),
        )
        .unwrap()
    }

    /// In another order and another spelling, neither of which makes a difference.
    fn trailers_in_disguise(&self) -> HeaderMap {
        let trailers = self.trailers.iter().rev();
        HeaderMap::from_iter(trailers.map(|(name, value)| {
            let name: HeaderName = name.to_ascii_uppercase().parse().unwrap();
            (name, format!(" {value}\t").parse().unwrap())
        }))
    }

    fn public_key(&self) -> Vec<u8> {
        let PublicKey { x, y } = self.public_key.as_ref().unwrap();
        let point = format!("04{x}{y}");
        let digits = (0..point.len()).step_by(2);
        digits
            .map(|at| u8::from_str_radix(&point[at..at + 2], 16).unwrap())
            .collect()
    }
}

fn exact(name: &str) -> HeaderMatch {
    HeaderMatch::exact(name).unwrap()
}

/// The headers that the signer adds on account of such a body.
fn is_of_the_payload(name: &str) -> bool {
    [
        "content-encoding",
        "content-length",
        "x-amz-decoded-content-length",
        "x-amz-trailer",
    ]
    .iter()
    .any(|added| name.eq_ignore_ascii_case(added))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
