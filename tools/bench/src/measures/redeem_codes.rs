//! Redemptions of authorization codes on Postgres (limit: pgbench with the statements of one redemption).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use crate::Error;
use crate::driver::{Caller, Latencies, Load, Response};
use crate::figures::{Findings, Row, millis};
use crate::run::Run;
use crate::seed::{Sessions, session_in_sql, user_in_sql};
use crate::servers::Program;
use crate::tokens::{AUDIENCE, SCOPE, SESSIONS_EACH, user_id};

const CONNECTIONS: usize = 16;
const MIN_RATIO: f64 = 0.6;

/// Codes for auth-server, and as many for pgbench: more than either can spend.
const MAX_CODES: u64 = 100_000;

const CLIENT: &str = "bench";
/// The client of the codes that pgbench spends.
const LIMIT_CLIENT: &str = "limit";
const SECRET: &str = "client-78365f2a9c4be1d07be1d0a9c4be1d07";
const REDIRECT_URI: &str = "https://print.example/callback";
/// Of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

pub(super) fn run(run: &Run) -> Result<Findings, Error> {
    let (postgres, scale) = (run.postgres()?, run.scale);
    let codes = MAX_CODES.min(scale.sessions);
    run.say(&format!("inserting {} sign-ins and codes into Postgres", codes * 2));
    let database = postgres.with(Sessions { number: codes * 2, ended: 0 })?;
    for statement in seed(codes) {
        postgres.execute(&database, &statement);
    }
    let auth = run.start(&Program::auth(database.url()))?;
    let script = statements_of_a_redemption(codes);
    let next = Arc::new(AtomicU64::new(0));
    let mut latencies = Latencies::new();
    let what = "code to token, Postgres, 16 connections";
    let alternation = run.alternate(
        what,
        || {
            let callers = CONNECTIONS.min(scale.max_connections);
            let callers = (0..callers).map(|_| Redeeming { next: Arc::clone(&next), codes }).collect();
            let load = Load { server: auth.address(), callers, duration: scale.turn, rate: None };
            let measured = load.run().map_err(|error| format!("{error}\n{}", auth.last_lines()))?;
            latencies.append(&measured.latencies);
            Ok(measured.rate())
        },
        || postgres.pgbench(&database, &script, scale.turn),
    )?;
    let opened = postgres.number(
        &database,
        &format!("select count(*) from sessions where client_id = '{CLIENT}' and generation = 0"),
    );
    let redeemed = i64::try_from(next.load(Ordering::Relaxed))?;
    if opened != redeemed {
        return Err(format!("{redeemed} codes were redeemed, but {opened} sessions opened").into());
    }
    let (ours, limit, ratio) = (alternation.ours(), alternation.limit(), alternation.ratio());
    let (p50, p99) = latencies.p50_and_p99();
    let rows = vec![
        Row::rate(what, ours, limit, ratio, MIN_RATIO),
        Row::latency(what, millis(p50), millis(p99), None),
    ];
    Ok(Findings { rows, notes: Vec::new() })
}

/// Spends one code after the other.
struct Redeeming {
    next: Arc<AtomicU64>,
    codes: u64,
}

impl Caller for Redeeming {
    fn next_request(&mut self, request: &mut Vec<u8>) -> Result<(), Error> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        if number >= self.codes {
            return Err("there are too few codes for this machine".into());
        }
        let body = format!(
            "grant_type=authorization_code&code={}&redirect_uri=https%3A%2F%2Fprint.example%2Fcallback&code_verifier={VERIFIER}",
            code(number)
        );
        let head = format!(
            "POST /token HTTP/1.1\r\nHost: bench\r\nAuthorization: Basic {}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
            STANDARD.encode(format!("{CLIENT}:{SECRET}")),
            body.len()
        );
        request.extend_from_slice(head.as_bytes());
        request.extend_from_slice(body.as_bytes());
        Ok(())
    }

    fn on_response(&mut self, response: &Response<'_>) -> Result<(), Error> {
        match response.quoted_after(r#""access_token":""#) {
            Some(_) if response.status == 200 => Ok(()),
            _ => Err(format!("a code got {}", response.describe()).into()),
        }
    }
}

/// The code of that number: the user's id and 32 bytes, as [`seed`] computes it in SQL.
fn code(number: u64) -> String {
    let secret = digest(&SHA256, format!("code-{number}").as_bytes());
    URL_SAFE_NO_PAD.encode([user_id(number / SESSIONS_EACH).as_bytes().as_slice(), secret.as_ref()].concat())
}

/// Makes each session a sign-in with one code: the first half for auth-server, the second half for pgbench.
fn seed(codes: u64) -> Vec<String> {
    let (user, session) = (user_in_sql("n"), session_in_sql("n"));
    let insert = |client: &str, hash: &str, first: u64| {
        format!(
            "insert into codes (user_id, code_hash, client_id, sign_in_id, redirect_uri, challenge, scope, audience, expires_at)
             select {user}, {hash}, '{client}', {session}, '{REDIRECT_URI}', sha256(convert_to('{VERIFIER}', 'UTF8')),
                    '{SCOPE}', '{AUDIENCE}', now() + interval '3 hours'
             from generate_series({first}::bigint, {first} + {codes} - 1) n"
        )
    };
    let text = format!(
        "translate(encode(uuid_send({user}) || sha256(convert_to('code-' || n, 'UTF8')), 'base64'), '+/', '-_')"
    );
    vec![
        "update sessions set handle_hash = jti_hash".to_owned(),
        format!(
            "insert into clients (id, name, auth_method, secrets, redirect_uris, scope, resources, first_party, implicit,
                                  rotation, origin, created_at)
             select id, id, 'client_secret', array[sha256(convert_to('{SECRET}', 'UTF8'))], array['{REDIRECT_URI}'],
                    '{SCOPE}', '{{}}', false, false, true, 'operator', now()
             from unnest(array['{CLIENT}', '{LIMIT_CLIENT}']) id"
        ),
        format!(
            "insert into grants (user_id, client_id, scope, resources, granted_at)
             select u.id, c.id, '{SCOPE}', array['{AUDIENCE}'], now() from users u, clients c"
        ),
        insert(CLIENT, &format!("sha256(convert_to({text}, 'UTF8'))"), 0),
        insert(LIMIT_CLIENT, "sha256(convert_to('limit-' || n, 'UTF8'))", codes),
        "vacuum analyze".to_owned(),
        "checkpoint".to_owned(),
    ]
}

/// A pgbench script with the statements of one redemption, except that a code may be spent again. pgbench would take the
/// text after a colon for a variable, so its texts have none.
fn statements_of_a_redemption(codes: u64) -> String {
    let number = format!("(:k::bigint + {codes})");
    let (user, session) = (user_in_sql(&number), session_in_sql(&number));
    let code = format!("user_id = {user} and code_hash = sha256(convert_to('limit-' || {number}, 'UTF8'))");
    format!(
        "\\set k random(0, {last})
         select id, name, auth_method, secrets, jwks, redirect_uris, scope, resources, first_party, implicit, rotation, home,
                logo, policy, origin, created_at from clients where id = '{LIMIT_CLIENT}' and disabled_at is null;
         select user_id, client_id, sign_in_id, redirect_uri, challenge, scope, audience, expires_at, spent_for, now()
         from codes where {code};
         begin;
         select email, email_verified, roles, disabled_at from users where id = {user} and disabled_at is null for share;
         select auth_time, expires_at from sessions
         where user_id = {user} and id = {session} and handle_hash is not null for share;
         select now(), first_party from clients where id = '{LIMIT_CLIENT}' and disabled_at is null;
         select client_id from grants where user_id = {user} and client_id = '{LIMIT_CLIENT}';
         update codes set spent_for = {session} where {code} and client_id = '{LIMIT_CLIENT}';
         insert into sessions (user_id, id, client_id, scope, audience, auth_time, jti_hash, created_at, rotated_at,
                               last_used_at, parent_id)
         values ({user}, gen_random_uuid(), '{LIMIT_CLIENT}', 'photos.read photos.write', array['http.localhost.3000'], now(),
                 sha256(convert_to('limit-' || {number}, 'UTF8')), now(), now(), now(), {session})
         returning user_id, id, client_id, scope, audience, auth_time, jti_hash, generation, rotated_at, last_used_at;
         commit;
         select count(*) from (select id from sessions where user_id = {user} limit 101) s;\n",
        last = codes - 1,
    )
}
