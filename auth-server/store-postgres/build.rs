//! Cargo cannot know that the SQL macros read these: without this, a new migration or a changed cache goes unnoticed.

fn main() {
    for path in ["../../migrations/postgres", ".sqlx", "sqlx.toml"] {
        println!("cargo:rerun-if-changed={path}");
    }
}
