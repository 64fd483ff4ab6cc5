//! Links, images and words of an HTML body, read as a browser reads them, however it is written.

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};
use std::cell::RefCell;

/// A link.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Link {
    /// Where it leads, as written.
    pub href: String,
    /// What is read there.
    pub words: String,
    /// An image stands in it.
    pub has_image: bool,
}

/// An image.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Image {
    /// Where it comes from, as written.
    pub src: String,
    /// Its words; `None` = not written.
    pub alt: Option<String>,
}

/// What a body holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// In order.
    pub links: Vec<Link>,
    /// In order.
    pub images: Vec<Image>,
    /// What is read.
    pub text: String,
}

#[derive(Default)]
struct Reader {
    page: RefCell<Page>,
    /// Inside of a link.
    in_link: RefCell<bool>,
    /// Inside of what is not read: `style`, `script`, `title`.
    unread: RefCell<usize>,
}

impl Reader {
    fn tag(&self, tag: &Tag) {
        let name = &*tag.name;
        let attribute = |wanted: &str| {
            let of = |attribute: &&html5ever::Attribute| &*attribute.name.local == wanted;
            tag.attrs.iter().find(of).map(|attribute| attribute.value.to_string())
        };
        let opens = tag.kind == TagKind::StartTag;
        match name {
            "style" | "script" | "title" => {
                let mut unread = self.unread.borrow_mut();
                *unread = if opens { *unread + 1 } else { unread.saturating_sub(1) };
            }
            "a" if opens => {
                if let Some(href) = attribute("href") {
                    self.page.borrow_mut().links.push(Link { href, ..Link::default() });
                    *self.in_link.borrow_mut() = true;
                }
            }
            "a" => *self.in_link.borrow_mut() = false,
            "img" if opens => {
                let mut page = self.page.borrow_mut();
                page.images.push(Image { src: attribute("src").unwrap_or_default(), alt: attribute("alt") });
                if *self.in_link.borrow()
                    && let Some(link) = page.links.last_mut()
                {
                    link.has_image = true;
                }
            }
            _ => self.page.borrow_mut().text.push(' '),
        }
    }

    fn words(&self, words: &str) {
        if *self.unread.borrow() > 0 {
            return;
        }
        let mut page = self.page.borrow_mut();
        page.text.push_str(words);
        if *self.in_link.borrow()
            && let Some(link) = page.links.last_mut()
        {
            link.words.push_str(words);
        }
    }
}

impl TokenSink for Reader {
    type Handle = ();

    fn process_token(&self, token: Token, _: u64) -> TokenSinkResult<()> {
        match token {
            Token::TagToken(tag) => self.tag(&tag),
            Token::CharacterTokens(words) => self.words(&words),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

/// Reads an HTML body; merge tags stand as they are written.
pub fn read(html: &str) -> Page {
    let queue = BufferQueue::default();
    queue.push_back(StrTendril::from_slice(html));
    let tokenizer = Tokenizer::new(Reader::default(), TokenizerOpts::default());
    let _ = tokenizer.feed(&queue);
    tokenizer.end();
    tokenizer.sink.page.take()
}

/// The web addresses of a plain text, in order.
pub fn addresses(text: &str) -> Vec<String> {
    let ends = |c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"');
    let is_address = |word: &&str| word.starts_with("http://") || word.starts_with("https://");
    let words = text.split(ends).map(|word| word.trim_start_matches('('));
    words.filter(is_address).map(|word| word.trim_end_matches(['.', ',', ')', ';', '!', '?']).to_owned()).collect()
}
