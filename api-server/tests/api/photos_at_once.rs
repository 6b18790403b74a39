//! Many at once: readers find whole pictures, and one upload of a new name is the first.

use std::fs;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use actix_web::web::Bytes;
use api_server::photos::{Album, Kept, MAX_PHOTOS, PhotoName, PhotosFolder, Upload};
use futures_util::future::{join, join_all};
use futures_util::stream;

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

/// Straight to the album.
fn keep_at_once(album: &Album, uploads: Vec<(PhotoName, Upload)>) -> Vec<Kept> {
    let start = &Barrier::new(uploads.len());
    let keep = move |(name, upload)| {
        start.wait();
        album.keep(&name, upload).unwrap()
    };
    thread::scope(|scope| {
        let keeping: Vec<_> = uploads.into_iter().map(|upload| scope.spawn(move || keep(upload))).collect();
        keeping.into_iter().map(|keeping| keeping.join().unwrap()).collect()
    })
}

/// Straight to the album, so that they meet at the very moment that counts.
#[actix_web::test]
async fn of_many_uploads_of_a_new_name_one_is_new() {
    let server = TestServer::start();
    let photos = PhotosFolder::open(server.photos().to_str().unwrap()).unwrap();
    let album = photos.album_of(&server.claims());
    for round in 0..100 {
        let name = PhotoName::parse(&round.to_string()).unwrap();
        let arriving =
            (0..4).map(|_| Upload::receive(&photos, stream::iter([Ok(Bytes::from_static(GOPHER))])));
        let uploads = join_all(arriving).await.into_iter().map(|upload| (name.clone(), upload.unwrap()));
        let kept = keep_at_once(&album, uploads.collect());
        let new = kept.iter().filter(|kept| **kept == Kept::New).count();
        assert_eq!(new, 1, "round {round}: {kept:?}");
    }
    assert_eq!(server.files().len(), 100, "{:?}", server.files());
}

#[actix_web::test]
async fn of_many_uploads_for_the_last_place_one_is_kept() {
    let server = TestServer::start();
    server.ann_has_the_gopher().await;
    let photos = PhotosFolder::open(server.photos().to_str().unwrap()).unwrap();
    let album = photos.album_of(&server.claims());
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
        let kept = keep_at_once(&album, join_all((0..8).map(arriving)).await);
        let new: Vec<_> = (0..8).filter(|number| kept[*number] == Kept::New).collect();
        assert_eq!((new.len(), server.files().len()), (1, MAX_PHOTOS), "round {round}: {kept:?}");
        assert!(album.remove(&PhotoName::parse(&format!("new-{}", new[0])).unwrap()).unwrap());
    }
}
