//! The size of the deployed programs.

use crate::Error;
use crate::figures::{Findings, Row};
use crate::servers::program;

const MAX_MB: f64 = 20.0;

pub(super) fn run() -> Result<Findings, Error> {
    let row = |name: &str| -> Result<Row, Error> {
        #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
        let megabytes = program(name)?.metadata()?.len() as f64 / 1e6;
        Ok(Row::at_most(&format!("size of {name}"), megabytes, MAX_MB, "MB"))
    };
    Ok(Findings { rows: vec![row("auth-server")?, row("api-server")?], notes: Vec::new() })
}
