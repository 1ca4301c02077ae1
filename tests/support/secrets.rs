//! The credentials of the fixtures, and a check that a text holds none of their secrets.

use sigv4_core::Credentials;

/// The access key id of AWS's examples. It is no secret.
pub const ACCESS_KEY_ID: &str = "AKIDEXAMPLE";
/// The secret access key of AWS's examples.
pub const SECRET_ACCESS_KEY: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
/// A session token that occurs nowhere else, with characters that a query has to escape.
pub const SESSION_TOKEN: &str = "FwoGZXIvYXdzEFixtureSession/Token+ThatMustNotLeak0123456789==";

/// Returns the credentials of a user: without a session token and without an end.
///
/// # Panics
///
/// Never: the constants are credentials.
#[must_use]
pub fn credentials() -> Credentials {
    Credentials::new(ACCESS_KEY_ID, SECRET_ACCESS_KEY).expect("the constants are credentials")
}

/// Returns the credentials of a role: with [`SESSION_TOKEN`].
///
/// # Panics
///
/// Never: the constants are credentials.
#[must_use]
pub fn temporary_credentials() -> Credentials {
    credentials()
        .with_session_token(SESSION_TOKEN)
        .expect("the constant is a session token")
}

/// Checks that a text that people will read holds neither the secret key nor the session token.
///
/// Escaped, hexadecimal and decimal spellings count, and so do pieces: what a derived `Debug` of a
/// byte slice or a URL would print.
///
/// # Panics
///
/// When the text holds one.
#[track_caller]
pub fn assert_no_secret(text: &str) {
    assert_none_of(text, &[("secret access key", SECRET_ACCESS_KEY)]);
    assert_none_of(text, &[("session token", SESSION_TOKEN)]);
}

/// Checks the same, and that the text does not hold these signatures either.
///
/// # Panics
///
/// When the text holds one, or when what is given as a signature is none.
#[track_caller]
pub fn assert_no_secret_nor(text: &str, signatures: &[&str]) {
    assert_no_secret(text);
    for signature in signatures {
        // Or up to 144 of them, in DER.
        let is_der = signature.starts_with("30") && (128..=144).contains(&signature.len());
        assert!(
            signature.len() == 64 || is_der,
            "a signature has 64 hex digits"
        );
        assert_none_of(text, &[("signature", signature)]);
    }
}

#[track_caller]
fn assert_none_of(text: &str, secrets: &[(&str, &str)]) {
    for (name, secret) in secrets {
        for spelling in spellings(secret) {
            assert!(
                !text.contains(&spelling),
                "the {name} is in a text for people:\n{}",
                text.replace(&spelling, "<HERE>")
            );
        }
    }
}

/// Every way in which a secret, or a telling piece of it, may be written.
fn spellings(secret: &str) -> Vec<String> {
    // Escaping splits a secret at its special characters; its pieces stay as they are.
    let pieces = secret.split(|c: char| !c.is_ascii_alphanumeric());
    let mut spellings: Vec<String> = pieces
        .filter(|piece| piece.len() >= 6)
        .map(str::to_owned)
        .collect();
    // The beginning of a `Debug` of bytes, and of their hex.
    let bytes = &secret.as_bytes()[..8];
    let decimal: Vec<String> = bytes.iter().map(u8::to_string).collect();
    spellings.push(decimal.join(", "));
    spellings.push(bytes.iter().map(|byte| format!("{byte:02x}")).collect());
    spellings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "secret access key")]
    fn sees_the_secret() {
        assert_no_secret(&format!("key={SECRET_ACCESS_KEY}"));
    }

    #[test]
    #[should_panic(expected = "secret access key")]
    fn sees_an_escaped_secret() {
        assert_no_secret("key=wJalrXUtnFEMI%2FK7MDENG%2BbPxRfiCYEXAMPLEKEY");
    }

    #[test]
    #[should_panic(expected = "session token")]
    fn sees_the_bytes_of_the_token() {
        assert_no_secret(&format!("{:?}", SESSION_TOKEN.as_bytes()));
    }

    #[test]
    #[should_panic(expected = "the signature is")]
    fn sees_a_signature() {
        let signature = "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7";
        assert_no_secret_nor(&format!("Signature={signature}"), &[signature]);
    }

    #[test]
    fn lets_other_text_pass() {
        assert_no_secret("Credential=AKIDEXAMPLE/20150830/us-east-1/s3/aws4_request");
    }
}
