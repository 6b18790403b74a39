//! Tables of bad settings, each with the sentence that it gets.

use goptri_settings::SettingErrors;

/// Stands in each secret and password of a table, and its digits end the secrets of all tests. No error may show any five
/// characters of it.
const HIDDEN: &str = "hunter2-5f2a9c4be1d07836";

/// The variables that a row sets besides the good ones, and the only error.
pub type BadSetting<'a> = (&'a [(&'a str, &'a str)], &'a str);

/// Fails unless good settings have no error, and each row has its sentence, which shows no part of a secret.
pub fn assert_sentences(
    table: &[BadSetting<'_>],
    configure: impl Fn(&[(&str, &str)]) -> Result<(), SettingErrors>,
) {
    let errors = |variables: &[(&str, &str)]| -> Vec<String> {
        let errors = configure(variables).err().map(|errors| errors.0).unwrap_or_default();
        errors.into_iter().map(|error| format!("{} {}", error.variable, error.problem)).collect()
    };
    assert_eq!(errors(&[]), [""; 0]);
    let mut wrong = Vec::new();
    for (variables, sentence) in table {
        let shown = errors(variables);
        for part in HIDDEN.as_bytes().windows(5).map(|part| str::from_utf8(part).unwrap()) {
            assert!(!shown.join("\n").contains(part), "{part} is in: {shown:?}");
        }
        if shown != [*sentence] {
            wrong.push(format!("{variables:?}\n  {sentence}\n  {}\n", shown.join("\n  ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.concat());
}
