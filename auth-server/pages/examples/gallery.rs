//! Writes every page in each state to a folder, to look at them in a browser:
//! `cargo run -p auth-pages --example gallery -- FOLDER`.

#[path = "../tests/pages/samples.rs"]
mod samples;

use std::error::Error;
use std::path::Path;

use auth_pages::{Brand, Language, Pages};
use samples::{HOSTILE, LONG, ORDINARY};

/// An operator with colours, links and a logo of their own.
const ACME: &str = r##"
name = "Acme Pictures"
logo = "logo.svg"
[accent]
light = "#7a2e8e"
[[links]]
text = "Privacy"
text_de = "Datenschutz"
url = "https://acme.example/privacy"
[[links]]
text = "Legal notice"
text_de = "Impressum"
url = "https://acme.example/legal"
"##;

const LOGO: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><rect width="64" height="64" rx="14" fill="#7a2e8e"/><circle cx="32" cy="32" r="14" fill="none" stroke="#fff" stroke-width="6"/></svg>"##;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: gallery FOLDER")?;
    let acme = Brand::parse(ACME)?.with_logo(LOGO.as_bytes().to_vec())?;
    for (name, brand) in [("goptri", Brand::default()), ("acme", acme)] {
        write(&Path::new(&folder).join(name), &Pages::new(brand))?;
    }
    Ok(())
}

fn write(folder: &Path, pages: &Pages) -> Result<(), Box<dyn Error>> {
    for asset in pages.assets() {
        let file = folder.join(asset.path.trim_start_matches('/'));
        std::fs::create_dir_all(file.parent().unwrap_or(folder))?;
        std::fs::write(file, &asset.bytes)?;
    }
    std::fs::create_dir_all(folder.join("logos"))?;
    std::fs::write(folder.join("logos/print-shop.svg"), LOGO)?;
    for language in Language::ALL {
        let words = [("", &ORDINARY), ("hostile-", &HOSTILE), ("long-", &LONG)];
        for (prefix, sample) in words.iter().flat_map(|(prefix, words)| {
            samples::all(pages, language, words).into_iter().map(move |sample| (prefix, sample))
        }) {
            let name = format!("{prefix}{}-{}", sample.name, language.tag());
            std::fs::write(folder.join(format!("{name}.html")), sample.page.html)?;
            // For a server that sends it as the header.
            std::fs::write(folder.join(format!("{name}.csp")), sample.page.content_security_policy)?;
        }
    }
    Ok(())
}
