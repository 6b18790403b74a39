//! A failure as a response.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use goptri::ProtocolError;

use crate::photos::Failure;

fn told(failure: &Failure) -> ProtocolError {
    match failure {
        Failure::Refused(error) => error.clone(),
        Failure::Folder(_) => ProtocolError::SERVER_ERROR,
    }
}

impl ResponseError for Failure {
    fn status_code(&self) -> StatusCode {
        told(self).status_code()
    }

    fn error_response(&self) -> HttpResponse {
        told(self).error_response()
    }
}
