//! Whether the gateway can do its work.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use sigv4_core::runtime::Readiness;

use super::html::Utc;
use crate::log::in_one_line;
use crate::state::ReloadFailure;
use crate::state::State;

/// How things are at one moment.
pub(super) struct Health {
    pub(super) is_draining: bool,
    pub(super) credentials: Vec<CredentialsHealth>,
    pub(super) reload_failure: Option<ReloadFailure>,
}

pub(super) struct CredentialsHealth {
    pub(super) name: Arc<str>,
    /// `None` where a route names credentials that nobody keeps.
    pub(super) readiness: Option<Readiness>,
    pub(super) is_used: bool,
}

impl Health {
    pub(super) fn of(state: &State) -> Self {
        let serving = state.serving.load();
        let routes = &serving.config.routes;
        let kept = serving.credentials.iter().map(|named| CredentialsHealth {
            name: named.name.clone(),
            readiness: Some(named.cache.readiness()),
            is_used: routes.iter().any(|route| route.credentials == named.name),
        });
        let mut credentials: Vec<_> = kept.collect();
        for route in routes {
            if !credentials
                .iter()
                .any(|kept| kept.name == route.credentials)
            {
                credentials.push(CredentialsHealth {
                    name: route.credentials.clone(),
                    readiness: None,
                    is_used: true,
                });
            }
        }
        Self {
            is_draining: state.draining.load(Ordering::Relaxed),
            credentials,
            reload_failure: state.reload_failure.load().as_ref().clone(),
        }
    }

    /// A failed reload does not count: the old configuration serves.
    pub(super) fn is_ready(&self) -> bool {
        !self.is_draining && self.credentials.iter().all(CredentialsHealth::is_fine)
    }

    pub(super) fn word(&self) -> &'static str {
        if self.is_draining {
            "draining"
        } else if self.is_ready() {
            "ready"
        } else {
            "unavailable"
        }
    }

    /// Says why, in lines.
    pub(super) fn report(&self) -> String {
        let mut report = format!("{}\n", self.word());
        for credentials in &self.credentials {
            let unused = if credentials.is_used {
                ""
            } else {
                " (no route uses them)"
            };
            let _ = writeln!(
                report,
                "credentials {}: {}{unused}",
                in_one_line(&credentials.name),
                credentials.word(),
            );
        }
        if let Some(failure) = &self.reload_failure {
            let _ = writeln!(
                report,
                "reload failed at {}, the old configuration is served: {}",
                Utc(failure.at),
                in_one_line(failure.message.trim_end()),
            );
        }
        report
    }
}

impl CredentialsHealth {
    pub(super) fn is_fine(&self) -> bool {
        !self.is_used || self.readiness.is_some_and(Readiness::can_sign)
    }

    pub(super) fn word(&self) -> &'static str {
        match self.readiness {
            Some(Readiness::Ready) => "ready",
            Some(Readiness::Degraded) => "degraded",
            Some(Readiness::NotLoaded) => "not loaded",
            Some(_) => "unavailable",
            None => "missing",
        }
    }
}
