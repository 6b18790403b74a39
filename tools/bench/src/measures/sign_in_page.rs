//! The sign-in page (limit: a constant body of its size).

use std::fs;

use super::api_callers::{Expected, api_callers};
use crate::Error;
use crate::driver::{Load, once};
use crate::figures::{Findings, Row, number};
use crate::run::Run;
use crate::seed::Sessions;
use crate::servers::{Program, Server};
use crate::tokens::Requests;

const CONNECTIONS: usize = 64;
const MIN_RATIO: f64 = 0.7;

const REQUEST: &str = "GET /sign-in HTTP/1.1\r\nHost: bench\r\n\r\n";

pub(super) fn run(run: &Run) -> Result<Findings, Error> {
    let database = run.postgres()?.with(Sessions { number: 0, ended: 0 })?;
    let auth = run.start(&Program::auth(database.url()))?;
    let (status, page) = once(auth.address(), REQUEST)?;
    if status != 200 {
        return Err(format!("the sign-in page got {status}: {page}").into());
    }
    let file = run.folder().join("page.html");
    fs::write(&file, &page)?;
    let bare = run.start(&Program::unguarded().with("PAGE_FILE", &file.display().to_string()))?;
    let what = "sign-in page";
    let alternation = run.alternate(what, || open(run, &auth), || open(run, &bare))?;
    let (ours, limit, ratio) = (alternation.ours(), alternation.limit(), alternation.ratio());
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
    let kibibytes = page.len() as f64 / 1024.0;
    Ok(Findings {
        rows: vec![Row::rate(what, ours, limit, ratio, MIN_RATIO)],
        notes: vec![format!("{what}: {} KiB", number(kibibytes))],
    })
}

fn open(run: &Run, server: &Server) -> Result<f64, Error> {
    let requests: Requests = [REQUEST.as_bytes().to_vec()].into_iter().collect();
    let callers =
        api_callers(&requests, CONNECTIONS.min(run.scale.max_connections), Expected::ConstantLength);
    let load = Load { server: server.address(), callers, duration: run.scale.turn, rate: None };
    let measured = load.run().map_err(|error| format!("{error}\n{}", server.last_lines()))?;
    Ok(measured.rate())
}
