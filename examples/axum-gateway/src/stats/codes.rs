//! Which codes of AWS are counted one by one.

/// Returns the code as a label: itself, if it is one of those that have to do with signing,
/// credentials, permission or load, and `other` if not. So an upstream cannot make up labels.
pub(super) fn label(code: Option<&str>) -> &'static str {
    let Some(code) = code else { return "none" };
    KNOWN
        .iter()
        .find(|&&known| known == code)
        .unwrap_or(&"other")
}

const KNOWN: [&str; 54] = [
    "AccessDenied",
    "AccessDeniedException",
    "AuthFailure",
    "AuthorizationHeaderMalformed",
    "AuthorizationQueryParametersError",
    "BadDigest",
    "ConflictException",
    "EntityTooLarge",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteBody",
    "IncompleteSignature",
    "IncompleteSignatureException",
    "InternalFailure",
    "InvalidAccessKeyId",
    "InvalidArgument",
    "InvalidClientTokenId",
    "InvalidDigest",
    "InvalidParameterException",
    "InvalidRequest",
    "InvalidRequestException",
    "InvalidSignatureException",
    "InvalidToken",
    "KMSAccessDeniedException",
    "LimitExceededException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "MissingContentLength",
    "MissingSecurityHeader",
    "ModelNotReadyException",
    "NoSuchBucket",
    "NoSuchKey",
    "NotFoundException",
    "OptInRequired",
    "PermanentRedirect",
    "ProvisionedThroughputExceededException",
    "RequestExpired",
    "RequestLimitExceeded",
    "RequestTimeTooSkewed",
    "RequestTimeout",
    "ResourceNotFoundException",
    "SerializationException",
    "ServiceQuotaExceededException",
    "ServiceUnavailable",
    "SignatureDoesNotMatch",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "UnknownOperationException",
    "UnrecognizedClientException",
    "UnsupportedOperation",
    "ValidationException",
    "XAmzContentSHA256Mismatch",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_codes_and_lets_nobody_make_up_labels() {
        assert_eq!(label(Some("SlowDown")), "SlowDown");
        assert_eq!(label(Some("slowdown")), "other");
        assert_eq!(label(Some("x\"} 1\n")), "other");
        assert_eq!(label(None), "none");
    }
}
