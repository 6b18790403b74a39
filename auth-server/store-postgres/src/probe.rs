//! Asks hosts what they are.

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Error, PgConnection, Row};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::error::without_secrets;
use crate::fate::no_answer;
use crate::hosts::{Hosts, SessionAttrs};
use crate::primary::{Known, Role, choose};

/// How long to wait for a host that is probed.
const PROBE_TIMEOUT: Duration = Duration::from_millis(2_500);

/// How long to wait for the other hosts once one accepts writes: one of them may have been promoted after it.
const OTHERS_TIMEOUT: Duration = Duration::from_millis(500);

/// The name of a file of the write-ahead log begins with the timeline in eight digits. `pg_control_checkpoint()` would
/// give that of the last checkpoint.
const ROLE: &str = "select pg_is_in_recovery() as standby, \
    current_setting('transaction_read_only') = 'on' as read_only, \
    case when pg_is_in_recovery() then '' else left(pg_walfile_name(pg_current_wal_lsn()), 8) end as timeline";

/// The role that is assumed for each host if any host may be used.
const NOT_ASKED: Role = Role::Primary { timeline: 0, read_only: false };

/// What one host answered.
pub(crate) type Answer = Result<(PgConnection, Role), Error>;

/// What each host answered. `None`: nothing so far.
pub(crate) type Answers = Vec<Option<Answer>>;

/// Connects to a host and asks what it is.
pub(crate) async fn connect_and_ask(options: &PgConnectOptions, attrs: SessionAttrs) -> Answer {
    let mut session = options.connect().await.map_err(without_secrets)?;
    let role = match attrs {
        SessionAttrs::Any => NOT_ASKED,
        SessionAttrs::ReadWrite => ask(&mut session).await?,
    };
    Ok((session, role))
}

/// Asks a host what it is, on an open connection.
pub(crate) async fn ask(session: &mut PgConnection) -> Result<Role, Error> {
    let row = sqlx::raw_sql(ROLE).fetch_one(session).await?;
    if row.try_get("standby")? {
        return Ok(Role::Standby);
    }
    let timeline: String = row.try_get("timeline")?;
    let timeline = u32::from_str_radix(&timeline, 16).map_err(|error| Error::Decode(Box::new(error)))?;
    Ok(Role::Primary { timeline, read_only: row.try_get("read_only")? })
}

/// Asks all hosts at the same time. Returns when all have answered, or [`OTHERS_TIMEOUT`] after the primary has.
pub(crate) async fn ask_all(hosts: &Hosts, known: Known) -> Answers {
    let mut asking = JoinSet::new();
    for (host, options) in hosts.options.iter().cloned().enumerate() {
        let attrs = hosts.attrs;
        asking.spawn(async move {
            let answer = timeout(PROBE_TIMEOUT, connect_and_ask(&options, attrs)).await;
            (host, answer.unwrap_or_else(|_| Err(no_answer(PROBE_TIMEOUT))))
        });
    }
    let mut answers: Answers = hosts.options.iter().map(|_| None).collect();
    while choose(known, &roles(&answers)).is_none() {
        let Some(answered) = asking.join_next().await else { return answers };
        record(&mut answers, answered.ok());
    }
    let others = async {
        while let Some(answered) = asking.join_next().await {
            record(&mut answers, answered.ok());
        }
    };
    // A host that takes longer is of no use now.
    let _ = timeout(OTHERS_TIMEOUT, others).await;
    answers
}

fn record(answers: &mut Answers, answered: Option<(usize, Answer)>) {
    if let Some((host, answer)) = answered
        && let Some(place) = answers.get_mut(host)
    {
        *place = Some(answer);
    }
}

/// What each host is, if it has answered.
pub(crate) fn roles(answers: &Answers) -> Vec<Option<Role>> {
    let role = |answer: &Option<Answer>| match answer {
        Some(Ok((_, role))) => Some(*role),
        Some(Err(_)) | None => None,
    };
    answers.iter().map(role).collect()
}
