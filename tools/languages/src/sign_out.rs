//! The time from the 204 of a sign-out to the first 401 of a service.

use std::time::{Duration, Instant};

use crate::Result;
use crate::servers::Servers;
use crate::services::Service;

const TIMEOUT: Duration = Duration::from_secs(10);

/// Milliseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Latency {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

/// Signs in and out, one time after the other; requests to the service follow each other without a pause.
pub(crate) async fn measure(servers: &Servers, service: &Service, sign_outs: usize) -> Result<Latency> {
    let mut took = Vec::with_capacity(sign_outs);
    for _ in 0..sign_outs {
        let token = servers.sign_in().await?;
        let status = async || -> Result<u16> {
            let answer = servers.client.get(&service.protected).bearer_auth(&token).send().await?;
            let status = answer.status().as_u16();
            // The connection is reused once the body was read.
            answer.bytes().await?;
            Ok(status)
        };
        if status().await? != 200 {
            return Err(format!("a good token is rejected:\n{}", service.process.last_lines()).into());
        }
        servers.sign_out(&token).await?;
        let acknowledged = Instant::now();
        while status().await? != 401 {
            if acknowledged.elapsed() > TIMEOUT {
                return Err(format!("a token is still accepted:\n{}", service.process.last_lines()).into());
            }
        }
        took.push(acknowledged.elapsed());
    }
    took.sort_unstable();
    Ok(Latency { p50: quantile(&took, 50), p99: quantile(&took, 99) })
}

/// Of sorted values; the largest one, if there are too few.
fn quantile(sorted: &[Duration], percent: usize) -> f64 {
    let index = (sorted.len() * percent).div_ceil(100).clamp(1, sorted.len().max(1)) - 1;
    sorted.get(index).map_or(f64::NAN, |took| took.as_secs_f64() * 1e3)
}

#[test]
fn the_quantile_of_few_values_is_the_largest() {
    let millis: Vec<_> = (1..=10).map(Duration::from_millis).collect();
    assert!((quantile(&millis, 50) - 5.0).abs() < 1e-9);
    assert!((quantile(&millis, 99) - 10.0).abs() < 1e-9);
    assert!(quantile(&[], 99).is_nan());
}
