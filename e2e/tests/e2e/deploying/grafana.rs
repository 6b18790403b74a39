//! deploy/grafana names only metrics and labels of docs/metrics.md, which `metrics` compares with those of the servers.

use std::collections::BTreeSet;

use serde_json::Value;

use super::text_of;
use crate::metrics::{Metrics, documented};

/// Labels that Prometheus adds to every series, and the bounds of a histogram's buckets.
const ADDED: [&str; 3] = ["job", "instance", "le"];

/// Not a metric of the servers: Prometheus writes it for each target.
const UP: &str = "up";

fn known() -> Metrics {
    let mut known = documented(["Both servers", "auth-server"]);
    known.extend(documented(["Both servers", "api-server"]));
    known.insert(UP.to_owned(), ("gauge".to_owned(), BTreeSet::new()));
    known
}

/// The expressions of the rules, by the name of the alert.
fn alerts() -> Vec<(String, String)> {
    let file = text_of("deploy/grafana/alerts.yml");
    let mut lines = file.lines().map(str::trim);
    let mut alerts = Vec::new();
    while let Some(line) = lines.next() {
        let Some(name) = line.strip_prefix("- alert: ") else { continue };
        let expression = lines.next().unwrap().strip_prefix("expr: ").expect("expr is below alert");
        alerts.push((name.to_owned(), expression.to_owned()));
    }
    alerts
}

/// The queries of the dashboard: those of its panels, and those that fill its variables.
fn queries() -> Vec<String> {
    fn collect(value: &Value, queries: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    match member {
                        Value::String(query) if name == "expr" || name == "definition" => {
                            queries.push(query.clone());
                        }
                        _ => collect(member, queries),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| collect(item, queries)),
            _ => {}
        }
    }
    let mut queries = Vec::new();
    collect(&serde_json::from_str(&text_of("deploy/grafana/goptri.json")).unwrap(), &mut queries);
    queries
}

/// Each metric of an expression, with the labels in the braces behind it.
fn metrics_in(expression: &str) -> Vec<(&str, Vec<&str>)> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut found = Vec::new();
    let mut rest = expression;
    while let Some(start) = rest.find(is_part) {
        let word = &rest[start..];
        let (word, after) = word.split_at(word.find(|c| !is_part(c)).unwrap_or(word.len()));
        rest = after;
        if word.starts_with("goptri_") || word == UP {
            let braces = after.strip_prefix('{').and_then(|after| after.split_once('}'));
            let matchers = braces.map_or("", |(inside, _)| inside).split(", ");
            let labels =
                matchers.filter_map(|matcher| matcher.split_once(['=', '!']).map(|(label, _)| label));
            found.push((word, labels.collect()));
        }
    }
    found
}

/// The labels by which an expression groups.
fn groups_in(expression: &str) -> Vec<&str> {
    let lists = expression.split(" by (").skip(1).map(|rest| rest.split_once(')').unwrap().0);
    lists.flat_map(|list| list.split(", ")).collect()
}

/// The labels of the documented metric that a name in an expression means.
fn labels_of<'a>(known: &'a Metrics, name: &str) -> Option<&'a BTreeSet<String>> {
    let histogram = ["_bucket", "_sum", "_count"].iter().find_map(|part| name.strip_suffix(part));
    match (known.get(name), histogram.and_then(|name| known.get(name))) {
        // A histogram has no series of its own name.
        (Some((kind, labels)), None) if kind != "histogram" => Some(labels),
        (None, Some((kind, labels))) if kind == "histogram" => Some(labels),
        _ => None,
    }
}

/// What is wrong with an expression.
fn problems(expression: &str, known: &Metrics) -> Vec<String> {
    let metrics = metrics_in(expression);
    if metrics.is_empty() {
        return vec!["no metric".to_owned()];
    }
    let mut problems = Vec::new();
    let mut groupable: BTreeSet<&str> = ADDED.into_iter().collect();
    for (name, labels) in metrics {
        let Some(own) = labels_of(known, name) else {
            problems.push(format!("no metric {name}"));
            continue;
        };
        groupable.extend(own.iter().map(String::as_str));
        let unknown = labels.iter().filter(|label| !own.contains(**label) && !ADDED.contains(label));
        problems.extend(unknown.map(|label| format!("{name} has no label {label}")));
    }
    let unknown = groups_in(expression).into_iter().filter(|label| !groupable.contains(label));
    problems.extend(unknown.map(|label| format!("no label {label} to group by")));
    problems
}

#[test]
fn the_dashboard_and_the_alerts_name_only_metrics_and_labels_that_exist() {
    let (known, queries, alerts) = (known(), queries(), alerts());
    assert!(queries.len() > 20 && alerts.len() > 10, "{} and {}", queries.len(), alerts.len());
    let expressions = queries.iter().chain(alerts.iter().map(|(_, expression)| expression));
    for expression in expressions {
        assert_eq!(problems(expression, &known), Vec::<String>::new(), "{expression}");
    }
}

#[test]
fn the_dashboard_shows_every_metric() {
    let queries = queries();
    let shown: BTreeSet<&str> =
        queries.iter().flat_map(|query| metrics_in(query)).map(|(name, _)| name).collect();
    for name in known().keys().filter(|name| *name != UP) {
        assert!(shown.contains(name.as_str()) || shown.contains(format!("{name}_bucket").as_str()), "{name}");
    }
}

#[test]
fn every_alert_on_the_page_is_a_rule() {
    let page = text_of("docs/metrics.md");
    let (_, table) = page.split_once("\n## Alerts\n").unwrap();
    let expressions: Vec<&str> = table
        .lines()
        .filter_map(|row| row.strip_suffix("` |")?.split_once("| `"))
        .map(|(_, last)| last)
        .collect();
    assert!(expressions.len() > 5, "{expressions:?}");
    let alerts = alerts();
    for expression in expressions {
        assert!(alerts.iter().any(|(_, rule)| rule == expression), "{expression}");
    }
}

#[test]
fn what_does_not_exist_is_found() {
    let known = known();
    for (expression, problem) in [
        ("goptri_feed_agee_seconds > 30", "no metric goptri_feed_agee_seconds"),
        ("goptri_http_request_duration_seconds > 1", "no metric goptri_http_request_duration_seconds"),
        ("rate(goptri_refreshes_total{result=\"theft\"}[1h])", "goptri_refreshes_total has no label result"),
        ("sum by (verdict) (goptri_keys)", "no label verdict to group by"),
        ("vector(1)", "no metric"),
    ] {
        assert_eq!(problems(expression, &known), [problem], "{expression}");
    }
}
