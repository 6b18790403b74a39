//! The module for browsers and the pages of auth-server, in a real Chromium, with the real servers.

mod behind_nginx;
mod chromium;
mod cross_origin;
mod example;
mod pages;
mod printer;
mod relay;
mod site;
mod tabs;
