//! The time from the 204 of a sign-out to the first 401 for its access token, at an api-server that follows the same
//! auth-server, and at one that follows another.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::Error;
use crate::driver::{Connection, Latencies};
use crate::figures::{Findings, Row, millis};
use crate::run::Run;
use crate::seed::Sessions;
use crate::servers::Program;
use crate::tokens::access_tokens;

const SIGN_OUT_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) fn run(run: &Run) -> Result<Findings, Error> {
    let (postgres, scale) = (run.postgres()?, run.scale);
    let database = postgres.with(Sessions { number: scale.sign_outs * 2, ended: 0 })?;
    let tokens = access_tokens(scale.sign_outs * 2)?;
    let (near, far) = tokens.split_at(tokens.len() / 2);
    let auth = run.start(&Program::auth(database.url()))?;
    let other = run.start(&Program::auth(database.url()))?;
    let (same, other_api) = (run.start(&run.api(&auth))?, run.start(&run.api(&other))?);
    let mut rows = Vec::new();
    for (what, api, tokens, max) in [
        ("sign-out to the first 401, same auth-server", &same, near, 50.0),
        ("sign-out to the first 401, another auth-server", &other_api, far, 100.0),
    ] {
        run.say(what);
        let took = until_rejected(auth.address(), api.address(), tokens)?;
        let (p50, p99) = took.p50_and_p99();
        rows.push(Row::latency(what, millis(p50), millis(p99), Some(max)));
    }
    Ok(Findings { rows, notes: Vec::new() })
}

/// One sign-out after the other; requests follow each other without a pause.
fn until_rejected(auth: SocketAddr, api: SocketAddr, tokens: &[String]) -> Result<Latencies, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (mut auth, mut api) = (Connection::open(auth).await?, Connection::open(api).await?);
        let mut took = Latencies::new();
        for token in tokens {
            let me = super::api_callers::request(token);
            let good = api.exchange(me.as_bytes()).await?;
            if good.status != 200 {
                return Err(format!("a good token got {}", good.describe()).into());
            }
            let sign_out = me.replacen("GET /me", "DELETE /logout", 1);
            let ended = auth.exchange(sign_out.as_bytes()).await?;
            let acknowledged = Instant::now();
            if ended.status != 204 {
                return Err(format!("a sign-out got {}", ended.describe()).into());
            }
            while api.exchange(me.as_bytes()).await?.status != 401 {
                if acknowledged.elapsed() > SIGN_OUT_TIMEOUT {
                    return Err("a token is still accepted".into());
                }
            }
            took.add(acknowledged.elapsed());
        }
        Ok(took)
    })
}
