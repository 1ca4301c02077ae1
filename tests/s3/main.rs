//! What we sign, judged by an independent S3 server: `s3s` with its file system, in this process,
//! on loopback, spoken to by hyper's client.

#[cfg(test)]
mod keys;
#[cfg(test)]
mod server;
#[cfg(test)]
mod tampering;
