//! Looking at sessions: one by its key, and all of a person.

use chrono::TimeDelta;
use goptri::clock::Clock;

use super::Subject;
use super::fixtures::{assert_about, device_of, person};
use auth_domain::{NewSession, SessionId, SessionKey};

cases![
    a_session_is_found_as_it_is_also_when_it_may_not_go_on,
    a_persons_sessions_are_listed_in_the_order_of_their_ids_page_by_page,
    a_list_says_of_each_session_what_its_owner_knows_it_by,
];

async fn a_session_is_found_as_it_is_also_when_it_may_not_go_on(subject: &Subject) {
    let person = subject.somebody().await;
    let device = device_of(&person);
    let opened =
        subject.open(&NewSession { lifetime: Some(TimeDelta::hours(1)), ..device.sign_in(&person) }).await;
    let find = async |key| subject.store.find_session(key).await.expect("an answer");

    assert_eq!(find(device.key).await.expect("it is there").session, opened.session);
    let rotated = subject.rotates(&device.token(0)).await;
    subject.clock.advance(TimeDelta::hours(2));
    subject.probe.disable(person.id).await;
    let found = find(device.key).await.expect("it is there");
    assert_eq!(found.session, rotated.session);
    assert!(found.owner.disabled && found.session.is_over(found.now, None));
    assert_about(found.now, subject.clock.now());

    let stranger = subject.device().await;
    assert_eq!(find(SessionKey { user_id: stranger.key.user_id, id: device.key.id }).await, None);
    subject.end(device.key, None).await;
    assert_eq!(find(device.key).await, None);
}

async fn a_persons_sessions_are_listed_in_the_order_of_their_ids_page_by_page(subject: &Subject) {
    let person = subject.somebody().await;
    let devices: Vec<_> = (0..7).map(|_| device_of(&person)).collect();
    for device in devices.iter().rev() {
        subject.open(&device.sign_in(&person)).await;
    }
    subject.device().await;
    let mut ids: Vec<SessionId> = Vec::new();
    loop {
        let page = subject.store.list_sessions(person.id, ids.last().copied(), 3).await.expect("an answer");
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 3);
        ids.extend(page.iter().map(|session| session.id));
    }
    assert_eq!(ids, devices.iter().map(|device| device.key.id).collect::<Vec<_>>());
}

async fn a_list_says_of_each_session_what_its_owner_knows_it_by(subject: &Subject) {
    let person = subject.somebody().await;
    let (plain, bare) = (device_of(&person), device_of(&person));
    let asked = plain.sign_in(&person);
    subject.open(&NewSession { lifetime: Some(TimeDelta::hours(1)), ..asked.clone() }).await;
    subject.open(&NewSession { user_agent: None, ip: None, ..bare.sign_in(&person) }).await;
    subject.clock.advance(TimeDelta::minutes(30));
    subject.rotates(&plain.token(0)).await;

    let listed = subject.store.list_sessions(person.id, None, 10).await.expect("an answer");
    let [first, second] = listed.as_slice() else { panic!("{listed:?}") };
    assert_eq!((first.id, &first.client_id), (plain.key.id, &plain.client_id));
    assert_eq!((&first.user_agent, &first.ip), (&asked.user_agent, &asked.ip));
    assert_eq!((&second.user_agent, &second.ip, second.expires_at), (&None, &None, None));
    assert_eq!(first.expires_at, Some(first.created_at + TimeDelta::hours(1)));
    assert_about(first.last_used_at, first.created_at + TimeDelta::minutes(30));
    assert_eq!(second.last_used_at, second.created_at);
    assert_about(first.now, subject.clock.now());
    assert!(!first.is_over(None) && first.is_over(Some(TimeDelta::zero())));
    let of_nobody = subject.store.list_sessions(self::person().id, None, 10).await.expect("an answer");
    assert_eq!(of_nobody, []);
}
