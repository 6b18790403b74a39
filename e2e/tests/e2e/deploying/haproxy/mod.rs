//! deploy/haproxy/haproxy.cfg in a real HAProxy: who reaches what, and what clients see when servers restart, are killed
//! or hang. docs/scale-out.md has the figures that the tests print with `--no-capture`.

#![expect(clippy::print_stdout, reason = "figures for docs/scale-out.md")]

mod balancer;
mod load;
mod members_fail;
mod mounted;
mod rolling_update;
mod routes;
mod sign_outs;
mod site;
