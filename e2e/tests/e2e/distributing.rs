//! `auth-server database distribute` on a database that cannot be distributed.

use crate::programs::{Database, auth_server, run};

#[test]
fn sqlite_is_not_distributed_and_the_error_says_what_to_use_instead() {
    let database = Database::sqlite();
    let distribute = |arguments: &[&str]| {
        let all = [&["database", "distribute"], arguments].concat();
        let output = run(auth_server(&database.url()), &all, "");
        assert!(output.stdout.is_empty(), "{output:?}");
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, printed) = distribute(&[]);
    assert_eq!(code, Some(1));
    assert!(printed.contains("the database does not exist; `auth-server migrate` creates it"), "{printed}");
    assert!(run(auth_server(&database.url()), &["migrate"], "").status.success());
    for arguments in [&[][..], &["--dry-run"]] {
        let (code, printed) = distribute(arguments);
        assert_eq!(code, Some(1), "{arguments:?}");
        let expected = "SQLite is one file and cannot be distributed; set DATABASE_URL to the coordinator of PostgreSQL \
                        with Citus";
        assert!(printed.contains(expected), "{printed}");
    }
}
