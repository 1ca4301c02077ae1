//! The XML of S3.

use http::HeaderMap;
use http::StatusCode;
use roxmltree::Document;
use roxmltree::Node;

use crate::checksum::Crc64;
use crate::client::Completed;
use crate::client::ListedPart;
use crate::client::Stored;
use crate::error::Error;
use crate::error::Refusal;

/// What one answer to `ListParts` says.
#[derive(Debug, Default)]
pub(crate) struct PartsPage {
    pub(crate) parts: Vec<ListedPart>,
    /// Behind which part the next page begins.
    pub(crate) next: Option<u16>,
}

/// Reads why S3 refuses. There is no body where the method is `HEAD`, and none that can be read
/// where something else than S3 answers.
pub(crate) fn refusal(status: StatusCode, headers: &HeaderMap, body: &str) -> Box<Refusal> {
    let header = |name: &str| Some(headers.get(name)?.to_str().ok()?.to_owned());
    let document = Document::parse(body.trim_start()).ok();
    let root = document.as_ref().map(Document::root_element);
    let read = |name: &str| root.and_then(|root| text(root, name));
    Box::new(Refusal {
        status,
        code: read("Code").unwrap_or_default(),
        message: read("Message").unwrap_or_default(),
        // The header is there, too, where the region was right.
        region: read("Region")
            .or_else(|| header("x-amz-bucket-region").filter(|_| status.is_redirection())),
        endpoint: read("Endpoint"),
        request_id: read("RequestId").or_else(|| header("x-amz-request-id")),
    })
}

/// Reads the answer to `CreateMultipartUpload`.
pub(crate) fn upload_id(body: &str) -> Result<String, Error> {
    let document = parse(body)?;
    let id = text(document.root_element(), "UploadId").filter(|id| !id.is_empty());
    id.ok_or_else(|| Error::Answer("the answer of S3 has no upload id".to_owned()))
}

/// Reads the answer to `CompleteMultipartUpload`, which can be an error though its status was 200.
pub(crate) fn completed(headers: &HeaderMap, body: &str) -> Result<Completed, Error> {
    let document = parse(body)?;
    let root = document.root_element();
    if root.tag_name().name() == "Error" {
        return Err(Error::S3(refusal(StatusCode::OK, headers, body)));
    }
    if root.tag_name().name() != "CompleteMultipartUploadResult" {
        return Err(Error::Answer(format!(
            "the answer of S3 is a {}",
            root.tag_name().name()
        )));
    }
    Ok(Completed {
        tag: text(root, "ETag").unwrap_or_default(),
        checksum: text(root, "ChecksumCRC64NVME").and_then(|text| Crc64::parse(&text)),
    })
}

/// Reads one page of the answer to `ListParts`.
pub(crate) fn parts(body: &str) -> Result<PartsPage, Error> {
    let document = parse(body)?;
    let root = document.root_element();
    let mut page = PartsPage::default();
    for part in children(root, "Part") {
        let number = text(part, "PartNumber").and_then(|text| text.parse().ok());
        let size = text(part, "Size").and_then(|text| text.parse().ok());
        let (Some(number), Some(size)) = (number, size) else {
            return Err(Error::Answer(
                "the answer of S3 has a part without number or size".to_owned(),
            ));
        };
        page.parts.push(ListedPart {
            number,
            size,
            tag: text(part, "ETag").unwrap_or_default(),
            checksum: text(part, "ChecksumCRC64NVME").and_then(|text| Crc64::parse(&text)),
        });
    }
    if text(root, "IsTruncated").as_deref() == Some("true") {
        let next = text(root, "NextPartNumberMarker").and_then(|text| text.parse().ok());
        let none = || Error::Answer("S3 does not say where its list of parts goes on".to_owned());
        page.next = Some(next.ok_or_else(none)?);
    }
    Ok(page)
}

/// Writes the body of `CompleteMultipartUpload`.
pub(crate) fn completion(parts: &[Stored]) -> String {
    let mut text =
        String::from("<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
    for part in parts {
        text += &format!(
            "<Part><ChecksumCRC64NVME>{}</ChecksumCRC64NVME><ETag>{}</ETag>\
             <PartNumber>{}</PartNumber></Part>",
            part.checksum,
            escaped(&part.tag),
            part.number
        );
    }
    text + "</CompleteMultipartUpload>"
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            letter => escaped.push(letter),
        }
    }
    escaped
}

fn parse(body: &str) -> Result<Document<'_>, Error> {
    // While it is at it, S3 sends spaces, which may not stand before the declaration.
    let body = body.trim_start();
    Document::parse(body).map_err(|_| Error::Answer("the answer of S3 is no XML".to_owned()))
}

fn children<'a>(node: Node<'a, 'a>, name: &str) -> impl Iterator<Item = Node<'a, 'a>> {
    node.children()
        .filter(move |child| child.tag_name().name() == name)
}

fn text(node: Node<'_, '_>, name: &str) -> Option<String> {
    let child = node
        .children()
        .find(|child| child.tag_name().name() == name)?;
    Some(child.text().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_read_as_s3_words_them() {
        let mut headers = HeaderMap::new();
        let body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>\
            <Code>AuthorizationHeaderMalformed</Code>\
            <Message>The authorization header is malformed; \
            the region 'us-east-1' is wrong; expecting 'eu-west-1'</Message>\
            <Region>eu-west-1</Region><RequestId>ABC</RequestId></Error>";
        let said = refusal(StatusCode::BAD_REQUEST, &headers, body).to_string();
        assert_eq!(
            said,
            "S3 says 400 AuthorizationHeaderMalformed: The authorization header is malformed; the \
             region 'us-east-1' is wrong; expecting 'eu-west-1' (the bucket is in eu-west-1: set \
             AWS_REGION=eu-west-1) [request ABC]"
        );

        let body = "<Error><Code>PermanentRedirect</Code><Message>Elsewhere</Message>\
            <Endpoint>b.s3.eu-west-1.amazonaws.com</Endpoint></Error>";
        let said = refusal(StatusCode::MOVED_PERMANENTLY, &headers, body).to_string();
        assert!(said.ends_with("(the bucket is at b.s3.eu-west-1.amazonaws.com)"));

        headers.insert("x-amz-bucket-region", "eu-west-1".parse().unwrap());
        let said = refusal(StatusCode::MOVED_PERMANENTLY, &headers, "").to_string();
        let region = "(the bucket is in eu-west-1: set AWS_REGION=eu-west-1)";
        assert_eq!(said, format!("S3 says 301 {region}"));
        // A bucket that is where it was looked for.
        let said = refusal(StatusCode::FORBIDDEN, &headers, "<html>no XML").to_string();
        assert_eq!(said, "S3 says 403");
    }

    #[test]
    fn a_completion_may_fail_after_its_status() {
        let headers = HeaderMap::new();
        let failed = "  \n<?xml version=\"1.0\"?><Error><Code>InternalError</Code></Error>";
        let error = completed(&headers, failed).unwrap_err();
        assert_eq!(error.code(), Some("InternalError"));
        assert!(error.is_retryable());
        for (name, body) in [("nothing", ""), ("spaces", "   "), ("other", "<Other/>")] {
            let error = completed(&headers, body).expect_err(name);
            assert!(matches!(error, Error::Answer(_)), "{name}");
        }
        let body = "\n\n<CompleteMultipartUploadResult \
            xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><ETag>&quot;abc-2&quot;</ETag>\
            <ChecksumCRC64NVME>rosUhgp5mIg=</ChecksumCRC64NVME>\
            </CompleteMultipartUploadResult>";
        let done = completed(&headers, body).unwrap();
        assert_eq!(done.tag, "\"abc-2\"");
        assert_eq!(done.checksum, Some(Crc64::of(b"123456789")));
    }

    #[test]
    fn tags_are_escaped() {
        let part = Stored {
            number: 1,
            tag: "\"a<b>&\"".to_owned(),
            checksum: Crc64::of(b"123456789"),
            length: 9,
        };
        let text = completion(&[part]);
        assert!(text.contains("<ETag>&quot;a&lt;b&gt;&amp;&quot;</ETag><PartNumber>1</"));
        let document = Document::parse(&text).unwrap();
        let tag = document
            .descendants()
            .find(|node| node.has_tag_name(("http://s3.amazonaws.com/doc/2006-03-01/", "ETag")));
        assert_eq!(tag.unwrap().text(), Some("\"a<b>&\""));
    }

    #[test]
    fn parts_are_listed_in_pages() {
        let body = "<ListPartsResult><NextPartNumberMarker>7</NextPartNumberMarker>\
            <IsTruncated>true</IsTruncated><Part><PartNumber>7</PartNumber><ETag>\"t\"</ETag>\
            <Size>5</Size></Part></ListPartsResult>";
        let page = parts(body).unwrap();
        assert_eq!(page.next, Some(7));
        assert_eq!((page.parts[0].number, page.parts[0].size), (7, 5));
        let last = parts(&body.replace("true", "false")).unwrap();
        assert_eq!(last.next, None);
        for (name, part) in [
            ("no size", "<Size>5</Size>"),
            (
                "no next page",
                "<NextPartNumberMarker>7</NextPartNumberMarker>",
            ),
        ] {
            let error = parts(&body.replace(part, "")).expect_err(name);
            assert!(matches!(error, Error::Answer(_)), "{name}");
        }
    }
}
