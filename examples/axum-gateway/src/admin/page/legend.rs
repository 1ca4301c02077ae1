//! What the words on the page mean.

use std::fmt;
use std::fmt::Write;

pub(super) fn section(out: &mut String) -> fmt::Result {
    out.push_str("<h2>What the words mean</h2>\n<dl class=\"card legend\">\n");
    for (word, meaning) in WORDS {
        writeln!(out, "<dt>{word}</dt><dd>{meaning}</dd>")?;
    }
    out.push_str("</dl>\n");
    Ok(())
}

/// Says what is behind a reason of the gateway's own, and what to do.
pub(super) fn explained(reason: &str) -> &'static str {
    let mut reasons = REASONS.iter();
    let found = reasons.find(|(known, _)| *known == reason);
    found.map_or("what the client was answered says more", |(_, text)| text)
}

const WORDS: [(&str, &str); 10] = [
    (
        "signed",
        "The request was signed and forwarded, and the upstream answered it, to the end: with \
         success, or with an error of its own.",
    ),
    (
        "rejected",
        "The gateway answered the request itself. AWS never saw it.",
    ),
    (
        "failed",
        "The request came to no answer, or to no end of it: the upstream, the network or the client \
         broke off. AWS may have seen it.",
    ),
    (
        "refused by AWS",
        "A signed request that AWS answered with an error code. The client got the answer \
         unchanged. The cause is what is usually behind the code.",
    ),
    (
        "ready",
        "There are credentials, and nothing is wrong with them.",
    ),
    (
        "degraded",
        "There are credentials and requests are signed, but the last refresh failed. It is tried \
         again by itself.",
    ),
    (
        "unavailable, not loaded",
        "There are no usable credentials. Requests are answered with 503 until there are.",
    ),
    (
        "left",
        "When the credentials end, if nobody replaces them. They are replaced long before.",
    ),
    (
        "generation",
        "How many different sets of credentials there have been since the program began.",
    ),
    (
        "request id",
        "What the client sent as x-request-id, or a random number. It is in the logs and in the \
         answer.",
    ),
];

const REASONS: [(&str, &str); 49] = [
    (
        "ambiguous_host",
        "the request names its host twice or differently: look at the client, or at a hop \
         before the gateway",
    ),
    (
        "ambiguous_plus",
        "the query has a `+`, which the route's `plus` refuses: have the client write `%20` or \
         `%2B`",
    ),
    (
        "ambiguous_target",
        "the path has empty segments, dot segments or escapes that servers read differently: \
         have the client normalise it",
    ),
    (
        "answer_broken",
        "the upstream closed the connection in the middle of its answer",
    ),
    (
        "answer_not_taken",
        "the client took nothing of its answer for longer than the longest `timeouts.idle`: it \
         hangs, or reads too slowly",
    ),
    (
        "answer_stalled",
        "the upstream stopped in the middle of its answer",
    ),
    (
        "answer_timeout",
        "the upstream did not begin its answer in time: it is slow, or `timeouts.answer` is \
         short",
    ),
    (
        "body_length",
        "the body was not as long as was declared: the client broke off, or declares a wrong \
         length",
    ),
    (
        "body_read",
        "the client's body could not be read to its end: it broke off",
    ),
    (
        "body_too_large",
        "the body is longer than it may be to be hashed: raise `body_limit`, or sign the \
         route's payload as unsigned or in chunks where the service takes that",
    ),
    (
        "client_gone",
        "the client left before the end of its answer: its own timeout may be short",
    ),
    (
        "connect_timeout",
        "the upstream took no connection: it is down, or not to be reached from here",
    ),
    (
        "content_length",
        "the request says more than one length of its body: look at the client, or at a hop \
         before the gateway",
    ),
    (
        "credentials",
        "there were no usable credentials: see the table above for why the refresh fails",
    ),
    (
        "ecdsa",
        "the key does not do for SigV4A: look at the credentials",
    ),
    (
        "encoded_body",
        "the body is framed for another signature (aws-chunked): let the client send it plain",
    ),
    (
        "event_stream",
        "the body is no stream of events as the service takes it",
    ),
    (
        "existing_authorization",
        "the request has an Authorization that may not be replaced",
    ),
    (
        "expiry",
        "the credentials end too soon for a signature in the query: see the table above",
    ),
    (
        "header_value",
        "a header of the client holds bytes that are not ASCII",
    ),
    (
        "invalid_host",
        "the upstream's host cannot be signed for: look at the route's `host`",
    ),
    (
        "length_required",
        "the service wants to know the length of the body: the client has to send Content- \
         Length",
    ),
    ("method", "no route takes this method for the path"),
    (
        "missing_host",
        "the request has no host to sign for: look at the route's `upstream`",
    ),
    (
        "no_key",
        "the client showed no key of a caller: give it one, or let the listener take requests \
         without",
    ),
    (
        "no_route",
        "no route matches: compare path, host and method with the table above",
    ),
    (
        "not_canonical",
        "the path or the query is not written as it is signed: have the client normalise it",
    ),
    (
        "out_of_scope",
        "the destination is not one that is signed for",
    ),
    (
        "payload",
        "the service does not take this way of covering the body: change the route's `payload`",
    ),
    (
        "payload_hash",
        "the body is not the one that the client's own signature covers: it was changed on the \
         way, or cut short",
    ),
    (
        "region_set",
        "the route names several regions, which only SigV4A signs for",
    ),
    (
        "repeated_header",
        "the request has a header twice that may be there once: look at the client",
    ),
    (
        "request_target",
        "the target of the request cannot be signed as it is",
    ),
    (
        "route_not_allowed",
        "the caller may not use this route: see its `routes` in the configuration",
    ),
    (
        "shutdown",
        "the program ended before the answer did: raise `limits.drain`",
    ),
    (
        "target_too_long",
        "the path and the query are too long to be forwarded",
    ),
    ("time", "the clock of this machine is out of range: set it"),
    (
        "too_many_bytes",
        "as much of bodies was held to be hashed as `limits.held_bytes` allows: raise it, or \
         sign large bodies as unsigned or in chunks where the service takes that",
    ),
    (
        "too_many_headers",
        "the request has more headers than can be forwarded",
    ),
    (
        "too_many_requests",
        "as many requests were being worked on as `limits.concurrency` allows",
    ),
    (
        "trailers",
        "the body has trailers, which a signature cannot cover",
    ),
    (
        "transfer_coding",
        "the body has a transfer coding other than chunked",
    ),
    (
        "unknown_host",
        "the Host header is not one of the listener's `hosts`: add it if it is meant",
    ),
    (
        "upgrade",
        "WebSockets are not forwarded: their messages would have to be signed one by one",
    ),
    (
        "upload_stalled",
        "the client stopped in the middle of its body",
    ),
    (
        "upload_timeout",
        "the client took longer to send its body than `timeouts.upload` allows",
    ),
    (
        "upstream_unreachable",
        "the upstream could not be reached, or closed the connection: the log has the error",
    ),
    (
        "web_page",
        "a browser says that a web page made the request: pages are not signed for",
    ),
    (
        "wrong_key",
        "the client's key is that of no caller: it is old, mistyped, or somebody is trying keys",
    ),
];
