//! The periodic sweep.

use super::feature::{Assembly, Feature, Parts};
use crate::flow::Sweep;

pub(super) const FEATURE: Feature = Feature { routes: Vec::new, assemble };

fn assemble(parts: &Parts, assembly: &mut Assembly) {
    let sweep = Sweep { store: parts.store(), idle_lifetime: parts.config.refresh.idle_lifetime };
    assembly.run_in_background("sweep", move || sweep.clone().run_periodically());
}
