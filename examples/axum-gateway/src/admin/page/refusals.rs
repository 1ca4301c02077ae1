//! The latest requests that were refused, and what to do about it.

use std::fmt;
use std::fmt::Write;
use std::time::SystemTime;

use super::END_OF_TABLE;
use super::begin_table;
use super::legend::explained;
use crate::admin::html::Text;
use crate::admin::html::Utc;
use crate::admin::html::ago;
use crate::stats::Refused;
use crate::stats::RefusedBy;
use crate::stats::Stats;

pub(super) fn section(out: &mut String, stats: &Stats, now: SystemTime) -> fmt::Result {
    let latest = stats.latest();
    if latest.is_empty() {
        out.push_str(
            "<h2>Latest refusals</h2>\n<div class=\"card empty\">No request was refused so far.</div>\n",
        );
        return Ok(());
    }
    let columns = [
        "When",
        "Route",
        "What",
        "Likely cause and remedy",
        "Request id",
    ];
    begin_table(out, "Latest refusals", &columns)?;
    for (refused, more) in alike(&latest) {
        row(out, refused, more, now)?;
    }
    out.push_str(END_OF_TABLE);
    Ok(())
}

/// The newest of each kind, and how many more there are of it.
fn alike(latest: &[Refused]) -> Vec<(&Refused, usize)> {
    let mut kinds: Vec<(&Refused, usize)> = Vec::new();
    for refused in latest {
        let is_alike = |(first, _): &&mut (&Refused, usize)| {
            first.route == refused.route && first.status == refused.status && first.by == refused.by
        };
        match kinds.iter_mut().find(is_alike) {
            Some((_, more)) => *more += 1,
            None => kinds.push((refused, 0)),
        }
    }
    kinds
}

fn row(out: &mut String, refused: &Refused, more: usize, now: SystemTime) -> fmt::Result {
    write!(
        out,
        "<tr role=\"row\"><td role=\"cell\" data-label=\"When\"><div class=\"when\">{}<p class=\"quiet small\">{}</p></div></td>\
         <td role=\"cell\" data-label=\"Route\">",
        ago(refused.at, now),
        Utc(refused.at),
    )?;
    match &*refused.route {
        "" => out.push_str("<span class=\"quiet\">none</span>"),
        route => write!(out, "{}", Text(route))?,
    }
    out.push_str("</td><td role=\"cell\" data-label=\"What\"><div>");
    let status = refused.status.as_u16();
    let advice = match &refused.by {
        RefusedBy::Gateway(reason) => {
            write!(
                out,
                "{status} <code>{}</code><p class=\"quiet small\">rejected here</p>",
                Text(reason)
            )?;
            explained(reason).to_owned()
        }
        RefusedBy::Nobody(reason) => {
            write!(
                out,
                "{status} <code>{}</code><p class=\"quiet small\">failed on the way</p>",
                Text(reason)
            )?;
            explained(reason).to_owned()
        }
        RefusedBy::Aws {
            code,
            cause,
            advice,
        } => {
            let code = code.as_ref().map_or("no code", |code| code.as_str());
            write!(
                out,
                "{status} <code>{}</code><p class=\"quiet small\">refused by AWS: {}</p>",
                Text(code),
                Text(cause)
            )?;
            (*advice).to_owned()
        }
    };
    write!(
        out,
        "</div></td><td role=\"cell\" data-label=\"Cause\">{}</td>\
         <td role=\"cell\" data-label=\"Request id\"><div><code class=\"small long id\">{}</code>",
        Text(&advice),
        Text(refused.request_id.as_str()),
    )?;
    if more > 0 {
        write!(out, "<p class=\"quiet small\">and {more} more like it</p>")?;
    }
    out.push_str("</div></td></tr>\n");
    Ok(())
}
