//! The gateway as its clients, its upstreams and its operators see it: on the wire.

#[cfg(test)]
mod callers;
#[cfg(test)]
mod credentials_outage;
#[cfg(test)]
mod disguises;
#[cfg(test)]
mod drain;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod http2;
#[cfg(test)]
mod hygiene;
#[cfg(test)]
mod outages;
#[cfg(test)]
mod outcomes;
#[cfg(test)]
mod patience;
#[cfg(test)]
mod recipes;
#[cfg(test)]
mod recovery;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod reload;
#[cfg(test)]
mod rotation;
#[cfg(test)]
mod routes;
#[cfg(test)]
mod slow_peers;
#[cfg(test)]
mod streaming;
#[cfg(test)]
mod systems;
#[cfg(test)]
mod tls;
#[cfg(all(test, unix))]
mod unix;
