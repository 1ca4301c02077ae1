//! The canonical query: every name and value percent-encoded once, sorted by encoded name and then
//! by encoded value.
//!
//! The raw octets are worked on, so that a query that is not UTF-8 is signed as well. A name
//! without `=` gets one; empty pairs (`a=1&&b=2`) mean nothing and are dropped.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html#create-canonical-request>

use std::borrow::Cow;

use percent_encoding::percent_encode_byte;

use crate::canonical::escaped_octet;
use crate::canonical::is_unreserved;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::names;
use crate::rules::PlusPolicy;

/// A query in canonical form, and whether it carried authentication that is not in it any more.
pub(crate) struct CanonicalQuery<'a> {
    pub(crate) text: Cow<'a, str>,
    pub(crate) was_signed: bool,
}

/// Brings a query into canonical form, together with parameters of the signature itself.
pub(crate) fn canonical<'a>(
    given: &'a str,
    plus: PlusPolicy,
    added: &[(&str, &[u8])],
) -> Result<CanonicalQuery<'a>, Error> {
    if added.is_empty() && is_canonical(given) {
        return Ok(CanonicalQuery {
            text: Cow::Borrowed(given),
            was_signed: false,
        });
    }

    let mut pairs = Pairs::with_capacity(given.len() + 64);
    let mut was_signed = false;
    for pair in given.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let start = pairs.text.len();
        encode(name, plus, &mut pairs.text)?;
        if names::is_own_parameter(&pairs.text.as_bytes()[start..]) {
            was_signed = true;
            pairs.text.truncate(start);
            continue;
        }
        let equals = pairs.text.len();
        pairs.text.push('=');
        encode(value, plus, &mut pairs.text)?;
        pairs.places.push(Place {
            start,
            equals,
            end: pairs.text.len(),
        });
    }
    for (name, value) in added {
        let start = pairs.text.len();
        pairs.text.push_str(name);
        let equals = pairs.text.len();
        pairs.text.push('=');
        value
            .iter()
            .for_each(|&octet| encode_octet(octet, &mut pairs.text));
        pairs.places.push(Place {
            start,
            equals,
            end: pairs.text.len(),
        });
    }
    Ok(CanonicalQuery {
        text: Cow::Owned(pairs.sorted()),
        was_signed,
    })
}

/// Encoded pairs, one behind another in one string, and where each begins and ends.
struct Pairs {
    text: String,
    places: Vec<Place>,
}

struct Place {
    start: usize,
    equals: usize,
    end: usize,
}

impl Pairs {
    fn with_capacity(length: usize) -> Self {
        Self {
            text: String::with_capacity(length),
            places: Vec::new(),
        }
    }

    fn sorted(mut self) -> String {
        let text = &self.text;
        let name_and_value = |place: &Place| {
            (
                &text[place.start..place.equals],
                &text[place.equals..place.end],
            )
        };
        self.places
            .sort_by(|a, b| name_and_value(a).cmp(&name_and_value(b)));
        let mut sorted = String::with_capacity(text.len() + self.places.len());
        for place in &self.places {
            if !sorted.is_empty() {
                sorted.push('&');
            }
            sorted.push_str(&text[place.start..place.end]);
        }
        sorted
    }
}

/// Decodes the escapes of a name or value and encodes all but the unreserved octets.
fn encode(given: &str, plus: PlusPolicy, out: &mut String) -> Result<(), Error> {
    let bytes = given.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let octet = match (bytes[at], plus) {
            (b'%', _) => match escaped_octet(&bytes[at..]) {
                Some(octet) => {
                    at += 2;
                    octet
                }
                None => b'%',
            },
            (b'+', PlusPolicy::Space) => b' ',
            (b'+', PlusPolicy::Reject) => return Err(AMBIGUOUS_PLUS),
            (octet, _) => octet,
        };
        encode_octet(octet, out);
        at += 1;
    }
    Ok(())
}

fn encode_octet(octet: u8, out: &mut String) {
    if is_unreserved(octet) {
        out.push(char::from(octet));
    } else {
        out.push_str(percent_encode_byte(octet));
    }
}

/// Tells, without allocating and in one pass, whether a query is in canonical form already and is
/// not signed.
fn is_canonical(query: &str) -> bool {
    let bytes = query.as_bytes();
    if bytes.is_empty() {
        return true;
    }
    let mut previous: Option<(&[u8], &[u8])> = None;
    let (mut start, mut equals, mut at) = (0, None, 0);
    loop {
        match (bytes.get(at), equals) {
            (Some(&byte), _) if is_unreserved(byte) => at += 1,
            (Some(b'%'), _) if is_canonical_escape(&bytes[at..]) => at += 3,
            (Some(b'='), None) => {
                equals = Some(at);
                at += 1;
            }
            (Some(b'&') | None, Some(middle)) => {
                let pair = (&bytes[start..middle], &bytes[middle + 1..at]);
                if previous.is_some_and(|previous| previous > pair)
                    || names::is_own_parameter(pair.0)
                {
                    return false;
                }
                if at == bytes.len() {
                    return true;
                }
                previous = Some(pair);
                at += 1;
                (start, equals) = (at, None);
            }
            _ => return false,
        }
    }
}

/// Tells whether bytes begin with an escape that is needed and in upper-case hex.
fn is_canonical_escape(bytes: &[u8]) -> bool {
    escaped_octet(bytes).is_some_and(|octet| {
        !is_unreserved(octet) && !bytes[1..3].iter().any(u8::is_ascii_lowercase)
    })
}

const AMBIGUOUS_PLUS: Error = Error::new(
    ErrorKind::AmbiguousPlus,
    "the query holds a raw `+`; write %2B for a plus or %20 for a space",
);

#[cfg(test)]
mod tests {
    use super::*;

    fn text(given: &str, plus: PlusPolicy) -> String {
        canonical(given, plus, &[]).unwrap().text.into_owned()
    }

    #[test]
    fn encodes_and_sorts() {
        for (given, expected) in [
            ("", ""),
            ("a", "a="),
            ("a=", "a="),
            ("=v", "=v"),
            ("b=2&a=1", "a=1&b=2"),
            ("a=2&a=1&a", "a=&a=1&a=2"),
            ("a=1&&b=2&", "a=1&b=2"),
            ("a=b=c", "a=b%3Dc"),
            ("a=%7e%41%2f", "a=~A%2F"),
            ("a=%zz%", "a=%25zz%25"),
            ("a=%ff%FE", "a=%FF%FE"),
            ("Param=1&ሴ=2", "%E1%88%B4=2&Param=1"),
            // `a-=` sorts before `a=` as a string, but `a` comes before `a-` as a name.
            ("a-=1&a=2", "a=2&a-=1"),
            ("a!b=1", "a%21b=1"),
        ] {
            assert_eq!(text(given, PlusPolicy::Literal), expected, "{given}");
        }
    }

    #[test]
    fn borrows_what_is_canonical() {
        for query in ["", "a=1&b=2", "a=&a=%2F", "list-type=2&prefix=a%20b"] {
            let canonical = canonical(query, PlusPolicy::Space, &[]).unwrap();
            assert!(matches!(canonical.text, Cow::Borrowed(_)), "{query}");
        }
    }

    #[test]
    fn reads_a_plus_as_told() {
        assert_eq!(text("q=a+b", PlusPolicy::Literal), "q=a%2Bb");
        assert_eq!(text("q=a+b", PlusPolicy::Space), "q=a%20b");
        assert_eq!(text("q=a%2Bb", PlusPolicy::Space), "q=a%2Bb");
        let error = canonical("a+b=1", PlusPolicy::Reject, &[]).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::AmbiguousPlus);
    }

    #[test]
    fn drops_an_earlier_signature() {
        let given = "x-amz-date=1&X-Amz-Signature=2&a=1&X%2DAmz%2DCredential=3";
        let canonical = canonical(given, PlusPolicy::Literal, &[]).unwrap();
        assert_eq!(canonical.text, "a=1");
        assert!(canonical.was_signed);
    }

    #[test]
    fn sorts_the_parameters_of_the_signature_among_the_others() {
        let canonical = canonical(
            "Z=1&A=1",
            PlusPolicy::Literal,
            &[("X-Amz-Credential", b"a/b")],
        )
        .unwrap();
        assert_eq!(canonical.text, "A=1&X-Amz-Credential=a%2Fb&Z=1");
    }
}
