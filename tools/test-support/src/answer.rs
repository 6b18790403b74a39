//! Requests to an app under test, and its responses as a client sees them.

use actix_web::dev::ServiceResponse;
use actix_web::test::{TestRequest, read_body};

/// All that a client sees of a response.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// By name, sorted.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    pub async fn of(response: ServiceResponse) -> Self {
        let status = response.status().as_u16();
        let headers = response.headers().iter();
        let mut headers: Vec<_> =
            headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
        headers.sort();
        let body = String::from_utf8(read_body(response).await.to_vec()).unwrap();
        Self { status, headers, body }
    }

    /// The values of a header, in the order of the alphabet.
    pub fn header(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
    }

    /// The code in the body.
    pub fn error(&self) -> String {
        let body: serde_json::Value = serde_json::from_str(&self.body).unwrap();
        assert!(body["error_description"].is_string(), "{}", self.body);
        body["error"].as_str().unwrap().to_owned()
    }
}

pub fn get(path: &str) -> TestRequest {
    TestRequest::get().uri(path)
}

pub fn bearing(path: &str, token: &str) -> TestRequest {
    get(path).insert_header(("Authorization", format!("Bearer {token}")))
}
