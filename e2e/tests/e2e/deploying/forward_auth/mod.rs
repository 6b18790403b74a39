//! deploy/nginx/forward-auth.conf and deploy/caddy/Caddyfile in the real nginx and the real Caddy, in front of an
//! application that knows nothing of Goptri.

mod application;
mod credentials;
mod identity;
mod other_sites;
mod outages;
mod page;
mod proxies;
mod site;
