//! [`Names`]: a list of names, some of which stand for all that begin alike.

use http::HeaderMap;
use http::HeaderName;
use http::header;

use crate::upstream::UpstreamConfigError;

/// Names in lower case. One that ends in `*` stands for all that begin with what is before it.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    /// Sorted.
    exact: Vec<Box<str>>,
    prefixes: Vec<Box<str>>,
}

impl Names {
    /// Adds names, in whatever case.
    pub(super) fn extend<I>(&mut self, names: I)
    where
        I: IntoIterator<Item: AsRef<str>>,
    {
        for name in names {
            let name = name.as_ref().to_ascii_lowercase();
            match name.strip_suffix('*') {
                Some(prefix) => self.prefixes.push(prefix.into()),
                None => self.exact.push(name.into()),
            }
        }
        self.exact.sort_unstable();
        self.exact.dedup();
    }

    /// Adds names of headers that are to be removed.
    pub(super) fn extend_headers<I>(&mut self, names: I) -> Result<(), UpstreamConfigError>
    where
        I: IntoIterator<Item: AsRef<str>>,
    {
        for name in names {
            let name = name.as_ref();
            let start = name.strip_suffix('*').unwrap_or(name);
            let refuse = |why: &str| UpstreamConfigError::new(format!("the header {name:?} {why}"));
            if name != "*" && HeaderName::from_bytes(start.as_bytes()).is_err() {
                return Err(refuse("has no valid name"));
            }
            if header::CONTENT_LENGTH == name {
                return Err(refuse("cannot be removed: it says how long the body is"));
            }
            self.extend([name]);
        }
        Ok(())
    }

    /// Tells whether a header is to be removed by these. The length of the body never is.
    pub(super) fn removes(&self, name: &HeaderName) -> bool {
        self.contain(name.as_str()) && name != header::CONTENT_LENGTH
    }

    /// Tells whether a name, in lower case, is among these.
    pub(super) fn contain(&self, name: &str) -> bool {
        self.exact
            .binary_search_by(|exact| (**exact).cmp(name))
            .is_ok()
            || self
                .prefixes
                .iter()
                .any(|prefix| name.starts_with(&**prefix))
    }
}

/// Removes the headers of which this is true.
pub(super) fn remove_where(headers: &mut HeaderMap, is_bad: impl Fn(&HeaderName) -> bool) {
    let bad: Vec<HeaderName> = headers
        .keys()
        .filter(|name| is_bad(name))
        .cloned()
        .collect();
    for name in bad {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn are_whole_or_begin_alike() {
        let mut names = Names::default();
        assert!(!names.contain("x-amz-acl"));
        names.extend(["X-Amz-Target", "x-amz-meta-*"]);
        names.extend(["x-amz-acl", "x-a*b", "x-amz-target"]);
        for (name, expected) in [
            ("x-amz-target", true),
            ("x-amz-acl", true),
            ("x-amz-meta-a", true),
            ("x-amz-meta-", true),
            ("x-a*b", true),
            ("x-amz-meta", false),
            ("x-amz-acl2", false),
            ("x-amz-targe", false),
            ("x-amz-", false),
            ("x-acb", false),
            ("", false),
        ] {
            assert_eq!(names.contain(name), expected, "{name}");
        }
        names.extend(["*"]);
        assert!(names.contain("x-amz-anything"));
    }
}
