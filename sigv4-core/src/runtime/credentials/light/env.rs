//! The environment variables of the process, or those of a test.

use std::env;
use std::env::VarError;
use std::fmt;
#[cfg(test)]
use std::{collections::HashMap, sync::Arc};

use super::error::FetchError;

/// Where variables are read.
#[derive(Clone, Default)]
pub(crate) enum Env {
    /// The environment of the process, as it is at the time of reading.
    #[default]
    Process,
    #[cfg(test)]
    Map(Arc<HashMap<String, String>>),
}

impl Env {
    #[cfg(test)]
    pub(crate) fn of(variables: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self::Map(Arc::new(variables.iter().map(owned).collect()))
    }

    /// Returns the value of a variable. One that is empty or blank counts as not set, which is how
    /// many environments spell it.
    ///
    /// One that is no text is an error: passing it over could change the identity.
    pub(super) fn get(
        &self,
        provider: &'static str,
        name: &'static str,
    ) -> Result<Option<String>, FetchError> {
        let value = match self {
            Self::Process => match env::var(name) {
                Ok(value) => Some(value),
                Err(VarError::NotPresent) => None,
                Err(VarError::NotUnicode(_)) => {
                    let message = format!("the variable `{name}` is not Unicode text");
                    return Err(FetchError::configuration(provider, message));
                }
            },
            #[cfg(test)]
            Self::Map(map) => map.get(name).cloned(),
        };
        Ok(value.filter(|value| !value.trim().is_empty()))
    }

    /// Tells whether a variable says `true`, as the SDKs read it.
    pub(super) fn is_true(
        &self,
        provider: &'static str,
        name: &'static str,
    ) -> Result<bool, FetchError> {
        let value = self.get(provider, name)?;
        Ok(value.is_some_and(|value| value.trim().eq_ignore_ascii_case("true")))
    }
}

/// Names no variable: their values are secret.
impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Env")
    }
}
