//! What a cluster does to running servers, under load: it swaps a mounted secret, widens the schema for the next version,
//! and replaces each server by one of a new program. No request fails, and no user is signed out.

use std::fs;
use std::path::Path;

use super::load::{DEVICES, Load};
use super::site::Site;
use crate::programs::{ACCESS_TOKEN_SECRET, Database, REFRESH_TOKEN_SECRET, program};
use crate::rotating::session_tokens;

const NEW_SECRET: &str = "access-07be1d83c4f265a907be1d83c4f265a9";

/// What a later version would do before its servers start: it only widens the schema.
const LATER_MIGRATION: &str = "alter table users add column nickname text;
    alter table sessions add column later text;
    insert into _sqlx_migrations (version, description, success, checksum, execution_time)
    values (9000, 'later', true, '\\x00', 1);";

async fn nothing_failed(site: &Site, load: &Load, what: &str, checked: &mut usize) {
    load.runs().await;
    let (failed, known) = (load.take_failed(), site.balancer.requests().len());
    let logged = site.balancer.failed_after(*checked);
    assert!(failed.is_empty() && logged.is_empty(), "{what}: {failed:#?} {logged:?}");
    *checked = known;
}

/// Replaces the servers by copies of the program in another folder, a pair at a time.
async fn update(site: &mut Site, folder: &Path) {
    for name in ["auth-server", "api-server"] {
        fs::copy(program(name).get_program(), folder.join(name)).unwrap();
    }
    for number in 0..site.auths.len() {
        let Site { balancer, auths, apis, .. } = &mut *site;
        for member in [&mut auths[number], &mut apis[number]] {
            let up = balancer.times(&member.name, "UP");
            member.server.running.signal("TERM");
            member.has_stopped();
            member.start_from(folder);
            balancer.says(&member.name, "UP", up + 1).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_update_fails_no_request_and_signs_no_user_out() {
    let mut site = Site::start().await;
    site.auths[0].server.register().await;
    let devices = session_tokens::open(&site.database.url(), REFRESH_TOKEN_SECRET, DEVICES).await;
    let load = Load::start(&site, devices);
    let mut checked = 0;
    nothing_failed(&site, &load, "before", &mut checked).await;

    let rings =
        [format!("{ACCESS_TOKEN_SECRET},{NEW_SECRET}"), format!("{NEW_SECRET},{ACCESS_TOKEN_SECRET}")];
    for (version, ring) in (1..).zip(&rings) {
        site.mounted.swap(version, ring);
        for auth in &site.auths {
            auth.says_times("the keys of access tokens have changed", version).await;
        }
        for api in &site.apis {
            api.says_times("the keys that verify access tokens have changed", version).await;
        }
        nothing_failed(&site, &load, "a mounted secret was swapped", &mut checked).await;
    }

    let Database::Postgres(database) = &site.database else { panic!("the site is on Postgres") };
    database.execute(LATER_MIGRATION).await;
    nothing_failed(&site, &load, "the schema was widened", &mut checked).await;

    let folder = tempfile::tempdir().unwrap();
    update(&mut site, folder.path()).await;
    nothing_failed(&site, &load, "each server was replaced", &mut checked).await;
    let answered = load.answered();
    load.ends().await;
    println!("{answered} requests were answered");
}
