//! Concurrent refreshes of many sessions: each has the result that it would have alone.

use std::sync::Arc;

use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::Subject;
use super::fixtures::{Device, generation};
use crate::{Rotation, StoreError};

cases![concurrent_refreshes_each_get_their_own_session, a_bad_request_in_a_batch_does_not_affect_the_others,];

/// Starts all refreshes at the same time on one store. Returns the results in the order of the tokens.
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
async fn concurrent_refreshes_each_get_their_own_session(subject: &Subject) {
    let mut devices = Vec::new();
    for _ in 0..4 {
        let user = subject.user().await;
        for _ in 0..10 {
            devices.push(subject.another_device(&user).await);
        }
    }
    let mut began = vec![None; devices.len()];
    for number in 0..5 {
        let presented: Vec<_> = devices.iter().map(|device| (device.clone(), number)).collect();
        let answers = refresh_at_once(subject, &presented).await;
        for ((device, began), answer) in devices.iter().zip(&mut began).zip(answers) {
            let Ok(Rotation::Rotated(snapshot)) = answer else { panic!("{answer:?}") };
            assert_eq!(
                (snapshot.session.key, snapshot.session.generation),
                (device.key, generation(number + 1))
            );
            assert_eq!(snapshot.session.jti_hash, device.proof());
            assert!(began.is_none() || snapshot.session.previous_rotated_at == *began);
            *began = Some(snapshot.session.rotated_at);
        }
    }
}

/// The batch has old tokens, tokens of one session, a disabled user, and a corrupt row.
async fn a_bad_request_in_a_batch_does_not_affect_the_others(subject: &Subject) {
    let [user, disabled] = [subject.user().await, subject.user().await];
    let mut devices = Vec::new();
    for _ in 0..8 {
        devices.push(subject.another_device(&user).await);
    }
    let (old, of_disabled) = (subject.another_device(&user).await, subject.another_device(&disabled).await);
    let (corrupt, never) = (subject.another_device(&user).await, super::fixtures::device_of(&user));
    subject.store.rotate(&old.token(0), None).await.expect("no error");
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
