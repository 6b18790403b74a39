//! Both servers in one process on an embedded SQLite file, for trying Goptri out: `cargo dev`.
//!
//! Secrets, data and the demo user's password are in a folder that git ignores, so that the next start finds them again.

mod certificate;
mod example;
mod log;
mod printer;
mod state;
mod variables;
mod welcome;

use std::error::Error;
use std::io::{self, IsTerminal, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use auth_domain::{PasswordRules, UserId};
use auth_server::error::{Failure, RegisterRefused};
use auth_server::flow::{Register, Registration};
use auth_server::{SystemEntropy, storage};
use auth_store::Store;
use clap::Parser;
use goptri::clock::{Clock, SystemClock};
use goptri::revocation::{MonotonicClock, SystemMonotonicClock};
use goptri_server::{ListenError, ListenErrors, flush_log, log_to_stderr, print_error, stop_signal};
use goptri_settings::{Environment, Plain, Settings};

use certificate::DevCertificate;
use example::ExamplePage;
use log::Stopping;
use photo_printer::Printer;
use state::DevState;
use variables::Variables;
use welcome::Welcome;

/// The demo user's password is random; the rules for other users do not apply to it.
const DEMO_RULES: PasswordRules = PasswordRules { min_length: 8 };

const DEMO_EMAIL: &str = "demo@example.com";

#[derive(Parser)]
#[command(
    name = "cargo dev",
    bin_name = "cargo dev --",
    version,
    about = "Runs auth-server and api-server on an embedded SQLite file, with a demo user.",
    after_help = "Secrets, database and settings are its own. From the environment it takes the addresses, lifetimes \
                  and log levels, and prints which; .env is ignored."
)]
struct Arguments {
    /// The folder of secrets and data
    #[arg(long, default_value = ".goptri")]
    data: PathBuf,
    /// Serve https, with a certificate of its own
    #[arg(long)]
    tls: bool,
    /// The address of the example page
    #[arg(long, default_value = "127.0.0.1:3001")]
    example: SocketAddr,
    /// The address of the photo printer, which is left out with --tls
    #[arg(long, default_value = "127.0.0.1:5000")]
    printer: SocketAddr,
}

#[actix_web::main]
async fn main() -> ExitCode {
    // `cargo dev -- --data x`: the alias ends with `--` already.
    let mut arguments: Vec<_> = std::env::args_os().collect();
    if arguments.get(1).is_some_and(|first| first == "--") {
        arguments.remove(1);
    }
    let code = match run(Arguments::parse_from(arguments)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print_error(format_args!("cargo dev: {error}"));
            ExitCode::FAILURE
        }
    };
    flush_log();
    code
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let (monotonic, process) = (Arc::new(SystemMonotonicClock::default()), Environment::of_process());
    let variables = Variables::of_process(&process);
    let state = DevState::open(&arguments.data)?;
    let example = ExamplePage { address: arguments.example, tls: arguments.tls };
    let environment = state.complete(with_issuer(variables.environment(), arguments.tls), &example.origin());
    let (environment, certificate) = with_certificate(&arguments, &state, environment)?;
    let no_colour = process.get("NO_COLOR").is_some() || process.get("TERM") == Some("dumb");
    let stopping = Stopping::default();
    start_log(&variables, &environment, no_colour, &stopping)?;
    let mut auth = auth_server::Config::from_environment(&environment)?;
    // One process serves its metrics once, at the address of api-server's.
    auth.metrics_address = None;
    let mut api = api_server::Config::from_environment(&environment)?;
    check_ports(auth.address, api.address)?;

    let stop = || {
        let (stopping, stop) = (stopping.clone(), stop_signal());
        async move {
            stop.await;
            stopping.begin();
        }
    };
    let (limits, tls, issuer) = (auth.connections, auth.tls.clone(), auth.issuer.clone());
    let clock = Arc::new(SystemClock);
    let store = storage::open_for_server(&auth, clock.clone())?;
    let auth = auth_server::Application::start(auth, Arc::clone(&store), clock.clone(), stop()).await?;
    api.guard = api.guard.connect_to(auth.address());
    let photos = api.photos.clone();
    let api = api_server::Application::start(api, clock, monotonic.clone(), stop())?;
    let example_server = example.bind(auth.address(), api.address(), limits, tls.as_ref());
    if let Some(new) = add_demo_user(Arc::clone(&store), state.demo_password()).await? {
        printer::add_photos(&photos, &issuer, new).await?;
    }
    let printer = start_printer(&arguments, store.as_ref(), &state, &issuer, api.address()).await?;
    let urls = [auth.address(), api.address()].map(|address| url(address, certificate.as_ref()));
    let script = state.write_script(&script(&urls, certificate.as_ref(), state.demo_password())?)?;
    let welcome = Welcome {
        urls: &urls,
        authority: certificate.as_ref().map(|certificate| certificate.authority.as_path()),
        printer: printer.as_ref().map(|printer| printer::url(printer.address())),
        example: example_server.as_ref().map(|_| example.origin()),
        email: DEMO_EMAIL,
        password: state.demo_password(),
        folder: &arguments.data,
        script: &script,
        variables: &variables,
        ready_after: monotonic.elapsed(),
    };
    let text = welcome.text(std::io::stdout().is_terminal() && !no_colour);
    // The servers run, whether or not their welcome is read.
    let _ = std::io::stdout().write_all(text.as_bytes());
    let printer = printer::run(printer.ok(), stop());
    let (auth, api, example, printer) =
        tokio::join!(auth.run(), api.run(), example::run(example_server, stop()), printer);
    auth.and(api).and(example).and(printer)?;
    Ok(())
}

/// With `--tls`, adds a certificate.
fn with_certificate(
    arguments: &Arguments,
    state: &DevState,
    environment: Environment,
) -> Result<(Environment, Option<DevCertificate>), Box<dyn Error>> {
    if !arguments.tls {
        return Ok((environment, None));
    }
    let (environment, own) = state.with_tls(environment, SystemClock.now())?;
    Ok((environment, Some(own)))
}

/// Adds the issuer at which users reach auth-server.
fn with_issuer(environment: Environment, tls: bool) -> Environment {
    match issuer_at(environment.get("AUTH_SERVER_ADDR"), tls) {
        Some(issuer) => environment.with_default("ISSUER", &issuer),
        None => environment,
    }
}

/// Logs for developers, or as the servers do if a variable of the log is set.
fn start_log(
    variables: &Variables,
    environment: &Environment,
    no_colour: bool,
    stopping: &Stopping,
) -> Result<(), Box<dyn Error>> {
    if !variables.is_taken("RUST_LOG") && !variables.is_taken("LOG_FORMAT") {
        log::start(std::io::stderr().is_terminal() && !no_colour, stopping);
        return Ok(());
    }
    let settings = Settings::new(environment);
    log_to_stderr(&settings);
    settings.into_result(Some(()))?;
    Ok(())
}

/// Registers the printer, and listens for its users.
async fn start_printer(
    arguments: &Arguments,
    store: &dyn Store,
    state: &DevState,
    issuer: &str,
    api: SocketAddr,
) -> Result<Result<Printer, String>, Box<dyn Error>> {
    if arguments.tls {
        return Ok(Err("it does not know the certificate of --tls".to_owned()));
    }
    let (address, secret) = (arguments.printer, state.printer_secret());
    printer::register(store, address, secret, SystemClock.now()).await?;
    let bound = printer::bind(address, issuer, api, secret);
    Ok(bound.map_err(|error| format!("{address} cannot be used: {error}")))
}

/// The issuer, if auth-server listens at another port than usual. Browsers find its pages there.
fn issuer_at(address: Option<&str>, tls: bool) -> Option<String> {
    let port = address?.parse::<SocketAddr>().ok()?.port();
    let scheme = if tls { "https" } else { "http" };
    (port != 0).then(|| format!("{scheme}://localhost:{port}"))
}

/// Fails with all ports that are in use, before anything is started.
fn check_ports(auth: SocketAddr, api: SocketAddr) -> Result<(), Box<dyn Error>> {
    let bind = |address, variable| {
        TcpListener::bind(address).map_err(|cause| ListenError::new(cause, address, variable))
    };
    ListenErrors::combine(bind(auth, "AUTH_SERVER_ADDR"), bind(api, "API_SERVER_ADDR")).map_err(
        |errors| {
            format!(
                "{errors}\nIs another cargo dev running? Stop it, or set these variables to other addresses."
            )
        },
    )?;
    Ok(())
}

/// Returns the user's id if the user is new.
async fn add_demo_user(store: Arc<dyn Store>, password: &str) -> Result<Option<UserId>, Box<dyn Error>> {
    let register = Register::new(store, DEMO_RULES, Arc::new(SystemClock), Arc::new(SystemEntropy)).await?;
    let demo = Registration {
        email: DEMO_EMAIL.to_owned(),
        email_verified: true,
        password: Plain::new(password.to_owned()),
        roles: Vec::new(),
    };
    match register.run(demo).await {
        Ok(user) => Ok(Some(user.id)),
        Err(Failure::Refused(RegisterRefused::EmailTaken)) => Ok(None),
        Err(failure) => Err(failure.into()),
    }
}

fn url(address: SocketAddr, certificate: Option<&DevCertificate>) -> String {
    let scheme = if certificate.is_some() { "https" } else { "http" };
    format!("{scheme}://{address}")
}

fn script(
    [auth, api]: &[String; 2],
    certificate: Option<&DevCertificate>,
    password: &str,
) -> io::Result<String> {
    let trust = match certificate {
        Some(certificate) => {
            format!("export CURL_CA_BUNDLE='{}'\n", certificate.authority.canonicalize()?.display())
        }
        None => String::new(),
    };
    Ok(include_str!("try.sh")
        .replace("@TRUST@\n", &trust)
        .replace("@AUTH@", auth)
        .replace("@API@", api)
        .replace("@EMAIL@", DEMO_EMAIL)
        .replace("@PASSWORD@", password))
}
