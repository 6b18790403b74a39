//! The commands of docs/forward-auth.md.

use std::process::{Command, Stdio};

use crate::deploying::text_of;
use crate::programs::{Database, Server, api_server_that_follows, auth_server};
use crate::readme::{assert_answers, steps_of};

#[tokio::test]
async fn the_commands_of_the_page_show_what_it_says() {
    let database = Database::sqlite();
    let auth = Server::start(auth_server(&database.url()));
    let api = Server::start(api_server_that_follows(&auth.url));
    auth.register().await;
    let (access, _) = auth.sign_in().await;
    let page = text_of("docs/forward-auth.md");
    let section = page.split("\n## What `/verify` answers\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let steps = steps_of(section);
    assert_eq!(steps.len(), 3);
    let commands: Vec<_> = steps.iter().map(|step| format!("echo '=== step'\n{}", step.typed)).collect();
    let mut bash = Command::new("bash");
    bash.args(["-euo", "pipefail", "-c", &commands.concat()]).stdin(Stdio::null());
    bash.env("ACCESS", access).env("API", &api.url);
    let ran = tokio::task::spawn_blocking(move || bash.output().unwrap()).await.unwrap();
    assert_answers(&steps, &ran);
}
