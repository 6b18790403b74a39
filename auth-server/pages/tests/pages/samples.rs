//! Every page in each of its states, filled with given words.
#![expect(clippy::unwrap_used, reason = "a panic shows which sample is wrong")]

use std::net::IpAddr;

use auth_pages::{
    AccessDuration, Account, AccountNotice, AccountProblem, Application, AuthorizedApplication, Claim,
    ClaimValue, Consent, Device, ErrorKind, ErrorPage, FormContext, FormPost, Inspect, Inspection, Language,
    Logo, Page, Pages, PasswordProblem, Permission, Register, RegisterProblem, SelectAccount, SignIn,
    SignInProblem, SignedOut, SignedOutReason, Verdict, WebUrl,
};
use chrono::{DateTime, TimeDelta, Utc};

/// The texts that come from users, applications and the operator.
pub(crate) struct Words {
    pub(crate) application: &'static str,
    pub(crate) email: &'static str,
    pub(crate) permissions: [&'static str; 3],
    pub(crate) user_agents: [&'static str; 3],
    /// Values of hidden fields.
    pub(crate) hidden: &'static str,
    pub(crate) claim: &'static str,
    pub(crate) request_id: &'static str,
    pub(crate) destination: &'static str,
    pub(crate) home: &'static str,
    pub(crate) logo: &'static str,
}

pub(crate) const ORDINARY: Words = Words {
    application: "Print Shop",
    email: "alex@example.com",
    permissions: ["See your photos", "Add photos to your albums", "Order prints to your address"],
    user_agents: [
        "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 Version/26.0 Safari/604.1",
        "okhttp/4.12.0",
    ],
    hidden: "VmFsdWUgb2YgYSBoaWRkZW4gZmllbGQ",
    claim: "0198c0de-7d5c-7c3a-9d8e-2f1d5a4b3c21",
    request_id: "5f3c1a9e2b7d4f60",
    destination: "https://print.example/callback",
    home: "https://print.example/",
    logo: "/logos/print-shop.svg",
};

pub(crate) const HOSTILE: Words = Words {
    application: "\u{202e}\"><script>alert(1)</script>",
    email: "'\"><script>alert(1)</script>@example.com",
    permissions: ["</li></ul><script>alert(1)</script>", "&lt;b&gt;\u{2028}", "\u{202e}{{ 7*7 }}"],
    user_agents: ["Firefox\"><script>alert(1)</script>", "iPhone</p><svg onload=alert(1)>", "\u{202e}<!--"],
    hidden: "\" onfocus=alert(1) autofocus x=\"",
    claim: "</code><script>alert(1)</script>",
    request_id: "\"><script>alert(1)</script>",
    destination: "https://print.example/\"><script>alert(1)</script>; script-src *",
    home: "https://print.example/\"><script>alert(1)</script>",
    logo: "/\"><script>alert(1)</script>",
};

/// Names have 200 characters, a word without spaces among them; a sealed request has 2 KB.
pub(crate) const LONG: Words = Words {
    application: NAME_OF_200,
    email: "a.very.long.address.of.customer.who.has.many.names.and.likes@a.domain.that.is.nearly.as.long.as.the.rules.of.names.allow.and.has.no.good.place.to.break.it.example.com",
    permissions: [
        SENTENCE,
        "See your photos",
        "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen sehen",
    ],
    user_agents: [NAME_OF_200, NAME_OF_200, NAME_OF_200],
    hidden: SEALED_REQUEST,
    claim: SENTENCE,
    request_id: NAME_OF_200,
    destination: "https://a.host.with.a.long.name.that.does.not.fit.on.one.line.of.a.phone.example.com/callback",
    home: "https://a.host.with.a.long.name.that.does.not.fit.on.one.line.of.a.phone.example.com/",
    logo: "/logos/print-shop.svg",
};

const NAME_OF_200: &str = "The Wonderful Print Shop of Xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx and Sons photographs and albums photographs and albums photographs and albums photographs and.";

const SENTENCE: &str = "See, sort, print, enlarge, frame and send all your photos and albums, and those that others have shared with you, also while you are not using the application and on each of your devices";

const SEALED_REQUEST: &str = "abcdefghijklmnopqrstuvwxyz012345abcdefghijklmnopqrstuvwxyz012345abcdefghijklmnopqrstuvwxyz012345abcdefghijklmnopqrstuvwxyz012345abcdefghijklmnopqrstuvwxyz012345abcdefghijklmnopqrstuvwxyz012345abcdefghijklmnopqrstuvwxyz012345abcdefghijklmnopqrstuvwxyz012345abcdefghijklmnopqrstuvwxyz012345abcdefghijklmnopqrstuvwxyz012345abcdefghijklmnopqrstuvwxyz012345abcdefghijklmnopqrstuvwxyz012345abcdefghijklmnopqrstuvwxyz012345abcdefghijklmnopqrstuvwxyz012345abcdefghijklmnopqrstuvwxyz012345abcdefghijklmnopqrstuvwxyz012345abcdefghijklmnopqrstuvwxyz012345abcdefghijklmnopqrstuvwxyz012345abcdefghijklmnopqrstuvwx";

/// A page, and the name of its state.
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) page: Page,
}

/// The beginning of the names of pages for developers, which may use the words of the specifications.
pub(crate) const FOR_DEVELOPERS: &str = "inspect";

/// Renders every page in each state.
pub(crate) fn all(pages: &Pages, language: Language, words: &Words) -> Vec<Sample> {
    let mut gallery = Gallery { pages, language, words, samples: Vec::new() };
    gallery.sign_in();
    gallery.register();
    gallery.consent();
    gallery.small_pages();
    gallery.errors();
    gallery.account();
    gallery.account_problems();
    gallery.inspect();
    gallery.samples
}

struct Gallery<'a> {
    pages: &'a Pages,
    language: Language,
    words: &'a Words,
    samples: Vec<Sample>,
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_773_324_300, 0).unwrap()
}

fn ago(minutes: i64) -> DateTime<Utc> {
    now() - TimeDelta::minutes(minutes)
}

impl<'a> Gallery<'a> {
    fn add(&mut self, name: impl Into<String>, page: Page) {
        self.samples.push(Sample { name: name.into(), page });
    }

    fn form(&self) -> FormContext<'a> {
        FormContext {
            csrf: self.words.hidden,
            request: Some(self.words.hidden),
            return_to: None,
            destination: Some(self.words.destination),
        }
    }

    /// Without a pending request.
    fn plain_form(&self) -> FormContext<'a> {
        FormContext { request: None, return_to: Some(self.words.hidden), destination: None, ..self.form() }
    }

    fn application(&self, known: bool) -> Application<'a> {
        Application {
            name: self.words.application,
            home: WebUrl::parse(self.words.home),
            logo: known.then(|| Logo::parse(self.words.logo).unwrap()),
            policy: WebUrl::parse(self.words.home),
            known,
        }
    }

    fn sign_in(&mut self) {
        let problems = [
            ("wrong", SignInProblem::WrongEmailOrPassword),
            ("wait", SignInProblem::TryAgainIn { seconds: 90 }),
            ("busy", SignInProblem::Busy),
            ("expired", SignInProblem::Expired),
        ];
        let view = SignIn {
            form: self.plain_form(),
            application: None,
            email: "",
            open_registration: false,
            problem: None,
        };
        self.add("sign-in", self.pages.sign_in(self.language, &view));
        let view = SignIn {
            form: self.form(),
            application: Some(self.words.application),
            email: self.words.email,
            open_registration: true,
            problem: None,
        };
        self.add("sign-in-to-application", self.pages.sign_in(self.language, &view));
        for (name, problem) in problems {
            let view = SignIn { problem: Some(problem), ..view };
            self.add(format!("sign-in-{name}"), self.pages.sign_in(self.language, &view));
        }
    }

    fn register(&mut self) {
        let problems = [
            ("address", RegisterProblem::AddressUnusable),
            ("taken", RegisterProblem::AddressTaken),
            ("short", RegisterProblem::Password(PasswordProblem::TooShort)),
            ("long", RegisterProblem::Password(PasswordProblem::TooLong)),
            ("nul", RegisterProblem::Password(PasswordProblem::Nul)),
            ("obvious", RegisterProblem::Password(PasswordProblem::Obvious)),
            ("common", RegisterProblem::Password(PasswordProblem::Common)),
            ("closed", RegisterProblem::Closed),
            ("wait", RegisterProblem::TryAgainIn { seconds: 3_000 }),
            ("busy", RegisterProblem::Busy),
            ("expired", RegisterProblem::Expired),
        ];
        let view = Register {
            form: self.form(),
            application: Some(self.words.application),
            email: self.words.email,
            min_password_length: 15,
            problem: None,
        };
        self.add("register", self.pages.register(self.language, &Register { email: "", ..view }));
        for (name, problem) in problems {
            let view = Register { problem: Some(problem), ..view };
            self.add(format!("register-{name}"), self.pages.register(self.language, &view));
        }
    }

    fn consent(&mut self) {
        let described = self.words.permissions.map(Permission::Described);
        let permissions = [&[Permission::Identity, Permission::Email], described.as_slice()].concat();
        let known = Consent {
            form: self.form(),
            application: self.application(true),
            permissions: &described,
            lasts: AccessDuration::WhileSignedIn,
            email: self.words.email,
        };
        self.add("consent", self.pages.consent(self.language, &known));
        let unknown = Consent {
            application: self.application(false),
            permissions: &permissions,
            lasts: AccessDuration::UntilTakenBack,
            ..known.clone()
        };
        self.add("consent-unknown", self.pages.consent(self.language, &unknown));
        let form = FormContext { destination: Some("com.example.printer:/callback"), ..self.form() };
        let application = Application { home: None, policy: None, ..self.application(false) };
        let local = Consent { form, application, permissions: &permissions[..1], ..known };
        self.add("consent-this-device", self.pages.consent(self.language, &local));
    }

    fn small_pages(&mut self) {
        let view = SelectAccount {
            form: self.form(),
            application: Some(self.words.application),
            email: self.words.email,
        };
        self.add("select-account", self.pages.select_account(self.language, &view));
        let view = FormPost {
            action: WebUrl::parse(self.words.destination).unwrap(),
            application: self.words.application,
            fields: &[("code", self.words.hidden), ("state", self.words.hidden)],
        };
        self.add("form-post", self.pages.form_post(self.language, &view));
        for (name, reason) in
            [("signed-out", SignedOutReason::SignedOut), ("account-deleted", SignedOutReason::AccountDeleted)]
        {
            self.add(name, self.pages.signed_out(self.language, &SignedOut { reason }));
        }
    }

    fn errors(&mut self) {
        for (name, kind) in [
            ("application", ErrorKind::UnknownApplication),
            ("redirect-uri", ErrorKind::WrongRedirectUri),
            ("request", ErrorKind::UnusableRequest),
            ("two-cookies", ErrorKind::TwoCookies),
            ("request-expired", ErrorKind::RequestExpired),
            ("return-address", ErrorKind::WrongReturnAddress),
            ("form-expired", ErrorKind::FormExpired),
            ("other-site", ErrorKind::OtherSite),
            ("not-found", ErrorKind::NotFound),
            ("form", ErrorKind::UnusableForm),
            ("wait", ErrorKind::TooManyRequests { seconds: 1 }),
            ("unavailable", ErrorKind::Unavailable),
            ("internal", ErrorKind::Internal),
        ] {
            let view = ErrorPage { kind, request_id: Some(self.words.request_id) };
            self.add(format!("error-{name}"), self.pages.error(self.language, &view));
        }
    }

    fn devices(&self) -> [Device<'a>; 3] {
        let device = |index: usize, address: &str, minutes| Device {
            id: self.words.hidden,
            user_agent: Some(self.words.user_agents[index]),
            address: Some(address.parse::<IpAddr>().unwrap()),
            signed_in: ago(minutes * 10),
            last_active: ago(minutes),
            is_this_device: index == 0,
        };
        [device(0, "203.0.113.77", 0), device(1, "2001:db8:1::1", 5), device(2, "198.51.100.4", 3 * 24 * 60)]
    }

    fn account(&mut self) {
        let applications = [true, false].map(|known| AuthorizedApplication {
            client_id: self.words.hidden,
            name: self.words.application,
            home: WebUrl::parse(self.words.home),
            logo: self.application(known).logo,
            permissions: &self.words.permissions,
            lasts: if known { AccessDuration::WhileSignedIn } else { AccessDuration::UntilTakenBack },
            allowed: ago(60 * 24 * 40),
        });
        let devices = self.devices();
        let empty = Account {
            csrf: self.words.hidden,
            email: self.words.email,
            now: now(),
            devices: &devices[..1],
            more_devices: 0,
            applications: &[],
            min_password_length: 15,
            notice: None,
            problem: None,
        };
        self.add("account-empty", self.pages.account(self.language, &empty));
        let many = Account { devices: &devices, more_devices: 1_204, applications: &applications, ..empty };
        self.add("account", self.pages.account(self.language, &many));
        for notice in
            [AccountNotice::DeviceEnded, AccountNotice::ApplicationWithdrawn, AccountNotice::PasswordChanged]
        {
            let view = Account { notice: Some(notice), ..many };
            self.add(format!("account-{}", notice.as_str()), self.pages.account(self.language, &view));
        }
    }

    fn account_problems(&mut self) {
        let devices = self.devices();
        for (name, problem) in [
            ("current-password", AccountProblem::WrongCurrentPassword),
            ("new-password", AccountProblem::NewPassword(PasswordProblem::Common)),
            ("delete", AccountProblem::WrongPasswordToDelete),
            ("wait", AccountProblem::TryAgainIn { seconds: 60 * 60 * 3 }),
            ("busy", AccountProblem::Busy),
            ("expired", AccountProblem::Expired),
        ] {
            let view = Account {
                csrf: self.words.hidden,
                email: self.words.email,
                now: now(),
                devices: &devices,
                more_devices: 0,
                applications: &[],
                min_password_length: 15,
                notice: None,
                problem: Some(problem),
            };
            self.add(format!("account-wrong-{name}"), self.pages.account(self.language, &view));
        }
    }

    fn inspect(&mut self) {
        let text = |name, value| Claim { name, value: ClaimValue::Text(value) };
        let time = |name, time| Claim { name, value: ClaimValue::Time(time) };
        let header = [text("alg", "EdDSA"), text("typ", "at+jwt"), text("kid", self.words.claim)];
        let claims = [
            text("iss", "https://login.example.com"),
            text("sub", self.words.claim),
            text("aud", "https://api.example.com"),
            text("scope", "photos:read photos:write"),
            time("iat", ago(10)),
            time("exp", ago(-5)),
            text(self.words.application, self.words.claim),
        ];
        let mut add = |name: &str, inspection| {
            let view = Inspect { csrf: self.words.hidden, now: now(), inspection };
            let page = self.pages.inspect(self.language, &view);
            self.samples.push(Sample { name: format!("{FOR_DEVELOPERS}{name}"), page });
        };
        add("", None);
        for (name, verdict) in [
            ("accepted", Verdict::Accepted),
            ("expired", Verdict::Expired),
            ("future", Verdict::NotYetValid),
            ("ended", Verdict::SessionEnded),
            ("signature", Verdict::WrongSignature),
            ("key", Verdict::UnknownKey),
            ("issuer", Verdict::WrongIssuer),
            ("audience", Verdict::WrongAudience),
            ("type", Verdict::WrongType),
        ] {
            let inspection = Inspection { verdict, header: &header, claims: &claims };
            add(&format!("-{name}"), Some(inspection));
        }
        let nothing = Inspection { verdict: Verdict::NotAToken, header: &[], claims: &[] };
        add("-not-a-token", Some(nothing));
    }
}
