//! docs/metrics.md lists the metrics that the two servers serve, with their types and labels.

use std::collections::{BTreeMap, BTreeSet};

use crate::programs::{Database, Server, api_server, auth_server};

const PAGE: &str = include_str!("../../../docs/metrics.md");

/// Type and labels of each metric.
pub(crate) type Metrics = BTreeMap<String, (String, BTreeSet<String>)>;

/// The rows of these sections' tables.
pub(crate) fn documented(sections: [&str; 2]) -> Metrics {
    let tables = sections.map(|name| {
        let after = PAGE.split(&format!("\n## {name}\n")).nth(1).unwrap();
        after.split("\n## ").next().unwrap()
    });
    let rows = tables.iter().flat_map(|table| table.lines()).filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let labels = cells[3].split(", ").filter(|label| !label.is_empty());
        let labels = labels.map(|label| label.trim_matches('`').to_owned()).collect();
        (cells[1].trim_matches('`').to_owned(), (cells[2].to_owned(), labels))
    })
    .collect()
}

/// The metrics of a scrape.
fn scraped(text: &str) -> Metrics {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    types
        .map(|(name, kind)| {
            let name = if kind == "counter" { format!("{name}_total") } else { name.to_owned() };
            let samples = text.lines().filter_map(|line| line.strip_prefix(name.as_str())?.split_once('{'));
            let labels = samples
                .flat_map(|(_, labels)| labels.split_once('}').unwrap().0.split("\","))
                .map(|label| label.split('=').next().unwrap().to_owned());
            // The bounds of a histogram's buckets.
            (name.clone(), (kind.to_owned(), labels.filter(|label| label != "le").collect()))
        })
        .collect()
}

async fn scrape(server: &mut Server) -> Metrics {
    // So that there is a request to count.
    let health = reqwest::get(format!("{}/healthz", server.url)).await.unwrap();
    assert_eq!(health.status(), 200);
    let url = server.running.wait_for("metrics are at ");
    scraped(&reqwest::get(url).await.unwrap().text().await.unwrap())
}

#[tokio::test]
async fn the_page_lists_the_metrics_that_the_servers_serve() {
    let database = Database::sqlite();
    let mut command = auth_server(&database.url());
    command.env("METRICS_ADDR", "127.0.0.1:0");
    let mut auth = Server::start(command);
    let mut command = api_server();
    command.env("METRICS_ADDR", "127.0.0.1:0").env("AUTH_SERVER_URL", &auth.url);
    let mut api = Server::start(command);
    assert_eq!(scrape(&mut auth).await, documented(["Both servers", "auth-server"]));
    assert_eq!(scrape(&mut api).await, documented(["Both servers", "api-server"]));
}
