//! [`execute`]: the middleware without the crate that it is made for.

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
/// # async fn example(authorizer: sigv4_core::runtime::Authorizer) -> Result<(), Box<dyn std::error::Error>> {
/// let client = reqwest::Client::builder().redirect(sigv4_reqwest::redirect_policy()).build()?;
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
/// When the request is not signed, or the client cannot send it.
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
        return client.execute(request).await.map_err(ExecuteError::Client);
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
