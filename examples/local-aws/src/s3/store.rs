//! `s3s-fs`, with the checksums of parts, and the answers to unfinished uploads, that S3 has.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Mutex;

use http::StatusCode;
use s3s::S3;
use s3s::S3Error;
use s3s::S3ErrorCode;
use s3s::S3Request;
use s3s::S3Response;
use s3s::S3Result;
use s3s::dto;
use s3s::dto::ChecksumAlgorithm;
use s3s::dto::ChecksumType;
use s3s::dto::ETag;
use s3s::s3_error;
use s3s_fs::FileSystem;

use super::checksum::CHECKSUM;
use super::checksum::OtherChecksum;
use super::checksum::checksum;
use super::checksum::compared;
use crate::server::lock;

/// The least that a part may have, but for the last.
const MIN_PART: i64 = 5 << 20;

/// Objects and parts in a folder.
#[derive(Debug)]
pub(super) struct Store {
    files: FileSystem,
    root: PathBuf,
    uploads: Mutex<HashMap<String, Upload>>,
    /// The checksums of objects that were put together: of bucket and key.
    sums: Mutex<HashMap<(String, String), String>>,
}

/// An upload in parts that is not finished.
#[derive(Debug)]
struct Upload {
    /// Bucket and key.
    object: (String, String),
    parts: BTreeMap<i32, Part>,
}

#[derive(Clone, Debug)]
struct Part {
    tag: String,
    checksum: String,
    size: i64,
}

impl Store {
    pub(super) fn new(root: &Path) -> io::Result<Self> {
        Ok(Self {
            files: FileSystem::new(root).map_err(|error| io::Error::other(format!("{error:?}")))?,
            root: root.to_owned(),
            uploads: Mutex::default(),
            sums: Mutex::default(),
        })
    }

    /// Refuses a bucket that is not there, which the files would make.
    fn check_bucket(&self, bucket: &str) -> S3Result<()> {
        if self.root.join(bucket).is_dir() {
            Ok(())
        } else {
            Err(s3_error!(
                NoSuchBucket,
                "The specified bucket does not exist"
            ))
        }
    }

    fn part_path(&self, id: &str, number: i32) -> PathBuf {
        self.root.join(format!(".upload_id-{id}.part-{number}"))
    }

    /// Returns the parts of an upload to an object, if it goes on.
    fn parts(&self, id: &str, object: (&str, &str)) -> S3Result<BTreeMap<i32, Part>> {
        let uploads = lock(&self.uploads);
        // They may have been taken away behind the back of this.
        let goes_on = self.root.join(format!(".upload-{id}.json")).exists();
        let is_there = |upload: &&Upload| {
            let (bucket, key) = &upload.object;
            (&bucket[..], &key[..]) == object && goes_on
        };
        let upload = uploads.get(id).filter(is_there);
        upload.map(|upload| upload.parts.clone()).ok_or_else(|| {
            s3_error!(
                NoSuchUpload,
                "The specified upload does not exist. The upload ID may be invalid, or the upload \
                 may have been aborted or completed."
            )
        })
    }
}

#[async_trait::async_trait]
impl S3 for Store {
    async fn put_object(
        &self,
        mut request: S3Request<dto::PutObjectInput>,
    ) -> S3Result<S3Response<dto::PutObjectOutput>> {
        self.check_bucket(&request.input.bucket)?;
        // The files would not look at the checksum, unless an SDK names it in a header of its own.
        if request
            .headers
            .get("x-amz-trailer")
            .is_some_and(|name| name == CHECKSUM)
        {
            let algorithm = ChecksumAlgorithm::CRC64NVME.to_owned();
            request.input.checksum_algorithm = Some(algorithm.into());
        }
        let input = &mut request.input;
        let name = (input.bucket.clone(), input.key.clone());
        let (in_header, trailers) = (
            input.checksum_crc64nvme.clone(),
            request.trailing_headers.clone(),
        );
        let compared = |body| compared(body, in_header, trailers);
        input.body = input.body.take().map(compared);
        let response = self.files.put_object(request).await.map_err(as_s3_says)?;
        lock(&self.sums).remove(&name);
        Ok(response)
    }

    async fn get_object(
        &self,
        request: S3Request<dto::GetObjectInput>,
    ) -> S3Result<S3Response<dto::GetObjectOutput>> {
        self.files.get_object(request).await
    }

    async fn head_object(
        &self,
        request: S3Request<dto::HeadObjectInput>,
    ) -> S3Result<S3Response<dto::HeadObjectOutput>> {
        let name = (request.input.bucket.clone(), request.input.key.clone());
        let mut response = self.files.head_object(request).await?;
        if let Some(sum) = lock(&self.sums).get(&name) {
            response.output.checksum_crc64nvme = Some(sum.clone());
        }
        Ok(response)
    }

    async fn delete_object(
        &self,
        request: S3Request<dto::DeleteObjectInput>,
    ) -> S3Result<S3Response<dto::DeleteObjectOutput>> {
        self.files.delete_object(request).await
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<dto::ListObjectsV2Input>,
    ) -> S3Result<S3Response<dto::ListObjectsV2Output>> {
        self.files.list_objects_v2(request).await
    }

    async fn create_multipart_upload(
        &self,
        request: S3Request<dto::CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<dto::CreateMultipartUploadOutput>> {
        let algorithm = request.input.checksum_algorithm.clone();
        let kind = request.input.checksum_type.clone();
        let is_known = algorithm
            .as_ref()
            .is_none_or(|name| name.as_str() == ChecksumAlgorithm::CRC64NVME)
            && kind
                .as_ref()
                .is_none_or(|kind| kind.as_str() == ChecksumType::FULL_OBJECT);
        if !is_known {
            return Err(s3_error!(
                NotImplemented,
                "here is CRC64NVME of the full object only"
            ));
        }
        let object = (request.input.bucket.clone(), request.input.key.clone());
        self.check_bucket(&object.0)?;
        let mut response = self.files.create_multipart_upload(request).await?;
        let id = response.output.upload_id.clone().unwrap_or_default();
        let parts = BTreeMap::new();
        lock(&self.uploads).insert(id, Upload { object, parts });
        response.output.checksum_algorithm = algorithm;
        response.output.checksum_type = kind;
        Ok(response)
    }

    async fn upload_part(
        &self,
        mut request: S3Request<dto::UploadPartInput>,
    ) -> S3Result<S3Response<dto::UploadPartOutput>> {
        let (id, number) = (request.input.upload_id.clone(), request.input.part_number);
        self.parts(&id, (&request.input.bucket, &request.input.key))?;
        let input = &mut request.input;
        let (in_header, trailers) = (
            input.checksum_crc64nvme.clone(),
            request.trailing_headers.clone(),
        );
        let compared = |body| compared(body, in_header, trailers);
        input.body = input.body.take().map(compared);
        let response = self.files.upload_part(request).await;
        let mut response = response.map_err(as_s3_says)?;
        let path = self.part_path(&id, number);
        let (sum, size) = checksum([path.as_path()]).map_err(internal)?;
        let part = Part {
            tag: tag_of(response.output.e_tag.as_ref()),
            checksum: sum.clone(),
            size,
        };
        if let Some(upload) = lock(&self.uploads).get_mut(&id) {
            upload.parts.insert(number, part);
        }
        response.output.checksum_crc64nvme = Some(sum);
        Ok(response)
    }

    async fn list_parts(
        &self,
        request: S3Request<dto::ListPartsInput>,
    ) -> S3Result<S3Response<dto::ListPartsOutput>> {
        let input = request.input;
        let parts = self.parts(&input.upload_id, (&input.bucket, &input.key))?;
        let after = input.part_number_marker.unwrap_or(0);
        let most = usize::try_from(input.max_parts.unwrap_or(1000)).unwrap_or(1000);
        let left: Vec<_> = parts.range(after + 1..).collect();
        let is_truncated = left.len() > most;
        let shown = left.into_iter().take(most).map(|(number, part)| dto::Part {
            part_number: Some(*number),
            e_tag: Some(ETag::Strong(part.tag.clone())),
            checksum_crc64nvme: Some(part.checksum.clone()),
            size: Some(part.size),
            ..dto::Part::default()
        });
        let shown: Vec<_> = shown.collect();
        Ok(S3Response::new(dto::ListPartsOutput {
            next_part_number_marker: shown.last().and_then(|part| part.part_number),
            is_truncated: Some(is_truncated),
            parts: Some(shown),
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(input.upload_id),
            ..dto::ListPartsOutput::default()
        }))
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<dto::CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<dto::CompleteMultipartUploadOutput>> {
        let input = &request.input;
        let id = input.upload_id.clone();
        let known = self.parts(&id, (&input.bucket, &input.key))?;
        let named = input.multipart_upload.as_ref();
        let named = named.and_then(|upload| upload.parts.clone());
        let mut paths = Vec::new();
        let mut last: Option<(i32, i64)> = None;
        for part in named.unwrap_or_default() {
            let number = part.part_number.unwrap_or_default();
            let there = known.get(&number);
            let there = there.filter(|there| there.tag == tag_of(part.e_tag.as_ref()));
            let there = there.ok_or_else(|| {
                s3_error!(
                    InvalidPart,
                    "One or more of the specified parts could not be found."
                )
            })?;
            if last.is_some_and(|(before, _)| before >= number) {
                return Err(s3_error!(
                    InvalidPartOrder,
                    "The list of parts was not in ascending order."
                ));
            }
            if last.is_some_and(|(_, size)| size < MIN_PART) {
                return Err(s3_error!(
                    EntityTooSmall,
                    "Your proposed upload is smaller than the minimum allowed size"
                ));
            }
            last = Some((number, there.size));
            paths.push(self.part_path(&id, number));
        }
        let (sum, size) = checksum(paths.iter().map(PathBuf::as_path)).map_err(internal)?;
        let is_other = |told: &String| *told != sum;
        if input.checksum_crc64nvme.as_ref().is_some_and(is_other) {
            return Err(bad_digest());
        }
        if input.mpu_object_size.is_some_and(|told| told != size) {
            return Err(s3_error!(
                InvalidRequest,
                "The object has another size than x-amz-mp-object-size says."
            ));
        }
        let name = (input.bucket.clone(), input.key.clone());
        let mut output = self.files.complete_multipart_upload(request).await?.output;
        if let Some(rest) = output.future.take() {
            output = rest.await?;
        }
        lock(&self.uploads).remove(&id);
        lock(&self.sums).insert(name, sum.clone());
        output.checksum_crc64nvme = Some(sum);
        output.checksum_type = Some(ChecksumType::from_static(ChecksumType::FULL_OBJECT));
        Ok(S3Response::new(output))
    }

    async fn abort_multipart_upload(
        &self,
        request: S3Request<dto::AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<dto::AbortMultipartUploadOutput>> {
        let id = request.input.upload_id.clone();
        self.parts(&id, (&request.input.bucket, &request.input.key))?;
        let response = self.files.abort_multipart_upload(request).await?;
        lock(&self.uploads).remove(&id);
        Ok(response)
    }
}

fn tag_of(tag: Option<&ETag>) -> String {
    tag.map(|tag| tag.value().to_owned()).unwrap_or_default()
}

/// Says of a body that it is not the one that was announced. The files take that for a fault of their
/// own, and of one of the two errors the type is known to nobody but `s3s`.
fn as_s3_says(error: S3Error) -> S3Error {
    match error.source() {
        Some(source) if source.is::<OtherChecksum>() => bad_digest(),
        Some(source) if source.to_string() == "UploadStreamError: Sha256Mismatch" => {
            let mut error = S3Error::with_message(
                S3ErrorCode::Custom("XAmzContentSHA256Mismatch".into()),
                "The provided 'x-amz-content-sha256' header does not match what was computed.",
            );
            error.set_status_code(StatusCode::BAD_REQUEST);
            error
        }
        _ => error,
    }
}

fn bad_digest() -> S3Error {
    s3_error!(
        BadDigest,
        "The CRC64NVME you specified did not match the calculated checksum."
    )
}

fn internal(error: io::Error) -> S3Error {
    s3_error!(error, InternalError)
}
