//! Which paths are refused.

use crate::error::Error;
use crate::error::ErrorKind;

/// Refuses paths that one hop may read otherwise than another.
pub(super) fn check_path(path: &str, empty_segments: bool) -> Result<(), Error> {
    if !path.starts_with('/') {
        return Err(NO_PATH);
    }
    if !empty_segments && path.contains("//") {
        return Err(EMPTY_SEGMENT);
    }
    let is_dots = |segment: &str| matches!(segment.split(';').next(), Some("." | ".."));
    let has_dots = if path.contains(['%', '\\']) {
        resolved(path).split(['/', '\\']).any(is_dots)
    } else {
        path.split('/').any(is_dots)
    };
    if has_dots {
        return Err(DOT_SEGMENT);
    }
    Ok(())
}

/// Writes what is escaped as it is, where it counts.
fn resolved(path: &str) -> String {
    // Separators do in every spelling that some server reads as one.
    let plain = path
        .to_ascii_lowercase()
        .replace("%2f", "/")
        .replace("%5c", "/");
    // So do dots, also before a path parameter (`..;x`) or a NUL.
    plain
        .replace("%2e", ".")
        .replace("%3b", ";")
        .replace("%00", ";")
}

const NO_PATH: Error = Error::new(
    ErrorKind::AmbiguousTarget,
    "the request target is no path; a tunnel or `*` cannot be forwarded",
);
const EMPTY_SEGMENT: Error = Error::new(
    ErrorKind::AmbiguousTarget,
    "the path has an empty segment (`//`), which servers read differently; leave it out",
);
const DOT_SEGMENT: Error = Error::new(
    ErrorKind::AmbiguousTarget,
    "the path has a dot segment (`..`), which servers read differently; resolve it",
);

#[cfg(test)]
mod tests {
    use http::Request;

    use crate::upstream::testing::directed;
    use crate::upstream::testing::layer;

    #[tokio::test]
    async fn keeps_empty_segments_where_told() {
        let layer = layer().allow_empty_segments();
        let request = directed(layer, Request::get("/bedrock/a//b"))
            .await
            .unwrap();
        assert_eq!(request.uri().path(), "/a//b");
    }
}
