//! Sources of credentials, as configured, against services on loopback: the providers of
//! `aws-config` and those of this workspace, side by side.

#[cfg(test)]
mod configuration;
#[cfg(test)]
mod helper;
#[cfg(test)]
mod local;
#[cfg(test)]
mod profile_files;
#[cfg(test)]
mod row;
#[cfg(test)]
mod s3_express;
#[cfg(test)]
mod sdk;
#[cfg(test)]
mod table;
