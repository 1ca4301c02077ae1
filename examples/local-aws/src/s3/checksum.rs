//! The checksum of objects and parts, by another implementation than that of the clients.

use std::error::Error;
use std::fmt;
use std::fs::File;
use std::io;
use std::io::Read;
use std::path::Path;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use crc::CRC_64_NVME;
use crc::Crc;
use crc::Digest;
use crc::Table;
use futures_util::Stream;
use http::HeaderMap;
use s3s::StdError;
use s3s::TrailingHeaders;
use s3s::dto::StreamingBlob;
use s3s::stream::ByteStream;

/// Its header, or what stands behind a body.
pub(super) const CHECKSUM: &str = "x-amz-checksum-crc64nvme";
static CRC: Crc<u64, Table<16>> = Crc::<u64, Table<16>>::new(&CRC_64_NVME);

/// Returns the checksum of files one after the other as S3 writes it, and how long they are.
pub(super) fn checksum<'a>(paths: impl IntoIterator<Item = &'a Path>) -> io::Result<(String, i64)> {
    let mut digest = CRC.digest();
    let mut size = 0;
    let mut buffer = vec![0; 64 * 1024];
    for path in paths {
        let mut file = File::open(path)?;
        loop {
            let length = file.read(&mut buffer)?;
            if length == 0 {
                break;
            }
            digest.update(&buffer[..length]);
            size += i64::try_from(length).unwrap_or_default();
        }
    }
    Ok((written(digest), size))
}

/// Returns a body that ends with [`OtherChecksum`] where it has another CRC-64/NVME than it was
/// said to have, in the header or behind it. The files would look at an object only when it is in
/// place of what was there, and at a part never.
pub(super) fn compared(
    body: StreamingBlob,
    in_header: Option<String>,
    trailers: Option<TrailingHeaders>,
) -> StreamingBlob {
    StreamingBlob::new(Compared {
        body,
        digest: CRC.digest(),
        in_header,
        trailers,
    })
}

struct Compared {
    body: StreamingBlob,
    digest: Digest<'static, u64, Table<16>>,
    in_header: Option<String>,
    trailers: Option<TrailingHeaders>,
}

impl Compared {
    fn is_other(&self) -> bool {
        let read = |trailers: &HeaderMap| Some(trailers.get(CHECKSUM)?.to_str().ok()?.to_owned());
        let in_trailer = || self.trailers.as_ref()?.read(read)?;
        let told = self.in_header.clone().or_else(in_trailer);
        told.is_some_and(|told| told != written(self.digest.clone()))
    }
}

impl Stream for Compared {
    type Item = Result<Bytes, StdError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = ready!(Pin::new(&mut self.body).poll_next(cx));
        match &next {
            Some(Ok(bytes)) => self.digest.update(bytes),
            None if self.is_other() => return Poll::Ready(Some(Err(OtherChecksum.into()))),
            _ => {}
        }
        Poll::Ready(next)
    }
}

impl ByteStream for Compared {}

/// Why such a body ends.
#[derive(Debug)]
pub(super) struct OtherChecksum;

impl fmt::Display for OtherChecksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the checksum is another one")
    }
}

impl Error for OtherChecksum {}

fn written(digest: Digest<'_, u64, Table<16>>) -> String {
    BASE64_STANDARD.encode(digest.finalize().to_be_bytes())
}
