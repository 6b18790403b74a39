//! The suite that every store must pass.

use super::probe::fresh;

auth_store::conformance!(fresh);
