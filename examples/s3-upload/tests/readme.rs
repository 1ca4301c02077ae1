//! What the README says.

#![cfg(unix)]

use local_aws::readme::Readme;

#[tokio::test]
async fn prints_what_the_readme_shows() {
    let readme = Readme::in_folder(env!("CARGO_MANIFEST_DIR"));
    let readme = readme.program("s3-upload", env!("CARGO_BIN_EXE_s3-upload"));
    readme.check().await.unwrap();
}
