//! Runs every flow at log level TRACE and searches the output for each secret, token and password that it issued or
//! received (OP-03, OP-08).

mod applications;

use std::fs;
use std::io::Write;
use std::net::Shutdown;
use std::path::PathBuf;
use std::process::Command;

use goptri::token::UnverifiedJws;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tempfile::TempDir;

use self::applications::every_flow_of_applications;
use crate::programs::{
    ACCESS_TOKEN_SECRET, Database, EMAIL, FEED_SECRET, PASSWORD, REFRESH_TOKEN_SECRET, Server,
    api_server_that_follows, auth_server, program, read_to_end, run,
};

/// In the URL of the database.
const DATABASE_PASSWORD: &str = "zq7databasepassword";

fn at_trace(mut command: Command) -> Command {
    // The most verbose setting, with sqlx and actix.
    command.env("RUST_LOG", "trace,sqlx=trace,actix_http=trace,actix_web=trace,h2=trace,rustls=trace");
    command
}

/// The `jti`: of a refresh token, the part of the secret that must not be in the database.
fn jti(token: &str) -> String {
    let payload = UnverifiedJws::parse(token).and_then(|compact| compact.payload_json()).unwrap();
    let claims: Value = serde_json::from_str(&payload).unwrap();
    claims["jti"].as_str().unwrap().to_owned()
}

/// Texts that must not be found: payloads, signatures and ids of tokens.
#[derive(Default)]
struct Minted(Vec<String>);

impl Minted {
    fn tokens(&mut self, body: &Value) -> (String, String) {
        let tokens = ["access_token", "refresh_token"].map(|name| body[name].as_str().unwrap().to_owned());
        for token in &tokens {
            self.token(token);
        }
        let [access, refresh] = tokens;
        (access, refresh)
    }

    fn token(&mut self, token: &str) {
        self.0.extend(token.split('.').skip(1).map(str::to_owned));
        self.0.push(jti(token));
    }
}

/// Add every new flow here.
async fn every_flow(auth: &Server, api: &Server, minted: &mut Minted) {
    let client = Client::new();
    auth.register().await;
    auth.post("/users", &json!({ "email": EMAIL, "password": PASSWORD })).await;
    auth.post("/users", &json!({ "email": "bob@example.com", "password": "zq7 weak" })).await;
    auth.post("/login", &json!({ "email": EMAIL, "password": "zq7 wrong password" })).await;
    auth.post("/login", &json!({ "email": EMAIL, "password": "zq7 wrong type", "username": 1 })).await;
    let signed_in = auth.post("/login", &json!({ "email": EMAIL, "password": PASSWORD })).await;
    let (access, first) = minted.tokens(&signed_in.json().await.unwrap());
    let refreshed = auth.post("/token", &json!({ "refresh_token": first })).await;
    let (_, second) = minted.tokens(&refreshed.json().await.unwrap());
    let form = [("grant_type", "refresh_token"), ("refresh_token", second.as_str())];
    let refreshed = client.post(format!("{}/token", auth.url)).form(&form).send().await.unwrap();
    let (_, third) = minted.tokens(&refreshed.json().await.unwrap());
    for path in ["/me", "/currentuser", &format!("/me?access_token={access}")] {
        api.get(path, &access).await;
    }
    every_flow_of_photos(api, &access).await;
    let mangled = format!("{}zq8", &third[..third.len() - 3]);
    minted.token(&mangled);
    auth.post("/token", &json!({ "refresh_token": mangled })).await;
    auth.post("/token", &json!({ "token": access })).await;
    api.get("/me", &mangled).await;
    auth.get("/currentuser", &access).await;
    auth.delete("/logout", &json!({ "refresh_token": mangled })).await;
    // A parser error must not quote the value it found instead of an object.
    for (path, found) in [("/token", &third), ("/logout", &third), ("/login", &access)] {
        let method = if path == "/logout" { Method::DELETE } else { Method::POST };
        for body in [
            json!(found),
            json!([found, found]),
            json!({ "refresh_token": [found], "password": { "x": found } }),
        ] {
            client.request(method.clone(), format!("{}{path}", auth.url)).json(&body).send().await.unwrap();
        }
    }
    // A lost response: the previous token gets the same successor.
    assert_eq!(auth.post("/token", &json!({ "refresh_token": second })).await.status(), 200);
    // Theft: an old generation ends the session, which is logged.
    assert_eq!(auth.post("/token", &json!({ "refresh_token": first })).await.status(), 400);
    let (access, refresh) = auth.sign_in().await;
    minted.token(&access);
    minted.token(&refresh);
    client.delete(format!("{}/logout", auth.url)).bearer_auth(&access).send().await.unwrap();
    let (access, refresh) = auth.sign_in().await;
    minted.token(&access);
    minted.token(&refresh);
    assert_eq!(auth.delete("/logout", &json!({ "refresh_token": refresh })).await.status(), 204);
    every_flow_of_cookies(auth, api, minted).await;
}

async fn every_flow_of_cookies(auth: &Server, api: &Server, minted: &mut Minted) {
    let client = Client::new();
    let send = async |method: Method, url: String, cookies: &str, body: Option<&Value>| {
        let request = client.request(method, url).header("cookie", cookies);
        let request = request.header("sec-fetch-site", "same-origin");
        body.into_iter().fold(request, reqwest::RequestBuilder::json).send().await.unwrap()
    };
    let login = json!({ "email": EMAIL, "password": PASSWORD, "cookie": true, "remember": true });
    let mut cookies = String::new();
    for (path, body) in [("/login", login), ("/token", json!({ "cookie": true }))] {
        let answer = send(Method::POST, format!("{}{path}", auth.url), &cookies, Some(&body)).await;
        assert_eq!(answer.status(), 200, "{path}");
        let set = answer.headers().get_all("set-cookie").iter();
        let pairs: Vec<_> =
            set.map(|set| set.to_str().unwrap().split(';').next().unwrap().to_owned()).collect();
        for pair in &pairs {
            let (name, value) = pair.split_once('=').unwrap();
            minted.0.push(value.to_owned());
            let access = || goptri::cookie::decode(value.as_bytes()).unwrap();
            minted.token(&if name == "refresh" { value.to_owned() } else { access() });
        }
        cookies = pairs.join("; ");
    }
    // A cookie that cannot be parsed, and one beside itself.
    let broken = format!("{cookies}x");
    let twice = format!("{cookies}; {cookies}");
    for cookies in [&cookies, &broken, &twice] {
        for url in [format!("{}/me", api.url), format!("{}/currentuser", auth.url)] {
            send(Method::GET, url, cookies, None).await;
        }
        send(Method::POST, format!("{}/token", auth.url), cookies, Some(&json!({ "cookie": true }))).await;
    }
    for path in ["/logout", "/token"] {
        send(Method::DELETE, format!("{}{path}", auth.url), &twice, None).await;
        let foreign = client.delete(format!("{}{path}", auth.url)).header("cookie", &cookies);
        assert_eq!(foreign.send().await.unwrap().status(), 403, "{path}");
        assert_eq!(send(Method::DELETE, format!("{}{path}", auth.url), &cookies, None).await.status(), 204);
    }
}

/// Files with keys and secrets, which change.
struct Files(TempDir);

/// The replacement for a secret.
const OTHER_SECRET: &str = "access-07be1d83c4f265a907be1d83c4f265a9";

impl Files {
    fn new() -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        let key = files.path("keys.pem");
        let made = run(program("auth-server"), &["key", "generate", key.to_str().unwrap()], "");
        assert!(made.status.success());
        fs::write(files.path("secret"), ACCESS_TOKEN_SECRET).unwrap();
        fs::write(files.path("feed"), FEED_SECRET).unwrap();
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// auth-server signs with a key pair; api-server uses the published keys.
    fn given_to(&self, mut command: Command) -> Command {
        if command.get_program().to_string_lossy().ends_with("auth-server") {
            command.env("ACCESS_TOKEN_KEY_FILE", self.path("keys.pem"));
        }
        for (variable, file) in [("ACCESS_TOKEN_SECRET", "secret"), ("FEED_SECRET", "feed")] {
            command.env_remove(variable).env(format!("{variable}_FILE"), self.path(file));
        }
        command
    }

    fn key_lines(&self) -> Vec<String> {
        let pem = fs::read_to_string(self.path("keys.pem")).unwrap();
        pem.lines().filter(|line| !line.starts_with("---")).map(str::to_owned).collect()
    }

    /// Valid and invalid changes; the servers log both.
    fn change(&self, auth: &mut Server, api: &mut Server) {
        let half = &fs::read_to_string(self.path("keys.pem")).unwrap()[..60];
        fs::write(self.path("secret"), OTHER_SECRET).unwrap();
        auth.running.wait_for("the keys of access tokens have changed");
        api.running.wait_for("the keys that verify access tokens have changed");
        fs::write(self.path("keys.pem"), half).unwrap();
        auth.running.wait_for("is cut off in the middle of a block");
        fs::write(self.path("feed"), OTHER_SECRET).unwrap();
        auth.running.wait_for("is identical to ACCESS_TOKEN_SECRET");
        api.running.wait_for("is identical to ACCESS_TOKEN_SECRET");
    }
}

/// Changes of a user's own account.
async fn every_flow_of_an_account(auth: &Server, minted: &mut Minted) {
    let client = Client::new();
    let mut signed_in = Vec::new();
    for _ in 0..3 {
        let (access, refresh) = auth.sign_in().await;
        minted.token(&access);
        minted.token(&refresh);
        signed_in.push(access);
    }
    let url = |path: &str| format!("{}{path}", auth.url);
    let listed: Value = auth.get("/sessions", &signed_in[0]).await.json().await.unwrap();
    let other = listed["sessions"].as_array().unwrap().iter().find(|session| session["current"] == false);
    let other = url(&format!("/sessions/{}", other.unwrap()["id"].as_str().unwrap()));
    assert_eq!(client.delete(other).bearer_auth(&signed_in[0]).send().await.unwrap().status(), 204);
    for (current, new, status) in
        [("zq7 wrong password", PASSWORD, 403), (PASSWORD, "zq7 weak", 422), (PASSWORD, PASSWORD, 204)]
    {
        let body = json!({ "current_password": current, "new_password": new });
        let answer =
            client.post(url("/password")).bearer_auth(&signed_in[0]).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), status);
    }
    let everywhere = client.delete(url("/logout?everywhere=true")).bearer_auth(&signed_in[0]);
    assert_eq!(everywhere.send().await.unwrap().status(), 204);
    assert_eq!(auth.get("/sessions", &signed_in[0]).await.status(), 401);
}

/// Also rejected requests: an invalid name, a script, a body that contains the token.
async fn every_flow_of_photos(api: &Server, access: &str) {
    let photo = include_bytes!("../../../../docs/gopher.png").to_vec();
    for (method, path, body, expected) in [
        (Method::PUT, "/photos/zq7.png", photo, 201),
        (Method::PUT, "/photos/zq7.png", access.as_bytes().to_vec(), 415),
        (Method::PUT, "/photos/zq7.png", vec![0; 5_242_881], 413),
        (Method::GET, "/photos", Vec::new(), 200),
        (Method::GET, "/photos/zq7.png", Vec::new(), 200),
        (Method::GET, "/photos/..%2f..", Vec::new(), 400),
        (Method::GET, &format!("/photos/none.png?access_token={access}"), Vec::new(), 404),
        (Method::DELETE, "/photos/zq7.png", Vec::new(), 204),
    ] {
        let asked = Client::new().request(method, format!("{}{path}", api.url)).bearer_auth(access);
        let answer = asked.body(body).send().await.unwrap();
        assert_eq!(answer.status(), expected, "{path}");
    }
    // Aborted in the middle.
    let head = format!(
        "PUT /photos/half.png HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {access}\r\nContent-Length: 99\r\n\r\n"
    );
    let mut stream = api.connect();
    stream.write_all(head.as_bytes()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert!(read_to_end(stream).starts_with("HTTP/1.1 400"));
}

/// The same on the command line, which logs to standard error.
fn every_command(auth_server: impl Fn() -> Command, token: &str) -> String {
    let commands = "check; user add carl@example.com; user list; user show carl@example.com; token inspect -; \
                    user roles carl@example.com admin; user roles add carl@example.com editor; \
                    user email carl@example.com carl@example.com; user confirm carl@example.com; \
                    user password carl@example.com; user disable carl@example.com; user enable carl@example.com; \
                    session list ann@example.com; session end ann@example.com --all; user delete carl@example.com --yes; \
                    sweep; token revoke -; key list";
    commands
        .split("; ")
        .map(|command| {
            let input = if command.starts_with("token") { token } else { PASSWORD };
            let arguments: Vec<&str> = command.split_whitespace().collect();
            let output = run(at_trace(auth_server()), &arguments, input);
            assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stderr).unwrap()
        })
        .collect()
}

async fn nothing_secret_is_logged(database_url: &str) {
    let files = Files::new();
    let mut command = at_trace(files.given_to(auth_server(database_url)));
    // Without a grace, an old generation is theft immediately.
    command.env("REFRESH_GRACE", "0");
    let mut auth = Server::start(command);
    let mut api = Server::start(at_trace(files.given_to(api_server_that_follows(&auth.url))));
    let mut minted = Minted(
        [
            ACCESS_TOKEN_SECRET,
            REFRESH_TOKEN_SECRET,
            FEED_SECRET,
            PASSWORD,
            "zq7 wrong",
            "zq7 weak",
            "$argon2id$",
            DATABASE_PASSWORD,
            OTHER_SECRET,
        ]
        .map(str::to_owned)
        .to_vec(),
    );
    minted.0.extend(files.key_lines());
    every_flow(&auth, &api, &mut minted).await;
    every_flow_of_an_account(&auth, &mut minted).await;
    let (access, _) = auth.sign_in().await;
    minted.token(&access);
    let command = || files.given_to(auth_server(database_url));
    let mut output = every_flow_of_applications(&auth, command, &mut minted).await;
    output.push_str(&every_command(command, &access));
    files.change(&mut auth, &mut api);
    for mut server in [auth, api] {
        server.running.signal("TERM");
        assert_eq!(server.running.wait().code(), Some(0));
        output.push_str(&server.running.whole_output());
    }
    // Proves that the search works: expected texts are found.
    for expected in [
        "signed in",
        "refresh token theft",
        "user added",
        "password changed by its user",
        "user disabled",
        "authorization code issued",
        "client rejected",
        "an upload ended early",
        "DEBUG",
        "its signature does not match",
    ] {
        assert!(output.contains(expected), "{expected:?} is not in the log:\n{output}");
    }
    for secret in minted.0 {
        assert!(!output.contains(&secret), "the log has {secret:?}:\n{output}");
    }
}

#[tokio::test]
async fn no_flow_logs_a_secret_on_sqlite() {
    let database = Database::sqlite();
    nothing_secret_is_logged(&database.url()).await;
}

#[tokio::test]
async fn no_flow_logs_a_secret_on_postgres() {
    let database = Database::postgres().await;
    // The temporary server accepts any password.
    let url = database.url().replacen("postgres@", &format!("postgres:{DATABASE_PASSWORD}@"), 1);
    assert_ne!(url, database.url());
    nothing_secret_is_logged(&url).await;
}
