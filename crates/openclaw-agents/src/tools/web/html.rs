//! HTML as blocks of text, read in one pass.
//!
//! Nothing here builds a tree: what is open is a short list, whatever the page nests, so that no page
//! is deep or wide enough to take more than time in proportion to its length. What scripts would
//! make of a page is not known here.

use std::convert::Infallible;

use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};
use html5gum::{Span, Tokenizer};
use openclaw_http::Url;

use super::element::{Element, Region, region};

/// The most bytes that the blocks of a page may have together; links make text longer than it was.
const MAX_BYTES: usize = 8 * 1024 * 1024;
/// What a block takes beside its text, so that a page of many short ones has an end as well.
const BLOCK_BYTES: usize = 128;
/// What is open at a time, as far as it is kept track of.
const MAX_OPEN: usize = 64;
/// The longest address that is kept.
const MAX_LINK: usize = 1024;
/// The longest title.
const MAX_TITLE: usize = 256;

/// In which form text is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::tools) enum Form {
    /// With links, headings and lists in Markdown.
    Markdown,
    /// Words alone.
    Text,
}

/// A page.
#[derive(Debug, Default)]
pub(in crate::tools) struct Html {
    pub(in crate::tools) title: Option<String>,
    pub(in crate::tools) blocks: Vec<Block>,
    /// Whether something was left out because the page is too long.
    pub(in crate::tools) cut: bool,
}

/// A paragraph or the like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::tools) struct Block {
    pub(in crate::tools) kind: Kind,
    pub(in crate::tools) text: String,
    /// How many letters of it are the text of links.
    pub(in crate::tools) linked: usize,
    /// How many letters it has, without what Markdown adds.
    pub(in crate::tools) letters: usize,
    pub(in crate::tools) is_main: bool,
    pub(in crate::tools) is_beside: bool,
    pub(in crate::tools) quotes: usize,
}

/// What a block is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::tools) enum Kind {
    /// A paragraph.
    #[default]
    Paragraph,
    /// A heading of some level.
    Heading(usize),
    /// An item of a list, this deep, with its number if it has one.
    Item(usize, Option<usize>),
    /// A row of a table.
    Row,
    /// Text whose line breaks count.
    Verbatim,
}

/// Reads a page that stood at `base`.
pub(in crate::tools) fn read(text: &str, base: &Url, form: Form) -> Html {
    let mut reader = Reader::new(base.clone(), form);
    let mut emitter = CallbackEmitter::new(|event: CallbackEvent<'_>, _span: Span<()>| {
        reader.take(&event);
        None::<Infallible>
    });
    // Without a tree, what a script or a style holds is told from text by its element's name.
    emitter.naively_switch_states(true);
    // Reading from memory does not fail.
    let ended = Tokenizer::new_with_emitter(text, emitter).finish();
    match ended {
        Ok(()) => reader.finish(),
    }
}

struct Reader {
    base: Url,
    form: Form,
    page: Html,
    bytes: usize,
    open: Vec<Open>,
    tag: Tag,
    block: Block,
    space: bool,
    link: Option<Link>,
    in_title: bool,
}

/// Something that is open and matters.
struct Open {
    name: String,
    /// How many elements of this name are open in it, itself included.
    depth: usize,
    region: Region,
}

/// The start tag that is being read.
#[derive(Default)]
struct Tag {
    is_open: bool,
    name: String,
    attribute: String,
    href: String,
    alt: String,
    role: String,
    is_hidden: bool,
}

/// A link that is open.
struct Link {
    url: String,
    /// Whether its text has begun in this block.
    begun: bool,
}

impl Reader {
    fn new(base: Url, form: Form) -> Self {
        Self {
            base,
            form,
            page: Html::default(),
            bytes: 0,
            open: Vec::new(),
            tag: Tag::default(),
            block: Block::default(),
            space: false,
            link: None,
            in_title: false,
        }
    }

    fn take(&mut self, event: &CallbackEvent<'_>) {
        match event {
            CallbackEvent::OpenStartTag { name } => {
                self.tag = Tag {
                    is_open: true,
                    name: lossy(name, 32),
                    ..Tag::default()
                };
            }
            CallbackEvent::AttributeName { name } => self.tag.attribute(&lossy(name, 32)),
            CallbackEvent::AttributeValue { value } => self.tag.value(value),
            CallbackEvent::CloseStartTag { .. } => {
                let tag = std::mem::take(&mut self.tag);
                if tag.is_open {
                    self.start(&tag);
                }
            }
            CallbackEvent::EndTag { name } => {
                self.tag = Tag::default();
                self.end(&lossy(name, 32));
            }
            CallbackEvent::String { value } => self.words(&String::from_utf8_lossy(value)),
            CallbackEvent::Comment { .. }
            | CallbackEvent::Doctype { .. }
            | CallbackEvent::Error(_) => {}
        }
    }

    fn start(&mut self, tag: &Tag) {
        let name = tag.name.as_str();
        if ends_its_like(name) && self.open.iter().any(|open| open.name == name) {
            self.close(name);
        }
        for open in &mut self.open {
            if open.name == name {
                open.depth = open.depth.saturating_add(1);
            }
        }
        let element = Element::of(name);
        if let Some(region) = tag.region()
            && !element.is_void()
            && self.open.len() < MAX_OPEN
        {
            self.flush();
            self.open.push(Open {
                name: name.to_owned(),
                depth: 1,
                region,
            });
        }
        if self.is_skipped() {
            return;
        }
        match element {
            Element::Title => self.in_title = self.page.title.is_none(),
            Element::Heading(level) => self.begin(Kind::Heading(level)),
            Element::Item => {
                let kind = self.next_item();
                self.begin(kind);
            }
            Element::Row => self.begin(Kind::Row),
            Element::Cell if self.block.kind == Kind::Row && !self.block.text.is_empty() => {
                self.space = false;
                self.push(" | ");
            }
            Element::Break if self.block.kind == Kind::Verbatim => self.push("\n"),
            Element::Break | Element::Cell => self.space = true,
            Element::Verbatim => self.begin(Kind::Verbatim),
            Element::Block => self.begin(Kind::Paragraph),
            Element::Link => {
                self.unlink();
                self.link = self
                    .address(&tag.href)
                    .map(|url| Link { url, begun: false });
            }
            Element::Picture if !tag.alt.trim().is_empty() => self.picture(tag),
            Element::Picture | Element::Inline | Element::Void => {}
        }
    }

    fn end(&mut self, name: &str) {
        let was_skipped = self.is_skipped();
        self.close(name);
        if was_skipped {
            return;
        }
        match Element::of(name) {
            Element::Title => self.in_title = false,
            Element::Link => self.unlink(),
            Element::Heading(_)
            | Element::Item
            | Element::Row
            | Element::Verbatim
            | Element::Block => self.begin(Kind::Paragraph),
            Element::Cell | Element::Break => self.space = true,
            Element::Picture | Element::Inline | Element::Void => {}
        }
    }

    fn close(&mut self, name: &str) {
        let ends = |open: &Open| open.name == name && open.depth <= 1;
        if self.open.iter().any(ends) {
            self.flush();
            self.open.retain(|open| !ends(open));
        }
        for open in &mut self.open {
            if open.name == name {
                open.depth = open.depth.saturating_sub(1);
            }
        }
    }

    fn words(&mut self, text: &str) {
        if self.in_title {
            let title: Vec<&str> = text.split_whitespace().collect();
            let title: String = title.join(" ").chars().take(MAX_TITLE).collect();
            self.page.title = Some(title).filter(|title| !title.is_empty());
            return;
        }
        if self.is_skipped() || self.page.cut {
            return;
        }
        if self.block.kind == Kind::Verbatim {
            self.count(text);
            self.push(text);
            return;
        }
        if text.starts_with(char::is_whitespace) {
            self.space = true;
        }
        for word in text.split_whitespace() {
            if std::mem::take(&mut self.space) && !self.block.text.is_empty() {
                self.push(" ");
            }
            if self.form == Form::Markdown
                && let Some(link) = &mut self.link
                && !std::mem::replace(&mut link.begun, true)
            {
                self.push("[");
            }
            self.count(word);
            self.push(word);
            self.space = true;
        }
        self.space = text.ends_with(char::is_whitespace) || (self.space && text.trim().is_empty());
    }

    fn count(&mut self, text: &str) {
        let letters = text.len();
        self.block.letters = self.block.letters.saturating_add(letters);
        if self.link.is_some() {
            self.block.linked = self.block.linked.saturating_add(letters);
        }
    }

    fn picture(&mut self, tag: &Tag) {
        let alt: Vec<&str> = tag.alt.split_whitespace().collect();
        let alt = alt.join(" ");
        let shown = match (self.form, self.address(&tag.href)) {
            (Form::Markdown, Some(url)) => format!("![{alt}]({url})"),
            (Form::Markdown | Form::Text, _) => format!("[image: {alt}]"),
        };
        if std::mem::take(&mut self.space) && !self.block.text.is_empty() {
            self.push(" ");
        }
        self.push(&shown);
        self.space = true;
    }

    /// Returns an address as a whole one, if it leads to the web.
    fn address(&self, href: &str) -> Option<String> {
        if href.is_empty() || href.len() > MAX_LINK || href.starts_with('#') {
            return None;
        }
        let url = self.base.join(href.trim()).ok()?;
        let is_short = url.as_str().len() <= MAX_LINK;
        (is_short && matches!(url.scheme(), "http" | "https" | "mailto")).then(|| url.into())
    }

    /// Ends the text of a link, in this block and for good.
    fn unlink(&mut self) {
        self.pause_link();
        self.link = None;
    }

    /// Ends the text of a link in this block.
    fn pause_link(&mut self) {
        if let Some(link) = &mut self.link
            && std::mem::take(&mut link.begun)
        {
            let end = format!("]({})", link.url);
            self.push(&end);
        }
    }

    fn push(&mut self, text: &str) {
        self.bytes = self.bytes.saturating_add(text.len());
        if self.bytes > MAX_BYTES {
            self.page.cut = true;
            return;
        }
        self.block.text.push_str(text);
    }

    fn begin(&mut self, kind: Kind) {
        self.flush();
        self.block.kind = kind;
    }

    /// Ends a block; the next one is a paragraph unless something else is said.
    fn flush(&mut self) {
        self.pause_link();
        self.space = false;
        let kind = match self.block.kind {
            // Lines may be torn by what marks their words up.
            Kind::Verbatim if self.has(Region::Verbatim) => Kind::Verbatim,
            _ => Kind::Paragraph,
        };
        let fresh = Block {
            kind,
            ..Block::default()
        };
        let mut block = std::mem::replace(&mut self.block, fresh);
        if block.text.trim().is_empty() {
            return;
        }
        self.bytes = self.bytes.saturating_add(BLOCK_BYTES);
        block.is_main = self.has(Region::Main);
        block.is_beside = self.has(Region::Beside) || (self.has(Region::Head) && !block.is_main);
        block.quotes = self
            .open
            .iter()
            .filter(|open| open.region == Region::Quote)
            .count();
        self.page.blocks.push(block);
    }

    fn has(&self, region: Region) -> bool {
        self.open.iter().any(|open| open.region == region)
    }

    fn is_skipped(&self) -> bool {
        self.has(Region::Skipped)
    }

    fn next_item(&mut self) -> Kind {
        let lists = |region: &Region| matches!(region, Region::List | Region::Numbered(_));
        let depth = self.open.iter().filter(|open| lists(&open.region)).count();
        let last = self.open.iter_mut().rev().find(|open| lists(&open.region));
        let number = match last.map(|open| &mut open.region) {
            Some(Region::Numbered(number)) => {
                *number = number.saturating_add(1);
                Some(*number)
            }
            _ => None,
        };
        Kind::Item(depth.saturating_sub(1), number)
    }

    fn finish(mut self) -> Html {
        // What is left over belongs to no element any more, but to the page.
        self.flush();
        self.page
    }
}

impl Tag {
    /// Returns which part of a page it begins; a whole page is shown even if it is hidden at first.
    fn region(&self) -> Option<Region> {
        let is_page = matches!(self.name.as_str(), "html" | "body");
        if self.is_hidden && !is_page {
            return Some(Region::Skipped);
        }
        region(&self.name, &self.role)
    }

    fn attribute(&mut self, name: &str) {
        self.is_hidden |= name == "hidden";
        self.attribute.clear();
        self.attribute.push_str(name);
    }

    fn value(&mut self, value: &[u8]) {
        match self.attribute.as_str() {
            "href" | "src" => self.href = lossy(value, MAX_LINK.saturating_add(1)),
            "alt" => self.alt = lossy(value, 512),
            "role" => self.role = lossy(value, 32).to_ascii_lowercase(),
            "aria-hidden" => self.is_hidden |= value.eq_ignore_ascii_case(b"true"),
            "style" => {
                let style: String = lossy(value, 1024)
                    .to_ascii_lowercase()
                    .split_whitespace()
                    .collect();
                self.is_hidden |= ["display:none", "visibility:hidden", "font-size:0"]
                    .iter()
                    .any(|hiding| style.contains(hiding));
            }
            _ => {}
        }
    }
}

/// Tells whether an element ends where the next of its kind begins, since nobody has to end it.
fn ends_its_like(name: &str) -> bool {
    matches!(
        name,
        "p" | "li" | "dt" | "dd" | "tr" | "td" | "th" | "option"
    )
}

/// Returns bytes as text, of which no more than so many matter.
fn lossy(bytes: &[u8], limit: usize) -> String {
    let kept = bytes.get(..limit.min(bytes.len())).unwrap_or_default();
    String::from_utf8_lossy(kept).into_owned()
}
