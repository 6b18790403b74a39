//! The module for browsers, in a real Chromium, with the real servers.

mod behind_nginx;
mod chromium;
mod cross_origin;
mod example;
mod relay;
mod site;
mod tabs;
