//! What the README says.

#![cfg(unix)]

use local_aws::readme::Readme;

#[tokio::test]
async fn prints_what_the_readme_shows() {
    let readme = Readme::in_folder(env!("CARGO_MANIFEST_DIR"));
    readme.check().await.unwrap();
}
