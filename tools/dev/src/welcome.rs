//! What `cargo dev` prints once both servers listen.

use std::path::Path;
use std::time::Duration;

use goptri_server::ListenError;

use crate::variables::Variables;

pub(crate) struct Welcome<'a> {
    /// The URLs of auth-server and api-server.
    pub(crate) urls: &'a [String; 2],
    /// The certificate that browsers must trust, with `--tls`.
    pub(crate) authority: Option<&'a Path>,
    /// The address of the photo printer, or why there is none.
    pub(crate) printer: Result<String, &'a String>,
    /// The origin of the example page, or why there is none.
    pub(crate) example: Result<String, &'a ListenError>,
    pub(crate) email: &'a str,
    pub(crate) password: &'a str,
    pub(crate) folder: &'a Path,
    pub(crate) script: &'a Path,
    pub(crate) variables: &'a Variables,
    pub(crate) ready_after: Duration,
}

impl Welcome<'_> {
    /// The whole text. Colours are for terminals.
    pub(crate) fn text(&self, colours: bool) -> String {
        let paint = |code: &str, text: &str| {
            if colours { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
        };
        let script = self.script.display();
        let printer = match &self.printer {
            Ok(url) => format!("{url}   (open it in a browser: sign in, allow it, print your photos)"),
            Err(reason) => format!("none: {reason}"),
        };
        let mut rows = vec![
            ("start here", printer),
            ("demo user", self.email.to_owned()),
            ("password", self.password.to_owned()),
            ("auth-server", self.urls[0].clone()),
            ("api-server", self.urls[1].clone()),
            ("example page", self.example.clone().unwrap_or_else(|error| format!("none: {error}"))),
            ("try it", format!("{script}   (in another terminal)")),
            ("data", format!("{}   (delete it to start afresh)", self.folder.display())),
            ("more log", "RUST_LOG=info cargo dev".to_owned()),
        ];
        if let Some(authority) = self.authority {
            let trust = format!("{}   (trust it in your browser, or curl --cacert)", authority.display());
            rows.push(("certificate", trust));
        }
        let taken: Vec<_> =
            self.variables.taken.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !taken.is_empty() {
            rows.push(("settings", format!("{}   (from the environment)", taken.join(" "))));
        }
        if !self.variables.ignored.is_empty() {
            rows.push(("ignored", format!("{}   (cargo dev has its own)", self.variables.ignored.join(" "))));
        }
        let version = env!("CARGO_PKG_VERSION");
        let ready = format!("ready in {} ms", self.ready_after.as_millis());
        let mut text = format!("\n  {} {version}, {ready}\n\n", paint("1", "Goptri"));
        for (name, value) in rows {
            let name = paint("36", &format!("{name:13}"));
            text.extend(["  ", &name, " ", &value, "\n"]);
        }
        text.push_str("\n  Ctrl-C stops both servers. Rejected requests appear below.\n\n");
        text
    }
}
