//! What the program signs, beside what the crate `aws-sigv4` makes of the same requests.
//!
//! `SIGN_FUNCTION_CASES` sets how many there are.

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write;

use proptest::strategy::Strategy;
use proptest::strategy::ValueTree;
use proptest::test_runner::Config;
use proptest::test_runner::RngAlgorithm;
use proptest::test_runner::TestRng;
use proptest::test_runner::TestRunner;
use serde_json::Value;
use sha2::Digest;
use sha2::Sha256;
use sigv4_tests::oracle;
use sigv4_tests::oracle_v4a::PublicKey;
use sigv4_tests::secrets;

use crate::plan::Difference;
use crate::plan::Plan;
use crate::plan::encoded;
use crate::plan::hex;
use crate::plan::plan;
use crate::plan::text_of;
use crate::program::answers;

#[test]
fn signs_as_aws_sigv4_does() {
    let plans = plans(cases(4000), 1);
    let seen = compare(&plans, |plan| plan.reference().0.signature());
    // Each of the differences occurs, and so does each kind of request.
    for difference in [
        Difference::DotsAtTheEnd,
        Difference::SpellingOfKeys,
        Difference::PlusInQuery,
        Difference::QuotesInQuery,
        Difference::Authority,
        Difference::Tabs,
    ] {
        assert!(
            seen.contains_key(&format!("{difference:?}")),
            "{difference:?}: {seen:?}"
        );
    }
    for kind in ["headers", "query", "same without help"] {
        assert!(seen[kind] > plans.len() / 5, "{kind}: {seen:?}");
    }
}

/// Both make their nonces as RFC 6979 has it. The public key is derived by `aws-sigv4`.
#[test]
fn signs_with_sigv4a_as_aws_sigv4_does() {
    let mut plans = plans(cases(4000) / 4, 2);
    for plan in &mut plans {
        plan.is_v4a = true;
    }
    compare(&plans, |plan| plan.reference().0.signature_v4a());
}

/// Compares the answers, and returns how often what was seen.
fn compare(
    plans: &[Plan],
    signature: impl Fn(&Plan) -> Result<String, String>,
) -> BTreeMap<String, usize> {
    let lines: Vec<_> = plans
        .iter()
        .enumerate()
        .map(|(id, plan)| plan.line(id))
        .collect();
    let answers = answers(&lines);
    assert_eq!(answers.len(), lines.len());
    let mut seen = BTreeMap::new();
    let mut wrong = String::new();
    let mut wrong_count = 0;
    for (id, ((plan, line), answer)) in plans.iter().zip(&lines).zip(&answers).enumerate() {
        let mut count = |kind: String| *seen.entry(kind).or_insert(0) += 1;
        let (_, undone) = plan.reference();
        if undone.is_empty() {
            count("same without help".to_owned());
        }
        undone
            .iter()
            .for_each(|difference| count(format!("{difference:?}")));
        count(
            if plan.lifetime.is_some() {
                "query"
            } else {
                "headers"
            }
            .to_owned(),
        );
        if let Err(difference) = check(plan, &id.to_string(), answer, &signature(plan)) {
            wrong_count += 1;
            if wrong_count <= 5 {
                writeln!(wrong, "{difference}\n  {line}\n  {answer}").unwrap();
            }
        }
    }
    assert_eq!(wrong_count, 0, "of {} requests\n{wrong}", plans.len());
    seen
}

fn check(
    plan: &Plan,
    id: &str,
    answer: &Value,
    expected: &Result<String, String>,
) -> Result<(), String> {
    let expected = expected
        .as_ref()
        .map_err(|error| format!("no reference: {error}"))?;
    let text = |name: &str| answer[name].as_str().unwrap_or_default();
    let is = |what: &str, is: bool| {
        if is {
            Ok(())
        } else {
            Err(format!("another {what}"))
        }
    };
    is(
        "answer",
        answer["id"] == id && answer.get("error").is_none(),
    )?;
    is("signature", text("signature") == expected)?;

    // The texts are those that were signed.
    let (canonical, to_sign) = (text("canonical_request"), text("string_to_sign"));
    let hash = hex(&Sha256::digest(canonical.as_bytes()));
    is(
        "hash of the canonical request",
        to_sign.ends_with(&format!("\n{hash}")),
    )?;
    if plan.is_v4a {
        let key = PublicKey::of_the_fixture();
        key.verify(to_sign.as_bytes(), text("signature"))?;
    } else {
        let parts: Vec<&str> = to_sign.split('\n').collect();
        let scope: Vec<&str> = parts[2].split('/').collect();
        let moment = parts[1]
            .trim_end_matches('Z')
            .split_once('T')
            .unwrap_or_default();
        let signature = oracle::signature_of_canonical_request(
            canonical.as_bytes(),
            secrets::SECRET_ACCESS_KEY,
            moment,
            scope[1],
            scope[2],
        );
        is(
            "signature of its canonical request",
            text("signature") == signature,
        )?;
    }
    let (covered, _) = plan.covered();
    is(
        "payload",
        canonical.ends_with(&format!("\n{}", text_of(covered))),
    )?;

    let names = answer["signed_headers"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
    let line = format!("\n\n{}\n", names.join(";"));
    is("list of signed headers", canonical.contains(&line))?;
    check_what_is_added(plan, answer, &names)
}

/// What is added is all that a server has to see, and nothing is changed.
fn check_what_is_added(plan: &Plan, answer: &Value, names: &[&str]) -> Result<(), String> {
    let is = |what: &str, is: bool| {
        if is {
            Ok(())
        } else {
            Err(format!("another {what}"))
        }
    };
    let headers = answer["headers"].as_array().cloned().unwrap_or_default();
    let added = |name: &str| {
        let mut found = headers.iter().filter(|header| header[0] == name);
        found
            .next()
            .and_then(|header| header[1].as_str().map(str::to_owned))
    };
    let (url, signature) = (
        answer["url"].as_str().unwrap_or_default(),
        &answer["signature"],
    );
    let signature = signature.as_str().unwrap_or_default();
    let to_sign = answer["string_to_sign"].as_str().unwrap_or_default();
    let to_sign: Vec<&str> = to_sign.split('\n').collect();
    let [algorithm, date, scope, _] = to_sign[..] else {
        return Err("another string to sign".to_owned());
    };
    let (covered, sends_hash) = plan.covered();
    let hash = sends_hash.then(|| text_of(covered));
    is(
        "x-amz-content-sha256",
        added("x-amz-content-sha256") == hash,
    )?;
    let token_header = match plan.service {
        "s3express" => "x-amz-s3session-token",
        _ => "x-amz-security-token",
    };
    let has_token = plan.token.is_some() && plan.token_mode() != "omit";
    if plan.lifetime.is_none() {
        is("URL", url == plan.url())?;
        is("date", added("x-amz-date").as_deref() == Some(date))?;
        is(
            "region set",
            added("x-amz-region-set").is_some() == plan.is_v4a,
        )?;
        is(
            "token",
            added(token_header).as_deref() == has_token.then_some(secrets::SESSION_TOKEN),
        )?;
        let is_signed = names.contains(&token_header);
        is(
            "coverage of the token",
            is_signed == (has_token && plan.token_mode() == "sign"),
        )?;
        let authorization = added("authorization").unwrap_or_default();
        let whole = format!(
            "{algorithm} Credential={}/{scope}, SignedHeaders={}, Signature={signature}",
            secrets::ACCESS_KEY_ID,
            names.join(";")
        );
        return is("authorization", authorization == whole);
    }
    is("header", headers.len() == usize::from(sends_hash))?;
    // Taken out again, what was added leaves the URL that was given.
    let given = plan.url_sent();
    let fragment = plan.url()[given.len()..].to_owned();
    let added = url
        .strip_prefix(&given)
        .and_then(|rest| rest.strip_suffix(&fragment));
    let added = added.ok_or("another URL")?;
    is("begin of what is appended", {
        match given.split_once('?') {
            None => added.starts_with("?X-Amz-Algorithm="),
            Some((_, query)) if query.is_empty() || query.ends_with('&') => {
                added.starts_with("X-Amz-Algorithm=")
            }
            Some(_) => added.starts_with("&X-Amz-Algorithm="),
        }
    })?;
    let credential = format!("{}/{scope}", secrets::ACCESS_KEY_ID).replace('/', "%2F");
    for (name, value) in [
        ("Algorithm", algorithm),
        ("Credential", &credential),
        ("Date", date),
        ("Expires", &plan.lifetime.unwrap_or_default().to_string()),
        ("SignedHeaders", &encoded(&names.join(";"))),
    ] {
        is(name, added.contains(&format!("X-Amz-{name}={value}&")))?;
    }
    is(
        "end",
        added.ends_with(&format!("&X-Amz-Signature={signature}")),
    )?;
    is(
        "token",
        (added.matches("ession-Token=").count() + added.matches("Security-Token=").count() == 1)
            == has_token,
    )?;
    is(
        "region set",
        added.contains("&X-Amz-Region-Set=") == plan.is_v4a,
    )
}

fn plans(count: usize, seed: u8) -> Vec<Plan> {
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), random);
    let strategy = plan();
    let plans = (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current());
    plans.collect()
}

fn cases(default: usize) -> usize {
    let given = env::var("SIGN_FUNCTION_CASES").ok();
    given.map_or(default, |given| given.parse().unwrap())
}
