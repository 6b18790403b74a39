//! The German texts.

mod developers;
mod failures;
mod times;

use super::{
    AccountTexts, ApplicationsTexts, CommonTexts, ConsentTexts, DeleteTexts, DeviceTexts, DevicesTexts,
    ErrorTexts, FormPostTexts, PasswordTexts, RegisterTexts, SelectAccountTexts, SignInTexts, SignedOutTexts,
    Texts, TimeTexts,
};
use crate::{AccountNotice, SignedOutReason};
use developers::INSPECT;
use failures::{
    account_problem, error_detail, error_explanation, error_title, register_problem, sign_in_problem,
};
use times::{ago, ahead, exact, on_date};

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
        until_taken_back: "Das gilt, bis Sie den Zugriff entziehen, auch nachdem Sie sich abgemeldet haben.",
        take_back: ("Entziehen können Sie den Zugriff jederzeit in ", "."),
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
        explanation: "Diese Anwendungen dürfen Ihr Konto benutzen.",
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
        explanation: "Ihr Konto wird sofort gelöscht, und Sie werden überall abgemeldet. Das lässt sich nicht rückgängig machen.",
        confirm: "Ihr Passwort zur Bestätigung",
        submit: "Mein Konto löschen",
    },
};
