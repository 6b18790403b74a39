//! `PHOTOS_DIR`, with files that another program put there.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use chrono::TimeDelta;
use goptri::clock::Clock;
use serde_json::json;

use crate::support::{GOPHER, TestServer};

fn only_album(server: &TestServer) -> PathBuf {
    let file = server.files().pop().unwrap();
    file.parent().unwrap().to_owned()
}

#[actix_web::test]
async fn a_link_in_an_album_is_not_followed() {
    let server = TestServer::start().await;
    let ann = server.ann_has_the_gopher().await;
    let outside = tempfile::tempdir().unwrap();
    let (secret, planted) = (outside.path().join("secret.png"), only_album(&server).join("link.png"));
    fs::write(&secret, GOPHER).unwrap();
    symlink(&secret, &planted).unwrap();
    symlink(outside.path(), only_album(&server).join("folder.png")).unwrap();
    fs::create_dir(only_album(&server).join("real-folder.png")).unwrap();
    fs::write(only_album(&server).join("script.png"), "#!/bin/sh\n").unwrap();
    for name in ["link.png", "folder.png", "real-folder.png", "script.png"] {
        assert_eq!(server.get(&format!("/photos/{name}"), &ann).await.error(), (404, "not_found"), "{name}");
    }
    let list = server.get("/photos", &ann).await;
    assert_eq!(list.body["photos"].as_array().unwrap().len(), 1, "{}", list.body);

    let other = [GOPHER, b"other"].concat();
    assert_eq!(server.put("/photos/link.png", &ann, other.clone()).await.status, 204);
    assert!(fs::read(&secret).unwrap() == GOPHER, "the link is replaced, and not its target");
    assert!(server.get("/photos/link.png", &ann).await.bytes == other);
    assert_eq!(server.delete("/photos/folder.png", &ann).await.status, 204);
    assert!(secret.exists(), "the link is deleted, and not its target");
}

#[actix_web::test]
async fn an_album_that_is_a_link_is_not_used() {
    let server = TestServer::start().await;
    let ann = server.ann_has_the_gopher().await;
    let (album, outside) = (only_album(&server), tempfile::tempdir().unwrap());
    fs::remove_dir_all(&album).unwrap();
    fs::write(outside.path().join("secret.png"), GOPHER).unwrap();
    symlink(outside.path(), &album).unwrap();
    for answer in [
        server.get("/photos", &ann).await,
        server.get("/photos/secret.png", &ann).await,
        server.put("/photos/secret.png", &ann, [GOPHER, b"other"].concat()).await,
        server.put("/photos/new.png", &ann, GOPHER).await,
        server.delete("/photos/secret.png", &ann).await,
    ] {
        assert_eq!(answer.error(), (500, "server_error"));
        assert!(!answer.body.to_string().contains(outside.path().to_str().unwrap()));
    }
    let left: Vec<_> = fs::read_dir(outside.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(left, ["secret.png"]);
    assert!(fs::read(outside.path().join("secret.png")).unwrap() == GOPHER);
    assert_eq!(fs::read_dir(server.photos().join(".unfinished")).unwrap().count(), 0);
}

#[actix_web::test]
async fn only_its_owner_can_read_the_folder() {
    let server = TestServer::start().await;
    server.ann_has_the_gopher().await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o077;
    for path in [server.photos(), server.photos().join(".unfinished"), only_album(&server)] {
        assert_eq!(mode(&path), 0, "{}", path.display());
    }
    assert_eq!(mode(&server.files()[0]), 0);
    let album = only_album(&server).file_name().unwrap().to_str().unwrap().to_owned();
    assert!(album.len() == 64 && album.bytes().all(|byte| byte.is_ascii_hexdigit()), "{album}");
}

/// Another api-server may share the folder, and be receiving an upload.
#[actix_web::test]
async fn a_start_deletes_stale_uploads_and_none_that_may_be_in_progress() {
    let folder = tempfile::tempdir().unwrap();
    let unfinished = folder.path().join("photos/.unfinished");
    fs::create_dir_all(&unfinished).unwrap();
    let now = goptri::clock::SystemClock.now();
    for (name, minutes) in [("old", 61), ("recent", 59), ("now", 0), ("ahead", -120)] {
        let file = File::create(unfinished.join(name)).unwrap();
        file.set_modified((now - TimeDelta::minutes(minutes)).into()).unwrap();
    }
    let server = TestServer::start_in(folder).await;
    let mut left: Vec<_> =
        server.files().iter().map(|file| file.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    left.sort_unstable();
    assert_eq!(left, ["ahead", "now", "recent"]);
    let ann = server.ann_has_the_gopher().await;
    assert_eq!(server.get("/photos", &ann).await.body["photos"][0]["size"], json!(GOPHER.len()));
}

#[actix_web::test]
async fn a_second_start_finds_the_photos_of_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let copy = tempfile::tempdir().unwrap();
    let first = TestServer::start_in(folder).await;
    let ann = first.ann_has_the_gopher().await;
    fs::rename(first.photos(), copy.path().join("photos")).unwrap();
    let second = TestServer::start_in(copy).await;
    assert!(second.get("/photos/gopher.png", &ann).await.bytes == GOPHER);
    // The first server holds its folder open, so moving it changes nothing.
    assert!(first.get("/photos/gopher.png", &ann).await.bytes == GOPHER);
}
