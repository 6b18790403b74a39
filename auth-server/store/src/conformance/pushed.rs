//! Pushed authorization requests.

use chrono::TimeDelta;
use goptri_settings::Plain;

use super::Subject;
use super::fixtures::id;
use crate::OPENED_REQUEST_LIFETIME;
use auth_domain::{ClientId, Digest, PUSHED_LIFETIME, PushedRequest};

cases![
    a_pushed_request_is_found_until_it_is_spent,
    a_pushed_request_is_opened_within_its_lifetime_and_then_used_for_longer,
    a_pushed_request_is_swept_when_it_can_no_longer_be_used,
];

fn request(text: &str) -> PushedRequest {
    PushedRequest {
        uri_hash: Digest::of(&Plain::new(id().to_string())),
        client_id: ClientId::new("printer".to_owned()),
        request: text.to_owned(),
    }
}

async fn push(subject: &Subject, text: &str) -> PushedRequest {
    let request = request(text);
    subject.store.push_request(&request).await.expect("no error");
    request
}

async fn find(subject: &Subject, request: &PushedRequest, opened: bool) -> Option<PushedRequest> {
    subject.store.find_pushed_request(&request.uri_hash, opened).await.expect("no error")
}

async fn a_pushed_request_is_found_until_it_is_spent(subject: &Subject) {
    let (first, second) = (push(subject, "client_id=printer&a=%20").await, push(subject, "").await);
    let another = PushedRequest { request: "another".to_owned(), ..first.clone() };
    subject.store.push_request(&another).await.expect("no error");
    for opened in [false, true] {
        assert_eq!(find(subject, &first, opened).await, Some(first.clone()));
        assert_eq!(find(subject, &request(""), opened).await, None);
    }
    let spend = async || subject.store.spend_pushed_request(&first.uri_hash).await.expect("no error");
    assert!(spend().await);
    assert!(!spend().await);
    assert_eq!(find(subject, &first, true).await, None);
    assert_eq!(find(subject, &second, false).await, Some(second));
}

async fn a_pushed_request_is_opened_within_its_lifetime_and_then_used_for_longer(subject: &Subject) {
    subject.probe.stop_time().await;
    let request = push(subject, "a").await;
    let short = TimeDelta::microseconds(1);
    subject.clock.advance(PUSHED_LIFETIME - short);
    assert!(find(subject, &request, false).await.is_some());
    subject.clock.advance(short);
    assert_eq!(find(subject, &request, false).await, None);
    subject.clock.advance(OPENED_REQUEST_LIFETIME - PUSHED_LIFETIME - short);
    assert!(find(subject, &request, true).await.is_some());
    subject.clock.advance(short);
    assert_eq!(find(subject, &request, true).await, None);
}

async fn a_pushed_request_is_swept_when_it_can_no_longer_be_used(subject: &Subject) {
    let mut requests = Vec::new();
    for _ in 0..5 {
        requests.push(push(subject, "a").await);
        subject.clock.advance(TimeDelta::minutes(1));
    }
    let sweep = async |max| subject.store.sweep_pushed_requests(max).await.expect("no error");
    assert_eq!(sweep(9).await, 0);
    // The fourth was pushed two minutes ago.
    subject.clock.advance(OPENED_REQUEST_LIFETIME - TimeDelta::minutes(2) + TimeDelta::seconds(30));
    assert_eq!([sweep(3).await, sweep(3).await, sweep(3).await], [3, 1, 0]);
    assert!(find(subject, &requests[4], true).await.is_some());
    subject.clock.advance(TimeDelta::minutes(1));
    assert_eq!(sweep(3).await, 1);
}
