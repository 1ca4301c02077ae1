//! What operators see of the gateway, and who is one.

#[cfg(test)]
mod busy;
#[cfg(test)]
mod endpoints;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod page;
