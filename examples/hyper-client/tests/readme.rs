//! What the README says.

#![cfg(unix)]

use local_aws::readme::Readme;

#[tokio::test]
async fn prints_what_the_readme_shows() {
    Readme::in_folder(env!("CARGO_MANIFEST_DIR"))
        .program("hyper-client", env!("CARGO_BIN_EXE_hyper-client"))
        .check()
        .await
        .unwrap();
}
