//! From the 204 of a sign-out to the first 401 of its access token, behind the same auth-server and behind another one.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::Failed;
use crate::driver::{Connection, Latencies};
use crate::figures::{Findings, Row, millis};
use crate::servers::Setting;
use crate::stage::{Sessions, Stage};
use crate::tokens::access_tokens;

/// A token that is accepted for so long is not signed out.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) fn run(stage: &Stage) -> Result<Findings, Failed> {
    let (postgres, scale) = (stage.postgres()?, stage.scale);
    let database = postgres.with(Sessions { number: scale.sign_outs * 2, ended: 0 })?;
    let tokens = access_tokens(scale.sign_outs * 2)?;
    let (near, far) = tokens.split_at(tokens.len() / 2);
    let auth = stage.start(&Setting::auth(database.url()))?;
    let other = stage.start(&Setting::auth(database.url()))?;
    let (behind_it, behind_other) = (stage.start(&stage.api(&auth))?, stage.start(&stage.api(&other))?);
    let mut rows = Vec::new();
    for (what, api, tokens, most) in [
        ("sign-out to the first 401, same auth-server", &behind_it, near, 50.0),
        ("sign-out to the first 401, another auth-server", &behind_other, far, 100.0),
    ] {
        stage.say(what);
        let took = until_refused(auth.address(), api.address(), tokens)?;
        let (p50, p99) = took.p50_and_p99();
        rows.push(Row::latency(what, millis(p50), millis(p99), Some(most)));
    }
    Ok(Findings { rows, notes: Vec::new() })
}

/// One after the other, asking as fast as it is answered.
fn until_refused(auth: SocketAddr, api: SocketAddr, tokens: &[String]) -> Result<Latencies, Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (mut auth, mut api) = (Connection::open(auth).await?, Connection::open(api).await?);
        let mut took = Latencies::default();
        for token in tokens {
            let me = super::visitors::request(token);
            let good = api.exchange(me.as_bytes()).await?;
            if good.status != 200 {
                return Err(format!("a good token was answered {}", good.describe()).into());
            }
            let sign_out = me.replacen("GET /me", "DELETE /logout", 1);
            let ended = auth.exchange(sign_out.as_bytes()).await?;
            let acknowledged = Instant::now();
            if ended.status != 204 {
                return Err(format!("a sign-out was answered {}", ended.describe()).into());
            }
            while api.exchange(me.as_bytes()).await?.status != 401 {
                if acknowledged.elapsed() > PATIENCE {
                    return Err("a token is still accepted".into());
                }
            }
            took.add(acknowledged.elapsed());
        }
        Ok(took)
    })
}
