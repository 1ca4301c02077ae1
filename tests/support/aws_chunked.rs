//! An independent judge of bodies in `aws-chunked`, as strict as a server may be.
//!
//! [`decode`] reads what went over the wire and refuses whatever is not exactly as the
//! documentation of S3 has it; [`Decoded::verify`] recomputes each signature by the crate
//! `aws-sigv4`, [`Decoded::verify_v4a`] checks those of SigV4A by the crate `ring`, and
//! [`Decoded::verify_checksum`] the checksum by the crates `crc` and `ring`. [`verify`] does all of
//! this with a request of SigV4 as it arrived, its head included. None of it calls the code under
//! test.

use std::str;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use aws_smithy_runtime_api::http::Headers;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use crc::CRC_32_ISCSI;
use crc::CRC_32_ISO_HDLC;
use crc::CRC_64_NVME;
use crc::Crc;
use http::request::Parts;
use ring::digest;
use ring::signature::ECDSA_P256_SHA256_ASN1;
use ring::signature::UnparsedPublicKey;

use crate::oracle;
use crate::oracle::Verified;

/// The least of a chunk that is not the last.
const MIN_CHUNK: usize = 8192;

/// What a body says of itself before it is believed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Decoded {
    /// The chunks with data.
    pub chunks: Vec<Chunk>,
    /// The signature of the empty chunk at the end.
    pub last_signature: Option<String>,
    /// The trailers, without their signature.
    pub trailers: Vec<(String, String)>,
    /// The signature of the trailers.
    pub trailer_signature: Option<String>,
}

/// One chunk.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Chunk {
    /// What is in it.
    pub data: Bytes,
    /// Its signature, where chunks are signed.
    pub signature: Option<String>,
}

/// What the request says of a body: its head has to be verified before.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "tests spell it out")]
pub struct Announced<'a> {
    /// Whether `x-amz-content-sha256` announces signed chunks.
    pub signed: bool,
    /// The value of `x-amz-trailer`.
    pub trailer: Option<&'a str>,
}

/// What the signatures of a body were made with.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "tests spell it out")]
pub struct Chain<'a> {
    /// The secret access key.
    pub secret: &'a str,
    /// The region of the scope.
    pub region: &'a str,
    /// The service of the scope.
    pub service: &'a str,
    /// The time of the request.
    pub time: SystemTime,
    /// The signature of the request.
    pub seed: &'a str,
}

/// What the signatures of a body were made with, by SigV4A.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "tests spell it out")]
pub struct ChainV4a<'a> {
    /// The public key, as an uncompressed point.
    pub public_key: &'a [u8],
    /// The time of the request as it writes it: `20130524T000000Z`.
    pub date: &'a str,
    /// The credential scope: `20130524/s3/aws4_request`.
    pub scope: &'a str,
    /// The signature of the request.
    pub seed: &'a str,
}

impl ChainV4a<'_> {
    /// Checks a signature, in hex and without padding, of a text.
    ///
    /// # Errors
    ///
    /// When it is not one.
    pub fn check(&self, text: &str, signature: &str) -> Result<(), String> {
        let der = (0..signature.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(signature.get(at..at + 2).unwrap_or(""), 16))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| error.to_string())?;
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, self.public_key)
            .verify(text.as_bytes(), &der)
            .map_err(|_| format!("a signature is not one of {text:?}"))
    }

    /// Returns what is signed for one link of the chain.
    #[must_use]
    pub fn string_to_sign(&self, what: &str, previous: &str, hashes: &str) -> String {
        let (date, scope) = (self.date, self.scope);
        format!("AWS4-ECDSA-P256-SHA256-{what}\n{date}\n{scope}\n{previous}\n{hashes}")
    }
}

/// Judges a request as it arrived: whether the signatures of its head and of its body fit, and
/// whether the head says of the body what there is.
///
/// # Errors
///
/// When anything is not as it has to be, with the reason.
pub fn verify(head: &Parts, body: &[u8], secret: &str) -> Result<(Verified, Decoded), String> {
    let kind = only(head, "x-amz-content-sha256")?.ok_or("there is no x-amz-content-sha256")?;
    let (signed, has_trailer) = match kind {
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" => (true, false),
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER" => (true, true),
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER" => (false, true),
        _ => return Err(format!("{kind} announces no aws-chunked body")),
    };
    let verified = oracle::verify(head, oracle::Body::Announced(kind), secret)?;
    if !verified.unsigned_amz_headers.is_empty() {
        return Err(format!("{:?} is not signed", verified.unsigned_amz_headers));
    }
    let codings = only(head, "content-encoding")?.unwrap_or_default();
    if codings.split(',').next() != Some("aws-chunked") || codings.matches("chunked").count() > 1 {
        return Err(format!("{codings:?} does not begin with aws-chunked, once"));
    }
    let trailer = only(head, "x-amz-trailer")?;
    if trailer.is_some() != has_trailer {
        return Err("x-amz-trailer does not go with x-amz-content-sha256".to_owned());
    }
    let decoded = decode(body, Announced { signed, trailer })?;
    for (name, length) in [
        ("content-length", body.len()),
        ("x-amz-decoded-content-length", decoded.data().len()),
    ] {
        let declared = only(head, name)?;
        if declared.is_some_and(|declared| declared != length.to_string()) {
            return Err(format!("{name} is {declared:?} and not {length}"));
        }
    }
    if signed {
        decoded.verify(Chain {
            secret,
            region: &verified.region,
            service: &verified.service,
            time: verified.time,
            seed: &verified.signature,
        })?;
    }
    if has_trailer {
        decoded.verify_checksum()?;
    }
    Ok((verified, decoded))
}

/// Returns the value of a header that may be there once.
fn only<'a>(head: &'a Parts, name: &str) -> Result<Option<&'a str>, String> {
    let mut values = head.headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (_, Some(_)) => Err(format!("{name} arrived twice")),
        (Some(value), None) => Ok(Some(value.to_str().map_err(|error| error.to_string())?)),
        (None, None) => Ok(None),
    }
}

/// Reads a whole body.
///
/// # Errors
///
/// When anything is not as it has to be, with the reason.
pub fn decode(wire: &[u8], announced: Announced<'_>) -> Result<Decoded, String> {
    let mut rest = wire;
    let mut chunks: Vec<Chunk> = Vec::new();
    let last_signature = loop {
        let (size, signature) = read_head(read_line(&mut rest)?, announced.signed)?;
        if size == 0 {
            break signature;
        }
        if chunks
            .last()
            .is_some_and(|last| last.data.len() < MIN_CHUNK)
        {
            return Err("a chunk before the last is too small".to_owned());
        }
        let (data, behind) = rest.split_at_checked(size).ok_or("a chunk is cut off")?;
        rest = behind.strip_prefix(b"\r\n").ok_or("a chunk does not end")?;
        let data = Bytes::copy_from_slice(data);
        chunks.push(Chunk { data, signature });
    };
    let mut trailers = Vec::new();
    let mut trailer_signature = None;
    if let Some(name) = announced.trailer {
        trailers.push((name.to_owned(), read_trailer(&mut rest, name)?));
        if announced.signed {
            let signature = read_trailer(&mut rest, "x-amz-trailer-signature")?;
            trailer_signature = Some(checked_signature(&signature)?);
        }
    }
    if rest != b"\r\n" {
        return Err("the body does not end where it should".to_owned());
    }
    Ok(Decoded {
        chunks,
        last_signature,
        trailers,
        trailer_signature,
    })
}

impl Decoded {
    /// Returns the data of all chunks.
    #[must_use]
    pub fn data(&self) -> Vec<u8> {
        let data = self.chunks.iter().map(|chunk| &chunk.data[..]);
        data.collect::<Vec<_>>().concat()
    }

    /// Recomputes each signature of the chain.
    ///
    /// # Errors
    ///
    /// When one is missing or does not fit, with the reason.
    ///
    /// # Panics
    ///
    /// When `aws-sigv4` cannot sign at all.
    pub fn verify(&self, chain: Chain<'_>) -> Result<(), String> {
        let credentials = Credentials::new("AKIDEXAMPLE", chain.secret, None, None, "judge");
        let identity = Identity::from(credentials);
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(chain.region)
            .name(chain.service)
            .time(chain.time)
            .settings(())
            .build()
            .expect("all parameters are given");
        let mut running = chain.seed.to_owned();
        let empty = Bytes::new();
        let with_data = self
            .chunks
            .iter()
            .map(|chunk| (&chunk.data, &chunk.signature));
        for (data, signature) in with_data.chain([(&empty, &self.last_signature)]) {
            let expected = v4::sign_chunk(data, &running, &params).expect("it can sign");
            if signature.as_deref() != Some(expected.signature()) {
                return Err("a chunk has another signature".to_owned());
            }
            running = expected.signature().to_owned();
        }
        if self.trailers.is_empty() {
            return Ok(());
        }
        let mut headers = Headers::new();
        for (name, value) in &self.trailers {
            headers.append(name.clone(), value.clone());
        }
        let expected = v4::sign_trailer(&headers, &running, &params).expect("it can sign");
        match &self.trailer_signature {
            Some(signature) if signature == expected.signature() => Ok(()),
            _ => Err("the trailers have another signature".to_owned()),
        }
    }

    /// Checks each signature of the chain, all of which were padded on the wire.
    ///
    /// # Errors
    ///
    /// When one is missing or does not fit, with the reason.
    pub fn verify_v4a(&self, chain: ChainV4a<'_>) -> Result<(), String> {
        let empty = Bytes::new();
        let with_data = self
            .chunks
            .iter()
            .map(|chunk| (&chunk.data, &chunk.signature));
        let mut previous = chain.seed;
        for (data, signature) in with_data.chain([(&empty, &self.last_signature)]) {
            let signature = signature.as_deref().ok_or("a chunk is not signed")?;
            let hashes = format!("{}\n{}", sha256_hex(b""), sha256_hex(data));
            let text = chain.string_to_sign("PAYLOAD", previous, &hashes);
            chain.check(&text, signature)?;
            previous = signature;
        }
        if self.trailers.is_empty() {
            return Ok(());
        }
        let lines = self.trailers.iter();
        let lines: String = lines
            .map(|(name, value)| format!("{name}:{value}\n"))
            .collect();
        let signature = self.trailer_signature.as_deref();
        let hash = sha256_hex(lines.as_bytes());
        let text = chain.string_to_sign("TRAILER", previous, &hash);
        chain.check(&text, signature.ok_or("the trailers are not signed")?)
    }

    /// Recomputes the checksum in the trailers.
    ///
    /// # Errors
    ///
    /// When there is none or it does not fit, with the reason.
    pub fn verify_checksum(&self) -> Result<(), String> {
        let [(name, value)] = &self.trailers[..] else {
            return Err("there is not one checksum".to_owned());
        };
        let stated = BASE64_STANDARD
            .decode(value)
            .map_err(|error| error.to_string())?;
        let data = self.data();
        let computed = match &**name {
            "x-amz-checksum-crc32" => CRC_32.checksum(&data).to_be_bytes().to_vec(),
            "x-amz-checksum-crc32c" => CRC_32C.checksum(&data).to_be_bytes().to_vec(),
            "x-amz-checksum-crc64nvme" => CRC_64.checksum(&data).to_be_bytes().to_vec(),
            "x-amz-checksum-sha1" => {
                let sha1 = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &data);
                sha1.as_ref().to_vec()
            }
            "x-amz-checksum-sha256" => digest::digest(&digest::SHA256, &data).as_ref().to_vec(),
            _ => return Err(format!("{name} is no checksum")),
        };
        if computed == stated {
            Ok(())
        } else {
            Err("the data has another checksum".to_owned())
        }
    }
}

static CRC_32: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);
static CRC_32C: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);
static CRC_64: Crc<u64> = Crc::<u64>::new(&CRC_64_NVME);

fn read_line<'a>(rest: &mut &'a [u8]) -> Result<&'a str, String> {
    let end = rest.windows(2).position(|pair| pair == b"\r\n");
    let end = end.ok_or("a line does not end")?;
    let line = &rest[..end];
    *rest = &rest[end + 2..];
    if line.iter().all(u8::is_ascii_graphic) {
        str::from_utf8(line).map_err(|error| error.to_string())
    } else {
        Err("a line is not of visible characters".to_owned())
    }
}

fn read_head(line: &str, signed: bool) -> Result<(usize, Option<String>), String> {
    let (size, signature) = if signed {
        let parts = line.split_once(";chunk-signature=");
        let (size, signature) = parts.ok_or("a chunk is not signed")?;
        (size, Some(checked_signature(signature)?))
    } else {
        (line, None)
    };
    let is_canonical = size == "0" || (is_lower_hex(size) && !size.starts_with('0'));
    let size = usize::from_str_radix(size, 16)
        .ok()
        .filter(|_| is_canonical);
    Ok((size.ok_or("a chunk has no size")?, signature))
}

fn read_trailer(rest: &mut &[u8], name: &str) -> Result<String, String> {
    let value = read_line(rest)?
        .strip_prefix(name)
        .and_then(|line| line.strip_prefix(':'));
    Ok(value
        .ok_or("a trailer is not what was announced")?
        .to_owned())
}

/// Reads a signature: 64 digits, or those of an ECDSA signature and asterisks up to 144 characters.
fn checked_signature(text: &str) -> Result<String, String> {
    let (signature, is_long_enough) = match text.len() {
        144 => {
            let signature = text.trim_end_matches('*');
            (signature, signature.len() > 128)
        }
        length => (text, length == 64),
    };
    if is_long_enough && is_lower_hex(signature) {
        Ok(signature.to_owned())
    } else {
        Err("a signature is not one".to_owned())
    }
}

fn sha256_hex(bytes: &[u8]) -> String {
    let digest = digest::digest(&digest::SHA256, bytes);
    digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn is_lower_hex(text: &str) -> bool {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    !text.is_empty() && text.bytes().all(is_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNED: Announced<'_> = Announced {
        signed: true,
        trailer: None,
    };
    const UNSIGNED: Announced<'_> = Announced {
        signed: false,
        trailer: Some("x-amz-checksum-crc32"),
    };

    #[test]
    fn reads_what_is_right() {
        let wire = b"9\r\n123456789\r\n0\r\nx-amz-checksum-crc32:y/Q5Jg==\r\n\r\n";
        let decoded = decode(wire, UNSIGNED).unwrap();
        assert_eq!(decoded.data(), b"123456789");
        decoded.verify_checksum().unwrap();

        let signature = "0a".repeat(32);
        let wire = format!("0;chunk-signature={signature}\r\n\r\n");
        let decoded = decode(wire.as_bytes(), SIGNED).unwrap();
        assert_eq!(decoded.last_signature, Some(signature));

        let signature = "0a".repeat(70);
        let wire = format!("0;chunk-signature={signature}****\r\n\r\n");
        let decoded = decode(wire.as_bytes(), SIGNED).unwrap();
        assert_eq!(decoded.last_signature, Some(signature), "without padding");
    }

    #[test]
    fn refuses_all_else() {
        let end = "0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n";
        decode(end.as_bytes(), UNSIGNED).unwrap();
        for (name, wire) in [
            ("nothing", String::new()),
            ("no last chunk", "1\r\na\r\n".to_owned()),
            ("a chunk that is cut off", "2\r\na".to_owned()),
            ("no end of line behind data", format!("1\r\na{end}")),
            ("a bare line feed", format!("1\na\r\n{end}")),
            ("a size with a zero before it", format!("01\r\na\r\n{end}")),
            ("a size in upper case", format!("A\r\n0123456789\r\n{end}")),
            ("a size with a sign", format!("+1\r\na\r\n{end}")),
            ("two small chunks", format!("1\r\na\r\n1\r\nb\r\n{end}")),
            ("an extension", format!("1;a\r\na\r\n{end}")),
            ("something behind the end", format!("{end} ")),
            ("no end", end.trim_end().to_owned()),
            ("no trailer", "0\r\n\r\n".to_owned()),
            ("another trailer", end.replace("crc32", "sha1")),
        ] {
            assert!(decode(wire.as_bytes(), UNSIGNED).is_err(), "{name}");
        }
        let padded = |digits: usize| format!("{:*<144}", "0a".repeat(digits / 2));
        for signature in ["", "0a", &"0A".repeat(32), &"0a".repeat(33), &padded(64)] {
            let wire = format!("0;chunk-signature={signature}\r\n\r\n");
            assert!(decode(wire.as_bytes(), SIGNED).is_err(), "{signature}");
        }
        assert!(decode(b"0\r\n\r\n", SIGNED).is_err());
    }
}
