//! Many at once: readers find whole pictures, and one upload of a new name is the first.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures_util::future::{join, join_all};

use crate::support::{GOPHER, TestServer, USER};

/// Large enough that it is neither written nor read in one go.
fn picture(fill: u8) -> Vec<u8> {
    let mut picture = GOPHER.to_vec();
    picture.resize(600_000 + usize::from(fill), fill);
    picture
}

#[actix_web::test]
async fn a_reader_gets_one_whole_picture_or_the_other() {
    let server = TestServer::start();
    let (ann, path) = (server.person(USER), "/photos/changing.png");
    let pictures = [picture(1), picture(2)];
    assert_eq!(server.put(path, &ann, pictures[0].clone()).await.status, 201);
    let (done, seen) = (AtomicBool::new(false), [AtomicUsize::new(0), AtomicUsize::new(0)]);
    let writing = async {
        for round in 0..30 {
            let two = pictures.iter().map(|picture| server.put(path, &ann, picture.clone()));
            for put in join_all(two).await {
                assert_eq!(put.status, 204, "round {round}");
            }
        }
        done.store(true, Ordering::SeqCst);
    };
    let reading = join_all((0..4).map(|_| async {
        while !done.load(Ordering::SeqCst) {
            let shown = server.get(path, &ann).await;
            assert_eq!(shown.status, 200);
            let which = pictures.iter().position(|picture| *picture == shown.bytes);
            seen[which.expect("a whole picture, and no mixture")].fetch_add(1, Ordering::SeqCst);
            let list = server.get("/photos", &ann).await;
            assert_eq!(list.body["photos"].as_array().unwrap().len(), 1, "{}", list.body);
        }
    }));
    join(writing, reading).await;
    for seen in seen {
        assert!(seen.into_inner() > 0, "each of the two was read in between");
    }
    assert_eq!(server.files().len(), 1, "{:?}", server.files());
}

#[actix_web::test]
async fn of_many_uploads_of_a_new_name_one_is_new() {
    let server = TestServer::start();
    let ann = server.person(USER);
    for round in 0..10 {
        let path = format!("/photos/{round}");
        let puts = (0..8).map(|fill| server.put(&path, &ann, [GOPHER, &[fill]].concat()));
        let mut statuses: Vec<_> = join_all(puts).await.iter().map(|put| put.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 204, 204, 204, 204, 204, 204, 204], "round {round}");
    }
    assert_eq!(server.files().len(), 10, "{:?}", server.files());
}
