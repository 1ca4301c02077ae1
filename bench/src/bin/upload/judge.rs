//! Verifies a body in `aws-chunked` as it comes: its signatures by `hmac` and `sha2` alone, and its
//! checksum by the crate `crc`. Whether the head is right, the tests see.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use crc::CRC_32_ISO_HDLC;
use crc::CRC_64_NVME;
use crc::Crc;
use crc::Digest;
use crc::Table;
use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use http::request::Parts;
use sha2::Digest as _;
use sha2::Sha256;

use crate::BoxError;
use crate::SECRET;

static CRC_32: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISO_HDLC);
static CRC_64: Crc<u64, Table<16>> = Crc::<u64, Table<16>>::new(&CRC_64_NVME);

pub(crate) struct Judge {
    chain: Option<Chain>,
    trailer: String,
    waiting: Vec<u8>,
    crc_32: Digest<'static, u32, Table<16>>,
    crc_64: Digest<'static, u64, Table<16>>,
    decoded: u64,
    is_at_end: bool,
}

/// What the signatures are made with.
struct Chain {
    key: Vec<u8>,
    date: String,
    scope: String,
    previous: String,
}

impl Chain {
    /// Begins behind the signature of the request.
    fn new(head: &Parts) -> Result<Self, BoxError> {
        let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
        let authorization = header("authorization").ok_or("it is not signed")?;
        let field = |name: &str| -> Result<&str, BoxError> {
            let rest = authorization.split(name).nth(1).ok_or("it is not signed")?;
            Ok(rest.split(',').next().unwrap_or_default())
        };
        let (_, scope) = field("Credential=")?.split_once('/').ok_or("no scope")?;
        let start = format!("AWS4{SECRET}").into_bytes();
        let key = scope
            .split('/')
            .fold(start, |key, part| hmac(&key, part.as_bytes()));
        Ok(Self {
            key,
            date: header("x-amz-date").ok_or("no date")?.to_owned(),
            scope: scope.to_owned(),
            previous: field("Signature=")?.to_owned(),
        })
    }

    fn check(&mut self, what: &str, hashes: &str, signature: &str) -> Result<(), BoxError> {
        let (date, scope, previous) = (&self.date, &self.scope, &self.previous);
        let text = format!("AWS4-HMAC-SHA256-{what}\n{date}\n{scope}\n{previous}\n{hashes}");
        if hex(&hmac(&self.key, text.as_bytes())) != signature {
            return Err("a signature does not fit".into());
        }
        signature.clone_into(&mut self.previous);
        Ok(())
    }
}

impl Judge {
    pub(crate) fn new(head: &Parts) -> Result<Self, BoxError> {
        let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
        let kind = header("x-amz-content-sha256").unwrap_or_default();
        let is_signed = kind.starts_with("STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
        Ok(Self {
            chain: is_signed.then(|| Chain::new(head)).transpose()?,
            trailer: header("x-amz-trailer").unwrap_or_default().to_owned(),
            waiting: Vec::new(),
            crc_32: CRC_32.digest(),
            crc_64: CRC_64.digest(),
            decoded: 0,
            is_at_end: false,
        })
    }

    /// Takes what came, and checks the chunks that are whole.
    pub(crate) fn take(&mut self, data: &[u8]) -> Result<(), BoxError> {
        self.waiting.extend_from_slice(data);
        let waiting = std::mem::take(&mut self.waiting);
        let mut rest = &waiting[..];
        while !self.is_at_end {
            let Some((line, behind)) = line(rest)? else {
                break;
            };
            let (size, signature) = line.split_once(";chunk-signature=").unwrap_or((line, ""));
            let size = usize::from_str_radix(size, 16)?;
            let ends = if size > 0 { 2 } else { 0 };
            let Some((chunk, next)) = behind.split_at_checked(size + ends) else {
                break;
            };
            let chunk = &chunk[..size];
            if let Some(chain) = &mut self.chain {
                let hashes = [Sha256::digest(b""), Sha256::digest(chunk)];
                let hashes = hashes.map(|hash| hex(&hash)).join("\n");
                chain.check("PAYLOAD", &hashes, signature)?;
            }
            match &*self.trailer {
                "x-amz-checksum-crc32" => self.crc_32.update(chunk),
                "x-amz-checksum-crc64nvme" => self.crc_64.update(chunk),
                _ => {}
            }
            self.decoded += size as u64;
            self.is_at_end = size == 0;
            rest = next;
        }
        self.waiting = rest.to_vec();
        Ok(())
    }

    /// Checks what is behind the chunks, and returns how many bytes were in them.
    pub(crate) fn finish(mut self) -> Result<u64, BoxError> {
        let mut rest = &self.waiting[..];
        let sum = match &*self.trailer {
            "" => None,
            "x-amz-checksum-crc32" => Some(self.crc_32.finalize().to_be_bytes().to_vec()),
            _ => Some(self.crc_64.finalize().to_be_bytes().to_vec()),
        };
        if let Some(sum) = sum {
            let (checksum, behind) = line(rest)?.ok_or("the checksum is missing")?;
            if checksum != format!("{}:{}", self.trailer, BASE64_STANDARD.encode(sum)) {
                return Err("the checksum does not fit".into());
            }
            rest = behind;
            if let Some(chain) = &mut self.chain {
                let (line, behind) = line(rest)?.ok_or("it is not signed")?;
                let signature = line.strip_prefix("x-amz-trailer-signature:");
                let hash = hex(&Sha256::digest(format!("{checksum}\n")));
                chain.check("TRAILER", &hash, signature.unwrap_or_default())?;
                rest = behind;
            }
        }
        if !self.is_at_end || rest != b"\r\n" {
            return Err("the body has no end".into());
        }
        Ok(self.decoded)
    }
}

fn line(rest: &[u8]) -> Result<Option<(&str, &[u8])>, BoxError> {
    let end = rest.windows(2).take(1024).position(|at| at == b"\r\n");
    end.map(|end| Ok((std::str::from_utf8(&rest[..end])?, &rest[end + 2..])))
        .transpose()
}

fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mac = <Hmac<Sha256>>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.chain_update(text).finalize().into_bytes().to_vec()
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
