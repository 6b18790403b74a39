//! `scripts/test-languages`: starts the services of `examples/verifiers` beside auth-server and api-server, sends each of
//! them every vector, and compares what they do with what api-server does.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool")]
#![expect(clippy::disallowed_methods, reason = "it measures in real time")]

mod behaviour;
mod outcome;
mod processes;
mod report;
mod revocations;
mod servers;
mod services;
mod sign_out;
mod throughput;
mod verdicts;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use self::report::{Findings, Report};
use self::servers::Servers;
use self::services::{SERVICES, Service};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[derive(Debug, Parser)]
#[command(about = "Compares services in other languages with api-server")]
struct Arguments {
    /// Only these services (folders of examples/verifiers); all unless given.
    services: Vec<String>,
    /// Sign-outs per service that are measured.
    #[arg(long, default_value_t = 100)]
    sign_outs: usize,
    /// Seconds for which the requests of each kind are counted.
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// Also write the result to this file, as a table in Markdown.
    #[arg(long)]
    output: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Arguments::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("languages: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Returns whether every service behaves as api-server does.
async fn run(arguments: &Arguments) -> Result<bool> {
    let chosen: Vec<_> = SERVICES
        .iter()
        .filter(|service| {
            arguments.services.is_empty() || arguments.services.iter().any(|name| name == service.name)
        })
        .collect();
    if chosen.is_empty() {
        return Err(format!("examples/verifiers has none of {:?}", arguments.services).into());
    }
    let servers = Servers::start().await?;
    revocations::revoke(&servers).await?;
    let mut report = Report::default();
    for service in chosen {
        eprintln!("== {} ({})", service.name, service.language);
        let running = Service::start(service, &servers, &[], &[200]).await?;
        let found = verdicts::compare(&servers, &running).await?;
        let mut differences = found.differences;
        differences.extend(behaviour::compare(&servers, &running).await?);
        let latency = sign_out::measure(&servers, &running, arguments.sign_outs).await?;
        let rates = throughput::measure(&servers, &running, arguments.seconds).await?;
        drop(running);
        differences.extend(behaviour::compare_without_feed(&servers, service).await?);
        report.add(service, Findings { compared: found.compared, differences, latency, rates });
    }
    let table = report.to_markdown();
    println!("{table}");
    if let Some(file) = &arguments.output {
        std::fs::write(file, &table)?;
    }
    Ok(report.is_good())
}
