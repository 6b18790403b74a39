//! What `cargo dev` says once both servers listen: where, who, and a session to paste.

use std::net::SocketAddr;

/// The whole text.
pub(crate) fn text(auth: SocketAddr, api: SocketAddr, email: &str, password: &str) -> String {
    format!(
        r#"
  auth-server   http://{auth}
  api-server    http://{api}
  demo user     {email}
  password      {password}

Paste this into another terminal:

  AUTH=http://{auth} API=http://{api}
  TOKENS=$(curl -s $AUTH/login --json '{{"email":"{email}","password":"{password}"}}')
  ACCESS=$(echo "$TOKENS" | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
  REFRESH=$(echo "$TOKENS" | sed 's/.*"refresh_token":"\([^"]*\)".*/\1/')
  curl -iw '\n' $API/me -H "Authorization: Bearer $ACCESS"
  curl -iw '\n' $AUTH/token --json "{{\"refresh_token\":\"$REFRESH\"}}"
  curl -iw '\n' -X DELETE $AUTH/logout --json "{{\"refresh_token\":\"$REFRESH\"}}"
  curl -iw '\n' $AUTH/token --json "{{\"refresh_token\":\"$REFRESH\"}}"

Ctrl-C stops both.
"#
    )
}
