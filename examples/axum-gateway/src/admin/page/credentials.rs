//! Whether there is anything to sign with, and for how long.

use std::fmt;
use std::fmt::Write;
use std::time::Duration;
use std::time::SystemTime;

use sigv4_core::runtime::Readiness;

use super::END_OF_TABLE;
use super::begin_table;
use crate::admin::html::Text;
use crate::admin::html::Utc;
use crate::admin::html::ago;
use crate::admin::html::roughly;
use crate::admin::readiness::CredentialsHealth;
use crate::admin::readiness::Health;
use crate::state::NamedCache;
use crate::state::Serving;
use crate::stats::Refreshes;
use crate::stats::Stats;

pub(super) fn section(
    out: &mut String,
    serving: &Serving,
    health: &Health,
    stats: &Stats,
    now: SystemTime,
) -> fmt::Result {
    let columns = ["Name", "State", "Source", "Key", "Left", "Last refresh"];
    begin_table(out, "Credentials", &columns)?;
    for credentials in &health.credentials {
        let mut caches = serving.credentials.iter();
        let named = caches.find(|named| named.name == credentials.name);
        let mut sources = serving.config.credentials.iter();
        let source = sources.find(|source| source.name == credentials.name);
        let source = source.map(|source| source.source.to_string());
        let kind = named.map_or("-", |named| named.kind);
        let source = source.as_deref().unwrap_or(kind);
        let refreshes = stats.refreshes(&credentials.name);
        row(out, credentials, named, source, &refreshes, now)?;
    }
    out.push_str(END_OF_TABLE);
    Ok(())
}

fn row(
    out: &mut String,
    health: &CredentialsHealth,
    named: Option<&NamedCache>,
    source: &str,
    refreshes: &Refreshes,
    now: SystemTime,
) -> fmt::Result {
    let last = named.and_then(|named| named.cache.last());
    let class = match health.readiness {
        Some(Readiness::Ready) => "good",
        Some(Readiness::Degraded) => "warn",
        _ if !health.is_used => "",
        _ => "bad",
    };
    let unused = if health.is_used {
        ""
    } else {
        "<p class=\"quiet small\">no route uses them</p>"
    };
    write!(
        out,
        "<tr role=\"row\"><th role=\"rowheader\" scope=\"row\">{}</th>\
         <td role=\"cell\" data-label=\"State\"><div><span class=\"tag {class}\">{}</span>{unused}</div></td>\
         <td role=\"cell\" data-label=\"Source\"><code class=\"long\">{}</code></td>",
        Text(&health.name),
        health.word(),
        Text(source),
    )?;
    match &last {
        None => out.push_str(
            "<td role=\"cell\" data-label=\"Key\" class=\"quiet\">none yet</td>\
             <td role=\"cell\" data-label=\"Left\">-</td>",
        ),
        Some(last) => {
            let id = shortened(last.credentials().access_key_id());
            let (class, left) = left(last.credentials().expires_at(), now);
            write!(
                out,
                "<td role=\"cell\" data-label=\"Key\"><div><code>{}</code>\
                 <p class=\"quiet small whole\">generation {}</p></div></td>\
                 <td role=\"cell\" data-label=\"Left\"><span class=\"{class}\">{left}</span></td>",
                Text(&id),
                last.generation(),
            )?;
        }
    }
    out.push_str("<td role=\"cell\" data-label=\"Last refresh\"><div>");
    let fetched_at = last.as_ref().map(|last| last.fetched_at());
    match fetched_at.max(refreshes.succeeded_at) {
        Some(at) => write!(
            out,
            "<p>{} <span class=\"quiet small\">({})</span></p>",
            ago(at, now),
            Utc(at)
        )?,
        None => out.push_str("<p class=\"quiet\">never succeeded</p>"),
    }
    if let Some(failure) = &refreshes.failure {
        let times = match failure.failures {
            0 | 1 => "failed".to_owned(),
            times => format!("failed {times} times in a row"),
        };
        write!(
            out,
            "<p class=\"small\"><span class=\"tag bad\">{times}</span> {}: {}</p>",
            ago(failure.at, now),
            Text(&failure.message),
        )?;
    }
    out.push_str("</div></td></tr>\n");
    Ok(())
}

/// The end of an access key id: enough to tell keys apart, and nothing to look for elsewhere.
fn shortened(id: &str) -> String {
    let shown = if id.len() < 8 { 0 } else { 4 };
    let skipped = id.chars().count() - shown;
    id.chars().skip(skipped).fold("…".to_owned(), |mut end, c| {
        end.push(c);
        end
    })
}

fn left(expires_at: Option<SystemTime>, now: SystemTime) -> (&'static str, String) {
    let Some(expires_at) = expires_at else {
        return ("", "they do not end".to_owned());
    };
    match expires_at.duration_since(now) {
        Ok(left) if left > SOON => ("", roughly(left)),
        Ok(left) => ("tag warn", roughly(left)),
        Err(_) => ("tag bad", format!("ended {}", ago(expires_at, now))),
    }
}

/// Long before this, credentials are replaced if their source works.
const SOON: Duration = Duration::from_secs(5 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_the_end_of_an_access_key_id() {
        assert_eq!(shortened("AKIAIOSFODNN7EXAMPLE"), "…MPLE");
        assert_eq!(shortened("AKIDEXAMPLE"), "…MPLE");
        assert_eq!(shortened("AKIDEXA"), "…");
        assert_eq!(shortened(""), "…");
    }

    #[test]
    fn warns_before_credentials_end() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        for (expires_at, expected) in [
            (None, ("", "they do not end")),
            (Some(now + minutes(42)), ("", "42 min")),
            (Some(now + minutes(4)), ("tag warn", "4 min")),
            (Some(now - minutes(3)), ("tag bad", "ended 3 min ago")),
        ] {
            let (class, text) = left(expires_at, now);
            assert_eq!((class, text.as_str()), expected);
        }
    }
}
