//! Concurrency: readers get complete photos, and of concurrent uploads exactly one is the first.

use std::fs;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use actix_web::web::Bytes;
use api_server::photos::{Album, MAX_PHOTOS, PhotoName, PhotosFolder, SaveOutcome, Upload};
use futures_util::future::{join, join_all};
use futures_util::stream;

use crate::support::{GOPHER, TestServer, USER};

/// Large enough that it takes several writes and reads.
fn photo(fill: u8) -> Vec<u8> {
    let mut photo = GOPHER.to_vec();
    photo.resize(600_000 + usize::from(fill), fill);
    photo
}

#[actix_web::test]
async fn a_reader_gets_the_old_photo_or_the_new_one_complete() {
    let server = TestServer::start().await;
    let (ann, path) = (server.user(USER), "/photos/changing.png");
    let photos = [photo(1), photo(2)];
    assert_eq!(server.put(path, &ann, photos[0].clone()).await.status, 201);
    let (done, seen) = (AtomicBool::new(false), [AtomicUsize::new(0), AtomicUsize::new(0)]);
    let writing = async {
        for round in 0..30 {
            let two = photos.iter().map(|photo| server.put(path, &ann, photo.clone()));
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
            let which = photos.iter().position(|photo| *photo == shown.bytes);
            seen[which.expect("one of the two photos, and no mixture")].fetch_add(1, Ordering::SeqCst);
            let list = server.get("/photos", &ann).await;
            assert_eq!(list.body["photos"].as_array().unwrap().len(), 1, "{}", list.body);
        }
    }));
    join(writing, reading).await;
    for seen in seen {
        assert!(seen.into_inner() > 0, "each of the two was read");
    }
    assert_eq!(server.files().len(), 1, "{:?}", server.files());
}

/// Saves at the same moment, without HTTP in between.
fn save_concurrently(album: &Album, uploads: Vec<(PhotoName, Upload)>) -> Vec<SaveOutcome> {
    let start = &Barrier::new(uploads.len());
    let save = move |(name, upload)| {
        start.wait();
        album.save(&name, upload).unwrap()
    };
    thread::scope(|scope| {
        let saving: Vec<_> = uploads.into_iter().map(|upload| scope.spawn(move || save(upload))).collect();
        saving.into_iter().map(|saving| saving.join().unwrap()).collect()
    })
}

#[actix_web::test]
async fn of_concurrent_uploads_of_a_new_name_exactly_one_is_created() {
    let server = TestServer::start().await;
    let photos = PhotosFolder::open(server.photos().to_str().unwrap()).unwrap();
    let album = Album::of(&photos, &server.claims());
    for round in 0..100 {
        let name = PhotoName::parse(&round.to_string()).unwrap();
        let arriving =
            (0..4).map(|_| Upload::receive(&photos, stream::iter([Ok(Bytes::from_static(GOPHER))])));
        let uploads = join_all(arriving).await.into_iter().map(|upload| (name.clone(), upload.unwrap()));
        let outcomes = save_concurrently(&album, uploads.collect());
        let created = outcomes.iter().filter(|outcome| **outcome == SaveOutcome::Created).count();
        assert_eq!(created, 1, "round {round}: {outcomes:?}");
    }
    assert_eq!(server.files().len(), 100, "{:?}", server.files());
}

#[actix_web::test]
async fn of_concurrent_uploads_to_an_album_with_one_free_place_exactly_one_is_saved() {
    let server = TestServer::start().await;
    server.ann_has_the_gopher().await;
    let photos = PhotosFolder::open(server.photos().to_str().unwrap()).unwrap();
    let album = Album::of(&photos, &server.claims());
    let first = server.files().pop().unwrap();
    for number in 0..MAX_PHOTOS - 2 {
        fs::copy(&first, first.with_file_name(number.to_string())).unwrap();
    }
    let arriving = |number: usize| {
        let (photos, name) = (&photos, PhotoName::parse(&format!("new-{number}")).unwrap());
        async move {
            (name, Upload::receive(photos, stream::iter([Ok(Bytes::from_static(GOPHER))])).await.unwrap())
        }
    };
    for round in 0..20 {
        let outcomes = save_concurrently(&album, join_all((0..8).map(arriving)).await);
        let new: Vec<_> = (0..8).filter(|number| outcomes[*number] == SaveOutcome::Created).collect();
        assert_eq!((new.len(), server.files().len()), (1, MAX_PHOTOS), "round {round}: {outcomes:?}");
        assert!(album.delete(&PhotoName::parse(&format!("new-{}", new[0])).unwrap()).unwrap());
    }
}
