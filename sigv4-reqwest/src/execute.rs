//! [`execute`]: what the middleware does, without the crate `reqwest-middleware`.

use reqwest::Client;
use reqwest::Request;
use reqwest::Response;
use sigv4_core::SigningOverrides;
use sigv4_core::runtime::Authorizer;
use sigv4_core::runtime::SigningReceipt;

use crate::error::ExecuteError;
use crate::recover;
use crate::recover::Attempt;
use crate::recover::Settled;

/// Signs a request, sends it, and recovers from what AWS says of credentials and clocks: as
/// `SigV4Middleware` does, which says more, and without the crate `reqwest-middleware`.
///
/// ```
/// # use sigv4_core::runtime::Authorizer;
/// # async fn example(authorizer: Authorizer) -> Result<(), Box<dyn std::error::Error>> {
/// let policy = sigv4_reqwest::redirect_policy();
/// let client = reqwest::Client::builder().redirect(policy).build()?;
/// let request = client.get("https://sqs.us-east-1.amazonaws.com/").build()?;
/// let response = sigv4_reqwest::execute(&client, &authorizer, request, None).await?;
/// # Ok(())
/// # }
/// ```
///
/// For each attempt of a program that tries again, call it with a clone of the request: it is signed
/// anew then.
///
/// # Errors
///
/// When the request is not signed, the client cannot send it, or the answer comes from elsewhere than
/// was signed for, which a client with [`redirect_policy`](crate::redirect_policy) never has.
///
/// # Cancel safety
///
/// The future can be dropped; the request may have been sent then.
pub async fn execute(
    client: &Client,
    authorizer: &Authorizer,
    mut request: Request,
    overrides: Option<&SigningOverrides>,
) -> Result<Response, ExecuteError> {
    let Some(attempt) = Attempt::sign(authorizer, &mut request, overrides).await? else {
        // It may have been signed before, with the signature in its query.
        let url = request.url().clone();
        let sent = client.execute(request).await;
        return sent.map_err(|error| ExecuteError::Client(recover::without_signature(error, &url)));
    };
    let answer = send(client, request, attempt.receipt).await?;
    if !attempt.learns {
        return Ok(answer);
    }
    match recover::settle(authorizer, answer, attempt.again, overrides).await {
        Settled::Answer(answer) => Ok(answer),
        Settled::Again(request, receipt) => send(client, *request, receipt).await,
    }
}

async fn send(
    client: &Client,
    request: Request,
    receipt: SigningReceipt,
) -> Result<Response, ExecuteError> {
    let signed = request.url().clone();
    let sent = client.execute(request).await;
    let answer =
        sent.map_err(|error| ExecuteError::Client(recover::without_signature(error, &signed)))?;
    Ok(recover::accept(answer, &signed, receipt)?)
}
