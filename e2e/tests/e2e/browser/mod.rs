//! The module for browsers, in a real Chromium, with the real servers.

mod chromium;
mod relay;
mod site;
mod tabs;
