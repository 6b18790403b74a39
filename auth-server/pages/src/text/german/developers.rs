//! The German texts for developers.

use crate::Verdict;
use crate::text::InspectTexts;

pub(super) const INSPECT: InspectTexts = InspectTexts {
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
