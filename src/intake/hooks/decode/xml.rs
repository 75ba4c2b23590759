//! XML: elements become members, repeated ones lists, attributes `@name`, text beside them `#text`.
//! No document type, no processing instruction, no entity but the five: nothing is ever fetched or unfolded.

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use serde_json::{Map, Value};

use super::charset::Charset;
use super::{Count, DEPTH_MAX, DecodeError, refused};

/// How far the declaration may reach.
const DECLARATION_MAX: usize = 256;

/// The charset that the declaration names; UTF-8 without one.
pub(super) fn declared_charset(body: &[u8]) -> Result<Charset, DecodeError> {
    let head = body.get(..DECLARATION_MAX).unwrap_or(body).trim_ascii_start();
    let head = String::from_utf8_lossy(head);
    let declaration = head.strip_prefix("<?xml").and_then(|head| head.split_once("?>"));
    let label = declaration.and_then(|(declaration, _)| {
        let (_, value) = declaration.split_once("encoding")?;
        let value = value.trim_start().strip_prefix('=')?.trim_start();
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        value.get(1..)?.split(quote).next()
    });
    label.map_or(Ok(Charset::default()), Charset::declared)
}

/// Reads a document. Its root is dropped or is the only member.
pub(super) fn read(text: &str, count: &Count, drops_root: bool) -> Result<Value, DecodeError> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut document = Document { open: Vec::new(), root: None, is_begun: false, count };
    loop {
        let event = reader.read_event();
        let at = reader.buffer_position();
        let event = event.map_err(|error| malformed(&format!("{error}, at byte {at}")))?;
        if matches!(event, Event::Eof) {
            break;
        }
        document
            .take(event)
            .map_err(|error| refused(error.reason, format!("{}, at byte {at}", error.detail)))?;
    }
    let Document { open, root, .. } = document;
    let (Some((name, value)), true) = (root, open.is_empty()) else {
        return Err(malformed("the document ends before its root does"));
    };
    if drops_root {
        return Ok(value);
    }
    Ok(Value::Object(Map::from_iter([(name, value)])))
}

struct Document<'a> {
    open: Vec<Element>,
    root: Option<(String, Value)>,
    is_begun: bool,
    count: &'a Count,
}

struct Element {
    name: String,
    members: Map<String, Value>,
    text: String,
}

impl Document<'_> {
    fn take(&mut self, event: Event<'_>) -> Result<(), DecodeError> {
        match event {
            Event::Start(tag) | Event::Empty(tag) => self.start(&tag),
            Event::End(_) => self.end(),
            Event::Text(text) => self.text(&text.xml10_content()),
            Event::CData(_) if self.open.is_empty() => Err(malformed("CDATA outside of the root")),
            Event::CData(text) => self.text(&text.xml10_content()),
            Event::GeneralRef(reference) => {
                let character =
                    reference.resolve_char_ref().map_err(|error| malformed(&error.to_string()))?;
                match character {
                    Some(character) => self.text(character.encode_utf8(&mut [0; 4])),
                    None => self.text(resolve_predefined_entity(&reference).ok_or_else(unknown_entity)?),
                }
            }
            Event::Comment(_) | Event::Eof => Ok(()),
            Event::Decl(_) if !self.is_begun => {
                self.is_begun = true;
                Ok(())
            }
            Event::Decl(_) => Err(malformed("a declaration inside of the document")),
            Event::PI(_) => Err(malformed("processing instructions are not taken")),
            Event::DocType(_) => Err(malformed("document types are not taken")),
        }
    }

    fn start(&mut self, tag: &BytesStart<'_>) -> Result<(), DecodeError> {
        self.is_begun = true;
        if self.open.is_empty() && self.root.is_some() {
            return Err(malformed("a second root"));
        }
        if self.open.len() >= DEPTH_MAX {
            return Err(refused("too_deep", format!("nested more than {DEPTH_MAX} levels deep")));
        }
        self.count.one()?;
        let mut element = Element { name: name(tag.name().0)?, members: Map::new(), text: String::new() };
        // Its own look for names that come twice takes the square of their number.
        for attribute in tag.attributes().with_checks(false) {
            self.count.one()?;
            let attribute = attribute.map_err(|error| malformed(&error.to_string()))?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0);
            let value = value.map_err(|error| malformed(&error.to_string()))?;
            let key = format!("@{}", name(attribute.key.0)?);
            if element.members.insert(key, legal(&value)?.into()).is_some() {
                return Err(refused("duplicate_member", "an attribute appears twice".to_owned()));
            }
        }
        self.open.push(element);
        Ok(())
    }

    fn end(&mut self) -> Result<(), DecodeError> {
        let Some(element) = self.open.pop() else { return Err(malformed("an end without its beginning")) };
        let (name, value) = element.value();
        match self.open.last_mut() {
            Some(parent) => parent.add(name, value),
            None => self.root = Some((name, value)),
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), DecodeError> {
        match self.open.last_mut() {
            Some(element) => element.text.push_str(legal(text)?),
            None if text.trim().is_empty() => {}
            None => return Err(malformed("text outside of the root")),
        }
        Ok(())
    }
}

impl Element {
    fn value(mut self) -> (String, Value) {
        let text = self.text.trim();
        if self.members.is_empty() {
            return (self.name, text.into());
        }
        if !text.is_empty() {
            self.members.insert("#text".to_owned(), text.into());
        }
        (self.name, Value::Object(self.members))
    }

    /// No element is a list itself, so a list is what came more than once.
    fn add(&mut self, name: String, value: Value) {
        let Some(there) = self.members.get_mut(&name) else {
            self.members.insert(name, value);
            return;
        };
        match there {
            Value::Array(list) => list.push(value),
            one => *one = Value::Array(vec![one.take(), value]),
        }
    }
}

/// A name that can be no attribute's, no text's and no piece of markup.
fn name(name: &str) -> Result<String, DecodeError> {
    let is_fit = |c: char| !c.is_ascii() || c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ':');
    let is_first = |c: char| !matches!(c, '-' | '.' | '0'..='9');
    if name.starts_with(is_first) && name.chars().all(is_fit) {
        return Ok(name.to_owned());
    }
    Err(malformed("not a name"))
}

/// Characters that a document may hold, also by reference.
fn legal(text: &str) -> Result<&str, DecodeError> {
    let is_illegal =
        |c: char| (c < ' ' && !matches!(c, '\t' | '\n' | '\r')) || matches!(c, '\u{fffe}' | '\u{ffff}');
    if text.contains(is_illegal) { Err(malformed("a character that XML does not have")) } else { Ok(text) }
}

fn unknown_entity() -> DecodeError {
    malformed("an entity that is none of the five")
}

fn malformed(detail: &str) -> DecodeError {
    // Some of the library's words quote the document.
    refused("malformed_xml", detail.chars().filter(|c| !c.is_control()).take(200).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::{Count, DecodeError, VALUES_MAX};

    fn read(text: &str) -> Result<Value, DecodeError> {
        super::read(text, &Count::default(), true)
    }

    #[test]
    fn elements_become_members() {
        let cases = [
            ("<xml><A><![CDATA[a<b]]></A><B>1</B></xml>", json!({"A":"a<b","B":"1"})),
            (
                "<?xml version=\"1.0\"?>\n<r>\n <a> x </a>\n <a/>\n <a>y</a>\n</r>\n",
                json!({"a":["x","","y"]}),
            ),
            (
                "<r id=\"1\"><i n='a&amp;b'>t</i>rest</r>",
                json!({"@id":"1","i":{"@n":"a&b","#text":"t"},"#text":"rest"}),
            ),
            ("<r>&lt;&#27979;&#x8bd5;&gt;&amp;&quot;&apos;</r>", json!("<测试>&\"'")),
            ("<r><!-- no --><a>1<!-- no -->2</a></r><!-- no -->", json!({"a":"12"})),
            ("<s:r xmlns:s=\"u\"><s:a>1</s:a></s:r>", json!({"@xmlns:s":"u","s:a":"1"})),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text).unwrap(), expected, "{text}");
        }
        let kept = super::read("<r><a>1</a></r>", &Count::default(), false).unwrap();
        assert_eq!(kept, json!({"r":{"a":"1"}}));
    }

    #[test]
    fn what_is_unfolded_fetched_or_broken_is_refused() {
        let cases = [
            "<!DOCTYPE r><r/>",
            "<!DOCTYPE r [<!ENTITY a \"b\">]><r>&a;</r>",
            "<r>&a;</r>",
            "<r b=\"&a;\"/>",
            "<r>&#0;</r>",
            "<r>&#x1;</r>",
            "<r>&#xd800;</r>",
            "<r>\u{b}</r>",
            "<?xml-stylesheet href=\"x\"?><r/>",
            "<r><?php x ?></r>",
            "<r/><?xml version=\"1.0\"?>",
            "<r/><r/>",
            "<r/>x",
            "x<r/>",
            "<![CDATA[x]]><r/>",
            "<r><a></r></a>",
            "<r><a>",
            "<r",
            "</r>",
            "<1a/>",
            "<@a/>",
            "<r #text=\"1\"/>",
            "<r a/>",
            "<r a=1/>",
            "",
            "<!-- only -->",
        ];
        for text in cases {
            assert_eq!(read(text).unwrap_err().reason, "malformed_xml", "{text}");
        }
        assert_eq!(read("<r a='1' a='2'/>").unwrap_err().reason, "duplicate_member");
    }

    #[test]
    fn what_is_too_much_is_refused_at_once() {
        let attributes = (0..100_000).map(|n| format!(" a{n}='1'")).collect::<Vec<_>>().concat();
        let cases = [
            ("<a>".repeat(100_000), "too_deep"),
            (format!("<r>{}</r>", "<a/>".repeat(VALUES_MAX)), "too_many"),
            (format!("<r{attributes}/>"), "too_many"),
            (format!("<!DOCTYPE r [<!ENTITY a \"{}\">]><r>&a;</r>", "&b;".repeat(100_000)), "malformed_xml"),
        ];
        for (text, reason) in cases {
            assert_eq!(read(&text).unwrap_err().reason, reason, "{text:.60}");
        }
    }

    #[test]
    fn the_declaration_names_the_charset() {
        let cases = [
            ("<?xml version='1.0' encoding='GBK'?><r/>", Some("gbk")),
            ("<?xml version=\"1.0\" encoding = \"gb2312\" standalone='yes'?><r/>", Some("gbk")),
            ("<?xml version='1.0'?><r encoding='gbk'/>", Some("utf-8")),
            ("<r/>", Some("utf-8")),
            ("<?xml encoding='klingon'?><r/>", None),
        ];
        for (text, label) in cases {
            let charset = super::declared_charset(text.as_bytes()).ok();
            assert_eq!(charset, label.and_then(super::Charset::named), "{text}");
        }
    }
}
