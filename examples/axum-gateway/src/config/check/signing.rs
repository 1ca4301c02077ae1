//! How the requests of a route are signed.

use std::sync::Arc;
use std::time::Duration;

use sigv4_core::AwsChunked;
use sigv4_core::Checksum;
use sigv4_core::ChunkedBodies;
use sigv4_core::ConfigError;
use sigv4_core::ContentSha256;
use sigv4_core::EcdsaBackend;
use sigv4_core::HeaderMatch;
use sigv4_core::HeaderRules;
use sigv4_core::PayloadMode;
use sigv4_core::PlusPolicy;
use sigv4_core::PresignOptions;
use sigv4_core::SessionTokenMode;
use sigv4_core::Signer;
use sigv4_core::UnsignedPayload;
use sigv4_core::runtime::SecretText;

use super::credentials::Sources;
use super::reasons;
use super::routes::Described;
use super::routes::Place;
use crate::config::errors::Faults;
use crate::config::file;
use crate::config::file::Pattern;
use crate::config::file::Payload;
use crate::config::file::Placement;
use crate::config::file::SignedSet;
use crate::config::flex;
use crate::config::flex::Policy;
use crate::config::node::Node;
use crate::config::node::Path;
use crate::config::units::ShowTime;
use crate::config::units::Size;

/// How long a signature in the URL holds where nothing is said.
const DEFAULT_EXPIRY: Duration = Duration::from_secs(60);

/// How the requests of a route are signed.
pub(super) struct Signing {
    pub(super) signer: Signer,
    pub(super) payload: PayloadMode,
    /// Whether the client's own payload signature decides, where there is one.
    pub(super) follows_client: bool,
    pub(super) in_query: Option<Duration>,
    pub(super) credentials: Arc<str>,
}

/// What is to be signed, whichever way it is written, and where each part of that is.
struct Wanted {
    service: (Path, String),
    region: (Path, String),
    is_sigv4a: bool,
    payload: (Path, Payload),
    headers: HeaderRules,
    credentials: (Path, Option<Node>),
}

impl Signing {
    pub(super) fn new(
        place: &Place<'_>,
        name: &str,
        sources: &mut Sources,
        described: &mut Described,
        faults: &mut Faults,
    ) -> Option<Self> {
        let wanted = if place.written.policies.is_empty() {
            native(place, described, faults)
        } else {
            by_policy(place, described, faults)
        };
        let in_query = in_query(place, faults);
        let wanted = wanted?;
        let (path, node) = &wanted.credentials;
        let credentials = sources.of_route(name, node.as_ref(), path, faults);
        let signer = signer(place, &wanted, faults)?;
        let (path, payload) = &wanted.payload;
        check_payload(*payload, &signer, in_query.is_some(), path, faults);
        let mode = mode(*payload, path, faults)?;

        let algorithm = if wanted.is_sigv4a { "sigv4a" } else { "sigv4" };
        let is_unsigned = matches!(payload, Payload::Unsigned)
            || signer.rules().unsigned_payload_mode() == UnsignedPayload::Always;
        described.extend([
            ("service", signer.service().to_owned()),
            ("region", signer.region().to_owned()),
            ("algorithm", algorithm.to_owned()),
            ("payload", describe(*payload, is_unsigned).to_owned()),
            (
                "placement",
                in_query.map_or_else(
                    || "headers".to_owned(),
                    |time| format!("query, for {}", ShowTime(time)),
                ),
            ),
            ("credentials", credentials.to_string()),
        ]);
        Some(Self {
            signer,
            payload: mode,
            follows_client: matches!(payload, Payload::Client),
            in_query,
            credentials,
        })
    }
}

/// What a route says in its own words.
fn native(place: &Place<'_>, described: &mut Described, faults: &mut Faults) -> Option<Wanted> {
    let (written, path) = (place.written, &place.path);
    let service = match &written.service {
        Some(service) => Some((path.field("service"), service.clone())),
        None => {
            let remedy = "is missing; give the signing name of the service, such as `bedrock`";
            faults.add(path.field("service"), remedy);
            None
        }
    };
    let is_sigv4a = match (written.algorithm, &written.region_set) {
        (Some(file::Algorithm::Sigv4), Some(_)) => {
            let remedy = "is for SigV4A; say `algorithm: sigv4a`, or give one `region`";
            faults.add(path.field("region_set"), remedy);
            true
        }
        (Some(algorithm), _) => algorithm == file::Algorithm::Sigv4a,
        (None, set) => set.is_some(),
    };
    let region = region(place, faults);
    let headers = headers(place, described, faults);
    Some(Wanted {
        service: service?,
        region: region?,
        is_sigv4a,
        payload: (
            path.field("payload"),
            written.payload.unwrap_or(Payload::Hashed),
        ),
        headers: headers?,
        credentials: (path.field("credentials"), written.credentials.clone()),
    })
}

fn region(place: &Place<'_>, faults: &mut Faults) -> Option<(Path, String)> {
    let (path, text): (Path, &SecretText) = match (&place.written.region, &place.written.region_set)
    {
        (Some(region), None) => (place.path.field("region"), region),
        (None, Some(set)) => (place.path.field("region_set"), set),
        (None, None) => {
            let remedy =
                "is missing; give the region to sign for, such as `us-east-1`, or `env:AWS_REGION`";
            faults.add(place.path.field("region"), remedy);
            return None;
        }
        (Some(_), Some(_)) => {
            let remedy = "stands beside `region`; leave one of them out";
            faults.add(place.path.field("region_set"), remedy);
            return None;
        }
    };
    match text.read("region") {
        Ok(region) => Some((path, region)),
        Err(error) => {
            faults.add(path, reasons(&error));
            None
        }
    }
}

fn headers(
    place: &Place<'_>,
    described: &mut Described,
    faults: &mut Faults,
) -> Option<HeaderRules> {
    let (written, path) = (&place.written.headers, place.path.field("headers"));
    let (mut rules, mut shown) = match written.sign.unwrap_or(SignedSet::Minimal) {
        SignedSet::Minimal => (HeaderRules::minimal(), "minimal".to_owned()),
        SignedSet::All => (HeaderRules::all_but_never_signed(), "all".to_owned()),
    };
    let mut is_good = true;
    for (index, pattern) in written.include.iter().enumerate() {
        let path = path.field("include").item(index);
        match header_match(pattern, &path, faults) {
            Some(header) => rules = rules.include(header),
            None => is_good = false,
        }
        shown.push_str(&format!(" + {}", show(pattern)));
    }
    for (index, pattern) in written.exclude.iter().enumerate() {
        let path = path.field("exclude").item(index);
        match header_match(pattern, &path, faults) {
            Some(header) => rules = rules.exclude(header),
            None => is_good = false,
        }
        shown.push_str(&format!(" - {}", show(pattern)));
    }
    described.push(("headers.sign", shown));
    is_good.then_some(rules)
}

fn header_match(pattern: &Pattern, path: &Path, faults: &mut Faults) -> Option<HeaderMatch> {
    let (name, made) = match pattern {
        Pattern::Exact(text) => ("exact", HeaderMatch::exact(text)),
        Pattern::Prefix(text) => ("prefix", HeaderMatch::prefix(text)),
        Pattern::Suffix(text) => ("suffix", HeaderMatch::suffix(text)),
        Pattern::Contains(text) => ("contains", HeaderMatch::contains(text)),
        Pattern::Regex(text) => ("regex", HeaderMatch::regex(text)),
    };
    match made {
        Ok(header) => Some(header),
        Err(error) => {
            let message = reasons(&error);
            faults.add(path.field(name), message);
            None
        }
    }
}

fn show(pattern: &Pattern) -> String {
    match pattern {
        Pattern::Exact(text) => text.clone(),
        Pattern::Prefix(text) => format!("{text}*"),
        Pattern::Suffix(text) => format!("*{text}"),
        Pattern::Contains(text) => format!("*{text}*"),
        Pattern::Regex(text) => format!("regex {text}"),
    }
}

/// What a policy of another gateway says, in place of the route's own words.
fn by_policy(place: &Place<'_>, described: &mut Described, faults: &mut Faults) -> Option<Wanted> {
    for field in [
        "service",
        "region",
        "region_set",
        "algorithm",
        "payload",
        "credentials",
        "headers.sign",
        "headers.include",
        "headers.exclude",
    ] {
        let mut node = Some(place.node);
        for name in field.split('.') {
            node = node.and_then(|node| node.get(name));
        }
        if node.is_some() {
            let message = format!("is said by the policy `{}`; leave it out here", flex::NAME);
            faults.add(place.path.field(field), message);
        }
    }
    let policies = &place.written.policies;
    let (path, config) = Policy::read(policies, &place.path.field("policies"), faults)?;
    let node = place.node.get("policies")?.items().first()?.get("config")?;

    let mut rules = HeaderRules::all_of_the_message();
    let mut shown = "all, as Envoy does".to_owned();
    let mut is_good = true;
    for name in flex::ENVOY_EXCLUDES {
        rules = rules.exclude(HeaderMatch::exact(name).ok()?);
        shown.push_str(&format!(" - {name}"));
    }
    for (index, pattern) in config.match_excluded_headers.iter().enumerate() {
        let path = path.field("matchExcludedHeaders").item(index);
        match header_match(pattern, &path, faults) {
            Some(header) => rules = rules.exclude(header),
            None => is_good = false,
        }
        shown.push_str(&format!(" - {}", show(pattern)));
    }
    described.push(("headers.sign", shown));
    let (of_credentials, source) = config.credentials(node, &path, faults);
    let payload = if config.use_unsigned_payload {
        Payload::Unsigned
    } else {
        Payload::Hashed
    };
    is_good.then(|| Wanted {
        service: (path.field("serviceName"), config.service_name.clone()),
        region: (path.field("region"), config.region.clone()),
        is_sigv4a: config.signing_algorithm == flex::Algorithm::Sigv4a,
        payload: (path.field("useUnsignedPayload"), payload),
        headers: rules,
        credentials: (of_credentials, Some(source)),
    })
}

fn signer(place: &Place<'_>, wanted: &Wanted, faults: &mut Faults) -> Option<Signer> {
    let (service, region) = (&wanted.service.1, &wanted.region.1);
    let mut builder = Signer::builder(service, region).headers(wanted.headers.clone());
    if wanted.is_sigv4a {
        builder = builder.sigv4a(EcdsaBackend::Ring);
    }
    if let Some(mode) = place.written.content_sha256 {
        builder = builder.content_sha256(match mode {
            file::ContentSha256::Auto => ContentSha256::Auto,
            file::ContentSha256::Always => ContentSha256::Always,
            file::ContentSha256::Never => ContentSha256::Never,
        });
    }
    if let Some(mode) = place.written.session_token {
        builder = builder.session_token(match mode {
            file::SessionToken::Signed => SessionTokenMode::Signed,
            file::SessionToken::Appended => SessionTokenMode::Appended,
            file::SessionToken::Omitted => SessionTokenMode::Omitted,
        });
    }
    if let Some(plus) = place.written.plus {
        builder = builder.plus(match plus {
            file::Plus::Literal => PlusPolicy::Literal,
            file::Plus::Space => PlusPolicy::Space,
            file::Plus::Reject => PlusPolicy::Reject,
        });
    }
    let error = match builder.build() {
        Ok(signer) => return Some(signer),
        Err(error) => error,
    };
    let (path, message) = match error.field() {
        "region" if !wanted.is_sigv4a && region.contains(['*', ',']) => (
            &wanted.region.0,
            "is a set of regions, which only SigV4A signs for; give one region, or the set with \
             that algorithm"
                .to_owned(),
        ),
        "region" => (&wanted.region.0, reasons(&error)),
        _ => (&wanted.service.0, reasons(&error)),
    };
    faults.add(path.clone(), message);
    None
}

fn in_query(place: &Place<'_>, faults: &mut Faults) -> Option<Duration> {
    let Placement::Query(query) = place.written.placement else {
        return None;
    };
    let expiry = query.expires_in.map_or(DEFAULT_EXPIRY, |time| time.0);
    if expiry < Duration::from_secs(1) || expiry > PresignOptions::MAX_LIFETIME {
        let path = place.path.field("placement.query.expires_in");
        faults.add(path, "must be from a second to seven days (`7d`)");
    }
    Some(expiry)
}

/// What a service or a placement does not take is known before the first request.
fn check_payload(
    payload: Payload,
    signer: &Signer,
    is_in_query: bool,
    path: &Path,
    faults: &mut Faults,
) {
    let service = signer.service();
    let rules = signer.rules();
    let takes_chunks = rules.chunked_bodies_mode() != ChunkedBodies::Refused;
    match payload {
        Payload::Unsigned if rules.unsigned_payload_mode() == UnsignedPayload::Refused => {
            let message = format!("is unsigned, which `{service}` answers with an error; hash it");
            faults.add(path.clone(), message);
        }
        Payload::AwsChunked(_) | Payload::Client if is_in_query => {
            let message = "cannot be signed as it passes while the signature is in the query; use \
                           `hashed` or `unsigned`, or place the signature in headers";
            faults.add(path.clone(), message);
        }
        Payload::AwsChunked(_) if !takes_chunks => {
            let message =
                format!("is aws-chunked, which `{service}` does not decode; use `hashed`");
            faults.add(path.clone(), message);
        }
        _ => {}
    }
}

fn mode(payload: Payload, path: &Path, faults: &mut Faults) -> Option<PayloadMode> {
    let chunked = match payload {
        // Where the client's own signature says nothing, its body is hashed.
        Payload::Hashed | Payload::Client => return Some(PayloadMode::Hashed),
        Payload::Unsigned => return Some(PayloadMode::Unsigned),
        Payload::AwsChunked(chunked) => chunked,
    };
    let path = path.field("aws_chunked");
    let checksum = chunked.checksum.map(|checksum| match checksum {
        file::Checksum::Crc32 => Checksum::Crc32,
        file::Checksum::Crc32c => Checksum::Crc32c,
        file::Checksum::Crc64nvme => Checksum::Crc64Nvme,
        file::Checksum::Sha1 => Checksum::Sha1,
        file::Checksum::Sha256 => Checksum::Sha256,
    });
    let mode = match (chunked.signed, checksum) {
        (true, None) => AwsChunked::signed(),
        (true, Some(checksum)) => AwsChunked::signed().trailer(checksum),
        (false, Some(checksum)) => AwsChunked::unsigned(checksum),
        (false, None) => {
            let remedy = "is missing; chunks that are not signed need one, such as `crc64nvme`";
            faults.add(path.field("checksum"), remedy);
            return None;
        }
    };
    let sized = chunked.chunk_size.map(|Size(bytes)| {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        mode.chunk_size(bytes)
    });
    match sized.unwrap_or(Ok::<_, ConfigError>(mode)) {
        Ok(mode) => Some(PayloadMode::AwsChunked(mode)),
        Err(error) => {
            faults.add(path.field("chunk_size"), reasons(&error));
            None
        }
    }
}

const fn describe(payload: Payload, is_unsigned: bool) -> &'static str {
    match payload {
        _ if is_unsigned => "unsigned",
        Payload::Hashed | Payload::Unsigned => "hashed",
        Payload::Client => "as the client signed it, else hashed",
        Payload::AwsChunked(file::Chunked { signed: true, .. }) => "aws_chunked, signed",
        Payload::AwsChunked(_) => "aws_chunked, unsigned with a checksum",
    }
}
