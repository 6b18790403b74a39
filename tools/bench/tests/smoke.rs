//! Every measure of the bench gives figures, with correct responses only.

use std::path::Path;
use std::process::Command;

#[test]
fn every_measure_gives_figures() {
    let bench = Path::new(env!("CARGO_BIN_EXE_bench"));
    for server in ["auth-server", "api-server"] {
        let built = bench.with_file_name(server).exists();
        assert!(built, "{server} is not built; run scripts/test, or cargo build --workspace");
    }
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("BENCHMARKS.md");
    let ran = Command::new(bench).arg("--smoke").arg("--output").arg(&page).output().unwrap();
    let errors = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{errors}");
    let page = std::fs::read_to_string(page).unwrap();
    for row in [
        "protected call, HS256",
        "protected call, EdDSA",
        "protected call, ES256",
        "protected call by cookie",
        "forward auth",
        "verification, repeated: allocations",
        "refresh, Postgres, 256 connections",
        "refresh, SQLite, 64 connections",
        "sign-in",
        "verify beside a flood of sign-ins",
        "refresh while Postgres restarts: longest time to the first 200",
        "refresh during a switch-over to a standby: longest time to the first 200",
        "sign-out to the first 401, another auth-server",
        "memory, api-server, idle",
        "start of auth-server to /readyz",
        "growth, 2,000 sessions",
        "size of api-server",
    ] {
        assert!(page.contains(&format!("| {row}")), "no {row} in\n{page}");
    }
    assert!(!page.contains("NaN"), "{page}");
}
