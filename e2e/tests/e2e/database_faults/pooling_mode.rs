//! A pooler between auth-server and Postgres: only session mode keeps sessions apart.

use scratch_pg::{PgBouncer, PoolMode, Profile, ScratchPg};

use super::{readiness, refresh, sessions};
use crate::programs::{Running, Server, auth_server, run};

#[tokio::test]
async fn a_pooler_in_transaction_or_statement_mode_is_refused_at_start_with_a_remedy() {
    let postgres = ScratchPg::start(Profile::Fast).unwrap();
    for mode in [PoolMode::Transaction, PoolMode::Statement] {
        let pooler = PgBouncer::start(&postgres, mode).unwrap();
        for parameters in ["", "&statement-cache-capacity=0"] {
            let url = format!("{}{parameters}", pooler.url("postgres"));
            for auto_migrate in ["on", "off"] {
                let mut command = auth_server(&url);
                command.env("AUTO_MIGRATE", auto_migrate);
                let mut starting = Running::start(command);
                assert_eq!(starting.wait().code(), Some(1), "{mode:?}");
                let output = starting.whole_output();
                for remedy in ["pool_mode=session", "direct connection"] {
                    assert!(output.contains(remedy), "{mode:?} {parameters}: {output}");
                }
            }
            for command in ["check", "migrate"] {
                let output = run(auth_server(&url), &[command], "");
                assert_eq!(output.status.code(), Some(1), "{output:?}");
                let printed = [output.stdout, output.stderr].concat();
                assert!(String::from_utf8_lossy(&printed).contains("pool_mode=session"), "{command}");
            }
        }
    }
}

#[tokio::test]
async fn a_pooler_in_session_mode_works() {
    let postgres = ScratchPg::start(Profile::Fast).unwrap();
    let pooler = PgBouncer::start(&postgres, PoolMode::Session).unwrap();
    let auth = Server::start(auth_server(&pooler.url("postgres")));
    let tokens = sessions(&auth, 2).await;
    assert_eq!(refresh(&auth, &tokens[0]).await, 200);
    assert_eq!(readiness(&auth).await.0, 200);
}
