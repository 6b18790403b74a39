//! The services of `examples/verifiers`.

use std::path::Path;
use std::process::Command;

use crate::Result;
use crate::processes::Process;
use crate::servers::Servers;

/// A service, by the name of its folder and of its protected route.
pub(crate) struct Description {
    pub(crate) name: &'static str,
    pub(crate) language: &'static str,
}

pub(crate) const SERVICES: [Description; 6] = [
    Description { name: "orders", language: "Ruby, Rails" },
    Description { name: "payments", language: "Java, Spring Boot" },
    Description { name: "deliveries", language: "Node, Express" },
    Description { name: "invoices", language: "Python, FastAPI" },
    Description { name: "stock", language: "Go, net/http" },
    Description { name: "tickets", language: "Rust, axum" },
];

/// A running service.
pub(crate) struct Service {
    pub(crate) process: Process,
    /// The URL of its protected route.
    pub(crate) protected: String,
    /// The URL of the same route without protection.
    pub(crate) unguarded: String,
}

impl Service {
    /// Starts a service with these variables too, and waits until `GET /readyz` gets one of these statuses.
    pub(crate) async fn start(
        description: &Description,
        servers: &Servers,
        variables: &[(&str, &str)],
        ready: &[u16],
    ) -> Result<Self> {
        let name = description.name;
        let script =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../examples/verifiers/{name}/run"));
        let mut command = Command::new(script.canonicalize()?);
        // The other variables of this process stay: compilers and interpreters need some.
        command.current_dir(servers.folder.path()).envs(servers.variables()).envs(variables.iter().copied());
        let mut process = Process::start(name, command, "ADDR", servers.folder.path())?;
        process.wait_for("/readyz", ready).await?;
        let (protected, unguarded) =
            (format!("{}/{name}", process.url), format!("{}/unguarded", process.url));
        Ok(Self { process, protected, unguarded })
    }
}
