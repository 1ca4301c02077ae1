//! What the README says.

use local_aws::readme::Readme;

#[tokio::test]
async fn prints_what_the_readme_shows() {
    let readme = Readme::in_folder(env!("CARGO_MANIFEST_DIR"));
    let program = env!("CARGO_BIN_EXE_bedrock-chat");
    readme
        .program("bedrock-chat", program)
        .check()
        .await
        .unwrap();
}
