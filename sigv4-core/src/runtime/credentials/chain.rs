//! [`StickyChain`]: several sources of credentials, of which one is found and kept.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::sync::OnceLock;

use aws_credential_types::Credentials;
use aws_credential_types::provider;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future;

/// Asks providers in order until one has credentials, and from then on only that one.
///
/// The next link is asked only where the one before is not configured
/// ([`CredentialsError::CredentialsNotLoaded`]). A link that is configured and fails ends the chain
/// with its error.
///
/// Once a link has provided, it is the only one that is asked, and whatever it answers is the
/// answer. Otherwise a hiccup of the source that a program is meant to use would make it go on
/// under the next identity, such as the role of the machine, which as a rule may do something else:
/// a storm of refused requests, or worse, none.
///
/// ```
/// use aws_credential_types::provider::SharedCredentialsProvider;
/// use sigv4_core::Credentials;
/// use sigv4_core::runtime::{CredentialsCache, StickyChain};
///
/// # let (tenant, fallback) = (Credentials::new("A", "a")?, Credentials::new("B", "b")?);
/// let chain = StickyChain::new([
///     ("tenant", SharedCredentialsProvider::new(tenant)),
///     ("fallback", SharedCredentialsProvider::new(fallback)),
/// ]);
/// let credentials = CredentialsCache::new(chain);
/// # Ok::<(), sigv4_core::ConfigError>(())
/// ```
pub struct StickyChain {
    links: Vec<Link>,
    sticky: bool,
    /// The link that provided first.
    chosen: OnceLock<usize>,
}

struct Link {
    name: Cow<'static, str>,
    provider: SharedCredentialsProvider,
}

impl StickyChain {
    /// Makes a chain of providers, each with the name under which errors speak of it.
    #[must_use]
    pub fn new<N: Into<Cow<'static, str>>>(
        links: impl IntoIterator<Item = (N, SharedCredentialsProvider)>,
    ) -> Self {
        let link = |(name, provider): (N, _)| Link {
            name: name.into(),
            provider,
        };
        Self {
            links: links.into_iter().map(link).collect(),
            sticky: true,
            chosen: OnceLock::new(),
        }
    }

    /// Sets whether the first link that provides is the only one asked afterwards. Default: yes.
    ///
    /// Without it every fetch begins at the first link, and the identity can change from one fetch
    /// to the next.
    #[must_use]
    pub const fn sticky(mut self, sticky: bool) -> Self {
        self.sticky = sticky;
        self
    }

    /// Returns the name of the link that is asked from now on, once there is one.
    #[must_use]
    pub fn chosen(&self) -> Option<&str> {
        self.chosen
            .get()
            .and_then(|&index| self.links.get(index))
            .map(|link| &*link.name)
    }

    async fn provide(&self) -> provider::Result {
        if let Some(link) = self.chosen_link() {
            return link.provide_again().await;
        }
        let mut reasons = Vec::with_capacity(self.links.len());
        for (index, link) in self.links.iter().enumerate() {
            match link.provider.provide_credentials().await {
                Ok(credentials) if self.sticky => {
                    let chosen = *self.chosen.get_or_init(|| index);
                    if chosen == index {
                        return Ok(credentials);
                    }
                    // Another fetch at the same time found another link: there is one identity.
                    return match self.links.get(chosen) {
                        Some(link) => link.provide_again().await,
                        None => Ok(credentials),
                    };
                }
                Err(error @ CredentialsError::CredentialsNotLoaded(_)) => {
                    reasons.push((link.name.clone(), error));
                }
                answer => return answer,
            }
        }
        Err(CredentialsError::not_loaded(NothingConfigured { reasons }))
    }

    fn chosen_link(&self) -> Option<&Link> {
        self.links.get(*self.chosen.get()?)
    }
}

impl Link {
    /// Asks a link that has provided before: having nothing now is a failure.
    async fn provide_again(&self) -> provider::Result {
        match self.provider.provide_credentials().await {
            Err(cause @ CredentialsError::CredentialsNotLoaded(_)) => {
                Err(CredentialsError::provider_error(NothingNow {
                    link: self.name.clone(),
                    cause,
                }))
            }
            answer => answer,
        }
    }
}

impl ProvideCredentials for StickyChain {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.provide())
    }

    fn fallback_on_interrupt(&self) -> Option<Credentials> {
        self.chosen_link()?.provider.fallback_on_interrupt()
    }
}

impl fmt::Debug for StickyChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.links.iter().map(|link| &link.name).collect();
        f.debug_struct("StickyChain")
            .field("links", &names)
            .field("sticky", &self.sticky)
            .field("chosen", &self.chosen())
            .finish()
    }
}

/// No link is configured.
#[derive(Debug)]
struct NothingConfigured {
    reasons: Vec<(Cow<'static, str>, CredentialsError)>,
}

impl fmt::Display for NothingConfigured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no source of credentials is configured")?;
        for (index, (name, error)) in self.reasons.iter().enumerate() {
            let separator = if index == 0 { ": " } else { "; " };
            // There are as many causes as links, and `source` has room for one.
            let reason = error.source().map(ToString::to_string);
            match reason {
                // Many reasons begin with the name already.
                Some(reason) if reason.starts_with(&**name) => write!(f, "{separator}{reason}")?,
                Some(reason) => write!(f, "{separator}{name}: {reason}")?,
                None => write!(f, "{separator}{name}")?,
            }
        }
        Ok(())
    }
}

impl StdError for NothingConfigured {}

/// The link that provided before has nothing now.
#[derive(Debug)]
struct NothingNow {
    link: Cow<'static, str>,
    cause: CredentialsError,
}

impl fmt::Display for NothingNow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the source `{}` provided credentials before and has none now; no other is asked, \
             lest the identity change",
            self.link
        )
    }
}

impl StdError for NothingNow {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.cause)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::Mutex;

    use Says::Failure;
    use Says::Key;
    use Says::Nothing;

    use super::*;

    /// What a scripted link answers: credentials, nothing, or a failure.
    #[derive(Clone, Copy, Debug)]
    enum Says {
        Key(&'static str),
        Nothing,
        Failure,
    }

    #[derive(Clone, Debug)]
    struct Script(Arc<Mutex<Vec<Says>>>);

    impl ProvideCredentials for Script {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            future::ProvideCredentials::new(async {
                tokio::task::yield_now().await;
                let mut script = self.0.lock().unwrap();
                assert!(!script.is_empty(), "the link is asked too often");
                match script.remove(0) {
                    Key(id) => Ok(Credentials::new(id, "secret", None, None, "script")),
                    Nothing => Err(CredentialsError::not_loaded("unset")),
                    Failure => Err(CredentialsError::provider_error("down")),
                }
            })
        }
    }

    fn chain(links: &[(&'static str, &[Says])]) -> StickyChain {
        StickyChain::new(links.iter().map(|(name, says)| {
            let script = Script(Arc::new(Mutex::new(says.to_vec())));
            (*name, SharedCredentialsProvider::new(script))
        }))
    }

    async fn ask(chain: &StickyChain) -> Result<String, CredentialsError> {
        let answer = chain.provide_credentials().await;
        answer.map(|credentials| credentials.access_key_id().to_owned())
    }

    #[tokio::test]
    async fn goes_on_only_where_a_link_is_not_configured() {
        let found = chain(&[("a", &[Nothing]), ("b", &[Key("B")]), ("c", &[])]);
        assert_eq!(ask(&found).await.unwrap(), "B");
        assert_eq!(found.chosen(), Some("b"));

        let failed = chain(&[("a", &[Failure, Key("A")]), ("b", &[])]);
        let error = ask(&failed).await.unwrap_err();
        assert!(matches!(error, CredentialsError::ProviderError(_)));
        // A failure chooses nothing: the chain begins anew.
        assert_eq!(failed.chosen(), None);
        assert_eq!(ask(&failed).await.unwrap(), "A");
    }

    #[tokio::test]
    async fn names_all_that_is_not_configured() {
        let error = ask(&chain(&[("a", &[Nothing]), ("b", &[Nothing])])).await;
        let error = error.unwrap_err();
        assert!(matches!(error, CredentialsError::CredentialsNotLoaded(_)));
        let text = error.source().unwrap().to_string();
        assert_eq!(
            text,
            "no source of credentials is configured: a: unset; b: unset"
        );
        // A reason that begins with the name needs no other.
        let error = ask(&chain(&[("un", &[Nothing])])).await.unwrap_err();
        let text = error.source().unwrap().to_string();
        assert_eq!(text, "no source of credentials is configured: unset");
    }

    #[tokio::test]
    async fn never_changes_the_identity_once_a_link_has_provided() {
        let chain = chain(&[
            ("a", &[Nothing]),
            ("b", &[Key("B1"), Nothing, Failure, Key("B2")]),
            ("c", &[]),
        ]);
        assert_eq!(ask(&chain).await.unwrap(), "B1");
        let error = ask(&chain).await.unwrap_err();
        assert!(matches!(error, CredentialsError::ProviderError(_)));
        assert!(error.source().unwrap().to_string().contains("`b`"));
        assert!(ask(&chain).await.is_err());
        assert_eq!(ask(&chain).await.unwrap(), "B2");
    }

    #[tokio::test]
    async fn begins_anew_each_time_when_it_is_not_sticky() {
        let chain = chain(&[
            ("a", &[Nothing, Key("A"), Nothing]),
            ("b", &[Key("B1"), Key("B2")]),
        ])
        .sticky(false);
        for expected in ["B1", "A", "B2"] {
            assert_eq!(ask(&chain).await.unwrap(), expected);
        }
        assert_eq!(chain.chosen(), None);
    }

    #[tokio::test]
    async fn has_one_identity_when_fetches_overlap() {
        // The first fetch finds `a` empty and goes on to `b`; the second finds `a` filled.
        let chain = chain(&[
            ("a", &[Nothing, Key("A1"), Key("A2")]),
            ("b", &[Key("B1"), Key("B2")]),
        ]);
        let (one, other) = tokio::join!(ask(&chain), ask(&chain));
        let (one, other) = (one.unwrap(), other.unwrap());
        assert_eq!(one.as_bytes()[0], other.as_bytes()[0], "{one} {other}");
    }
}
