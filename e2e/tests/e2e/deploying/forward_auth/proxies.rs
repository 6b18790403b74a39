//! The proxies with the files of deploy/. Only ports, addresses and the paths of certificates are replaced.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Method, RequestBuilder};

use crate::deploying::nginx::{nginx, wait_until_it_listens, write_certificate};
use crate::deploying::text_of;
use crate::programs::{Running, free_address};

const HOST: &str = "app.example.com";

/// What a proxy is in front of.
#[derive(Debug, Clone)]
pub(super) struct Upstreams {
    pub(super) application: SocketAddr,
    pub(super) api: SocketAddr,
    /// The query of `/verify`, without a question mark.
    pub(super) query: &'static str,
}

/// A running proxy, and a client for it.
pub(super) struct Proxy {
    pub(super) name: &'static str,
    pub(super) running: Running,
    client: Client,
}

impl Proxy {
    pub(super) fn nginx(folder: &Path, upstreams: &Upstreams) -> Self {
        let certificate = write_certificate(folder, &[HOST]);
        let (http, https) = (free_address(), free_address());
        let shipped = text_of("deploy/nginx/forward-auth.conf");
        // IPv6 is left out, as some containers have none.
        let lines = shipped.lines().filter(|line| !line.trim_start().starts_with("listen [::]:"));
        let configuration = replaced(
            lines.collect::<Vec<_>>().join("\n"),
            &[
                ("listen 80;", format!("listen {http};")),
                ("listen 443 ", format!("listen {https} ")),
                ("/etc/letsencrypt/live/app.example.com", folder.display().to_string()),
                ("server 127.0.0.1:3000;", format!("server {};", upstreams.api)),
                ("server 127.0.0.1:8080;", format!("server {};", upstreams.application)),
                ("goptri_verify/verify;", format!("goptri_verify/verify?{};", upstreams.query)),
            ],
        );
        Self::start("nginx", nginx(folder, &configuration), &https, certificate)
    }

    pub(super) fn caddy(folder: &Path, upstreams: &Upstreams) -> Self {
        let certificate = write_certificate(folder, &[HOST]);
        let https = free_address();
        let port = https.rsplit_once(':').unwrap().1;
        let tls = format!("tls {0}/fullchain.pem {0}/privkey.pem", folder.display());
        let site = replaced(
            text_of("deploy/caddy/Caddyfile"),
            &[
                ("\napp.example.com {\n", format!("\napp.example.com {{\n\t{tls}\n")),
                ("forward_auth 127.0.0.1:3000 ", format!("forward_auth {} ", upstreams.api)),
                ("reverse_proxy 127.0.0.1:8080\n", format!("reverse_proxy {}\n", upstreams.application)),
                ("uri /verify?\n", format!("uri /verify?{}\n", upstreams.query)),
            ],
        );
        let global = "\tadmin off\n\tauto_https disable_redirects\n\tdefault_bind 127.0.0.1\n";
        fs::write(folder.join("Caddyfile"), format!("{{\n{global}\thttps_port {port}\n}}\n{site}")).unwrap();
        let mut command = Command::new("caddy");
        command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").stdin(Stdio::null());
        command.env("HOME", folder).args(["run", "--adapter", "caddyfile", "--config"]);
        command.arg(folder.join("Caddyfile"));
        Self::start("Caddy", Running::start(command), &https, certificate)
    }

    fn start(name: &'static str, mut running: Running, https: &str, certificate: Certificate) -> Self {
        let https = https.parse().unwrap();
        wait_until_it_listens(&mut running, https);
        let client = Client::builder()
            .tls_certs_only([certificate])
            .https_only(true)
            .redirect(Policy::none())
            .resolve(HOST, https)
            .build()
            .unwrap();
        Self { name, running, client }
    }

    /// A request of a client of the application.
    pub(super) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("https://{HOST}{path}"))
    }

    /// The same, with these headers.
    pub(super) fn with(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> RequestBuilder {
        let request = self.request(method, path);
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
    }
}

fn replaced(mut text: String, replacements: &[(&str, String)]) -> String {
    for (shipped, here) in replacements {
        assert_eq!(
            text.matches(shipped).count(),
            if shipped.contains("letsencrypt") { 2 } else { 1 },
            "{shipped}"
        );
        text = text.replace(shipped, here);
    }
    text
}
