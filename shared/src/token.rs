//! The types of claims, and the encoding and verification of tokens without a guard, for Goptri's own servers and for
//! tools.

pub use crate::access_claims::BUILT_IN_CLIENT;
pub use crate::access_verifier::AccessVerifier;
pub use crate::audience::Audience;
pub use crate::base64url::{decode as decode_base64url, encode as encode_base64url};
pub use crate::claim_text::is_claim_text;
pub use crate::jws::{TokenType, UnverifiedJws};
pub use crate::numeric_date::NumericDate;
pub use crate::scope::InvalidScope;
pub use crate::token_error::MAX_TOKEN_BYTES;
