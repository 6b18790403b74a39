//! The revocation feed.

use std::sync::Arc;

use actix_web::http::Method;
use goptri_server::{Access, Route};

use super::feature::{Assembly, Feature, Parts};
use crate::feed::Feed;
use crate::flow::ReadRevocations;
use crate::http::revocations;
use crate::metrics::FeedMetrics;

pub(super) const FEATURE: Feature = Feature { routes, assemble };

fn routes() -> Vec<Route> {
    vec![Route::new(Method::GET, goptri::revocation::FEED_PATH, Access::FeedClient, revocations::feed)]
}

fn assemble(parts: &Parts, assembly: &mut Assembly) {
    let feed = Feed::new(parts.store(), Arc::clone(&parts.monotonic));
    assembly.provide(feed.clone()).provide(ReadRevocations { store: parts.store() });
    assembly.registry.register_collector(Box::new(FeedMetrics(feed.clone())));
    let (tailed, announcing) = (feed.clone(), feed.clone());
    assembly.run_in_background("feed", move || tailed.clone().run());
    assembly.run_in_background("announcement of keys", move || announcing.clone().announce_keys());
    let announced = feed.clone();
    assembly.on_key_change(move |changes| {
        if changes.access_keys {
            announced.keys_changed();
        }
        if changes.feed_secret_withdrawn {
            announced.disconnect_all();
        }
    });
    // Streams never end by themselves, and a stopping server waits for requests in flight.
    assembly.on_stop(move || feed.close());
}
