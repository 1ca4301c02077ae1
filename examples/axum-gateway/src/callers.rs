//! Who may call: keys in headers, and certificates.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::header;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::ServerName;
use sha2::Digest;
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::config;
use crate::config::CallerKey;
use crate::config::Secret;

/// Those who may call, with digests of their keys.
///
/// Keys are compared by digest and in constant time, and always with those of all callers: neither
/// their lengths nor how much of one was right can be told from the time that it takes.
#[derive(Debug, Default)]
pub struct Callers {
    bearer: Vec<Key>,
    /// By header.
    headers: Vec<(HeaderName, Vec<Key>)>,
    certificates: Vec<(ServerName<'static>, usize)>,
    /// By caller: the indexes of its routes; all, if there are none.
    routes: Vec<Option<BTreeSet<usize>>>,
    /// Differs from that of all others.
    generation: usize,
}

struct Key {
    digest: [u8; 32],
    caller: usize,
}

impl fmt::Debug for Key {
    /// Without the digest: a short key could be guessed by it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("caller", &self.caller)
            .finish_non_exhaustive()
    }
}

impl Key {
    fn new(secret: &Secret, caller: usize) -> Self {
        let digest = Sha256::digest(secret.expose()).into();
        Self { digest, caller }
    }
}

/// A key was shown, and it is nobody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongKey;

impl Callers {
    /// Prepares the callers of a configuration.
    #[must_use]
    pub fn new(callers: &[config::Caller], routes: &[config::Route]) -> Self {
        let mut made = Self {
            generation: GENERATION.fetch_add(1, Ordering::Relaxed),
            ..Self::default()
        };
        for (index, caller) in callers.iter().enumerate() {
            match &caller.key {
                CallerKey::Bearer(secret) => made.bearer.push(Key::new(secret, index)),
                CallerKey::Header { name, value } => {
                    let key = Key::new(value, index);
                    match made.headers.iter_mut().find(|(known, _)| known == name) {
                        Some((_, keys)) => keys.push(key),
                        None => made.headers.push((name.clone(), vec![key])),
                    }
                }
                CallerKey::Certificate { dns_name } => {
                    // A name that is none fits no certificate.
                    if let Ok(name) = ServerName::try_from(dns_name.clone()) {
                        made.certificates.push((name, index));
                    }
                }
            }
            let indexes = |names: &Vec<_>| {
                let is_named = |&index: &usize| names.contains(&routes[index].name);
                (0..routes.len()).filter(is_named).collect()
            };
            made.routes.push(caller.routes.as_ref().map(indexes));
        }
        made
    }

    /// Returns a number that no others have.
    #[must_use]
    pub const fn generation(&self) -> usize {
        self.generation
    }

    /// Tells whether there are any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.routes.is_empty()
    }

    /// Tells whether a key other than a certificate can prove who calls.
    #[must_use]
    pub fn has_keys(&self) -> bool {
        !self.bearer.is_empty() || !self.headers.is_empty()
    }

    /// Finds out who calls, by what the request shows or else by the certificate of its connection.
    ///
    /// # Errors
    ///
    /// When a key was shown that is nobody's, or more than one.
    pub fn identify(
        &self,
        headers: &HeaderMap,
        certified: Option<usize>,
    ) -> Result<Option<usize>, WrongKey> {
        let mut found = None;
        if !self.bearer.is_empty() {
            let mut values = headers.get_all(header::AUTHORIZATION).iter();
            match (
                values
                    .next()
                    .and_then(|value| after_scheme(value, "Bearer")),
                values.next(),
            ) {
                (Some(token), None) => found = Some(find(&self.bearer, token).ok_or(WrongKey)?),
                (_, Some(_)) => return Err(WrongKey),
                // A signature, for example, of keys that are none: it is replaced.
                (None, None) => {}
            }
        }
        for (name, keys) in &self.headers {
            let mut values = headers.get_all(name).iter();
            match (values.next(), values.next()) {
                (None, _) => {}
                (Some(value), None) => {
                    let caller = find(keys, value.as_bytes()).ok_or(WrongKey)?;
                    if found.replace(caller).is_some_and(|other| other != caller) {
                        return Err(WrongKey);
                    }
                }
                (Some(_), Some(_)) => return Err(WrongKey),
            }
        }
        Ok(found.or(certified))
    }

    /// Returns whose certificate this is. That it is valid, somebody else has seen to. One for all
    /// names of a domain is nobody's: whoever has it would be every caller there.
    #[must_use]
    pub fn certified(&self, certificate: &CertificateDer<'_>) -> Option<usize> {
        let certificate = webpki::EndEntityCert::try_from(certificate).ok()?;
        let is_for = |name: &ServerName<'_>| {
            let is_written = |own: &str| own.eq_ignore_ascii_case(&name.to_str());
            certificate.verify_is_valid_for_subject_name(name).is_ok()
                && (matches!(name, ServerName::IpAddress(_))
                    || certificate.valid_dns_names().any(is_written))
        };
        let found = self.certificates.iter().find(|(name, _)| is_for(name));
        found.map(|(_, caller)| *caller)
    }

    /// Tells whether a caller may use a route.
    #[must_use]
    pub fn may_use(&self, caller: usize, route: usize) -> bool {
        let routes = self.routes.get(caller);
        routes.is_some_and(|routes| routes.as_ref().is_none_or(|routes| routes.contains(&route)))
    }

    /// Removes what holds keys, whosever they are.
    pub fn remove_keys(&self, headers: &mut HeaderMap) {
        for (name, _) in &self.headers {
            headers.remove(name);
        }
        if !self.bearer.is_empty() {
            headers.remove(header::AUTHORIZATION);
        }
    }
}

/// Returns what an Authorization header of this scheme has behind it.
pub(crate) fn after_scheme<'a>(value: &'a HeaderValue, scheme: &str) -> Option<&'a [u8]> {
    let (found, rest) = value.as_bytes().split_at_checked(scheme.len())?;
    let rest = rest.strip_prefix(b" ")?;
    let is_it = found.eq_ignore_ascii_case(scheme.as_bytes());
    is_it.then(|| rest.trim_ascii())
}

/// Compares with all of them, whichever fits.
fn find(keys: &[Key], shown: &[u8]) -> Option<usize> {
    let shown: [u8; 32] = Sha256::digest(shown).into();
    keys.iter().fold(None, |found, key| {
        let fits = bool::from(key.digest.ct_eq(&shown));
        if fits { Some(key.caller) } else { found }
    })
}

static GENERATION: AtomicUsize = AtomicUsize::new(0);

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn callers() -> Callers {
        let caller = |name: &str, key| config::Caller {
            name: Arc::from(name),
            key,
            routes: None,
        };
        let header = |value: &str| CallerKey::Header {
            name: HeaderName::from_static("x-key"),
            value: Secret::new(value),
        };
        let list = [
            caller("first", CallerKey::Bearer(Secret::new("one"))),
            caller("second", CallerKey::Bearer(Secret::new("two"))),
            caller("third", header("three")),
            caller("fourth", header("four")),
        ];
        Callers::new(&list, &[])
    }

    #[test]
    fn knows_callers_by_what_they_show() {
        let wrong = Err(WrongKey);
        for (name, shown, expected) in [
            ("nothing", &[][..], Ok(None)),
            ("a token", &[("authorization", "Bearer one")], Ok(Some(0))),
            ("another", &[("authorization", "bearer  two ")], Ok(Some(1))),
            ("a wrong one", &[("authorization", "Bearer three")], wrong),
            ("half of one", &[("authorization", "Bearer on")], wrong),
            ("one and more", &[("authorization", "Bearer onetwo")], wrong),
            ("an empty one", &[("authorization", "Bearer ")], wrong),
            (
                "a signature",
                &[("authorization", "AWS4-HMAC-SHA256 Credential=x")],
                Ok(None),
            ),
            (
                "two tokens",
                &[
                    ("authorization", "Bearer one"),
                    ("authorization", "Bearer one"),
                ],
                wrong,
            ),
            ("a header", &[("x-key", "four")], Ok(Some(3))),
            ("another's key in it", &[("x-key", "one")], wrong),
            (
                "the header twice",
                &[("x-key", "four"), ("x-key", "four")],
                wrong,
            ),
            (
                "a signature and a header",
                &[("authorization", "AWS4-HMAC-SHA256 x"), ("x-key", "three")],
                Ok(Some(2)),
            ),
            (
                "a wrong token and a right header",
                &[("authorization", "Bearer x"), ("x-key", "three")],
                wrong,
            ),
            (
                "the keys of two",
                &[("authorization", "Bearer one"), ("x-key", "three")],
                wrong,
            ),
        ] {
            let headers = shown.iter().map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            });
            let mut map = HeaderMap::new();
            map.extend(headers);
            assert_eq!(callers().identify(&map, None), expected, "{name}");
            let certified = expected.map(|found| found.or(Some(7)));
            assert_eq!(callers().identify(&map, Some(7)), certified, "{name}");
            callers().remove_keys(&mut map);
            assert!(map.is_empty(), "{name}");
        }
    }
}
