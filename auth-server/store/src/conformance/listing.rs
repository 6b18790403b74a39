//! Reading sessions: one by its key, and all of a user.

use chrono::TimeDelta;
use goptri::clock::Clock;

use super::Subject;
use super::fixtures::{assert_about, device_of, new_user};
use auth_domain::{NewSession, SessionId, SessionKey};

cases![
    a_session_is_found_even_if_it_is_over,
    the_sessions_of_a_user_are_listed_by_id_page_by_page,
    the_list_describes_each_session,
];

async fn a_session_is_found_even_if_it_is_over(subject: &Subject) {
    let user = subject.user().await;
    let device = device_of(&user);
    let opened =
        subject.open(&NewSession { lifetime: Some(TimeDelta::hours(1)), ..device.sign_in(&user) }).await;
    let find = async |key| subject.store.find_session(key).await.expect("no error");

    assert_eq!(find(device.key).await.expect("it is there").session, opened.session);
    let rotated = subject.assert_rotates(&device.token(0)).await;
    subject.clock.advance(TimeDelta::hours(2));
    subject.probe.disable(user.id).await;
    let found = find(device.key).await.expect("it is there");
    assert_eq!(found.session, rotated.session);
    assert!(found.owner.disabled && found.session.is_over(found.now, None));
    assert_about(found.now, subject.clock.now());

    let other = subject.device().await;
    assert_eq!(find(SessionKey { user_id: other.key.user_id, id: device.key.id }).await, None);
    subject.end(device.key, None).await;
    assert_eq!(find(device.key).await, None);
}

async fn the_sessions_of_a_user_are_listed_by_id_page_by_page(subject: &Subject) {
    let user = subject.user().await;
    let devices: Vec<_> = (0..7).map(|_| device_of(&user)).collect();
    for device in devices.iter().rev() {
        subject.open(&device.sign_in(&user)).await;
    }
    subject.device().await;
    let mut ids: Vec<SessionId> = Vec::new();
    loop {
        let page = subject.store.list_sessions(user.id, ids.last().copied(), 3).await.expect("no error");
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 3);
        ids.extend(page.iter().map(|session| session.id));
    }
    assert_eq!(ids, devices.iter().map(|device| device.key.id).collect::<Vec<_>>());
}

async fn the_list_describes_each_session(subject: &Subject) {
    let user = subject.user().await;
    let (plain, bare) = (device_of(&user), device_of(&user));
    let asked = plain.sign_in(&user);
    subject.open(&NewSession { lifetime: Some(TimeDelta::hours(1)), ..asked.clone() }).await;
    subject.open(&NewSession { user_agent: None, ip: None, ..bare.sign_in(&user) }).await;
    subject.clock.advance(TimeDelta::minutes(30));
    subject.assert_rotates(&plain.token(0)).await;

    let listed = subject.store.list_sessions(user.id, None, 10).await.expect("no error");
    let [first, second] = listed.as_slice() else { panic!("{listed:?}") };
    assert_eq!((first.id, &first.client_id), (plain.key.id, &plain.client_id));
    assert_eq!((&first.user_agent, &first.ip), (&asked.user_agent, &asked.ip));
    assert_eq!((&second.user_agent, &second.ip, second.expires_at), (&None, &None, None));
    assert_eq!(first.expires_at, Some(first.created_at + TimeDelta::hours(1)));
    assert_about(first.last_used_at, first.created_at + TimeDelta::minutes(30));
    assert_eq!(second.last_used_at, second.created_at);
    assert_about(first.now, subject.clock.now());
    assert!(!first.is_over(None) && first.is_over(Some(TimeDelta::zero())));
    let of_unknown = subject.store.list_sessions(new_user().id, None, 10).await.expect("no error");
    assert_eq!(of_unknown, []);
}
