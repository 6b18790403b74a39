//! The suite that every store must pass.

use super::backstage::fresh;

auth_store::conformance!(fresh);
