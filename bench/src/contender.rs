//! What is measured, in a form that benches and the allocation counter share.

/// One way to sign the request of a case.
pub trait Contender {
    /// What is made before the clock starts: a request that is not signed yet.
    type Input;
    /// What is dropped after the clock has stopped.
    type Output;

    /// The name in tables.
    const NAME: &'static str;

    /// Makes a request that is not signed yet.
    fn input(&self) -> Self::Input;

    /// Signs it, with everything that a program does for each request: asking for the time, and
    /// putting the signature into the request.
    fn sign(&self, input: &mut Self::Input) -> Self::Output;
}
