//! What we sign, judged by an independent S3 server: `s3s` with its file system, in this process,
//! on loopback, spoken to by hyper's client.

#[cfg(test)]
mod gateway;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod proxy;
#[cfg(test)]
mod server;
#[cfg(test)]
mod source;
#[cfg(test)]
mod tampering;
#[cfg(test)]
mod uploader;
#[cfg(test)]
mod uploads;
#[cfg(test)]
mod uploads_tampered;
