//! How large the programs are that are deployed.

use crate::Failed;
use crate::figures::{Findings, Row};
use crate::servers::program;

const MOST_MB: f64 = 20.0;

pub(super) fn run() -> Result<Findings, Failed> {
    let row = |name: &str| -> Result<Row, Failed> {
        #[expect(clippy::cast_precision_loss, reason = "no program is so large")]
        let megabytes = program(name)?.metadata()?.len() as f64 / 1e6;
        Ok(Row::at_most(&format!("size of {name}"), megabytes, MOST_MB, "MB"))
    };
    Ok(Findings { rows: vec![row("auth-server")?, row("api-server")?], notes: Vec::new() })
}
