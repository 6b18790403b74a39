//! Refused uploads: the error has one sentence, and no file is left behind, not even a temporary one.

use std::fs;
use std::io::Write;
use std::net::Shutdown;

use api_server::photos::MAX_PHOTOS;

use crate::support::{Answer, GOPHER, TestServer, USER, answer, head};

const LIMIT: usize = 5 * 1024 * 1024;

fn photo(size: usize) -> Vec<u8> {
    let mut photo = GOPHER.to_vec();
    photo.resize(size, 0xa5);
    photo
}

/// With chunked transfer encoding, so that the length is not declared.
fn in_chunks(photo: &[u8]) -> Vec<u8> {
    let chunks = photo.chunks(100_000);
    let framed =
        chunks.flat_map(|chunk| [format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat());
    framed.chain(*b"0\r\n\r\n").collect()
}

fn assert_has_sentence(refused: &Answer) {
    let sentence = refused.body["error_description"].as_str().unwrap();
    assert!(sentence.ends_with('.') && sentence.len() > 20, "{sentence}");
    assert_eq!(refused.header("content-type"), Some("application/json"));
}

#[actix_web::test]
async fn five_mebibytes_are_accepted_and_one_byte_more_is_rejected() {
    let server = TestServer::start().await;
    let ann = server.user(USER);
    let (most, more) = (photo(LIMIT), photo(LIMIT + 1));
    let put_in_chunks = |name: &str, photo: &[u8]| {
        let head = head(&format!("PUT /photos/{name}"), &ann, "Transfer-Encoding: chunked\r\n");
        server.status_of(head, in_chunks(photo))
    };
    assert_eq!(server.put("/photos/declared", &ann, most.clone()).await.status, 201);
    assert_eq!(put_in_chunks("chunked", &most).await, 201);
    for name in ["declared", "chunked"] {
        assert!(server.get(&format!("/photos/{name}"), &ann).await.bytes == most, "{name}");
    }
    let refused = server.put("/photos/more", &ann, more.clone()).await;
    assert_eq!(refused.error(), (413, "payload_too_large"));
    assert_has_sentence(&refused);
    assert_eq!(put_in_chunks("more-chunked", &more).await, 413);
    assert_eq!(put_in_chunks("declared", &more).await, 413);
    assert!(server.get("/photos/declared", &ann).await.bytes == most, "the old photo stays");
    server.wait_for_files(2).await;
}

#[actix_web::test]
async fn an_album_holds_a_thousand_photos() {
    let server = TestServer::start().await;
    let ann = server.ann_has_the_gopher().await;
    let first = server.files().pop().unwrap();
    for number in 1..MAX_PHOTOS - 1 {
        fs::copy(&first, first.with_file_name(number.to_string())).unwrap();
    }
    assert_eq!(server.put("/photos/last", &ann, GOPHER).await.status, 201);
    let refused = server.put("/photos/more", &ann, GOPHER).await;
    assert_eq!(refused.error(), (409, "album_full"));
    assert_has_sentence(&refused);
    let other = [GOPHER, b"other"].concat();
    assert_eq!(server.put("/photos/gopher.png", &ann, other.clone()).await.status, 204);
    assert!(server.get("/photos/gopher.png", &ann).await.bytes == other);
    let list = server.get("/photos", &ann).await;
    assert_eq!(list.body["photos"].as_array().unwrap().len(), 1000);
    server.wait_for_files(1000).await;
    assert_eq!(server.delete("/photos/1", &ann).await.status, 204);
    assert_eq!(server.put("/photos/more", &ann, GOPHER).await.status, 201);
}

/// The client sends no more until it gets the response.
#[actix_web::test]
async fn an_upload_that_is_too_large_is_rejected_before_all_of_it_has_arrived() {
    let server = TestServer::start().await;
    let ann = server.user(USER);
    let declared = head("PUT /photos/a", &ann, "Content-Length: 5242881\r\n");
    assert_eq!(server.status_of(declared, Vec::new()).await, 413);
    let mut endless = format!("{:x}\r\n", LIMIT + 1).into_bytes();
    endless.extend(photo(LIMIT + 1));
    let begun = head("PUT /photos/a", &ann, "Transfer-Encoding: chunked\r\n");
    assert_eq!(server.status_of(begun, endless).await, 413);
    let script = head("PUT /photos/a", &ann, "Content-Length: 1000\r\n");
    assert_eq!(server.status_of(script, b"#!/bin/sh\nrm -rf /\n".to_vec()).await, 415);
    server.wait_for_files(0).await;
}

#[actix_web::test]
async fn a_file_that_is_not_an_image_is_rejected_whatever_its_name() {
    let server = TestServer::start().await;
    let ann = server.ann_has_the_gopher().await;
    for (what, body) in [
        ("a script", &b"#!/bin/sh\necho a photo\n"[..]),
        ("a page", b"<!doctype html><script>alert(1)</script>"),
        ("a drawing with a script", b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script/></svg>"),
        ("a GIF", b"GIF89a\x01\0\x01\0\0\0\0;<script>"),
        ("the beginning of a PNG's signature", b"\x89PNG"),
        ("a signature with a script", b"\x89PNG\r\n\x1a\n<script>alert(1)</script>"),
        ("nothing", b""),
    ] {
        for name in ["new.png", "gopher.png"] {
            let put = server.request("PUT", &format!("/photos/{name}")).bearer_auth(&ann);
            let refused = answer(put.header("Content-Type", "image/png").body(body)).await;
            assert_eq!(refused.error(), (415, "unsupported_media_type"), "{what}");
            assert_has_sentence(&refused);
        }
    }
    assert!(server.get("/photos/gopher.png", &ann).await.bytes == GOPHER, "the old photo stays");
    assert_eq!(server.files().len(), 1, "{:?}", server.files());
}

#[actix_web::test]
async fn a_partial_upload_does_not_replace_the_photo() {
    let server = TestServer::start().await;
    let ann = server.ann_has_the_gopher().await;
    let part = server.request("PUT", "/photos/gopher.png").bearer_auth(&ann);
    let part = part.header("Content-Range", format!("bytes 0-99/{}", GOPHER.len())).body(&GOPHER[..100]);
    let refused = answer(part).await;
    assert_eq!(refused.error(), (400, "invalid_request"));
    assert_has_sentence(&refused);
    assert!(server.get("/photos/gopher.png", &ann).await.bytes == GOPHER);
}

#[actix_web::test]
async fn a_compressed_upload_is_a_415_that_says_to_send_it_uncompressed() {
    let server = TestServer::start().await;
    let ann = server.ann_has_the_gopher().await;
    for (coding, status) in [("gzip", 415), ("br, identity", 415), ("identity", 204)] {
        let upload = server.request("PUT", "/photos/gopher.png").bearer_auth(&ann).body(GOPHER);
        let refused = answer(upload.header("Content-Encoding", coding)).await;
        assert_eq!(refused.status, status, "{coding}");
        if status == 415 {
            assert_has_sentence(&refused);
            let sentence = refused.body["error_description"].as_str().unwrap();
            assert!(sentence.contains("send the body uncompressed"), "{sentence}");
        }
    }
    assert!(server.get("/photos/gopher.png", &ann).await.bytes == GOPHER);
}

#[actix_web::test]
async fn an_upload_that_ends_early_leaves_no_file() {
    let server = TestServer::start().await;
    let ann = server.ann_has_the_gopher().await;
    let whole = photo(200_000);
    let half = &whole[..100_000];
    for framing in ["Content-Length: 200000\r\n", "Transfer-Encoding: chunked\r\n"] {
        for name in ["new.png", "gopher.png"] {
            let mut stream = server.connect();
            stream.write_all(head(&format!("PUT /photos/{name}"), &ann, framing).as_bytes()).unwrap();
            if framing.starts_with('T') {
                stream.write_all(b"186a0\r\n").unwrap();
            }
            stream.write_all(half).unwrap();
            server.wait_for_files(2).await;
            drop(stream);
            server.wait_for_files(1).await;
        }
    }
    let list = server.get("/photos", &ann).await;
    assert_eq!(list.body["photos"].as_array().unwrap().len(), 1, "{}", list.body);
    assert!(server.get("/photos/gopher.png", &ann).await.bytes == GOPHER, "the old photo stays");
}

/// The client has closed only its sending half.
#[actix_web::test]
async fn a_client_that_ends_an_upload_early_and_still_reads_gets_a_400() {
    let server = TestServer::start().await;
    let ann = server.user(USER);
    let mut stream = server.connect();
    stream.write_all(head("PUT /photos/a", &ann, "Content-Length: 200000\r\n").as_bytes()).unwrap();
    stream.write_all(GOPHER).unwrap();
    server.wait_for_files(1).await;
    stream.shutdown(Shutdown::Write).unwrap();
    let response = tokio::task::spawn_blocking(move || {
        let mut response = String::new();
        std::io::Read::read_to_string(&mut stream, &mut response).map(|_| response)
    });
    let response = response.await.unwrap().unwrap();
    assert!(response.starts_with("HTTP/1.1 400"), "{response}");
    assert!(response.contains("stopped before its end"), "{response}");
    assert!(server.files().is_empty(), "{:?}", server.files());
}

#[actix_web::test]
async fn every_method_rejects_an_invalid_name() {
    let server = TestServer::start().await;
    let ann = server.user(USER);
    let (longest, longer) = ("a".repeat(100), "a".repeat(101));
    let table = [
        ("..", 400),
        (".", 400),
        ("..%2f..", 400),
        ("..%2F..%2fetc%2fpasswd", 400),
        ("%2e%2e", 400),
        ("%2e%2e%2f%2e%2e", 400),
        ("%252e%252e", 400),
        ("..%5c..", 400),
        (".hidden", 400),
        (".unfinished", 400),
        ("-rf", 400),
        ("a%00.png", 400),
        ("a%0a.png", 400),
        ("a%20b", 400),
        ("a%22b", 400),
        ("%c3%a4.png", 400),
        ("%ff", 400),
        ("a;b", 400),
        (longer.as_str(), 400),
        // Other paths, which have no route.
        ("", 404),
        ("a/b", 404),
        ("../photos", 404),
        ("a/../b", 404),
        (longest.as_str(), 201),
        ("trailing.", 201),
        ("%61%2e%62", 201),
    ];
    for (name, expected) in table {
        let length = GOPHER.len();
        let put = head(&format!("PUT /photos/{name}"), &ann, &format!("Content-Length: {length}\r\n"));
        assert_eq!(server.status_of(put, GOPHER.to_vec()).await, expected, "PUT {name}");
        for method in ["GET", "HEAD", "DELETE"] {
            let expected = match (expected, method) {
                (201, "DELETE") => 204,
                (201, _) => 200,
                (refused, _) => refused,
            };
            let asked = head(&format!("{method} /photos/{name}"), &ann, "");
            assert_eq!(server.status_of(asked, Vec::new()).await, expected, "{method} {name}");
        }
    }
    assert!(server.files().is_empty(), "{:?}", server.files());
    let refused = server.get("/photos/.hidden", &ann).await;
    assert_eq!(refused.error(), (400, "invalid_name"));
    assert_has_sentence(&refused);
}
