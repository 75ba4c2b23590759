//! The members of an XML body for senders that sign those: the elements inside the root and their text.
//! What has no place in such a list (document types, attributes, comments, text between elements) is refused.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, Event};

/// Names and texts; of an element with others inside the text is what is written between its tags. `None` for what is
/// no such list, or has more than `max`.
pub(super) fn members(xml: &[u8], max: usize) -> Option<Vec<(String, String)>> {
    let text = std::str::from_utf8(xml).ok()?;
    let mut reader = Reader::from_str(text);
    let mut list = List { xml: text, members: Vec::new(), open: None, depth: 0, is_over: false };
    loop {
        let before = usize::try_from(reader.buffer_position()).ok()?;
        let event = reader.read_event().ok()?;
        let after = usize::try_from(reader.buffer_position()).ok()?;
        if matches!(event, Event::Eof) {
            break;
        }
        list.take(&event, before, after)?;
        if list.members.len() > max {
            return None;
        }
    }
    list.is_over.then_some(list.members)
}

struct List<'a> {
    xml: &'a str,
    members: Vec<(String, String)>,
    open: Option<Member>,
    depth: usize,
    is_over: bool,
}

/// The element inside the root that is being read.
struct Member {
    name: String,
    text: String,
    begins_at: usize,
    holds_elements: bool,
}

impl List<'_> {
    /// One more piece, which stands between these two places.
    fn take(&mut self, event: &Event<'_>, before: usize, after: usize) -> Option<()> {
        match event {
            Event::Start(tag) if tag.attributes_raw().trim_ascii().is_empty() => {
                self.start(tag.name().0, after)
            }
            Event::Empty(tag) if tag.attributes_raw().trim_ascii().is_empty() => {
                self.start(tag.name().0, after)?;
                self.end(after)
            }
            Event::End(_) => self.end(before),
            Event::Text(text) => self.text(&text.xml10_content()),
            Event::CData(text) => self.text(&text.xml10_content()),
            Event::GeneralRef(reference) => self.text(&character(reference)?),
            Event::Decl(_) => (before == 0).then_some(()),
            Event::Start(_) | Event::Empty(_) | Event::Comment(_) | Event::PI(_) | Event::DocType(_) => None,
            Event::Eof => Some(()),
        }
    }

    fn start(&mut self, name: &str, begins_at: usize) -> Option<()> {
        match (self.depth, &mut self.open) {
            (0, _) if self.is_over => return None,
            (0, _) => {}
            (1, _) => {
                self.open = Some(Member {
                    name: name.to_owned(),
                    text: String::new(),
                    begins_at,
                    holds_elements: false,
                });
            }
            (_, open) => open.as_mut()?.holds_elements = true,
        }
        self.depth += 1;
        Some(())
    }

    fn end(&mut self, ends_at: usize) -> Option<()> {
        self.depth = self.depth.checked_sub(1)?;
        self.is_over = self.depth == 0;
        if self.depth == 1 {
            let member = self.open.take()?;
            let inside = self.xml.get(member.begins_at..ends_at)?;
            let text = if member.holds_elements { inside.to_owned() } else { member.text };
            self.members.push((member.name, text));
        }
        Some(())
    }

    fn text(&mut self, text: &str) -> Option<()> {
        match &mut self.open {
            Some(member) => member.text.push_str(text),
            None => text.trim_ascii().is_empty().then_some(())?,
        }
        Some(())
    }
}

fn character(reference: &BytesRef<'_>) -> Option<String> {
    match reference.resolve_char_ref().ok()? {
        Some(character) => Some(character.to_string()),
        None => resolve_predefined_entity(reference).map(str::to_owned),
    }
}
