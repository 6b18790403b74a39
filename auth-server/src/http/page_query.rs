//! The query of a route that answers page by page.

use actix_web::web::Query;
use goptri::ProtocolError;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::PAGE_QUERY;

/// `?after=CURSOR`, with `next` of the previous page; nothing else.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PageQuery<C> {
    after: Option<C>,
}

/// The cursor of a query, if it has one.
pub(super) fn after<C: DeserializeOwned>(query: &str) -> Result<Option<C>, ProtocolError> {
    let query = Query::<PageQuery<C>>::from_query(query).map_err(|_| PAGE_QUERY)?;
    Ok(query.into_inner().after)
}
