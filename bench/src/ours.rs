//! This family's signer.

use std::time::SystemTime;

use http::Request;
use sigv4_core::Credentials;
use sigv4_core::EcdsaBackend;
use sigv4_core::Payload;
use sigv4_core::Presigned;
use sigv4_core::Signable;
use sigv4_core::Signed;
use sigv4_core::Signer;
use sigv4_core::SignerBuilder;
use sigv4_core::SigningTrace;

use crate::case::Body;
use crate::case::Case;
use crate::contender::Contender;

/// `sigv4-core`, with the defaults of the service.
#[derive(Debug)]
pub struct Ours<'a> {
    case: &'a Case,
    signer: Signer,
    credentials: Credentials,
}

/// The same, with the signature in the query.
///
/// A contender of its own, so that neither carries what the other gives out of the measured time.
#[derive(Debug)]
pub struct OursPresigned<'a>(pub Ours<'a>);

impl<'a> Ours<'a> {
    /// Prepares what outlives a request.
    #[must_use]
    pub fn new(case: &'a Case) -> Self {
        Self::with(case, Signer::builder(case.service, Case::REGION))
    }

    /// Prepares the same for SigV4A.
    #[must_use]
    pub fn sigv4a(case: &'a Case, backend: EcdsaBackend) -> Self {
        let builder = Signer::builder(case.service, Case::REGION_SET);
        Self::with(case, builder.sigv4a(backend))
    }

    fn with(case: &'a Case, builder: SignerBuilder) -> Self {
        let signer = builder.build().expect("service and region are names");
        let mut credentials = Credentials::new(Case::ACCESS_KEY_ID, Case::SECRET_ACCESS_KEY)
            .expect("the credentials are those of the documentation");
        if let Some(token) = &case.token {
            credentials = credentials
                .with_session_token(token)
                .expect("the token is ASCII");
        }
        Self {
            case,
            signer,
            credentials,
        }
    }

    /// Signs as of a time.
    pub fn sign_at<R: Signable>(&self, request: &mut R, now: SystemTime) -> Signed {
        self.signer
            .sign(request, self.payload(), &self.credentials, now)
            .expect("the requests of the cases can be signed")
    }

    /// Presigns as of a time.
    pub fn presign_at<R: Signable>(&self, request: &R, now: SystemTime) -> Presigned {
        let lifetime = self.case.presigned.expect("the case is presigned");
        self.signer
            .presign(request, lifetime, &self.credentials, now)
            .expect("the requests of the cases can be signed")
    }

    /// Tells what is signed as of a time.
    #[must_use]
    pub fn trace_at(&self, now: SystemTime) -> SigningTrace {
        let (signer, credentials, request) = (&self.signer, &self.credentials, &self.case.request);
        match self.case.presigned {
            Some(lifetime) => signer.trace_presign(request, lifetime, credentials, now),
            None => signer.trace(request, self.payload(), credentials, now),
        }
        .expect("the requests of the cases can be signed")
    }

    fn payload(&self) -> Payload<'_> {
        match &self.case.body {
            Body::Empty => Payload::EMPTY,
            Body::Bytes(bytes) => Payload::Bytes(bytes),
            Body::Unsigned => Payload::Unsigned,
        }
    }
}

impl Contender for Ours<'_> {
    type Input = Request<()>;
    type Output = Signed;

    const NAME: &'static str = "ours";

    fn input(&self) -> Self::Input {
        self.case.request.clone()
    }

    fn sign(&self, input: &mut Self::Input) -> Self::Output {
        self.sign_at(input, SystemTime::now())
    }
}

impl Contender for OursPresigned<'_> {
    type Input = Request<()>;
    type Output = Presigned;

    const NAME: &'static str = "ours";

    fn input(&self) -> Self::Input {
        self.0.input()
    }

    fn sign(&self, input: &mut Self::Input) -> Self::Output {
        self.0.presign_at(input, SystemTime::now())
    }
}
