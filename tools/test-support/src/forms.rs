//! Forms in HTML pages, as a browser submits them.

use crate::Answer;

/// The hidden fields of the form that leads to `path`.
pub fn hidden_fields(page: &Answer, path: &str) -> Vec<(String, String)> {
    let form = page.text.split("<form ").find(|form| form.contains(&format!("action=\"{path}\"")));
    let form = form.unwrap_or_else(|| panic!("no form leads to {path}: {} {}", page.status, page.text));
    let form = form.split("</form>").next().unwrap();
    let inputs = form.split("<input ").filter(|input| input.contains("type=\"hidden\""));
    inputs.map(|input| (attribute(input, "name"), attribute(input, "value"))).collect()
}

/// The value of an attribute, which the tag must have.
pub fn attribute(tag: &str, name: &str) -> String {
    let value = tag.split_once(&format!("{name}=\"")).unwrap().1.split('"').next().unwrap();
    value.replace("&#38;", "&").replace("&amp;", "&").replace("&#43;", "+")
}
