//! The German texts.

use chrono::{DateTime, Datelike, Utc};

use super::{
    AccountTexts, ApplicationsTexts, CommonTexts, ConsentTexts, DeleteTexts, DeviceTexts, DevicesTexts,
    ErrorTexts, FormPostTexts, InspectTexts, PasswordTexts, RegisterTexts, SelectAccountTexts, SignInTexts,
    SignedOutTexts, Texts, TimeTexts, number,
};
use crate::times::{Span, Unit};
use crate::{
    AccountNotice, AccountProblem, ErrorKind, PasswordProblem, RegisterProblem, SignInProblem,
    SignedOutReason, Verdict,
};

const BUSY: &str = "Wir sind gerade stark ausgelastet. Versuchen Sie es in ein paar Sekunden noch einmal.";
const EXPIRED: &str =
    "Diese Seite war zu lange geöffnet. Es ist nichts verloren: Versuchen Sie es noch einmal.";

const MONTHS: [&str; 12] = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
];

pub(crate) static GERMAN: Texts = Texts {
    common: CommonTexts {
        error: "Fehler:",
        email: "E-Mail-Adresse",
        password: "Passwort",
        show: "Zeigen",
        hide: "Verbergen",
        show_password: "Passwort zeigen",
        hide_password: "Passwort verbergen",
        to_continue: ("weiter zu ", ""),
        signed_in_as: "Angemeldet als",
        links: "Weiteres",
        thousands: ".",
    },
    time: TimeTexts { just_now: "gerade eben", ago, ahead, on_date, exact },
    device: DeviceTexts {
        unknown: "Unbekanntes Gerät",
        program_on_system: |program, system| match system {
            "iPhone" | "iPad" | "Mac" => format!("{program} auf dem {system}"),
            _ => format!("{program} unter {system}"),
        },
    },
    sign_in: SignInTexts {
        title: "Anmelden",
        submit: "Anmelden",
        new_here: "Neu hier?",
        register: "Konto erstellen",
        problem: sign_in_problem,
    },
    register: RegisterTexts {
        title: "Konto erstellen",
        submit: "Konto erstellen",
        password_hint: |length| {
            format!(
                "Mindestens {length} Zeichen. Mehrere Wörter, die Sie sich merken, sind ein gutes Passwort."
            )
        },
        have_account: "Sie haben schon ein Konto?",
        sign_in: "Anmelden",
        problem: register_problem,
        closed_title: "Konten nur auf Einladung",
    },
    consent: ConsentTexts {
        title: ("Zugriff für ", ""),
        heading: ("", " den Zugriff auf Ihr Konto erlauben?"),
        not_you: "Nicht Sie?",
        unknown_title: "Vertrauen Sie dieser Anwendung?",
        unknown: (
            "",
            " hat sie nicht geprüft. Fahren Sie nur fort, wenn Sie sie kennen und dies selbst begonnen haben.",
        ),
        may: "Die Anwendung darf dann:",
        identity: "Ihr Konto wiedererkennen",
        email: "Ihre E-Mail-Adresse sehen",
        while_signed_in: "Das gilt, bis Sie sich abmelden.",
        until_taken_back: "Das gilt, bis Sie es widerrufen, auch nachdem Sie sich abgemeldet haben.",
        take_back: ("Widerrufen können Sie es jederzeit in ", "."),
        account: "Ihrem Konto",
        allow: "Erlauben",
        cancel: "Abbrechen",
        goes_to: ("Danach kehren Sie zurück zu ", "."),
        goes_to_this_device: "Danach kehren Sie zu einem Programm auf diesem Gerät zurück.",
        policy: ("Datenschutzerklärung von ", ""),
    },
    select_account: SelectAccountTexts {
        title: "Konto auswählen",
        continue_as: ("Weiter als ", ""),
        other: "Anderes Konto verwenden",
    },
    form_post: FormPostTexts {
        title: ("Zurück zu ", ""),
        explanation: "Noch ein Schritt: Fahren Sie mit der Anwendung fort.",
        submit: "Weiter",
    },
    account: ACCOUNT,
    inspect: INSPECT,
    signed_out: SignedOutTexts {
        title: |reason| match reason {
            SignedOutReason::SignedOut => "Sie sind abgemeldet",
            SignedOutReason::AccountDeleted => "Ihr Konto ist gelöscht",
        },
        explanation: |reason| match reason {
            SignedOutReason::SignedOut => {
                "Anwendungen, die Sie mit dieser Anmeldung benutzt haben, sind ebenfalls abgemeldet."
            }
            SignedOutReason::AccountDeleted => "Sie sind auf allen Ihren Geräten abgemeldet.",
        },
        sign_in: "Wieder anmelden",
    },
    error: ErrorTexts {
        title: error_title,
        explanation: error_explanation,
        for_developers: "Für Entwickler der Anwendung",
        detail: error_detail,
        request_id: "Nennen Sie diese Nummer, wenn Sie um Hilfe bitten:",
    },
};

const ACCOUNT: AccountTexts = AccountTexts {
    title: "Ihr Konto",
    skip: "Zum Inhalt",
    sections: "Abschnitte",
    sign_out: "Abmelden",
    notice: |notice| match notice {
        AccountNotice::DeviceEnded => "Das Gerät ist abgemeldet.",
        AccountNotice::ApplicationWithdrawn => "Die Anwendung kann Ihr Konto nicht mehr benutzen.",
        AccountNotice::PasswordChanged => "Ihr Passwort ist geändert. Ihre anderen Geräte sind abgemeldet.",
    },
    problem: account_problem,
    devices: DevicesTexts {
        title: "Geräte",
        explanation: "Hier sind Sie angemeldet. Wenn Sie ein Gerät nicht kennen, melden Sie es ab und ändern Sie Ihr Passwort.",
        this_device: "Dieses Gerät",
        near: "nahe der Adresse",
        last_active: "zuletzt aktiv",
        signed_in: "Angemeldet",
        end: "Abmelden",
        empty: "Keine anderen Geräte. Wenn Sie sich auf einem anmelden, erscheint es hier.",
        more: |count, number| match number {
            1 => "Ein weiteres, länger nicht benutztes wird nicht gezeigt.".to_owned(),
            _ => format!("{count} weitere, länger nicht benutzte werden nicht gezeigt."),
        },
    },
    applications: ApplicationsTexts {
        title: "Anwendungen",
        explanation: "Was Ihr Konto benutzen darf.",
        allowed: "Erlaubt",
        while_signed_in: "bis Sie sich abmelden",
        until_taken_back: "bis Sie den Zugriff entziehen",
        withdraw: "Zugriff entziehen",
        empty: "Noch keine Anwendungen. Wenn Sie eine erlauben, erscheint sie hier.",
    },
    password: PasswordTexts {
        title: "Passwort",
        explanation: "Wenn Sie Ihr Passwort ändern, werden Sie auf allen anderen Geräten abgemeldet.",
        current: "Aktuelles Passwort",
        new: "Neues Passwort",
        submit: "Passwort ändern",
    },
    delete: DeleteTexts {
        title: "Konto löschen",
        explanation: "Ihr Konto und alle Anmeldungen werden sofort gelöscht. Das lässt sich nicht rückgängig machen.",
        confirm: "Ihr Passwort zur Bestätigung",
        submit: "Mein Konto löschen",
    },
};

const INSPECT: InspectTexts = InspectTexts {
    title: "Token untersuchen",
    explanation: "Für Entwickler: was ein Access-Token aussagt und ob dieser Server es annimmt.",
    token: "Access-Token",
    hint: "Drei Teile mit Punkten dazwischen. Das Token wird geprüft, nicht gespeichert und nicht wieder angezeigt.",
    submit: "Untersuchen",
    result: "Ergebnis",
    accepted: "Angenommen",
    rejected: "Abgelehnt",
    verdict: |verdict| match verdict {
        Verdict::Accepted => "Signatur, Aussteller, Empfänger und Zeiten stimmen, und die Sitzung ist aktiv.",
        Verdict::Expired => "Das Token ist abgelaufen (exp). Holen Sie mit dem Refresh-Token ein neues.",
        Verdict::NotYetValid => {
            "Das Token kommt aus der Zukunft (nbf oder iat). Vergleichen Sie die Uhren beider Rechner."
        }
        Verdict::SessionEnded => {
            "Die Sitzung des Tokens wurde beendet: durch Abmelden oder durch eine Administratorin oder einen Administrator."
        }
        Verdict::WrongSignature => {
            "Die Signatur passt nicht. Das Token wurde verändert oder mit einem anderen Schlüssel signiert."
        }
        Verdict::UnknownKey => {
            "Kein Schlüssel dieses Servers hat diese Kennung und diesen Algorithmus (kid, alg)."
        }
        Verdict::WrongIssuer => "Ein anderer Server hat das Token ausgestellt (iss).",
        Verdict::WrongAudience => "Das Token ist für eine andere API (aud).",
        Verdict::WrongType => {
            "Dies ist kein Access-Token (typ). Refresh-Tokens und ID-Tokens haben andere Zwecke."
        }
        Verdict::NotAToken => "Dies ist kein signiertes JWT: drei Teile in base64url mit Punkten dazwischen.",
    },
    header: "Kopf",
    claims: "Angaben (Claims)",
    meaning,
};

fn sign_in_problem(problem: SignInProblem) -> String {
    match problem {
        SignInProblem::WrongEmailOrPassword => {
            "E-Mail-Adresse und Passwort passen nicht zusammen. Versuchen Sie es noch einmal.".to_owned()
        }
        SignInProblem::TryAgainIn { seconds } => too_many_attempts(seconds),
        SignInProblem::Busy => BUSY.to_owned(),
        SignInProblem::Expired => EXPIRED.to_owned(),
    }
}

fn register_problem(problem: RegisterProblem, min_password_length: usize) -> String {
    match problem {
        RegisterProblem::AddressUnusable => "Geben Sie eine Adresse wie name@example.com ein.".to_owned(),
        RegisterProblem::AddressTaken => {
            "Zu dieser Adresse gibt es schon ein Konto. Melden Sie sich an oder nehmen Sie eine andere Adresse."
                .to_owned()
        }
        RegisterProblem::Password(problem) => password_problem(problem, min_password_length),
        RegisterProblem::Closed => {
            "Der Betreiber legt hier die Konten an. Bitten Sie um eines und melden Sie sich dann an.".to_owned()
        }
        RegisterProblem::TryAgainIn { seconds } => too_many_attempts(seconds),
        RegisterProblem::Busy => BUSY.to_owned(),
        RegisterProblem::Expired => EXPIRED.to_owned(),
    }
}

fn account_problem(problem: AccountProblem, min_password_length: usize) -> String {
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
        PasswordProblem::TooLong => "Verwenden Sie ein kürzeres Passwort: höchstens 1.024 Bytes.".to_owned(),
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

fn error_title(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::UnknownApplication => "Wir kennen diese Anwendung nicht",
        ErrorKind::WrongRedirectUri => "Diese Anwendung ist nicht richtig eingerichtet",
        ErrorKind::UnusableRequest => "Die Anfrage der Anwendung ist unvollständig",
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

fn error_explanation(kind: ErrorKind) -> String {
    match kind {
        ErrorKind::UnknownApplication => "Der Link, der Sie hierher geführt hat, ist falsch oder veraltet. Kehren Sie zur Anwendung zurück und beginnen Sie von vorn.",
        ErrorKind::WrongRedirectUri => "Sie wollte, dass wir Sie zu einer Adresse schicken, die nicht hinterlegt ist. Deshalb haben wir abgebrochen. Sagen Sie es dem Support der Anwendung.",
        ErrorKind::UnusableRequest => "Kehren Sie zur Anwendung zurück und beginnen Sie von vorn. Wenn es wieder geschieht, sagen Sie es ihrem Support.",
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

fn error_detail(kind: ErrorKind) -> Option<&'static str> {
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
        ErrorKind::FormExpired
        | ErrorKind::OtherSite
        | ErrorKind::NotFound
        | ErrorKind::UnusableForm
        | ErrorKind::TooManyRequests { .. }
        | ErrorKind::Unavailable
        | ErrorKind::Internal => None,
    }
}

fn meaning(name: &str) -> Option<&'static str> {
    Some(match name {
        "alg" => "Algorithmus der Signatur",
        "kid" => "Kennung des Schlüssels",
        "typ" => "Art des Tokens",
        "iss" => "Aussteller",
        "sub" => "Konto",
        "aud" => "API, die es annimmt",
        "exp" => "Läuft ab",
        "iat" => "Ausgestellt",
        "nbf" => "Nicht vor",
        "jti" => "Kennung des Tokens",
        "sid" => "Sitzung",
        "client_id" => "Anwendung",
        "scope" => "Berechtigungen",
        "auth_time" => "Angemeldet",
        "role" | "roles" => "Rolle",
        "email" => "E-Mail-Adresse",
        "amr" => "Art der Anmeldung",
        "cnf" => "Schlüssel, an den das Token gebunden ist",
        _ => return None,
    })
}

fn ago(span: Span) -> String {
    match (span.count, span.unit) {
        (1, Unit::Day) => "gestern".to_owned(),
        _ => format!("vor {}", count(span)),
    }
}

fn ahead(span: Span) -> String {
    match (span.count, span.unit) {
        (1, Unit::Day) => "morgen".to_owned(),
        _ => format!("in {}", count(span)),
    }
}

/// In the dative, as "vor" and "in" want it.
fn count(Span { count, unit }: Span) -> String {
    let unit = match (unit, count) {
        (Unit::Second, 1) => "Sekunde",
        (Unit::Second, _) => "Sekunden",
        (Unit::Minute, 1) => "Minute",
        (Unit::Minute, _) => "Minuten",
        (Unit::Hour, 1) => "Stunde",
        (Unit::Hour, _) => "Stunden",
        (Unit::Day, 1) => "Tag",
        (Unit::Day, _) => "Tagen",
    };
    format!("{count} {unit}")
}

fn date(time: DateTime<Utc>) -> String {
    let month = MONTHS.get(time.month0() as usize).copied().unwrap_or_default();
    format!("{}. {month} {}", time.day(), time.year())
}

fn on_date(time: DateTime<Utc>) -> String {
    format!("am {}", date(time))
}

fn exact(time: DateTime<Utc>) -> String {
    format!("{}, {} Uhr (UTC)", date(time), time.format("%H:%M"))
}
