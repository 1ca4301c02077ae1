//! The security token service.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use http::Response;

use super::handout::Handout;
use super::script::Edit;
use super::script::Prompter;
use super::script::Script;
use super::script::Step;
use super::server::Reply;
use super::server::SeenRequest;
use super::server::Server;
use super::server::respond;
use crate::oracle;
use crate::secrets;

/// STS: AssumeRole, AssumeRoleWithWebIdentity and GetCallerIdentity.
///
/// Signatures are checked by [`oracle`], before any script is asked. It knows
/// [`secrets::ACCESS_KEY_ID`], with and without [`secrets::SESSION_TOKEN`], whomever it was told to
/// [trust](Self::trust), and all credentials that it handed out itself. Those of a role are
/// `Handout::new` of the role's name.
#[derive(Debug)]
pub struct FakeSts {
    server: Server,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    script: Prompter,
    settings: Mutex<Settings>,
}

#[derive(Debug, Default)]
struct Settings {
    /// Secret and session token of each access key id.
    keys: HashMap<String, (String, Option<String>)>,
    external_id: Option<String>,
    web_identity_token: Option<String>,
}

impl FakeSts {
    /// Starts the service.
    pub async fn start() -> Self {
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        let server = Server::start(move |request| shared.reply(request)).await;
        Self { server, state }
    }

    /// Answers requests that are signed as they should be by this script from now on.
    pub fn answer_with(&self, script: impl Into<Script>) {
        self.state.script.set(script.into());
    }

    /// Accepts signatures with these credentials.
    pub fn trust(&self, credentials: &Handout) {
        self.state.settings().trust(credentials);
    }

    /// Refuses to assume roles without this external id.
    pub fn require_external_id(&self, external_id: &str) {
        self.state.settings().external_id = Some(external_id.to_owned());
    }

    /// Refuses web identity tokens other than this.
    pub fn require_web_identity_token(&self, token: &str) {
        self.state.settings().web_identity_token = Some(token.to_owned());
    }

    /// Returns `http://127.0.0.1:port`.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Returns the address of the listener.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Returns what it was asked, in order.
    #[must_use]
    pub fn requests(&self) -> Vec<SeenRequest> {
        self.server.requests()
    }

    /// Forgets what it was asked so far.
    pub fn forget(&self) {
        self.server.forget();
    }

    /// Waits until it was asked so many times.
    pub async fn arrived(&self, count: usize) -> Vec<SeenRequest> {
        self.server.arrived(count).await
    }
}

impl State {
    fn settings(&self) -> MutexGuard<'_, Settings> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reply(&self, request: &SeenRequest) -> Reply {
        let checked = match request.form("Action").as_deref() {
            Some("AssumeRole") => self
                .check_signature(request)
                .and_then(|_| self.check_external_id(request)),
            Some("AssumeRoleWithWebIdentity") => self.check_web_identity_token(request),
            Some("GetCallerIdentity") => {
                return match self.check_signature(request) {
                    Ok(caller) => Reply::new(self.script.next(), |_, _| identity(&caller)),
                    Err(refusal) => refusal.into(),
                };
            }
            _ => Err(refuse(400, "InvalidAction", "there is no such action")),
        };
        let role = match checked.and_then(|()| role(request)) {
            Ok(role) => role,
            Err(refusal) => return refusal.into(),
        };
        let step = self.script.next();
        // What it hands out it accepts: roles are assumed with the credentials of roles.
        match handed_out(&step) {
            Some(handout) => self.settings().trust(handout),
            None => self.settings().trust(&Handout::new(role_name(&role))),
        }
        let action = request.form("Action").unwrap_or_default();
        Reply::new(step, |handout, edit| {
            let handout = handout.unwrap_or_else(|| Handout::new(role_name(&role)));
            let session = request.form("RoleSessionName").unwrap_or_default();
            assumed(&action, &role, &session, &handout, edit)
        })
    }

    /// Returns who signed.
    fn check_signature(&self, request: &SeenRequest) -> Result<String, Refusal> {
        let authorization = request.header("authorization").unwrap_or_default();
        let id = authorization
            .split_once("Credential=")
            .and_then(|(_, rest)| rest.split('/').next())
            .unwrap_or_default();
        let token = request.header("x-amz-security-token");
        let known = self.settings().keys.get(id).cloned();
        let secret = match known {
            Some((secret, known)) if known.as_deref() == token => secret,
            None if id == secrets::ACCESS_KEY_ID => match token {
                None | Some(secrets::SESSION_TOKEN) => secrets::SECRET_ACCESS_KEY.to_owned(),
                Some(_) => return Err(refuse(403, "InvalidClientTokenId", INVALID_TOKEN)),
            },
            _ => return Err(refuse(403, "InvalidClientTokenId", INVALID_TOKEN)),
        };
        let verified = oracle::verify(request.head(), request.body(), &secret)
            .map_err(|reason| refuse(403, "SignatureDoesNotMatch", &reason))?;
        if verified.service != "sts" {
            let reason = "Credential should be scoped to correct service: 'sts'.";
            return Err(refuse(403, "SignatureDoesNotMatch", reason));
        }
        Ok(verified.access_key_id)
    }

    fn check_external_id(&self, request: &SeenRequest) -> Result<(), Refusal> {
        let required = self.settings().external_id.clone();
        if required.is_some() && required != request.form("ExternalId") {
            let reason = "not authorized to perform sts:AssumeRole";
            return Err(refuse(403, "AccessDenied", reason));
        }
        Ok(())
    }

    fn check_web_identity_token(&self, request: &SeenRequest) -> Result<(), Refusal> {
        let given = request.form("WebIdentityToken");
        let required = self.settings().web_identity_token.clone();
        if given.is_none() || required.is_some() && required != given {
            let reason = "The ID Token provided is not a valid JWT.";
            return Err(refuse(400, "InvalidIdentityToken", reason));
        }
        Ok(())
    }
}

impl Settings {
    fn trust(&mut self, credentials: &Handout) {
        let secret = credentials.secret_access_key.clone();
        let token = credentials.session_token.clone();
        let token = Some(token).filter(|token| !token.is_empty());
        self.keys
            .insert(credentials.access_key_id.clone(), (secret, token));
    }
}

fn handed_out(step: &Step) -> Option<&Handout> {
    match step {
        Step::Hand(handout) => Some(handout),
        Step::Behind(_, step) => handed_out(step),
        _ => None,
    }
}

fn role(request: &SeenRequest) -> Result<String, Refusal> {
    let role = request.form("RoleArn").unwrap_or_default();
    let session = request.form("RoleSessionName").unwrap_or_default();
    if !role.starts_with("arn:") || session.len() < 2 {
        let reason = "RoleArn and RoleSessionName are required";
        return Err(refuse(400, "ValidationError", reason));
    }
    Ok(role)
}

fn role_name(role: &str) -> &str {
    role.rsplit('/').next().unwrap_or(role)
}

fn assumed(
    action: &str,
    role: &str,
    session: &str,
    handout: &Handout,
    edit: Edit,
) -> Response<String> {
    let mut fields = String::new();
    for (name, value) in [
        ("AccessKeyId", &handout.access_key_id),
        ("SecretAccessKey", &handout.secret_access_key),
        ("SessionToken", &handout.session_token),
        ("Expiration", &handout.expiration()),
    ] {
        if let Some(value) = edit.apply(name, value) {
            fields.push_str(&format!("<{name}>{}</{name}>", escape(&value)));
        }
    }
    let account = role.split(':').nth(4).unwrap_or_default();
    let user = format!(
        "<AssumedRoleUser><AssumedRoleId>AROAEXAMPLE:{session}</AssumedRoleId>\
         <Arn>arn:aws:sts::{account}:assumed-role/{}/{session}</Arn></AssumedRoleUser>",
        role_name(role)
    );
    xml(
        200,
        &format!(
            "<{action}Response xmlns=\"{NAMESPACE}\"><{action}Result>{user}\
             <Credentials>{fields}</Credentials></{action}Result>{METADATA}</{action}Response>"
        ),
    )
}

fn identity(access_key_id: &str) -> Response<String> {
    xml(
        200,
        &format!(
            "<GetCallerIdentityResponse xmlns=\"{NAMESPACE}\"><GetCallerIdentityResult>\
             <Arn>arn:aws:iam::123456789012:user/{access_key_id}</Arn><UserId>{access_key_id}\
             </UserId><Account>123456789012</Account></GetCallerIdentityResult>{METADATA}\
             </GetCallerIdentityResponse>"
        ),
    )
}

/// The answer to a request that is not as it should be.
struct Refusal(Box<Response<String>>);

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Self {
        Self::from(*refusal.0)
    }
}

fn refuse(status: u16, code: &str, message: &str) -> Refusal {
    Refusal(Box::new(xml(
        status,
        &format!(
            "<ErrorResponse xmlns=\"{NAMESPACE}\"><Error><Type>Sender</Type><Code>{code}</Code>\
             <Message>{}</Message></Error><RequestId>fixture</RequestId></ErrorResponse>",
            escape(message)
        ),
    )))
}

fn xml(status: u16, document: &str) -> Response<String> {
    respond(status, "text/xml", document.to_owned())
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";
const METADATA: &str = "<ResponseMetadata><RequestId>fixture</RequestId></ResponseMetadata>";
const INVALID_TOKEN: &str = "The security token included in the request is invalid.";
