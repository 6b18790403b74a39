//! `BRAND_FILE`: the operator's name, logo, colours and links on the pages. Read at the start.

use std::fs;
use std::path::Path;

use auth_pages::Brand;
use goptri_settings::Settings;

/// The brand; without the variable, Goptri's own.
pub(crate) fn read(settings: &Settings<'_>) -> Option<Brand> {
    settings.optional("BRAND_FILE", load).ok().map(Option::unwrap_or_default)
}

/// # Errors
/// A clause that follows the variable's name.
fn load(path: &str) -> Result<Brand, String> {
    let path = Path::new(path);
    let unreadable = |path: &Path, error| format!("names {}, which cannot be read: {error}", path.display());
    let wrong = |error| format!("names {}: {error}", path.display());
    let toml = fs::read_to_string(path).map_err(|error| unreadable(path, error))?;
    let brand = Brand::parse(&toml).map_err(wrong)?;
    let Some(logo) = brand.logo_file() else { return Ok(brand) };
    let logo = path.parent().unwrap_or(Path::new("")).join(logo);
    let bytes = fs::read(&logo).map_err(|error| unreadable(&logo, error))?;
    brand.with_logo(bytes).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use goptri_settings::{Environment, SettingErrors};

    use super::*;

    fn read_file(path: &Path) -> Result<Brand, SettingErrors> {
        let environment = Environment::from_pairs([("BRAND_FILE", path.to_str().unwrap())]);
        let settings = Settings::new(&environment);
        let brand = read(&settings);
        settings.into_result(brand)
    }

    #[test]
    fn the_logo_is_beside_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("brand.toml");
        fs::write(&file, "name = \"Acme\"\nlogo = \"logo.svg\"\n").unwrap();
        fs::write(folder.path().join("logo.svg"), "<svg xmlns=\"http://www.w3.org/2000/svg\"></svg>")
            .unwrap();
        assert_eq!(read_file(&file).unwrap().name(), "Acme");
    }

    #[test]
    fn a_brand_that_cannot_be_used_is_an_error_that_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("brand.toml");
        let error = read_file(&file).unwrap_err().to_string();
        assert!(error.contains("BRAND_FILE names") && error.contains("cannot be read"), "{error}");
        for (toml, problem) in [
            ("name = \"\"", "name must have 1 to 60 characters"),
            ("name = \"Acme\"\nlogo = \"missing.svg\"", "missing.svg, which cannot be read"),
            ("name = \"Acme\"\nlogo = \"brand.toml\"", "the logo is not SVG"),
            ("name = \"Acme\"\n[accent]\nlight = \"#ffffff\"", "has a contrast of"),
        ] {
            fs::write(&file, toml).unwrap();
            let error = read_file(&file).unwrap_err().to_string();
            assert!(error.contains(problem), "{toml}: {error}");
        }
    }

    #[test]
    fn without_the_variable_the_pages_are_goptris_own() {
        let environment = Environment::from_pairs([("BRAND_FILE", "")]);
        assert_eq!(read(&Settings::new(&environment)).unwrap().name(), Brand::default().name());
    }
}
