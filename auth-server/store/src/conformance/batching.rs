//! Refreshes of many sessions that arrive at the same moment: each is answered as if it had come alone.

use std::sync::Arc;

use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::Subject;
use super::fixtures::{Device, generation};
use crate::{Rotation, StoreError};

cases![
    each_gets_its_own_session_however_many_arrive_together,
    what_is_wrong_with_one_costs_none_of_the_others_anything,
];

/// Starts all at the same moment on one store, and gives what they answered, in their order.
async fn refresh_at_once(
    subject: &Subject,
    presented: &[(Device, i64)],
) -> Vec<Result<Rotation, StoreError>> {
    let start = Arc::new(Barrier::new(presented.len()));
    let mut racers = JoinSet::new();
    for (place, (device, number)) in presented.iter().enumerate() {
        let (start, store, token) = (Arc::clone(&start), Arc::clone(&subject.store), device.token(*number));
        racers.spawn(async move {
            start.wait().await;
            (place, store.rotate(&token, None).await)
        });
    }
    let mut answers = racers.join_all().await;
    answers.sort_by_key(|(place, _)| *place);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

/// RT-03
async fn each_gets_its_own_session_however_many_arrive_together(subject: &Subject) {
    let mut devices = Vec::new();
    for _ in 0..4 {
        let person = subject.somebody().await;
        for _ in 0..10 {
            devices.push(subject.another_device(&person).await);
        }
    }
    for number in 0..5 {
        let presented: Vec<_> = devices.iter().map(|device| (device.clone(), number)).collect();
        for (device, answer) in devices.iter().zip(refresh_at_once(subject, &presented).await) {
            let Ok(Rotation::Rotated(snapshot)) = answer else { panic!("{answer:?}") };
            assert_eq!(
                (snapshot.session.key, snapshot.session.generation),
                (device.key, generation(number + 1))
            );
            assert_eq!(snapshot.session.jti_hash, device.proof());
        }
    }
}

/// Among them old ones, some of the same session, some that may not go on, and one that cannot be read.
async fn what_is_wrong_with_one_costs_none_of_the_others_anything(subject: &Subject) {
    let [person, disabled] = [subject.somebody().await, subject.somebody().await];
    let mut devices = Vec::new();
    for _ in 0..8 {
        devices.push(subject.another_device(&person).await);
    }
    let (old, of_disabled) = (subject.another_device(&person).await, subject.another_device(&disabled).await);
    let (corrupt, never) = (subject.another_device(&person).await, super::fixtures::device_of(&person));
    subject.store.rotate(&old.token(0), None).await.expect("an answer");
    subject.probe.disable(disabled.id).await;
    subject.probe.corrupt_session(corrupt.key).await;
    let mut presented: Vec<_> =
        devices.iter().flat_map(|device| [(device.clone(), 0), (device.clone(), 0)]).collect();
    presented.extend([(old, 0), (of_disabled, 0), (corrupt, 0), (never, 0)]);
    let answers = refresh_at_once(subject, &presented).await;
    for twice in answers[..16].chunks(2) {
        let rotated = twice.iter().filter(|answer| matches!(answer, Ok(Rotation::Rotated(_)))).count();
        assert_eq!(rotated, 1, "{twice:?}");
        for answer in twice {
            let Ok(Rotation::Rotated(snapshot) | Rotation::NotCurrent(snapshot)) = answer else {
                panic!("{answer:?}")
            };
            assert_eq!(snapshot.session.generation, generation(1));
        }
    }
    assert!(matches!(&answers[16], Ok(Rotation::NotCurrent(_))), "{:?}", answers[16]);
    assert!(matches!(&answers[17], Ok(Rotation::NotCurrent(_))), "{:?}", answers[17]);
    assert!(matches!(&answers[18], Err(StoreError::Corrupt { .. })), "{:?}", answers[18]);
    assert!(matches!(&answers[19], Ok(Rotation::Unknown)), "{:?}", answers[19]);
}
