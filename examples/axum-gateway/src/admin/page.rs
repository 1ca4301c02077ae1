//! The status page: what an operator wants to know, in the order of the questions.
//!
//! Plain HTML, one file, no scripts and nothing from elsewhere. It shows no URL of a request, no
//! header, no body and no secret.

mod credentials;
mod legend;
mod refusals;
mod routes;

use std::fmt;
use std::fmt::Write;
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use sha2::Digest;
use sha2::Sha256;
use sigv4_core::runtime::Readiness;

use super::html::Text;
use super::html::Utc;
use super::html::ago;
use super::html::grouped;
use super::readiness::Health;
use crate::state::State;
use crate::stats::RouteCounts;

/// Writes the page as it is at this time.
pub(super) fn render(state: &State, now: SystemTime) -> Result<String, fmt::Error> {
    let serving = state.serving.load();
    let health = Health::of(state);
    let routes = serving.config.routes.iter();
    let counts: Vec<RouteCounts> = routes
        .map(|route| state.stats.route(&route.name).counts())
        .collect();

    let mut page = String::with_capacity(32 * 1024);
    let out = &mut page;
    write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{}: signing gateway</title>\n<style>{STYLE}</style>\n</head>\n<body>\n",
        Verdict::of(&health).word,
    )?;
    head(out, &health, serving.since, state.stats.since(), now)?;
    figures(out, state, &counts)?;
    credentials::section(out, &serving, &health, &state.stats, now)?;
    routes::section(out, &serving.config.routes, &counts)?;
    refusals::section(out, &state.stats, now)?;
    legend::section(out)?;
    write!(
        out,
        "<footer>As of {}. Load the page again for what is newer.</footer>\n</body>\n</html>\n",
        Utc(now)
    )?;
    Ok(page)
}

/// What browsers may do with the page: show it, in its own style.
pub(super) fn csp() -> HeaderValue {
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; frame-ancestors 'none'; base-uri 'none'; \
         form-action 'none'"
    );
    HeaderValue::try_from(policy).expect("base64 is text for headers")
}

/// The answer to the first question.
struct Verdict {
    word: &'static str,
    class: &'static str,
    sentence: &'static str,
}

impl Verdict {
    fn of(health: &Health) -> Self {
        let is_degraded = health
            .credentials
            .iter()
            .any(|credentials| credentials.readiness == Some(Readiness::Degraded));
        if health.is_draining {
            Self {
                word: "Draining",
                class: "warn",
                sentence: "The program was told to end. Running requests are finished, new \
                           connections are not taken.",
            }
        } else if !health.is_ready() {
            Self {
                word: "Not ready",
                class: "bad",
                sentence: "Some routes cannot sign, because their credentials are not usable. \
                           Their requests are answered with 503; nothing is sent unsigned.",
            }
        } else if is_degraded {
            Self {
                word: "Ready, with a warning",
                class: "warn",
                sentence: "Every route can sign, but some credentials could not be refreshed.",
            }
        } else if health.reload_failure.is_some() {
            Self {
                word: "Ready, with a warning",
                class: "warn",
                sentence: "Every route can sign, with the configuration of before.",
            }
        } else {
            Self {
                word: "Ready",
                class: "good",
                sentence: "Every route can sign.",
            }
        }
    }
}

fn head(
    out: &mut String,
    health: &Health,
    serving_since: SystemTime,
    since: SystemTime,
    now: SystemTime,
) -> fmt::Result {
    let Verdict {
        word,
        class,
        sentence,
    } = Verdict::of(health);
    write!(
        out,
        "<header>\n<h1>Signing gateway</h1>\n<span class=\"tag {class}\">{word}</span>\n\
         <p>{sentence}{}</p>\n<p class=\"quiet small\">Configuration served since {} ({}); counting \
         since {} ({}).</p>\n</header>\n",
        Unusable(health),
        Utc(serving_since),
        ago(serving_since, now),
        Utc(since),
        ago(since, now),
    )?;
    if let Some(failure) = &health.reload_failure {
        writeln!(
            out,
            "<div class=\"note bad\" role=\"alert\"><b>The latest configuration was not loaded</b>, \
             {} ({}). The one of before is served.<pre>{}</pre></div>",
            ago(failure.at, now),
            Utc(failure.at),
            Text(failure.message.trim_end()),
        )?;
    }
    Ok(())
}

/// Names the credentials that routes need and that cannot sign.
struct Unusable<'a>(&'a Health);

impl fmt::Display for Unusable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unusable = self.0.credentials.iter().filter(|one| !one.is_fine());
        for (number, credentials) in unusable.enumerate() {
            let before = if number == 0 { " Not usable: " } else { ", " };
            write!(f, "{before}<b>{}</b>", Text(&credentials.name))?;
        }
        Ok(())
    }
}

fn figures(out: &mut String, state: &State, counts: &[RouteCounts]) -> fmt::Result {
    let signed = counts.iter().flat_map(|counts| counts.signed).sum();
    let without_route = state.stats.without_route().all_rejected();
    let rejected: u64 = counts.iter().map(RouteCounts::all_rejected).sum();
    let failed = counts.iter().map(RouteCounts::all_failed).sum();
    let refused = counts.iter().map(RouteCounts::all_refused).sum();
    let unsigned = |gauge: i64| u64::try_from(gauge).unwrap_or(0);
    out.push_str("<ul class=\"figures\">\n");
    for (number, label) in [
        (unsigned(state.stats.requests_in_flight()), "requests now"),
        (unsigned(state.stats.connections()), "connections now"),
        (signed, "signed and answered"),
        (rejected + without_route, "rejected here"),
        (failed, "failed on the way"),
        (refused, "refused by AWS"),
    ] {
        let number = grouped(number);
        writeln!(out, "<li><b>{number}</b><span>{label}</span></li>")?;
    }
    out.push_str("</ul>\n");
    Ok(())
}

/// The beginning of a section that is a table.
fn begin_table(out: &mut String, title: &str, columns: &[&str]) -> fmt::Result {
    let id = title.to_ascii_lowercase().replace(' ', "-");
    write!(
        out,
        "<h2 id=\"{id}\">{title}</h2>\n<div class=\"card\"><table role=\"table\" \
         aria-labelledby=\"{id}\">\n<thead role=\"rowgroup\"><tr role=\"row\">"
    )?;
    for column in columns {
        write!(out, "<th role=\"columnheader\" scope=\"col\">{column}</th>")?;
    }
    out.push_str("</tr></thead>\n<tbody role=\"rowgroup\">\n");
    Ok(())
}

const END_OF_TABLE: &str = "</tbody></table></div>\n";
const STYLE: &str = include_str!("page/page.css");
