//! Request bodies: an invalid one gets an error of one sentence, which never repeats the body.

use actix_web::middleware::from_fn;
use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::{App, web};
use goptri_server::{BodyKind, JsonObject, LimitedBody, MAX_BODY_BYTES, response_policy};
use serde::Deserialize;

use test_support::Answer;

/// Part of every invalid body; no response may contain it.
const MARKER: &str = "hunter2";

#[derive(Deserialize)]
struct SignIn {
    email: String,
    password: String,
}

async fn sign_in(JsonObject(body): JsonObject<SignIn>) -> String {
    format!("{} {}", body.email.len(), body.password.len())
}

async fn length(body: LimitedBody) -> String {
    assert!(matches!(body.kind, BodyKind::Json | BodyKind::Other));
    body.bytes.len().to_string()
}

async fn form(body: LimitedBody) -> String {
    assert_eq!(body.kind, BodyKind::Form);
    body.bytes.len().to_string()
}

async fn post(path: &str, content_type: Option<&str>, body: impl Into<Vec<u8>>) -> Answer {
    let app = App::new()
        .wrap(from_fn(response_policy))
        .route("/json", web::post().to(sign_in))
        .route("/any", web::post().to(length))
        .route("/form", web::post().to(form));
    let request = TestRequest::post().uri(path).set_payload(body.into());
    let request =
        content_type.into_iter().fold(request, |request, kind| request.insert_header(("Content-Type", kind)));
    Answer::of_app(call_service(&init_service(app).await, request.to_request()).await).await
}

const GOOD: &str = r#"{"email":"a@b.c","password":"hunter2"}"#;

#[actix_web::test]
async fn a_json_body_is_read() {
    for kind in ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON"] {
        assert_eq!(post("/json", Some(kind), GOOD).await.text, "5 7", "{kind}");
    }
    let unknown = r#"{"email":"a@b.c","password":"hunter2","remember":true}"#;
    assert_eq!(post("/json", Some("application/json"), unknown).await.text, "5 7");
}

/// CK-07: a page of another site can send these without a CORS preflight.
#[actix_web::test]
async fn other_content_types_get_415() {
    let kinds = [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/html",
        "application",
        "json",
        "",
    ];
    for kind in kinds.map(Some).into_iter().chain([None]) {
        let answer = post("/json", kind, GOOD).await;
        assert_eq!(answer.error(), (415, "unsupported_media_type"), "{kind:?}");
        assert!(!answer.text.contains(MARKER), "{}", answer.text);
    }
}

#[actix_web::test]
async fn a_body_that_is_not_the_expected_object_gets_400_without_an_echo() {
    let cut = &GOOD[..GOOD.len() - 1];
    let table: [&[u8]; 27] = [
        b"",
        b"hunter2",
        b"\"hunter2\"",
        b"null",
        b"[\"hunter2\"]",
        br#"["a@b.c","hunter2"]"#,
        br#"{"email":"a@b.c","password":"hunter2","other":1,"other":2}"#,
        b"{}",
        cut.as_bytes(),
        br#"{"password":"hunter2"}"#,
        br#"{"email":"a@b.c"}"#,
        br#"{"email":"a@b.c","passw0rd":"hunter2"}"#,
        br#"{"email":"a@b.c","password":"hunter2","password":"hunter2"}"#,
        br#"{"email":"a@b.c","password":"hunter2","p\u0061ssword":"x"}"#,
        br#"{"email":"a@b.c","password":["hunter2"]}"#,
        br#"{"email":"a@b.c","password":{"hunter2":"hunter2"}}"#,
        br#"{"email":"hunter2","password":null}"#,
        br#"{"email":"hunter2","password":7}"#,
        br#"{"email":true,"password":"hunter2"}"#,
        br#"{"email":"a@b.c","password":"hunter2\ud800"}"#,
        br#"{"email":"a@b.c","password":"hunter2\udc00\ud800"}"#,
        br#"{"email":"a@b.c","password":"hunter2\x"}"#,
        b"{\"email\":\"a@b.c\",\"password\":\"hunter2\0\"}",
        b"{\"email\":\"a@b.c\",\"password\":\"hunter2\n\"}",
        b"{\"email\":\"a@b.c\",\"password\":\"hunter2\xff\"}",
        br#"{"email":"a@b.c","password":"hunter2"}{"hunter2":1}"#,
        br"{'email':'a@b.c','password':'hunter2'}",
    ];
    let utf16 = GOOD.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let deep = format!("{{\"email\":{}", "[".repeat(10_000));
    for body in table.into_iter().chain([utf16.as_slice(), deep.as_bytes()]) {
        let answer = post("/json", Some("application/json"), body).await;
        let shown = String::from_utf8_lossy(&body[..body.len().min(80)]);
        assert_eq!(answer.error(), (400, "invalid_request"), "{shown}");
        assert!(!format!("{answer:?}").contains(MARKER), "{shown}: {answer:?}");
    }
}

#[actix_web::test]
async fn a_body_that_begins_with_a_byte_order_mark_is_a_400_that_names_it() {
    let utf16 = |mark: &[u8], bytes: fn(u16) -> [u8; 2]| {
        [mark, &GOOD.encode_utf16().flat_map(bytes).collect::<Vec<_>>()].concat()
    };
    let bodies = [
        [b"\xef\xbb\xbf", GOOD.as_bytes()].concat(),
        utf16(b"\xff\xfe", u16::to_le_bytes),
        utf16(b"\xfe\xff", u16::to_be_bytes),
    ];
    for body in bodies {
        for (path, kind) in [("/json", "application/json"), ("/any", "application/x-www-form-urlencoded")] {
            let answer = post(path, Some(kind), body.clone()).await;
            assert_eq!(answer.error(), (400, "invalid_request"), "{path}");
            assert!(answer.text.contains("begins with a byte order mark"), "{}", answer.text);
            assert!(!answer.text.contains(MARKER), "{}", answer.text);
        }
    }
    assert_eq!(
        post("/any", None, "\u{feff}x").await.text,
        "4",
        "only JSON and forms are checked for a byte order mark"
    );
}

#[actix_web::test]
async fn a_form_has_at_most_64_fields() {
    let form = "application/x-www-form-urlencoded";
    let fields = |count: usize| vec!["a=1"; count].join("&");
    for count in [0, 1, 64] {
        assert_eq!(post("/form", Some(form), fields(count)).await.status, 200, "{count}");
    }
    for body in [fields(65), "&".repeat(64), fields(MAX_BODY_BYTES / 4)] {
        assert_eq!(post("/form", Some(form), body).await.error(), (400, "invalid_request"));
    }
    assert_eq!(post("/any", Some("text/plain"), fields(65)).await.status, 200);
}

#[actix_web::test]
async fn a_body_with_a_content_encoding_is_a_415_that_says_to_send_it_uncompressed() {
    let app = || App::new().route("/json", web::post().to(sign_in)).route("/any", web::post().to(length));
    let app = init_service(app()).await;
    for (coding, status) in [
        ("gzip", 415),
        ("GZIP", 415),
        ("br", 415),
        ("deflate", 415),
        ("zstd", 415),
        ("x-unknown", 415),
        ("identity, gzip", 415),
        ("gzip,identity", 415),
        ("identity", 200),
        ("Identity", 200),
        ("", 200),
    ] {
        for path in ["/json", "/any"] {
            let request = TestRequest::post().uri(path).set_payload(GOOD);
            let request = request
                .insert_header(("Content-Type", "application/json"))
                .insert_header(("Content-Encoding", coding));
            let answer = call_service(&app, request.to_request()).await;
            let answer = Answer::of_app(answer).await;
            assert_eq!(answer.status, status, "{path} {coding:?}");
            assert_eq!(answer.text.contains("send the body uncompressed"), status == 415, "{}", answer.text);
        }
    }
}

#[actix_web::test]
async fn a_body_of_the_maximum_size_is_read_and_one_byte_more_gets_413() {
    let of_length = |length: usize| format!("{GOOD}{}", " ".repeat(length - GOOD.len()));
    for (length, status) in [(MAX_BODY_BYTES, 200), (MAX_BODY_BYTES + 1, 413), (1 << 20, 413)] {
        for path in ["/json", "/any"] {
            let answer = post(path, Some("application/json"), of_length(length)).await;
            assert_eq!(answer.status, status, "{path}: {length} bytes");
            assert!(!answer.text.contains(MARKER));
            if status == 413 {
                assert_eq!(answer.error().1, "payload_too_large");
            }
        }
    }
    assert_eq!(post("/any", None, GOOD).await.text, GOOD.len().to_string());
}
