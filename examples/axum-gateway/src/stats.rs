//! Counts what happens, for Prometheus and for the status page. (To be written.)

/// What has happened since the program began. Cheap to clone; survives reloads.
#[derive(Clone, Debug, Default)]
pub struct Stats {}
