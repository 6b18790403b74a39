//! The suite that every store must pass.

mod probe;

fn main() {
    auth_store::conformance::run(probe::fresh)
}
