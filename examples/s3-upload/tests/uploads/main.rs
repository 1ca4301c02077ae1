//! What is uploaded, how, and what becomes of it when something goes wrong: judged by `local-aws`,
//! which checks every signature and checksum by another implementation.

#[cfg(test)]
mod changes;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod files;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod resume;
#[cfg(test)]
mod streams;
