//! What the README says.

#![cfg(unix)]

use local_aws::readme::Readme;

#[tokio::test]
async fn prints_what_the_readme_shows() {
    let readme = Readme::in_folder(env!("CARGO_MANIFEST_DIR"));
    let program = env!("CARGO_BIN_EXE_sign-function");
    readme
        .program("sign-function", program)
        .check()
        .await
        .unwrap();
}
