//! Photos: upload, list, download, replace, delete, and the scopes that permit it.

use goptri::Scope;
use goptri::clock::Clock;
use serde_json::json;

use crate::support::{GOPHER, TestServer, USER, answer, sign};

const BOB: &str = "0193b3a4-0000-7000-8000-00000000000b";

#[actix_web::test]
async fn a_photo_is_uploaded_listed_downloaded_replaced_and_deleted() {
    let server = TestServer::start().await;
    let ann = server.user(USER);
    assert_eq!(server.get("/photos", &ann).await.body, json!({ "photos": [] }));
    let new = server.put("/photos/gopher.png", &ann, GOPHER).await;
    assert_eq!((new.status, new.bytes.len()), (201, 0));

    let list = server.get("/photos", &ann).await;
    let modified = list.body["photos"][0]["modified"].as_str().unwrap();
    let age = server.clock.now() - chrono::DateTime::parse_from_rfc3339(modified).unwrap().to_utc();
    assert!((-1..60).contains(&age.num_seconds()) && modified.ends_with('Z'), "{modified}");
    let listed =
        json!({ "name": "gopher.png", "type": "image/png", "size": GOPHER.len(), "modified": modified });
    assert_eq!(list.body, json!({ "photos": [listed] }));

    let shown = server.get("/photos/gopher.png", &ann).await;
    assert!(shown.status == 200 && shown.bytes == GOPHER, "{}", shown.status);

    let other = [GOPHER, b"more"].concat();
    let replaced = server.put("/photos/gopher.png", &ann, other.clone()).await;
    assert_eq!((replaced.status, replaced.bytes.len()), (204, 0));
    assert!(server.get("/photos/gopher.png", &ann).await.bytes == other);
    assert_eq!(server.files().len(), 1, "nothing else is left: {:?}", server.files());

    assert_eq!(server.delete("/photos/gopher.png", &ann).await.status, 204);
    assert_eq!(server.delete("/photos/gopher.png", &ann).await.error(), (404, "not_found"));
    assert_eq!(server.get("/photos/gopher.png", &ann).await.error(), (404, "not_found"));
    assert_eq!(server.get("/photos", &ann).await.body, json!({ "photos": [] }));
    assert!(server.files().is_empty(), "{:?}", server.files());
    assert_eq!(
        server.put("/photos/gopher.png", &ann, GOPHER).await.status,
        201,
        "the name can be used again"
    );
}

#[actix_web::test]
async fn the_list_is_sorted_and_shows_the_detected_types() {
    let server = TestServer::start().await;
    let ann = server.user(USER);
    let (jpeg, webp) = (b"\xff\xd8\xff\xe0\0\x10JFIF\0", b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0");
    for (name, photo) in [("c.jpeg", GOPHER), ("B.gif", jpeg), ("a.html", webp)] {
        let put = server.request("PUT", &format!("/photos/{name}")).bearer_auth(&ann);
        let put = answer(put.header("Content-Type", "text/html").body(photo)).await;
        assert_eq!(put.status, 201, "{name}");
    }
    let list = server.get("/photos", &ann).await;
    let photos = list.body["photos"].as_array().unwrap();
    let listed: Vec<_> = photos
        .iter()
        .map(|photo| (photo["name"].as_str().unwrap(), photo["type"].as_str().unwrap()))
        .collect();
    assert_eq!(listed, [("B.gif", "image/jpeg"), ("a.html", "image/webp"), ("c.jpeg", "image/png")]);
    for (name, media_type) in listed {
        let shown = server.get(&format!("/photos/{name}"), &ann).await;
        assert_eq!(shown.header("content-type"), Some(media_type), "{name}");
        assert_eq!(shown.headers["content-disposition"], format!("inline; filename=\"{name}\""));
    }
}

#[actix_web::test]
async fn each_caller_has_an_album_of_their_own() {
    let server = TestServer::start().await;
    server.ann_has_the_gopher().await;
    let others = [
        ("bob", server.user(BOB)),
        ("a client with her id", server.client(USER)),
        ("a client with a path", server.client(&format!("../{USER}"))),
        ("a client with dots", server.client("..")),
        ("a client with a slash", server.client("/")),
        ("a client with a space", server.client("a b")),
        ("her id in capitals", server.user(&USER.to_uppercase())),
    ];
    for (who, token) in &others {
        assert_eq!(server.get("/photos", token).await.body, json!({ "photos": [] }), "{who}");
        assert_eq!(server.get("/photos/gopher.png", token).await.error(), (404, "not_found"), "{who}");
        assert_eq!(server.delete("/photos/gopher.png", token).await.error(), (404, "not_found"), "{who}");
        let own = [GOPHER, who.as_bytes()].concat();
        assert_eq!(server.put("/photos/gopher.png", token, own).await.status, 201, "{who}");
    }
    for (who, token) in &others {
        let own = [GOPHER, who.as_bytes()].concat();
        assert!(server.get("/photos/gopher.png", token).await.bytes == own, "{who}");
    }
    // auth-server never issues such a token.
    for token in [server.client(""), server.client("a\0b"), server.user(""), server.user("\0")] {
        assert_eq!(server.get("/photos", &token).await.error(), (401, "invalid_token"));
    }
    assert!(server.get("/photos/gopher.png", &server.user(USER)).await.bytes == GOPHER);
    assert_eq!(server.files().len(), 1 + others.len(), "all are in the folder: {:?}", server.files());
}

#[actix_web::test]
async fn the_scope_to_read_does_not_allow_writing_nor_the_other_way_round() {
    let server = TestServer::start().await;
    server.ann_has_the_gopher().await;
    let with = |scope: &str| {
        let mut claims = server.claims();
        claims.scope = Scope::parse(scope).unwrap();
        sign(&claims)
    };
    let (reader, writer) = (with("photos:read"), with("photos:write"));
    let path = "/photos/gopher.png";
    for refused in [
        server.put(path, &reader, GOPHER).await,
        server.delete(path, &reader).await,
        server.get(path, &writer).await,
        server.get("/photos", &writer).await,
        server.put("/photos/.bad", &reader, GOPHER).await,
    ] {
        assert_eq!(refused.error(), (403, "insufficient_scope"));
        assert!(
            refused.header("www-authenticate").unwrap().contains("scope=\"photos:"),
            "{:?}",
            refused.headers
        );
    }
    assert_eq!(server.get(path, &reader).await.status, 200);
    assert_eq!(server.put(path, &writer, GOPHER).await.status, 204);
    assert_eq!(server.delete(path, &writer).await.status, 204);
}

#[actix_web::test]
async fn only_its_owner_may_cache_a_photo_and_no_browser_guesses_its_type() {
    let server = TestServer::start().await;
    let ann = server.ann_has_the_gopher().await;
    let path = "/photos/gopher.png";
    let shown = server.get(path, &ann).await;
    for (header, value) in [
        ("content-type", "image/png"),
        ("cache-control", "private, no-cache"),
        ("x-content-type-options", "nosniff"),
        ("accept-ranges", "bytes"),
        ("content-length", &GOPHER.len().to_string()),
    ] {
        assert_eq!(shown.header(header), Some(value), "{header}");
    }
    assert!(shown.header("content-security-policy").unwrap().contains("default-src 'none'"));
    assert!(shown.header("last-modified").is_some() && shown.header("etag").unwrap().starts_with('"'));

    let head = answer(server.request("HEAD", path).bearer_auth(&ann)).await;
    assert_eq!((head.status, head.bytes.len()), (200, 0));
    for header in ["content-type", "content-length", "etag", "cache-control", "content-disposition"] {
        assert_eq!(head.header(header), shown.header(header), "{header}");
    }
    assert_eq!(answer(server.request("HEAD", "/photos/none").bearer_auth(&ann)).await.status, 404);
}

#[actix_web::test]
async fn an_unchanged_photo_is_a_304_until_it_is_replaced() {
    let server = TestServer::start().await;
    let ann = server.ann_has_the_gopher().await;
    let path = "/photos/gopher.png";
    let first = server.get(path, &ann).await;
    let ask = |header: &str, value: &str| {
        answer(server.request("GET", path).bearer_auth(&ann).header(header, value))
    };
    let etag = first.header("etag").unwrap();
    let known = ask("If-None-Match", etag).await;
    assert_eq!((known.status, known.bytes.len(), known.header("etag")), (304, 0, Some(etag)));
    assert_eq!(known.header("cache-control"), Some("private, no-cache"));
    assert_eq!(ask("If-Modified-Since", first.header("last-modified").unwrap()).await.status, 304);
    assert_eq!(ask("If-Match", "\"another\"").await.error(), (412, "precondition_failed"));

    // The same length, and perhaps the same second.
    let mut other = GOPHER.to_vec();
    *other.last_mut().unwrap() ^= 1;
    assert_eq!(server.put(path, &ann, other.clone()).await.status, 204);
    let changed = ask("If-None-Match", etag).await;
    assert!(changed.status == 200 && changed.bytes == other && changed.header("etag") != Some(etag));
    assert_eq!(ask("If-Match", etag).await.error(), (412, "precondition_failed"));
}

#[actix_web::test]
async fn a_range_of_a_photo_can_be_downloaded() {
    let server = TestServer::start().await;
    let ann = server.ann_has_the_gopher().await;
    let etag = server.get("/photos/gopher.png", &ann).await.header("etag").unwrap().to_owned();
    let all = GOPHER.len();
    for (range, expected) in [
        ("bytes=0-15", Some(0..16)),
        ("bytes=100-199", Some(100..200)),
        ("bytes=-10", Some(all - 10..all)),
        ("bytes=4000-", Some(4000..all)),
        ("bytes=4000-99999999", Some(4000..all)),
        ("bytes=99999999-", None),
        ("bytes=x", None),
    ] {
        let asked = server.request("GET", "/photos/gopher.png").bearer_auth(&ann).header("Range", range);
        let part = answer(asked).await;
        if let Some(expected) = expected {
            assert!(part.status == 206 && part.bytes == GOPHER[expected.clone()], "{range}: {}", part.status);
            let expected_range = format!("bytes {}-{}/{all}", expected.start, expected.end - 1);
            assert_eq!(part.headers["content-range"], expected_range);
            assert_eq!(
                (part.header("content-type"), part.header("etag")),
                (Some("image/png"), Some(etag.as_str()))
            );
        } else {
            assert_eq!(part.error(), (416, "range_not_satisfiable"), "{range}");
            assert_eq!(part.headers["content-range"], format!("bytes */{all}"));
        }
    }
    let other = server.request("GET", "/photos/gopher.png").bearer_auth(&ann);
    let other = answer(other.header("Range", "bytes=0-15").header("If-Range", "\"another\"")).await;
    assert!(other.status == 200 && other.bytes == GOPHER, "ranges of two versions are not combined");
}
