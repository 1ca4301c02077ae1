//! What goes where, signed how, and what became of it.

use std::fmt;
use std::fmt::Write;

use sigv4_core::PayloadMode;

use super::END_OF_TABLE;
use super::begin_table;
use crate::admin::html::Text;
use crate::admin::html::bytes;
use crate::admin::html::grouped;
use crate::admin::html::roughly;
use crate::config::Match;
use crate::config::Route;
use crate::stats::RouteCounts;

pub(super) fn section(out: &mut String, routes: &[Route], counts: &[RouteCounts]) -> fmt::Result {
    let columns = ["Name and match", "Upstream", "Signed", "Outcomes"];
    begin_table(out, "Routes", &columns)?;
    for (route, counts) in routes.iter().zip(counts) {
        write!(
            out,
            "<tr role=\"row\"><th role=\"rowheader\" scope=\"row\">{}<br>{}</th>\
             <td role=\"cell\" data-label=\"Upstream\"><code class=\"long\">{}</code></td>\
             <td role=\"cell\" data-label=\"Signed\"><div>",
            Text(&route.name),
            matches(&route.matches),
            Text(&route.upstream),
        )?;
        signed(out, route)?;
        out.push_str("</div></td><td role=\"cell\" data-label=\"Outcomes\">");
        outcomes(out, counts)?;
        out.push_str("</td></tr>\n");
    }
    out.push_str(END_OF_TABLE);
    Ok(())
}

fn matches(matches: &Match) -> String {
    let Match {
        path,
        methods,
        hosts,
    } = matches;
    let mut html = format!("<code class=\"small\">{}</code>", Text(path));
    let methods: Vec<&str> = methods.iter().map(http::Method::as_str).collect();
    for (label, values) in [("", methods.join(", ")), ("on ", hosts.join(", "))] {
        if !values.is_empty() {
            let _ = write!(
                html,
                "<br><span class=\"quiet small\">{label}{}</span>",
                Text(&values)
            );
        }
    }
    html
}

fn signed(out: &mut String, route: &Route) -> fmt::Result {
    let signer = &route.signer;
    let algorithm = match signer.algorithm_name() {
        "AWS4-HMAC-SHA256" => "SigV4",
        "AWS4-ECDSA-P256-SHA256" => "SigV4A",
        other => other,
    };
    let placement = match route.in_query {
        None => "in headers".to_owned(),
        Some(lifetime) => format!("in the query, for {}", roughly(lifetime)),
    };
    let payload = match route.payload {
        PayloadMode::Hashed if route.layer.follows_client_payload() => format!(
            "body as the client signed it, else hashed, up to {}",
            bytes(route.body_limit)
        ),
        PayloadMode::Hashed => format!("body hashed, up to {}", bytes(route.body_limit)),
        PayloadMode::Unsigned => "body unsigned".to_owned(),
        PayloadMode::AwsChunked(_) => "body in aws-chunked encoding".to_owned(),
        // There may be more modes than this page knows.
        _ => "body in a mode of its own".to_owned(),
    };
    write!(
        out,
        "<p><code>{}</code> in <code>{}</code></p><p class=\"quiet small\">{algorithm}, {placement}; \
         {payload}; credentials <code>{}</code></p>",
        Text(signer.service()),
        Text(signer.region()),
        Text(&route.credentials),
    )
}

fn outcomes(out: &mut String, counts: &RouteCounts) -> fmt::Result {
    let classes = ["1xx", "2xx", "3xx", "4xx", "5xx"];
    let signed = classes.into_iter().zip(counts.signed);
    let signed: Vec<_> = signed.filter(|&(_, count)| count > 0).collect();
    if signed.is_empty() && counts.rejected.is_empty() && counts.failed.is_empty() {
        out.push_str("<span class=\"quiet\">no requests yet</span>");
        return Ok(());
    }
    out.push_str("<dl class=\"counts\">");
    for (class, count) in signed {
        let count = grouped(count);
        write!(out, "<dt>{count}</dt><dd>signed, answered {class}</dd>")?;
    }
    for (cause, code, count) in &counts.refused {
        write!(
            out,
            "<dt>{}</dt><dd>of these refused by AWS: <code>{}</code> <span class=\"quiet\">({})\
             </span></dd>",
            grouped(*count),
            Text(code),
            Text(cause),
        )?;
    }
    for (outcome, reasons) in [("rejected", &counts.rejected), ("failed", &counts.failed)] {
        for (reason, count) in reasons {
            let count = grouped(*count);
            let reason = Text(reason);
            write!(
                out,
                "<dt>{count}</dt><dd>{outcome}: <code>{reason}</code></dd>"
            )?;
        }
    }
    out.push_str("</dl>");
    Ok(())
}
