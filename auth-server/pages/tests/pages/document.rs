//! An HTML document as a browser parses it.

use html5ever::tendril::TendrilSink;
use html5ever::{ParseOpts, parse_document};
use markup5ever_rcdom::{Handle, NodeData, RcDom};

pub(crate) struct Document {
    pub(crate) elements: Vec<Element>,
    /// What the parser repairs.
    pub(crate) errors: Vec<String>,
    /// Owns the nodes.
    _dom: RcDom,
}

pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
    node: Handle,
    /// How many elements it is in.
    depth: usize,
}

impl Document {
    pub(crate) fn parse(html: &str) -> Self {
        let dom = parse_document(RcDom::default(), ParseOpts::default()).one(html);
        let mut elements = Vec::new();
        collect(&dom.document, 0, &mut elements);
        let errors = dom.errors.borrow().iter().map(ToString::to_string).collect();
        Self { elements, errors, _dom: dom }
    }

    /// Without the text of the stylesheet, which is most of a page and the same on each.
    pub(crate) fn parse_content(html: &str) -> Self {
        let (before, rest) = html.split_once("<style>").unwrap_or_default();
        let (_, after) = rest.split_once("</style>").unwrap_or_default();
        Self::parse(&format!("{before}<style></style>{after}"))
    }

    pub(crate) fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Element> + use<'a> {
        let name = name.to_owned();
        self.elements.iter().filter(move |element| element.name == name)
    }

    pub(crate) fn one(&self, name: &str) -> &Element {
        let found: Vec<_> = self.all(name).collect();
        assert_eq!(found.len(), 1, "elements <{name}>");
        found[0]
    }

    pub(crate) fn has_id(&self, id: &str) -> bool {
        self.elements.iter().any(|element| element.attribute("id") == Some(id))
    }

    /// The text that a user sees or hears: that of the title and the body, and of attributes that are read out.
    pub(crate) fn words(&self) -> String {
        let attributes = self.elements.iter().flat_map(|element| {
            ["aria-label", "alt", "title", "data-show", "data-hide", "data-show-name", "data-hide-name"]
                .map(|name| element.attribute(name).unwrap_or_default())
        });
        let texts = ["title", "body"].map(|name| self.one(name).text());
        let attributes = attributes.map(str::to_owned);
        texts.into_iter().chain(attributes).collect::<Vec<_>>().join("\n")
    }

    /// Names of elements and attributes, without any text.
    pub(crate) fn skeleton(&self) -> Vec<String> {
        let line = |element: &Element| {
            let attributes: Vec<_> = element.attributes.iter().map(|(name, _)| name.as_str()).collect();
            format!("{}{} {}", " ".repeat(element.depth), element.name, attributes.join(" "))
        };
        self.elements.iter().map(line).collect()
    }
}

impl Element {
    /// The text in it, also in elements within.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        collect_text(&self.node, &mut text);
        text
    }

    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

fn collect(node: &Handle, depth: usize, elements: &mut Vec<Element>) {
    if let NodeData::Element { name, attrs, .. } = &node.data {
        let attributes =
            attrs.borrow().iter().map(|a| (a.name.local.to_string(), a.value.to_string())).collect();
        elements.push(Element { name: name.local.to_string(), attributes, node: node.clone(), depth });
    }
    for child in node.children.borrow().iter() {
        collect(child, depth + 1, elements);
    }
}

fn collect_text(node: &Handle, text: &mut String) {
    if let NodeData::Text { contents } = &node.data {
        text.push_str(&contents.borrow());
    }
    for child in node.children.borrow().iter() {
        collect_text(child, text);
    }
}
