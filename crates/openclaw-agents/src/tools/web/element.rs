//! What the elements of a page mean for its text.

/// What an element does to the text around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    Title,
    Heading(usize),
    Item,
    Row,
    Cell,
    Break,
    Verbatim,
    Link,
    Picture,
    /// It begins a block.
    Block,
    /// It stands within a line.
    Inline,
    /// It has no content, and no meaning here.
    Void,
}

/// A part of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Region {
    /// Nothing in it is read: it is no text, or nobody sees it.
    Skipped,
    /// What the page is about, as it says itself.
    Main,
    /// What stands around that on every page.
    Beside,
    /// The head of the page, or of what it is about.
    Head,
    Quote,
    List,
    /// A list with numbers, and the last one that was given.
    Numbered(usize),
    Verbatim,
}

impl Element {
    pub(super) fn of(name: &str) -> Self {
        match name {
            "title" => Self::Title,
            "h1" => Self::Heading(1),
            "h2" => Self::Heading(2),
            "h3" => Self::Heading(3),
            "h4" => Self::Heading(4),
            "h5" => Self::Heading(5),
            "h6" => Self::Heading(6),
            "li" | "dt" | "dd" => Self::Item,
            "tr" => Self::Row,
            "td" | "th" => Self::Cell,
            "br" => Self::Break,
            "pre" | "listing" | "plaintext" => Self::Verbatim,
            "a" => Self::Link,
            "img" => Self::Picture,
            "address" | "article" | "aside" | "blockquote" | "body" | "caption" | "center"
            | "details" | "dialog" | "div" | "dl" | "fieldset" | "figcaption" | "figure"
            | "footer" | "form" | "header" | "hgroup" | "hr" | "html" | "main" | "menu" | "nav"
            | "ol" | "p" | "search" | "section" | "summary" | "table" | "tbody" | "tfoot"
            | "thead" | "ul" => Self::Block,
            "area" | "base" | "col" | "embed" | "input" | "link" | "meta" | "param" | "source"
            | "track" | "wbr" => Self::Void,
            _ => Self::Inline,
        }
    }

    /// Tells whether there is no end tag of it.
    pub(super) const fn is_void(self) -> bool {
        matches!(self, Self::Void | Self::Break | Self::Picture)
    }
}

/// Returns which part of a page an element makes, if it makes one.
pub(super) fn region(name: &str, role: &str) -> Option<Region> {
    Some(match (name, role) {
        (
            "script" | "style" | "noscript" | "template" | "svg" | "math" | "iframe" | "object"
            | "canvas" | "select" | "datalist" | "button" | "audio" | "video" | "noembed"
            | "noframes" | "textarea",
            _,
        ) => Region::Skipped,
        ("main" | "article", _) | (_, "main" | "article") => Region::Main,
        ("nav" | "footer" | "aside" | "dialog" | "menu" | "search", _)
        | (
            _,
            "navigation" | "contentinfo" | "complementary" | "search" | "banner" | "dialog"
            | "menu" | "menubar",
        ) => Region::Beside,
        ("header", _) => Region::Head,
        ("blockquote", _) => Region::Quote,
        ("ul" | "dl", _) => Region::List,
        ("ol", _) => Region::Numbered(0),
        ("pre" | "listing", _) => Region::Verbatim,
        _ => return None,
    })
}
