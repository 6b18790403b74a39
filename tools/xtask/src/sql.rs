//! The `.sqlx` folders, with which the stores compile without a database. They are written by compiling each store
//! against a freshly migrated database, so that they match the migrations.

use std::{
    error::Error,
    fs::{self, File},
    io,
    path::Path,
    process::Command,
    time::SystemTime,
};

use scratch_pg::{Profile, ScratchPg};
use sqlx::{
    Connection, PgConnection, SqliteConnection,
    migrate::{Migrate, Migrator},
};

use crate::cache::Cache;

/// A crate with compile-time-checked queries.
struct Store<'a> {
    package: &'a str,
    /// The variable that its `sqlx.toml` names, and its value.
    variable: (&'a str, &'a str),
}

/// Migrated, empty databases, against which both stores compile.
pub(crate) struct BuildDatabases {
    postgres: String,
    sqlite: String,
}

impl BuildDatabases {
    /// Migrates the database `postgres` of `server`, and a SQLite file in `folder`.
    pub(crate) async fn migrated(
        root: &Path,
        server: &ScratchPg,
        folder: &Path,
    ) -> Result<Self, Box<dyn Error>> {
        let postgres = server.url("postgres");
        let sqlite = format!("sqlite://{}?mode=rwc", folder.join("build.db").display());
        let migrations = root.join("migrations");
        migrate::<PgConnection>(&migrations.join("postgres"), &postgres).await?;
        migrate::<SqliteConnection>(&migrations.join("sqlite"), &sqlite).await?;
        Ok(Self { postgres, sqlite })
    }

    /// The variables that the stores' `sqlx.toml` name.
    pub(crate) fn variables(&self) -> [(&str, &str); 2] {
        [("STORE_POSTGRES_BUILD_URL", &self.postgres), ("STORE_SQLITE_BUILD_URL", &self.sqlite)]
    }
}

/// Updates both `.sqlx` folders; with `check`, only returns what is wrong with them, one sentence each.
pub(crate) async fn refresh(root: &Path, check: bool) -> Result<Vec<String>, Box<dyn Error>> {
    let scratch = tempfile::tempdir()?;
    let server = ScratchPg::start(Profile::Fast)?;
    let databases = BuildDatabases::migrated(root, &server, scratch.path()).await?;
    let [postgres, sqlite] = databases.variables();
    let stores = [
        Store { package: "store-postgres", variable: postgres },
        Store { package: "store-sqlite", variable: sqlite },
    ];
    let mut complaints = Vec::new();
    // One at a time: the files are named after the SQL alone, and both stores may have the same statement.
    for store in stores {
        let fresh = scratch.path().join(store.package);
        store.describe(root, &fresh)?;
        complaints.extend(compare(root, &store, &fresh, check)?);
    }
    if !complaints.is_empty() {
        complaints.push("run `cargo xtask sqlx` and commit what it writes".to_owned());
    }
    Ok(complaints)
}

/// Applies the migrations from their files, not through a store: a store may not compile before its cache is written.
async fn migrate<C>(folder: &Path, url: &str) -> Result<(), Box<dyn Error>>
where
    C: Connection + Migrate,
    for<'c> &'c mut C: sqlx::Acquire<'c, Database = C::Database>,
{
    let describe =
        |error: &dyn Error| io::Error::other(format!("migrations in {}: {error}", folder.display()));
    let migrator = Migrator::new(folder).await.map_err(|e| describe(&e))?;
    let mut connection = C::connect(url).await?;
    migrator.run(&mut connection).await.map_err(|e| describe(&e))?;
    connection.close().await?;
    Ok(())
}

impl Store<'_> {
    /// Compiles the crate with its tests, so that sqlx checks each query and writes its description to `fresh`.
    fn describe(&self, root: &Path, fresh: &Path) -> io::Result<()> {
        fs::create_dir(fresh)?;
        touch(&root.join("auth-server").join(self.package).join("src/lib.rs"))?;
        let status = Command::new(env!("CARGO"))
            .args(["check", "--quiet", "--all-targets", "-p", self.package])
            .current_dir(root)
            .envs([self.variable])
            .env("SQLX_OFFLINE", "false")
            .env("SQLX_OFFLINE_DIR", fresh)
            .status()?;
        if status.success() {
            Ok(())
        } else {
            Err(io::Error::other(format!("{} does not compile against its migrations", self.package)))
        }
    }
}

/// sqlx writes descriptions when cargo compiles; this makes cargo compile again.
#[expect(clippy::disallowed_methods, reason = "cargo compares file times with the system clock")]
fn touch(source: &Path) -> io::Result<()> {
    File::options().append(true).open(source)?.set_modified(SystemTime::now())
}

fn compare(root: &Path, store: &Store, fresh: &Path, check: bool) -> io::Result<Vec<String>> {
    let inside = Path::new("auth-server").join(store.package).join(".sqlx");
    let wanted = Cache::read(fresh)?;
    let committed = Cache::read(&root.join(&inside))?;
    let mut complaints = Vec::new();
    for difference in committed.differences(&wanted) {
        if check {
            complaints.push(difference.describe(&inside));
        } else {
            difference.fix(&root.join(&inside))?;
        }
    }
    Ok(complaints)
}
