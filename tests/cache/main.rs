//! How credentials are cached and replaced, on paused time.

#[cfg(test)]
mod clocks;
#[cfg(test)]
mod events;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod identity;
#[cfg(test)]
mod invalidation;
#[cfg(test)]
mod lasting;
#[cfg(test)]
mod outages;
#[cfg(test)]
mod races;
#[cfg(test)]
mod refresh;
#[cfg(test)]
mod runtimes;
#[cfg(test)]
mod schedules;
#[cfg(test)]
mod single_flight;
#[cfg(test)]
mod spans;
#[cfg(test)]
mod windows;
