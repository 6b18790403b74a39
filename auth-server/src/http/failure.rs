//! A failure as a response.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};

use crate::error::Failure;

impl ResponseError for Failure {
    fn status_code(&self) -> StatusCode {
        self.public_error().status_code()
    }

    fn error_response(&self) -> HttpResponse {
        self.public_error().error_response()
    }
}
