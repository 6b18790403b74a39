//! The pages that auth-server serves to browsers: askama templates, one stylesheet, one script and the texts.
//!
//! A handler fills a view, [`Pages`] renders it:
//!
//! ```
//! use auth_pages::{Brand, FormContext, Language, Pages, SignIn};
//!
//! let pages = Pages::new(Brand::default());
//! let form = FormContext { csrf: "…", request: None, return_to: None, destination: None };
//! let view = SignIn { form, application: None, email: "", open_registration: true, problem: None };
//! let page = pages.sign_in(Language::English, &view);
//! assert!(page.html.contains("<h1>Sign in</h1>"));
//! assert!(page.content_security_policy.starts_with("default-src 'none'"));
//! ```
//!
//! Views borrow what they show. Errors are enums, so that every text is in the catalogue of each language; only names,
//! addresses and the operator's descriptions come from the caller. The templates escape them, and addresses that a page
//! links to are [`WebUrl`]s, which are always http or https.
//!
//! This crate has no HTTP framework, no store and no clock: where a page shows relative times, the view has `now`.

mod assets;
mod brand;
mod device;
mod language;
mod network;
mod page;
mod shown;
mod text;
mod times;
mod view;
mod web_url;

pub use assets::Asset;
pub use brand::{Brand, BrandError};
pub use language::Language;
pub use page::{Page, Pages};
pub use view::account::{Account, AccountNotice, AccountProblem, AuthorizedApplication, Device};
pub use view::consent::{Consent, Permission};
pub use view::error::{ErrorKind, ErrorPage};
pub use view::form_post::FormPost;
pub use view::inspect::{Claim, ClaimValue, Inspect, Inspection, Verdict};
pub use view::register::{PasswordProblem, Register, RegisterProblem};
pub use view::select_account::SelectAccount;
pub use view::sign_in::{SignIn, SignInProblem};
pub use view::signed_out::{SignedOut, SignedOutReason};
pub use view::{AccessDuration, Application, FormContext};
pub use web_url::{Logo, WebUrl};
