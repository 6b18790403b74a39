//! Requests per second with the guard and without it.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::Result;
use crate::servers::Servers;
use crate::services::Service;

const CONNECTIONS: usize = 8;

/// Requests per second.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rates {
    pub(crate) guarded: f64,
    pub(crate) unguarded: f64,
}

/// Counts the requests of each kind, in turns, so that what else the machine does hits both.
pub(crate) async fn measure(servers: &Servers, service: &Service, seconds: u64) -> Result<Rates> {
    const TURNS: u32 = 3;
    let token = servers.sign_in().await?;
    let turn = Duration::from_secs(seconds) / TURNS;
    let (mut guarded, mut unguarded) = (0.0, 0.0);
    for _ in 0..TURNS {
        guarded += rate(servers, &service.protected, &token, turn).await? / f64::from(TURNS);
        unguarded += rate(servers, &service.unguarded, &token, turn).await? / f64::from(TURNS);
    }
    Ok(Rates { guarded, unguarded })
}

async fn rate(servers: &Servers, url: &str, token: &str, duration: Duration) -> Result<f64> {
    let begun = Instant::now();
    let mut callers = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (client, url, token) = (servers.client.clone(), url.to_owned(), token.to_owned());
        callers.spawn(async move {
            let mut answered = 0_u32;
            while begun.elapsed() < duration {
                let answer = client.get(&url).bearer_auth(&token).send().await?.error_for_status()?;
                answer.bytes().await?;
                answered += 1;
            }
            Ok::<_, reqwest::Error>(answered)
        });
    }
    let mut answered = 0.0;
    while let Some(caller) = callers.join_next().await {
        answered += f64::from(caller??);
    }
    Ok(answered / begun.elapsed().as_secs_f64())
}
