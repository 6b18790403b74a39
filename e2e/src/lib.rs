//! Only tests live here: see `tests/e2e`.
