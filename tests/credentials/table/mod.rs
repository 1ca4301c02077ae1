//! For the same environment and files the light providers give what `aws-config` gives. Where they
//! are meant to differ the row says why.

mod environment;
mod faults;
mod metadata;
mod profiles;
mod roles;

use std::sync::Arc;

use sigv4_tests::secrets;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::row::Row;

async fn run(rows: Vec<Row>) {
    let mut running = JoinSet::new();
    let limit = Arc::new(Semaphore::new(4));
    for row in rows {
        let limit = Arc::clone(&limit);
        running.spawn(async move {
            let _turn = limit.acquire().await.expect("nobody closes it");
            row.run().await
        });
    }
    let wrong: Vec<String> = running.join_all().await.concat();
    assert!(
        wrong.is_empty(),
        "{} differences:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

const USER: &str = secrets::ACCESS_KEY_ID;
const PROFILE: &str = r#"{"type":"profile"}"#;
const ASSUME: &str = "role_arn = arn:aws:iam::210987654321:role";
