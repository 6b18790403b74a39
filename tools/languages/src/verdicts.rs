//! Sends every vector to a service and to api-server.

use chrono::Utc;
use reqwest::Client;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use vectors::{Vector, vectors};

use crate::Result;
use crate::outcome::Outcome;
use crate::servers::Servers;
use crate::services::Service;

/// A verdict at the edge of the leeway may change between two requests; the vector is then minted and sent again.
const ATTEMPTS: usize = 3;

/// The result of a comparison.
pub(crate) struct Compared {
    pub(crate) compared: usize,
    /// What the service does differently, a sentence each.
    pub(crate) differences: Vec<String>,
}

/// Compares the verdicts on all vectors.
pub(crate) async fn compare(servers: &Servers, service: &Service) -> Result<Compared> {
    let all = vectors(Utc::now()).vectors;
    let mut differences = Vec::new();
    for vector in &all {
        let mut found = difference(servers, service, vector).await?;
        for _ in 1..ATTEMPTS {
            if found.is_none() || !vector.time_dependent {
                break;
            }
            let minted = vectors(Utc::now()).vectors;
            let again = minted.iter().find(|other| other.name == vector.name).unwrap_or(vector);
            found = difference(servers, service, again).await?;
        }
        differences.extend(found);
    }
    Ok(Compared { compared: all.len(), differences })
}

async fn difference(servers: &Servers, service: &Service, vector: &Vector) -> Result<Option<String>> {
    let expected = verdict(&servers.client, &format!("{}/me", servers.api.url), &vector.token).await?;
    let found = verdict(&servers.client, &service.protected, &vector.token).await?;
    let name = &vector.name;
    Ok((found != expected).then(|| format!("{name}: {found}; api-server: {expected}")))
}

async fn verdict(client: &Client, url: &str, token: &str) -> Result<Outcome> {
    let mut header = HeaderValue::try_from(format!("Bearer {token}"))?;
    header.set_sensitive(true);
    Outcome::of(client.get(url).header(AUTHORIZATION, header).send().await?).await
}
