//! The `.sqlx` folders, through which the stores compile without a database. They are written by compiling each
//! store against an empty database that has just been migrated, so they always say what the migrations say.

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
    /// The variable that its `sqlx.toml` names, with its value.
    variable: (&'a str, &'a str),
}

/// Databases against which both stores compile: empty, and migrated.
pub(crate) struct BuildDatabases {
    postgres: String,
    sqlite: String,
}

impl BuildDatabases {
    /// On that server, which is not used for anything else, and in that folder.
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

/// Mends both `.sqlx` folders, or with `check` only says what is to be mended.
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

/// By the files as they lie there, not through a store: that one may not compile before its cache is written.
async fn migrate<C>(folder: &Path, url: &str) -> Result<(), Box<dyn Error>>
where
    C: Connection + Migrate,
    for<'c> &'c mut C: sqlx::Acquire<'c, Database = C::Database>,
{
    let told = |error: &dyn Error| io::Error::other(format!("migrations in {}: {error}", folder.display()));
    let migrator = Migrator::new(folder).await.map_err(|e| told(&e))?;
    let mut connection = C::connect(url).await?;
    migrator.run(&mut connection).await.map_err(|e| told(&e))?;
    connection.close().await?;
    Ok(())
}

impl Store<'_> {
    /// Compiles the crate with its tests, each query asking the database and leaving its description in `fresh`.
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

/// What compiled already is not expanded again, and an expansion is what writes.
#[expect(
    clippy::disallowed_methods,
    reason = "a file's time is compared with cargo's, which has no Clock either"
)]
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
            complaints.push(difference.tell(&inside));
        } else {
            difference.mend(&root.join(&inside))?;
        }
    }
    Ok(complaints)
}
