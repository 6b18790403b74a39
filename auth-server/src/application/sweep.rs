//! The periodic sweep.

use super::feature::{Assembly, Feature, Parts};
use crate::flow::Sweep;

pub(super) const FEATURE: Feature = Feature { routes: Vec::new, assemble };

fn assemble(parts: &Parts, assembly: &mut Assembly) {
    let idle_lifetime = parts.config.refresh.idle_lifetime;
    assembly.run_in_background(Sweep { store: parts.store(), idle_lifetime }.run_periodically());
}
