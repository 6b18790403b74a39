//! One line for each rejected request, with its reason; warnings and errors as usual; nothing while stopping.

use std::fmt::Debug;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::http::StatusCode;
use goptri_server::Stderr;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::filter::{Targets, filter_fn};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

/// Silences the log once the servers are stopping.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stopping(Arc<AtomicBool>);

impl Stopping {
    pub(crate) fn begin(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn has_begun(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Starts logging to standard error.
pub(crate) fn start(colours: bool, stopping: &Stopping) {
    let quiet = |stopping: Stopping| filter_fn(move |_: &Metadata<'_>| !stopping.has_begun());
    let warnings =
        tracing_subscriber::fmt::layer().with_writer(Stderr::start()).with_ansi(colours).without_time();
    let of_servers =
        ["goptri", "goptri_server", "auth_server", "api_server"].map(|name| (name, LevelFilter::INFO));
    let layers = tracing_subscriber::registry()
        .with(warnings.with_filter(quiet(stopping.clone())).with_filter(LevelFilter::WARN))
        .with(
            RejectedRequests { colours }
                .with_filter(Targets::new().with_targets(of_servers))
                .with_filter(quiet(stopping.clone())),
        );
    let _ = layers.try_init();
}

/// Prints a line for each rejected request.
struct RejectedRequests {
    colours: bool,
}

/// What is known of a request while it is handled.
#[derive(Default)]
struct Fields {
    method: String,
    path: String,
    reason: Option<String>,
    status: Option<u64>,
}

impl Visit for Fields {
    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "status" {
            self.status = Some(value);
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "path" => value.clone_into(&mut self.path),
            "reason" => self.reason = Some(value.to_owned()),
            _ => {}
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "method" => self.method = format!("{value:?}"),
            "reason" => self.reason = Some(format!("{value:?}")),
            _ => {}
        }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for RejectedRequests {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            span.extensions_mut().insert(fields);
        }
    }

    /// The reason is logged where it is found, and the status with the response, which ends the request.
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut found = Fields::default();
        event.record(&mut found);
        let Some(span) = context.event_span(event) else { return };
        let mut extensions = span.extensions_mut();
        let Some(request) = extensions.get_mut::<Fields>() else { return };
        match found.status {
            None => request.reason = found.reason.or(request.reason.take()),
            Some(status @ 400..=499) => {
                let reason = request.reason.take().or(found.reason).unwrap_or_else(|| describe(status));
                let status =
                    if self.colours { format!("\x1b[33m{status}\x1b[0m") } else { status.to_string() };
                let line = format!("  {status}  {} {}  {reason}\n", request.method, request.path);
                // Never fails.
                let _ = Stderr::start().write_all(line.as_bytes());
            }
            Some(_) => {}
        }
    }
}

/// The reason for a rejection for which the servers have logged none.
fn describe(status: u64) -> String {
    let status = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok());
    match status {
        Some(StatusCode::UNAUTHORIZED) => "no access token".to_owned(),
        status => status.and_then(|status| status.canonical_reason()).unwrap_or_default().to_owned(),
    }
}
