//! The photo printer as a program of its own. `cargo dev` starts one, too.
//!
//! Register it first, and set `CLIENT_ID` and `CLIENT_SECRET` to what this prints:
//!
//! ```text
//! auth-server client add --name "Photo Printer" --redirect-uri http://127.0.0.1:5000/callback --scope photos:read
//! ```

use std::error::Error;

use photo_printer::{Printer, Settings};

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().init();
    let printer = Printer::bind(&Settings::from_environment()?)?;
    tracing::info!("listening on http://{}", printer.address());
    let stop = async {
        // Without a signal handler, it runs until it is killed.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    Ok(printer.run(stop).await?)
}
