//! The disk of the photos is full.

use std::path::Path;
use std::process::Command;

use crate::support::{GOPHER, TestServer, USER};

/// A file system of 256 KiB in memory. Only root can mount one.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    fn mount(folder: &'a Path) -> Option<Self> {
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=256k", "tmpfs"]).arg(folder).output();
        mount.is_ok_and(|output| output.status.success()).then_some(Self(folder))
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        // Lazily, for the server may still have files open.
        let _ = Command::new("umount").arg("--lazy").arg(self.0).status();
    }
}

fn photo(size: usize) -> Vec<u8> {
    let mut photo = GOPHER.to_vec();
    photo.resize(size, 7);
    photo
}

#[actix_web::test]
async fn an_upload_to_a_full_disk_gets_507_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    let Some(_disk) = SmallDisk::mount(&path) else {
        eprintln!("skipped: this user cannot mount a file system");
        return;
    };
    let server = TestServer::start_in(folder).await;
    let ann = server.user(USER);
    assert_eq!(server.put("/photos/old.png", &ann, GOPHER).await.status, 201);
    for name in ["new.png", "old.png"] {
        let refused = server.put(&format!("/photos/{name}"), &ann, photo(400_000)).await;
        assert_eq!(refused.error(), (507, "insufficient_storage"), "{name}");
        let sentence = refused.body["error_description"].as_str().unwrap();
        assert!(sentence.contains("no room left"), "{sentence}");
        assert_eq!(server.files().len(), 1, "{:?}", server.files());
    }
    assert!(server.get("/photos/old.png", &ann).await.bytes == GOPHER, "the old photo stays");
    assert_eq!(
        server.put("/photos/new.png", &ann, photo(50_000)).await.status,
        201,
        "there is room for this one"
    );
    assert_eq!(server.delete("/photos/old.png", &ann).await.status, 204);
}
