//! The endpoints that applications call.

mod authenticating;
mod fixture;
mod metadata;
mod model;
mod pages_of_clients;
mod parameters;
mod pushing;
mod redeeming;
mod refreshing;
mod revoking;
