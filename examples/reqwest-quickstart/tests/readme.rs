//! What the README says.

#![cfg(unix)]

use local_aws::readme::Readme;

#[tokio::test]
async fn prints_what_the_readme_shows() {
    Readme::in_folder(env!("CARGO_MANIFEST_DIR"))
        .program(
            "reqwest-quickstart",
            env!("CARGO_BIN_EXE_reqwest-quickstart"),
        )
        .check()
        .await
        .unwrap();
}
