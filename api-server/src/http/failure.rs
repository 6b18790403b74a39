//! A failure as a response.

use std::io::ErrorKind;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use goptri::ProtocolError;

use crate::error::DISK_FULL;
use crate::photos::Failure;

fn public_error(failure: &Failure) -> ProtocolError {
    match failure {
        Failure::Refused(refusal) => refusal.protocol_error(),
        Failure::Token(error) => error.clone(),
        Failure::Folder(error)
            if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) =>
        {
            DISK_FULL
        }
        Failure::Folder(_) => ProtocolError::SERVER_ERROR,
    }
}

impl ResponseError for Failure {
    fn status_code(&self) -> StatusCode {
        public_error(self).status_code()
    }

    fn error_response(&self) -> HttpResponse {
        public_error(self).error_response()
    }
}
