//! Caches lists of albums, because making a list opens every photo of the album.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use goptri::revocation::MonotonicClock;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use rustix::fs::fstat;
use serde::Serialize;

use super::album::{Album, ListedPhoto};

/// The most memory that all lists together take. The list of a full album takes about 100 KB.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// How long a list is used. If another program writes into a photo, the list shows its old size for this long.
const MAX_AGE: Duration = Duration::from_secs(1);

/// The lists of the albums that were listed last, as JSON.
///
/// A list shows each change that this server has made, and each that adds, removes or replaces a file.
#[derive(Debug)]
pub struct Listings {
    cache: Cache<String, Listing, ByLength>,
    clock: Arc<dyn MonotonicClock>,
}

#[derive(Debug, Clone)]
struct Listing {
    json: Arc<[u8]>,
    version: Version,
    made_at: Duration,
}

/// Changes with every change of the album's folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Version {
    /// Changes by this server: two within one clock tick leave the folder with the same modification time.
    own_changes: u64,
    inode: u64,
    changed_at: (i64, u64),
}

#[derive(Debug, Clone)]
struct ByLength;

impl Weighter<String, Listing> for ByLength {
    fn weight(&self, album: &String, listing: &Listing) -> u64 {
        (album.len() + listing.json.len()) as u64
    }
}

/// The body of `GET /photos`.
#[derive(Serialize)]
struct Body {
    photos: Vec<ListedPhoto>,
}

impl Listings {
    /// An empty cache.
    pub fn new(clock: Arc<dyn MonotonicClock>) -> Self {
        Self { cache: Cache::with_weighter(1_000, MAX_BYTES, ByLength), clock }
    }

    /// The photos of the album, sorted by name, as JSON. Blocks on files.
    pub fn json_of(&self, album: &Album) -> io::Result<Arc<[u8]>> {
        let own_changes = album.own_changes();
        let Some(folder) = album.folder()? else { return Ok(json(Vec::new())?.into()) };
        let version = Version::of(&folder, own_changes)?;
        let now = self.clock.elapsed();
        let known = self
            .cache
            .get(album.name())
            .filter(|known| known.version == version && now.saturating_sub(known.made_at) < MAX_AGE);
        if let Some(known) = known {
            return Ok(known.json);
        }
        let json: Arc<[u8]> = json(Album::list_folder(&folder)?)?.into();
        let listing = Listing { json: Arc::clone(&json), version, made_at: now };
        self.cache.insert(album.name().to_owned(), listing);
        Ok(json)
    }
}

impl Version {
    fn of(folder: &OwnedFd, own_changes: u64) -> io::Result<Self> {
        let status = fstat(folder)?;
        #[expect(clippy::useless_conversion, reason = "the types differ between systems")]
        let changed_at = (status.st_ctime.into(), u64::try_from(status.st_ctime_nsec).unwrap_or(0));
        Ok(Self { own_changes, inode: status.st_ino, changed_at })
    }
}

fn json(photos: Vec<ListedPhoto>) -> io::Result<Vec<u8>> {
    Ok(serde_json::to_vec(&Body { photos })?)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicU64, Ordering};

    use goptri::token::Audience;
    use goptri::{AccessClaims, Caller, User};
    use serde_json::Value;
    use tempfile::TempDir;

    use super::super::{PhotoName, PhotosFolder};
    use super::*;

    const JPEG: &[u8] = b"\xff\xd8\xff\xe0";

    /// A clock that only the test moves.
    #[derive(Debug, Default)]
    struct Seconds(AtomicU64);

    impl MonotonicClock for Seconds {
        fn elapsed(&self) -> Duration {
            Duration::from_secs(self.0.load(Ordering::SeqCst))
        }
    }

    struct Fixture {
        folder: TempDir,
        album: Album,
        clock: Arc<Seconds>,
        listings: Listings,
    }

    impl Fixture {
        /// An album with the photos `a` and `b`.
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let photos = PhotosFolder::open(folder.path().to_str().unwrap()).unwrap();
            let claims =
                AccessClaims::new("iss", Audience([].into()), Caller::User(User::new("ann", "session")));
            let (album, clock) = (Album::of(&photos, &claims), Arc::new(Seconds::default()));
            let listings = Listings::new(clock.clone());
            fs::create_dir(folder.path().join(album.name())).unwrap();
            let fixture = Self { folder, album, clock, listings };
            for name in ["a", "b"] {
                fs::write(fixture.file(name), JPEG).unwrap();
            }
            fixture
        }

        fn file(&self, name: &str) -> PathBuf {
            self.folder.path().join(self.album.name()).join(name)
        }

        /// Name and size of each photo.
        fn list(&self) -> String {
            let list: Value = serde_json::from_slice(&self.listings.json_of(&self.album).unwrap()).unwrap();
            let photos = list["photos"].as_array().unwrap().iter();
            let shown = photos.map(|photo| format!("{}{}", photo["name"].as_str().unwrap(), photo["size"]));
            shown.collect::<Vec<_>>().join(" ")
        }
    }

    #[test]
    fn a_list_is_made_again_after_a_second() {
        let fixture = Fixture::new();
        assert_eq!(fixture.list(), "a4 b4");
        // This changes the file, and not the folder.
        fs::write(fixture.file("a"), [JPEG, b"more"].concat()).unwrap();
        assert_eq!(fixture.list(), "a4 b4", "the list is cached");
        fixture.clock.0.store(1, Ordering::SeqCst);
        assert_eq!(fixture.list(), "a8 b4");
    }

    #[test]
    fn changes_of_this_server_are_listed_immediately_also_within_one_tick_of_the_file_system() {
        let fixture = Fixture::new();
        for _ in 0..100 {
            assert_eq!(fixture.list(), "a4 b4");
            assert!(fixture.album.delete(&PhotoName::parse("a").unwrap()).unwrap());
            assert_eq!(fixture.list(), "b4");
            fs::write(fixture.file("a"), JPEG).unwrap();
            // Counts as a change, and changes nothing.
            assert!(!fixture.album.delete(&PhotoName::parse("c").unwrap()).unwrap());
        }
    }

    #[test]
    fn an_album_without_a_folder_is_empty() {
        let fixture = Fixture::new();
        fs::remove_dir_all(fixture.file("")).unwrap();
        assert_eq!(fixture.list(), "");
    }
}
