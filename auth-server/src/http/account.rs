//! The account that a request acts on, as a parameter of the handlers of account routes.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use auth_domain::session_of;
use goptri::ProtocolError;
use goptri::actix::Bearer;

use crate::error::Failure;
use crate::flow::{Account, FindAccount};

/// Rejects with 401 if the access token is invalid, for another audience, or of a session that has ended.
impl FromRequest for Account {
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Failure>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let caller = Bearer::from_request(request, payload).into_inner();
        let accounts = request.app_data::<Data<FindAccount>>().cloned();
        Box::pin(async move {
            let caller: Bearer = caller?;
            let accounts =
                accounts.ok_or_else(|| <Failure>::internal("FindAccount is not in the app data"))?;
            let key = session_of(&caller).ok_or(ProtocolError::INVALID_TOKEN)?;
            Ok(accounts.by_session(key).await?)
        })
    }
}
