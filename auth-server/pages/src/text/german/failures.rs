//! What went wrong and what to do, in German.

use super::times::ahead;
use crate::text::number;
use crate::times::Span;
use crate::{AccountProblem, ErrorKind, PasswordProblem, RegisterProblem, SignInProblem};

const BUSY: &str = "Wir sind gerade stark ausgelastet. Versuchen Sie es in ein paar Sekunden noch einmal.";
const EXPIRED: &str =
    "Diese Seite war zu lange geöffnet. Es ist nichts verloren: Versuchen Sie es noch einmal.";

pub(super) fn sign_in_problem(problem: SignInProblem) -> String {
    match problem {
        SignInProblem::WrongEmailOrPassword => {
            "E-Mail-Adresse und Passwort passen nicht zusammen. Versuchen Sie es noch einmal.".to_owned()
        }
        SignInProblem::TryAgainIn { seconds } => too_many_attempts(seconds),
        SignInProblem::Busy => BUSY.to_owned(),
        SignInProblem::Expired => EXPIRED.to_owned(),
    }
}

pub(super) fn register_problem(problem: RegisterProblem, min_password_length: usize) -> String {
    match problem {
        RegisterProblem::AddressUnusable => "Geben Sie eine Adresse wie name@example.com ein.".to_owned(),
        RegisterProblem::AddressTaken => {
            "Zu dieser Adresse gibt es schon ein Konto. Melden Sie sich an oder nehmen Sie eine andere Adresse."
                .to_owned()
        }
        RegisterProblem::Password(problem) => password_problem(problem, min_password_length),
        RegisterProblem::Closed => {
            "Sie können hier nicht selbst ein Konto erstellen. Bitten Sie den Support dieses Dienstes darum und melden Sie sich dann an.".to_owned()
        }
        RegisterProblem::TryAgainIn { seconds } => too_many_attempts(seconds),
        RegisterProblem::Busy => BUSY.to_owned(),
        RegisterProblem::Expired => EXPIRED.to_owned(),
    }
}

pub(super) fn account_problem(problem: AccountProblem, min_password_length: usize) -> String {
    match problem {
        AccountProblem::WrongCurrentPassword => {
            "Das ist nicht Ihr aktuelles Passwort. Versuchen Sie es noch einmal.".to_owned()
        }
        AccountProblem::NewPassword(problem) => password_problem(problem, min_password_length),
        AccountProblem::WrongPasswordToDelete => {
            "Das ist nicht Ihr Passwort. Ihr Konto ist nicht gelöscht.".to_owned()
        }
        AccountProblem::TryAgainIn { seconds } => too_many_attempts(seconds),
        AccountProblem::Busy => BUSY.to_owned(),
        AccountProblem::Expired => EXPIRED.to_owned(),
    }
}

fn password_problem(problem: PasswordProblem, min_length: usize) -> String {
    match problem {
        PasswordProblem::TooShort => format!("Verwenden Sie mindestens {} Zeichen.", number(".", min_length)),
        PasswordProblem::TooLong => "Dieses Passwort ist zu lang. Verwenden Sie ein kürzeres.".to_owned(),
        PasswordProblem::Nul => "Verwenden Sie nur Zeichen, die Sie tippen können.".to_owned(),
        PasswordProblem::Obvious => {
            "Wählen Sie ein Passwort, das nicht Ihre E-Mail-Adresse oder der Name dieses Dienstes ist."
                .to_owned()
        }
        PasswordProblem::Common => {
            "Dieses Passwort wird mit als erstes erraten. Wählen Sie ein anderes.".to_owned()
        }
    }
}

fn too_many_attempts(seconds: u64) -> String {
    format!("Zu viele Versuche. Versuchen Sie es {} noch einmal.", ahead(Span::to_wait(seconds)))
}

pub(super) fn error_title(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::UnknownApplication => "Wir kennen diese Anwendung nicht",
        ErrorKind::WrongRedirectUri => "Diese Anwendung ist nicht richtig eingerichtet",
        ErrorKind::UnusableRequest => "Die Anfrage der Anwendung ist unvollständig",
        ErrorKind::TwoCookies => "Die Cookies dieser Website sind durcheinandergeraten",
        ErrorKind::RequestExpired | ErrorKind::FormExpired => "Diese Seite ist nicht mehr aktuell",
        ErrorKind::WrongReturnAddress => "Zu dieser Adresse können wir Sie nicht bringen",
        ErrorKind::OtherSite => "Das kam von einer anderen Website",
        ErrorKind::NotFound => "Hier gibt es keine Seite",
        ErrorKind::UnusableForm => "Wir konnten das Formular nicht lesen",
        ErrorKind::TooManyRequests { .. } => "Zu viele Versuche",
        ErrorKind::Unavailable => "Wir sind stark ausgelastet",
        ErrorKind::Internal => "Bei uns ist etwas schiefgegangen",
    }
}

pub(super) fn error_explanation(kind: ErrorKind) -> String {
    match kind {
        ErrorKind::UnknownApplication => "Der Link, der Sie hierher geführt hat, ist falsch oder veraltet. Kehren Sie zur Anwendung zurück und beginnen Sie von vorn.",
        ErrorKind::WrongRedirectUri => "Sie wollte, dass wir Sie zu einer Adresse schicken, die nicht hinterlegt ist. Deshalb haben wir abgebrochen. Sagen Sie es dem Support der Anwendung.",
        ErrorKind::UnusableRequest => "Kehren Sie zur Anwendung zurück und beginnen Sie von vorn. Wenn es wieder geschieht, sagen Sie es ihrem Support.",
        ErrorKind::TwoCookies => "Löschen Sie in Ihrem Browser die Cookies dieser Website und versuchen Sie es dann noch einmal.",
        ErrorKind::RequestExpired => "Kehren Sie zur Anwendung zurück und beginnen Sie von vorn. Es ist nichts verloren.",
        ErrorKind::WrongReturnAddress => "Sie gehört nicht zu diesem Dienst. Kehren Sie zu der Seite zurück, von der Sie kommen, und versuchen Sie es noch einmal.",
        ErrorKind::FormExpired => "Sie war zu lange geöffnet, oder Ihr Browser behält keine Cookies. Öffnen Sie die Seite noch einmal und erlauben Sie Cookies für diese Website.",
        ErrorKind::OtherSite => "Zum Schutz Ihres Kontos haben wir nichts getan. Öffnen Sie die Seite hier und versuchen Sie es noch einmal.",
        ErrorKind::NotFound => "Prüfen Sie die Adresse oder kehren Sie zu der Seite zurück, von der Sie kommen.",
        ErrorKind::UnusableForm => "Gehen Sie zurück, laden Sie die Seite neu und versuchen Sie es noch einmal.",
        ErrorKind::TooManyRequests { seconds } => {
            return format!("Versuchen Sie es {} noch einmal.", ahead(Span::to_wait(seconds)));
        }
        ErrorKind::Unavailable => "Warten Sie ein paar Sekunden und laden Sie diese Seite dann neu.",
        ErrorKind::Internal => "Wir haben es festgehalten. Versuchen Sie es in ein paar Minuten noch einmal.",
    }
    .to_owned()
}

pub(super) fn error_detail(kind: ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::UnknownApplication => Some("client_id fehlt, oder kein aktiver Client hat sie."),
        ErrorKind::WrongRedirectUri => {
            Some("redirect_uri fehlt oder ist nicht genau eine, die für den Client hinterlegt ist.")
        }
        ErrorKind::UnusableRequest => {
            Some("Ein Parameter der Autorisierungsanfrage fehlt, ist doppelt oder fehlerhaft.")
        }
        ErrorKind::RequestExpired => Some(
            "Die Autorisierungsanfrage oder ihre request_uri ist abgelaufen, wurde benutzt oder begann in einem anderen Browser.",
        ),
        ErrorKind::WrongReturnAddress => Some("Der Ursprung von return_to steht nicht in RETURN_ORIGINS."),
        ErrorKind::TwoCookies
        | ErrorKind::FormExpired
        | ErrorKind::OtherSite
        | ErrorKind::NotFound
        | ErrorKind::UnusableForm
        | ErrorKind::TooManyRequests { .. }
        | ErrorKind::Unavailable
        | ErrorKind::Internal => None,
    }
}
