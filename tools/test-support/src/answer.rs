//! Requests to a server or an app under test, and the responses as a client sees them.

use actix_web::body::MessageBody;
use actix_web::dev::ServiceResponse;
use actix_web::test::{TestRequest, read_body};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{RequestBuilder, Response};
use serde_json::Value;

/// All that a client sees of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
    /// The bytes as text, for messages of tests too.
    pub text: String,
    /// Null unless the body is JSON.
    pub body: Value,
}

impl Answer {
    /// Reads the whole response of a server.
    pub async fn of(response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self::new(status, headers, response.bytes().await.unwrap().to_vec())
    }

    /// Reads the whole response of an app that `actix_web::test` calls.
    pub async fn of_app<B: MessageBody + 'static>(response: ServiceResponse<B>) -> Self {
        let status = response.status().as_u16();
        // Actix and reqwest use two versions of `http`.
        let header =
            |(name, value): (&actix_web::http::header::HeaderName, &actix_web::http::header::HeaderValue)| {
                (
                    HeaderName::from_bytes(name.as_ref()).unwrap(),
                    HeaderValue::from_bytes(value.as_bytes()).unwrap(),
                )
            };
        let mut headers = HeaderMap::new();
        for (name, value) in response.headers().iter().map(header) {
            headers.append(name, value);
        }
        let bytes = read_body(response.map_into_boxed_body()).await.to_vec();
        Self::new(status, headers, bytes)
    }

    /// A response that a test has read.
    pub fn new(status: u16, headers: HeaderMap, bytes: Vec<u8>) -> Self {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let body = serde_json::from_slice(&bytes).unwrap_or_default();
        Self { status, headers, bytes, text, body }
    }

    /// A string in the JSON body.
    pub fn field(&self, name: &str) -> String {
        self.body[name].as_str().unwrap_or_else(|| panic!("no {name}: {}", self.text)).to_owned()
    }

    /// Status and error code. Every error also has a sentence.
    pub fn error(&self) -> (u16, &str) {
        assert!(self.body["error_description"].is_string(), "{}", self.text);
        (self.status, self.body["error"].as_str().unwrap())
    }

    /// The value of a header that occurs at most once.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next().map(|value| value.to_str().unwrap());
        assert!(values.next().is_none(), "two headers {name}: {:?}", self.headers);
        value
    }
}

/// Sends the request.
pub async fn answer(request: RequestBuilder) -> Answer {
    Answer::of(request.send().await.unwrap()).await
}

pub fn get(path: &str) -> TestRequest {
    TestRequest::get().uri(path)
}

pub fn bearing(path: &str, token: &str) -> TestRequest {
    get(path).insert_header(("Authorization", format!("Bearer {token}")))
}
