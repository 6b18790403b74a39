//! Who acts on their own account: what the handlers of account routes ask for in their signature.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use auth_domain::session_of;
use goptri::ProtocolError;
use goptri::actix::Bearer;

use crate::flow::{Account, Failure, FindAccount};

/// Refuses with 401 whose access token is not good, not meant for this server, or of a session that has ended.
impl FromRequest for Account {
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Failure>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let caller = Bearer::from_request(request, payload).into_inner();
        let accounts = request.app_data::<Data<FindAccount>>().cloned();
        Box::pin(async move {
            let caller: Bearer = caller?;
            let accounts = accounts.ok_or_else(|| Failure::internal("the accounts are not at hand"))?;
            let key = session_of(&caller).ok_or(ProtocolError::INVALID_TOKEN)?;
            accounts.by_session(key).await
        })
    }
}
