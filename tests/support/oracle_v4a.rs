//! An independent judge of SigV4A.
//!
//! The signatures are ECDSA and, by most implementations, random: they can be checked with the
//! public key and not be compared. [`PublicKey::verify`] does that with the crate `ring`, and
//! [`verify`] for a request as it arrived. Neither calls the code under test, nor the curve
//! arithmetic of its default backend.

use std::time::Duration;

use aws_sigv4::sign::v4a::generate_signing_key;
use http::header;
use percent_encoding::AsciiSet;
use percent_encoding::NON_ALPHANUMERIC;
use percent_encoding::percent_decode_str;
use percent_encoding::utf8_percent_encode;
use ring::signature::ECDSA_P256_SHA256_ASN1;
use ring::signature::UnparsedPublicKey;

use crate::oracle::Body;
use crate::oracle::Head;
use crate::oracle::is_s3_family;
use crate::oracle::sha256_hex;
use crate::oracle::text;

/// The name of the algorithm.
pub const ALGORITHM: &str = "AWS4-ECDSA-P256-SHA256";

/// A public key over P-256.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// As SEC 1 has it: 4, then both coordinates.
    point: Vec<u8>,
}

impl PublicKey {
    /// Takes the coordinates in hex. `None` where they are not that.
    #[must_use]
    pub fn new(x: &str, y: &str) -> Option<Self> {
        let (x, y) = (from_hex(x)?, from_hex(y)?);
        (x.len() == 32 && y.len() == 32).then(|| Self {
            point: [&[4], &x[..], &y].concat(),
        })
    }

    /// Returns the key of the [fixture credentials](crate::secrets), which AWS publishes with its
    /// suite.
    ///
    /// # Panics
    ///
    /// Never: the constants are coordinates.
    #[must_use]
    pub fn of_the_fixture() -> Self {
        Self::new(
            "b6618f6a65740a99e650b33b6b4b5bd0d43b176d721a3edfea7e7d2d56d936b1",
            "865ed22a7eadc9c5cb9d2cbaca1b3699139fedc5043dc6661864218330c8e518",
        )
        .expect("the constants are coordinates")
    }

    /// Returns the key of any credentials: the private one is derived by `aws-sigv4`.
    ///
    /// # Panics
    ///
    /// When what it derives is no key.
    #[must_use]
    pub fn of(access_key_id: &str, secret: &str) -> Self {
        let private = generate_signing_key(access_key_id, secret);
        let private = p256::ecdsa::SigningKey::from_slice(private.as_ref());
        let private = private.expect("aws-sigv4 derives keys");
        Self {
            point: private
                .verifying_key()
                .to_sec1_point(false)
                .as_bytes()
                .to_vec(),
        }
    }

    /// Checks a signature, in hex, over a text.
    ///
    /// # Errors
    ///
    /// When it is not one by this key over this text, in DER and in lower-case hex.
    pub fn verify(&self, text: &[u8], signature: &str) -> Result<(), String> {
        let der = from_hex(signature).ok_or("the signature is not in lower-case hex")?;
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &self.point)
            .verify(text, &der)
            .map_err(|_| "the signature does not match the text".to_owned())
    }
}

/// Checks the signature of a request as it arrived, as [`oracle::verify`](crate::oracle::verify)
/// does for SigV4.
///
/// The target has to be in canonical form: it is not normalised, nor is its query encoded anew.
///
/// # Errors
///
/// When there is no signature or it does not fit, with the reason.
pub fn verify<'a>(
    head: impl Into<Head<'a>>,
    body: impl Into<Body<'a>>,
    key: &PublicKey,
) -> Result<Verified, String> {
    let (head, body) = (head.into(), body.into());
    let claim = match head.headers.get(header::AUTHORIZATION) {
        Some(_) => Verified::claimed_in_header(&head)?,
        None => Verified::claimed_in_query(&head)?,
    };
    if !claim.signs("host") {
        return Err("host is not signed".to_owned());
    }
    if claim.expires_in.is_none() && !(claim.signs("x-amz-date") && claim.signs(REGION_SET)) {
        return Err("x-amz-date or x-amz-region-set is not signed".to_owned());
    }
    // As S3 wants it.
    let mut names = head.headers.keys().map(|name| name.as_str());
    if let Some(name) = names.find(|name| name.starts_with("x-amz-") && !claim.signs(name)) {
        return Err(format!("{name} is not signed"));
    }
    let string_to_sign = claim.string_to_sign(&head, body)?;
    key.verify(string_to_sign.as_bytes(), &claim.signature)?;
    Ok(claim)
}

/// What a signature that fits says of its request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// Who signed.
    pub access_key_id: String,
    /// `X-Amz-Date`: `20150830T123600Z`.
    pub date: String,
    /// The lifetime of a presigned URL. `None` where the signature is in a header.
    pub expires_in: Option<Duration>,
    /// The set of regions.
    pub region_set: String,
    /// The service of the credential scope.
    pub service: String,
    /// The signed headers, in the order in which they are listed.
    pub signed_headers: Vec<String>,
    /// The session token, wherever it was.
    pub token: Option<String>,
    /// The signature in hex.
    pub signature: String,
}

impl Verified {
    fn claimed_in_header(head: &Head<'_>) -> Result<Self, String> {
        let value = head.header("authorization")?.unwrap_or_default();
        let fields = value
            .strip_prefix(ALGORITHM)
            .and_then(|fields| fields.strip_prefix(' '))
            .ok_or("Authorization is not of SigV4A")?;
        let fields: Vec<_> = fields
            .split(", ")
            .filter_map(|field| field.split_once('='))
            .collect();
        let [
            ("Credential", credential),
            ("SignedHeaders", signed),
            ("Signature", signature),
        ] = fields[..]
        else {
            return Err("Authorization does not hold its three fields".to_owned());
        };
        let header = |name: &str| {
            let value = head.header(name)?;
            value
                .map(str::to_owned)
                .ok_or_else(|| format!("there is no {name}"))
        };
        Self {
            date: header("x-amz-date")?,
            expires_in: None,
            region_set: header(REGION_SET)?,
            signed_headers: signed.split(';').map(str::to_owned).collect(),
            token: head.header("x-amz-security-token")?.map(str::to_owned),
            signature: signature.to_owned(),
            ..Self::default()
        }
        .with(credential)
    }

    fn claimed_in_query(head: &Head<'_>) -> Result<Self, String> {
        let pairs: Vec<(&str, String)> = pairs(head)
            .map(|(name, value)| (name, percent_decode_str(value).decode_utf8_lossy().into()))
            .collect();
        let find = |name: &str| {
            let mut found = pairs.iter().filter(|(key, _)| *key == name);
            match (found.next(), found.next()) {
                (Some((_, value)), None) => Ok(value.clone()),
                _ => Err(format!("{name} is not there once")),
            }
        };
        if find("X-Amz-Algorithm")? != ALGORITHM {
            return Err("the query is not signed by SigV4A".to_owned());
        }
        let seconds = find("X-Amz-Expires")?.parse().map_err(|_| "no lifetime")?;
        Self {
            date: find("X-Amz-Date")?,
            expires_in: Some(Duration::from_secs(seconds)),
            region_set: find("X-Amz-Region-Set")?,
            signed_headers: find("X-Amz-SignedHeaders")?
                .split(';')
                .map(str::to_owned)
                .collect(),
            token: find("X-Amz-Security-Token").ok(),
            signature: find(SIGNATURE)?,
            ..Self::default()
        }
        .with(&find("X-Amz-Credential")?)
    }

    fn with(self, credential: &str) -> Result<Self, String> {
        let scope: Vec<&str> = credential.split('/').collect();
        let [access_key_id, day, service, "aws4_request"] = scope[..] else {
            return Err("the credential is not id/day/service/aws4_request".to_owned());
        };
        if !self.date.starts_with(&format!("{day}T")) {
            return Err("the day of the credential scope is not that of X-Amz-Date".to_owned());
        }
        Ok(Self {
            access_key_id: access_key_id.to_owned(),
            service: service.to_owned(),
            ..self
        })
    }

    fn signs(&self, name: &str) -> bool {
        self.signed_headers.iter().any(|signed| signed == name)
    }

    fn string_to_sign(&self, head: &Head<'_>, body: Body<'_>) -> Result<String, String> {
        let canonical_request = self.canonical_request(head, body)?;
        let (date, service) = (&self.date, &self.service);
        let day = &date[..8];
        let hash = sha256_hex(canonical_request.as_bytes());
        Ok(format!(
            "{ALGORITHM}\n{date}\n{day}/{service}/aws4_request\n{hash}"
        ))
    }

    fn canonical_request(&self, head: &Head<'_>, body: Body<'_>) -> Result<String, String> {
        let path = head.uri.path();
        let path = if is_s3_family(&self.service) {
            path.to_owned()
        } else {
            utf8_percent_encode(path, IN_PATH).to_string()
        };
        let mut pairs: Vec<_> = pairs(head).filter(|(name, _)| *name != SIGNATURE).collect();
        pairs.sort_unstable();
        let pairs: Vec<String> = pairs
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if !self.signed_headers.is_sorted_by(|a, b| a < b) {
            return Err("SignedHeaders is not sorted, or repeats a name".to_owned());
        }
        let mut headers = String::new();
        for name in &self.signed_headers {
            let mut values = Vec::new();
            for value in head.headers.get_all(name) {
                values.push(words(text(value.as_bytes())?));
            }
            if name == "host" {
                values = vec![head.host()?.to_owned()];
            }
            if values.is_empty() {
                return Err(format!("{name} is signed and did not arrive"));
            }
            headers.push_str(&format!("{name}:{}\n", values.join(",")));
        }
        let hash = match body {
            Body::Bytes(bytes) => sha256_hex(bytes),
            Body::Unsigned => "UNSIGNED-PAYLOAD".to_owned(),
            Body::Announced(text) => text.to_owned(),
        };
        match head.header("x-amz-content-sha256")? {
            Some(sent) if sent != hash => {
                return Err("x-amz-content-sha256 is not that of the body".to_owned());
            }
            None if is_s3_family(&self.service) && self.expires_in.is_none() => {
                return Err("S3 wants x-amz-content-sha256".to_owned());
            }
            _ => {}
        }
        Ok(format!(
            "{}\n{path}\n{}\n{headers}\n{}\n{hash}",
            head.method,
            pairs.join("&"),
            self.signed_headers.join(";"),
        ))
    }
}

fn pairs<'a>(head: &Head<'a>) -> impl Iterator<Item = (&'a str, &'a str)> {
    let query = head.uri.query().unwrap_or("");
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// A value without the blanks around it, and with one where there are several.
fn words(value: &str) -> String {
    let words: Vec<&str> = value
        .split([' ', '\t'])
        .filter(|word| !word.is_empty())
        .collect();
    words.join(" ")
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .bytes()
        .map(|digit| match digit {
            b'0'..=b'9' => Some(digit - b'0'),
            b'a'..=b'f' => Some(digit - b'a' + 10),
            _ => None,
        })
        .collect();
    let digits = digits?;
    let (pairs, []) = digits.as_chunks::<2>() else {
        return None;
    };
    Some(pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

const REGION_SET: &str = "x-amz-region-set";
const SIGNATURE: &str = "X-Amz-Signature";
/// Everything but the unreserved characters and the slash.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;
    use crate::secrets;
    use crate::suite;
    use crate::suite::Case;

    fn judge(case: &Case, edit: impl Fn(&mut Request<Vec<u8>>)) -> [Result<Verified, String>; 2] {
        let key = case.public_key.as_ref().unwrap();
        let body: &[u8] = if case.context.as_ref().unwrap().sign_body {
            &case.request.body
        } else {
            b""
        };
        [&case.header, &case.query].map(|expected| {
            let signed = expected.signed_request.as_ref().unwrap();
            let mut request = signed.to_origin_form().unwrap();
            edit(&mut request);
            verify(&request, body, key)
        })
    }

    /// Requests that AWS has signed, as far as they are in canonical form.
    #[test]
    fn accepts_what_aws_publishes() {
        let mut accepted = 0;
        for case in suite::v4a() {
            let is_canonical = [
                "get-header-key-duplicate",
                "get-header-value-order",
                "get-header-value-trim",
                "get-unreserved",
                "get-vanilla",
                "get-vanilla-query",
                "get-vanilla-query-unreserved",
                "get-vanilla-with-session-token",
                "post-header-key-sort",
                "post-vanilla",
                "post-x-www-form-urlencoded",
            ]
            .contains(&&*case.name);
            if is_canonical {
                for verdict in judge(&case, |_| ()) {
                    let verified = verdict.unwrap_or_else(|error| panic!("{}: {error}", case.name));
                    assert_eq!(verified.access_key_id, secrets::ACCESS_KEY_ID);
                    assert_eq!(verified.region_set, "us-east-1");
                    accepted += 1;
                }
            }
        }
        assert_eq!(accepted, 22);
    }

    #[test]
    fn refuses_what_was_changed_since() {
        let cases = suite::v4a();
        let case = cases
            .iter()
            .find(|case| case.name == "get-vanilla")
            .unwrap();
        for verdict in judge(case, |request| {
            request
                .headers_mut()
                .insert("host", "evil.amazonaws.com".parse().unwrap());
        })
        .into_iter()
        .chain(judge(case, |request| {
            *request.method_mut() = http::Method::PUT;
        }))
        .chain(judge(case, |request| {
            request
                .headers_mut()
                .insert("x-amz-region-set", "*".parse().unwrap());
        })) {
            verdict.unwrap_err();
        }
        let key = PublicKey::of(secrets::ACCESS_KEY_ID, "another secret");
        let signed = case.header.signed_request.as_ref().unwrap();
        verify(&signed.to_origin_form().unwrap(), b"", &key).unwrap_err();
    }

    /// What `aws-sigv4` derives from the access key of the suite is what AWS publishes.
    #[test]
    fn derives_the_key_that_aws_publishes() {
        let derived = PublicKey::of(secrets::ACCESS_KEY_ID, secrets::SECRET_ACCESS_KEY);
        assert_eq!(derived, PublicKey::of_the_fixture());
    }
}
