//! From the bytes of a body to a value: JSON, forms and XML, in the charset that is declared, with what is wrapped in it.
//! Lenient where a sender's habit has one meaning; refused where two readers could see two things, and where it is too much.

mod charset;
mod embedded;
mod envelope;
mod form;
mod json;
mod multipart;
mod percent;
mod xml;

use std::borrow::Cow;
use std::cell::Cell;

use http::header::CONTENT_TYPE;
use serde_json::{Map, Value};

pub use envelope::{headers_value, query_value};

use super::path::Path;
use super::{DecodeError, HookRequest, ProfileError};
use crate::intake::reader::escape;
use charset::Charset;
use embedded::Unwrap;

/// Deepest nesting of a body; the deepest that is known has ten.
const DEPTH_MAX: usize = 32;
/// Values of a body: members, items and what holds them. An order with a hundred dishes has some 3,000.
const VALUES_MAX: usize = 20_000;
/// Longest single text when all is decoded. What is longer is a picture or an attack.
const TEXT_MAX: usize = 65_536;
/// Places that are decoded once more, of each sort.
const PATHS_MAX: usize = 32;
const MEMBERS: [&str; 5] = ["format", "charset", "url_decode", "embedded_json", "xml_root"];

/// What a profile says about reading bodies, checked.
#[derive(Clone, Debug)]
pub struct Decoder {
    format: Format,
    charset: Option<Charset>,
    unwraps: Vec<Unwrap>,
    drops_root: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Format {
    /// What the content type says, else the first byte.
    Auto,
    Json,
    Form,
    Multipart,
    Xml,
}

impl Decoder {
    /// Reads the profile's `decode`; without one everything is by itself.
    ///
    /// # Errors
    /// A member that is not known, of the wrong type, or with a value that does not exist.
    pub fn read(profile: Option<&Value>) -> Result<Self, ProfileError> {
        let mut decoder = Self { format: Format::Auto, charset: None, unwraps: Vec::new(), drops_root: true };
        let members = match profile {
            None | Some(Value::Null) => return Ok(decoder),
            Some(Value::Object(members)) => members,
            Some(_) => return Err(profile_error("wrong_type", "", "decode is a table")),
        };
        if let Some(name) = members.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
            let known = MEMBERS.join(", ");
            return Err(profile_error("unknown_member", &escape(name), &format!("decode knows {known}")));
        }
        if let Some(format) = member(members, "format", Value::as_str, "a text")? {
            decoder.format = match format {
                "auto" => Format::Auto,
                "json" => Format::Json,
                "form" => Format::Form,
                "xml" => Format::Xml,
                _ => return Err(profile_error("bad_value", "format", "format is auto, json, form or xml")),
            };
        }
        if let Some(label) = member(members, "charset", Value::as_str, "a text")? {
            let charset = Charset::named(label);
            let unknown = "not a charset that is known here; such as utf-8, gbk, gb18030, big5";
            decoder.charset = Some(charset.ok_or_else(|| profile_error("bad_value", "charset", unknown))?);
        }
        if let Some(drops_root) = member(members, "xml_root", Value::as_bool, "true or false")? {
            decoder.drops_root = drops_root;
        }
        let mut unwraps: Vec<_> = paths(members, "url_decode")?.into_iter().map(Unwrap::Percent).collect();
        unwraps.extend(paths(members, "embedded_json")?.into_iter().map(Unwrap::Json));
        // From outside in, so that what is found in a text can be taken apart as well; the sort keeps percents first.
        unwraps.sort_by_key(|unwrap| unwrap.path().steps());
        decoder.unwraps = unwraps;
        Ok(decoder)
    }

    /// Reads a body. An empty one is an empty object: a GET has its members in the query.
    ///
    /// # Errors
    /// `malformed_json`, `malformed_form`, `malformed_xml`, `unknown_format`, `bad_charset`, `duplicate_member`,
    /// `too_deep`, `too_many` or `too_long`.
    pub fn decode(&self, request: &HookRequest<'_>) -> Result<Value, DecodeError> {
        if request.body.trim_ascii().is_empty() {
            return Ok(Value::Object(Map::new()));
        }
        let content_type = content_type(request);
        let format = match self.format {
            Format::Auto => Format::of(&content_type, request.body)?,
            Format::Form if is_multipart(&content_type) => Format::Multipart,
            declared => declared,
        };
        let declared = match self.charset {
            Some(charset) => Some(charset),
            None => Charset::of_content_type(&content_type)?,
        };
        let count = Count::default();
        let mut body = match format {
            Format::Form | Format::Auto => form::read(request.body, declared.unwrap_or_default(), &count)?,
            Format::Multipart => {
                multipart::read(request.body, &content_type, declared.unwrap_or_default(), &count)?
            }
            Format::Json => json::read(&declared.unwrap_or_default().text(request.body)?, 0, &count)?,
            Format::Xml => {
                let charset = declared.map_or_else(|| xml::declared_charset(request.body), Ok)?;
                xml::read(&charset.text(request.body)?, &count, self.drops_root)?
            }
        };
        let charset = declared.unwrap_or_default();
        self.unwraps.iter().try_for_each(|unwrap| unwrap.apply(&mut body, charset, &count))?;
        // GBK grows by half when it becomes UTF-8, one-byte charsets to three times.
        if request.body.len() > TEXT_MAX / 3 {
            bounded(&body)?;
        }
        Ok(body)
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self { format: Format::Auto, charset: None, unwraps: Vec::new(), drops_root: true }
    }
}

impl Format {
    /// Many senders send JSON as a form, or as nothing at all: the first byte knows better then.
    fn of(content_type: &str, body: &[u8]) -> Result<Self, DecodeError> {
        let media = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        let first = body.trim_ascii_start().first().copied().unwrap_or_default();
        let is = |name: &str| media == format!("application/{name}") || media == format!("text/{name}");
        match first {
            _ if is_multipart(content_type) => Ok(Self::Multipart),
            _ if is("json") || media.ends_with("+json") => Ok(Self::Json),
            _ if is("xml") || media.ends_with("+xml") => Ok(Self::Xml),
            b'{' | b'[' => Ok(Self::Json),
            b'<' => Ok(Self::Xml),
            _ if is("x-www-form-urlencoded") || body.contains(&b'=') => Ok(Self::Form),
            _ => Err(refused("unknown_format", "neither JSON nor a form nor XML".to_owned())),
        }
    }
}

/// A text decoded once more, where it is encoded and the result is text.
pub(super) fn percent_decoded(text: &str) -> Option<String> {
    let decoded = percent::decode(text.as_bytes(), percent::Stray::Kept)?;
    let decoded = str::from_utf8(&decoded).ok().filter(|decoded| *decoded != text)?;
    Some(decoded.to_owned())
}

/// How many values there are so far.
#[derive(Debug, Default)]
struct Count(Cell<usize>);

impl Count {
    /// One more.
    fn one(&self) -> Result<(), DecodeError> {
        self.0.set(self.0.get() + 1);
        if self.0.get() > VALUES_MAX {
            return Err(refused("too_many", format!("more than {VALUES_MAX} values")));
        }
        Ok(())
    }
}

fn bounded(value: &Value) -> Result<(), DecodeError> {
    match value {
        Value::String(text) if text.len() > TEXT_MAX => {
            Err(refused("too_long", format!("a text of more than {TEXT_MAX} bytes")))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
        Value::Array(list) => list.iter().try_for_each(bounded),
        Value::Object(members) => members.values().try_for_each(bounded),
    }
}

fn refused(reason: &'static str, detail: String) -> DecodeError {
    DecodeError { reason, detail }
}

fn content_type<'a>(request: &HookRequest<'a>) -> Cow<'a, str> {
    let value = request.headers.get(CONTENT_TYPE).map(http::HeaderValue::as_bytes);
    String::from_utf8_lossy(value.unwrap_or_default())
}

fn is_multipart(content_type: &str) -> bool {
    let media = content_type.split(';').next().unwrap_or_default().trim();
    media.eq_ignore_ascii_case("multipart/form-data")
}

fn profile_error(error: &'static str, member: &str, detail: &str) -> ProfileError {
    let pointer = if member.is_empty() { "/decode".to_owned() } else { format!("/decode/{member}") };
    ProfileError { error, pointer, detail: detail.to_owned() }
}

fn member<'a, T>(
    members: &'a Map<String, Value>,
    name: &str,
    read: impl Fn(&'a Value) -> Option<T>,
    wanted: &str,
) -> Result<Option<T>, ProfileError> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => read(value)
            .map(Some)
            .ok_or_else(|| profile_error("wrong_type", name, &format!("{name} is {wanted}"))),
    }
}

fn paths(members: &Map<String, Value>, name: &str) -> Result<Vec<Path>, ProfileError> {
    let Some(list) = member(members, name, Value::as_array, "a list of paths")? else {
        return Ok(Vec::new());
    };
    if list.len() > PATHS_MAX {
        return Err(profile_error("out_of_range", name, &format!("at most {PATHS_MAX} paths")));
    }
    let paths = list.iter().enumerate().map(|(place, path)| {
        let place = format!("{name}/{place}");
        let text = path.as_str().ok_or_else(|| profile_error("wrong_type", &place, "a path is a text"))?;
        Path::read(text).map_err(|detail| profile_error("bad_value", &place, detail))
    });
    paths.collect()
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue, Method};
    use serde_json::{Value, json};

    use super::{Decoder, TEXT_MAX};
    use crate::intake::hooks::{DecodeError, HookRequest};

    fn decode(profile: &Value, content_type: &str, body: &[u8]) -> Result<Value, DecodeError> {
        let mut headers = HeaderMap::new();
        if !content_type.is_empty() {
            headers.insert("content-type", HeaderValue::from_str(content_type).unwrap());
        }
        decode_with(profile, &headers, body)
    }

    fn decode_with(profile: &Value, headers: &HeaderMap, body: &[u8]) -> Result<Value, DecodeError> {
        let request = HookRequest {
            method: &Method::POST,
            url: "https://hook.example.com/in/x",
            query: "",
            headers,
            body,
            event: None,
            peer: None,
        };
        Decoder::read(Some(profile)).unwrap().decode(&request)
    }

    fn fixtures() -> Vec<Value> {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hooks/payloads");
        let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        let fixtures: Vec<_> =
            files.map(|file| serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()).collect();
        assert!(fixtures.len() >= 20);
        fixtures
    }

    /// What the fixture shows is the body before its texts are taken apart, in one case without its signature.
    fn expected(fixture: &Value) -> Value {
        let mut view = fixture["body_view"].clone();
        if let Some((_, signature)) = fixture["request"]["body"].as_str().unwrap().split_once("&sig=") {
            view["sig"] = json!(signature);
        }
        let texts = fixture["decode"]["embedded_json"].as_array().cloned().unwrap_or_default();
        for name in texts.iter().map(|name| name.as_str().unwrap()) {
            let text = view[name].as_str().unwrap().to_owned();
            let encoded = text
                .starts_with('%')
                .then(|| super::percent::decode(text.as_bytes(), super::percent::Stray::Refused).unwrap());
            view[name] = serde_json::from_slice(encoded.as_deref().unwrap_or(text.as_bytes())).unwrap();
        }
        view
    }

    #[test]
    fn every_senders_body_is_read_as_it_was_meant() {
        for fixture in fixtures() {
            let name = fixture["name"].as_str().unwrap();
            let mut headers = HeaderMap::new();
            for (name, value) in fixture["request"]["headers"].as_object().unwrap() {
                let value = HeaderValue::from_str(value.as_str().unwrap()).unwrap();
                headers.insert(HeaderName::from_bytes(name.as_bytes()).unwrap(), value);
            }
            let body = fixture["request"]["body"].as_str().unwrap().as_bytes();
            let mut profile = fixture["decode"].clone();
            profile.as_object_mut().unwrap().remove("event");
            assert_eq!(decode_with(&profile, &headers, body).unwrap(), expected(&fixture), "{name}");
            // Nobody needs to name the format.
            profile["format"] = json!("auto");
            assert_eq!(decode_with(&profile, &headers, body).unwrap(), expected(&fixture), "{name}");
        }
    }

    #[test]
    fn the_format_is_what_the_content_type_or_the_first_byte_says() {
        let auto = json!({});
        let cases: [(&str, &[u8], Value); 13] = [
            ("application/json", b"[1]", json!([1])),
            ("application/vnd.api+json; charset=utf-8", b" 1", json!(1)),
            ("text/plain", b"\xef\xbb\xbf{\"a\":1}", json!({"a":1})),
            ("", b"\n[1]", json!([1])),
            ("", b"<a>1</a>", json!("1")),
            ("", b"a=1", json!({"a":"1"})),
            ("application/x-www-form-urlencoded", b"a", json!({"a":""})),
            ("application/x-www-form-urlencoded", b"{\"a\":1}", json!({"a":1})),
            ("text/xml", b"\xef\xbb\xbf<a/>", json!("")),
            ("application/soap+xml", b"<a>1</a>", json!("1")),
            ("multipart/form-data; boundary=x", b"--x--", json!({})),
            ("application/json", b" \r\n", json!({})),
            ("", b"", json!({})),
        ];
        for (content_type, body, expected) in cases {
            assert_eq!(decode(&auto, content_type, body).unwrap(), expected, "{content_type}");
        }
        assert_eq!(decode(&auto, "text/plain", b"hello").unwrap_err().reason, "unknown_format");
        assert_eq!(decode(&auto, "application/json", b"a=1").unwrap_err().reason, "malformed_json");
        let body = b"--x\r\ncontent-disposition: form-data; name=a\r\n\r\n1\r\n--x--";
        let form = decode(&json!({"format":"form"}), "multipart/form-data; boundary=x", body);
        assert_eq!(form.unwrap(), json!({"a":"1"}));
    }

    #[test]
    fn a_charset_is_the_profiles_or_the_senders() {
        let gbk = b"{\"a\":\"\xb2\xe2\"}";
        let measured = json!({"a":"测"});
        assert_eq!(decode(&json!({}), "application/json; charset=GBK", gbk).unwrap(), measured);
        assert_eq!(decode(&json!({"charset":"gb18030"}), "application/json", gbk).unwrap(), measured);
        // Java clients declare Latin-1 and send UTF-8: the profile can say so.
        let latin = "application/json; charset=ISO-8859-1";
        assert_eq!(
            decode(&json!({"charset":"utf-8"}), latin, "{\"a\":\"测\"}".as_bytes()).unwrap(),
            measured
        );
        let xml = b"<?xml version='1.0' encoding='gbk'?><r><a>\xb2\xe2</a></r>";
        assert_eq!(decode(&json!({}), "text/xml", xml).unwrap(), measured);
        for (content_type, body) in
            [("application/json", &gbk[..]), ("text/xml; charset=utf-8", &xml[..]), ("a/b; charset=x", b"{}")]
        {
            assert_eq!(decode(&json!({}), content_type, body).unwrap_err().reason, "bad_charset");
        }
    }

    #[test]
    fn wrappings_come_off_from_outside_in() {
        let profile = json!({
            "url_decode": ["list.*.name", "msg"],
            "embedded_json": ["msg.inner", "msg", "list.*.detail", "absent.x", "odd"],
        });
        let body = json!({
            "msg": "%7B%22inner%22:%22[1]%22%7D",
            "list": [{"name":"%E6%B5%8B+1","detail":"{\"n\":99999999999999999999}"}, {"name":"100%"}],
            "odd": "{not json",
        });
        let decoded = decode(&profile, "application/json", body.to_string().as_bytes()).unwrap();
        let expected = json!({
            "msg": {"inner":[1]},
            "list": [{"name":"测 1","detail":{"n":"99999999999999999999"}}, {"name":"100%"}],
            "odd": "{not json",
        });
        assert_eq!(decoded, expected);
        let twice = json!({"embedded_json":["a","a"]});
        assert_eq!(decode(&twice, "", br#"{"a":"\"{}\""}"#).unwrap(), json!({"a":{}}));
        for (text, reason) in [
            ("{\"a\":1,\"a\":2}".to_owned(), "duplicate_member"),
            ("[".repeat(32) + &"]".repeat(32), "too_deep"),
        ] {
            let body = json!({"odd": text}).to_string();
            assert_eq!(decode(&profile, "", body.as_bytes()).unwrap_err().reason, reason);
        }
        let body = json!({"msg":"%ff"}).to_string();
        assert_eq!(decode(&profile, "", body.as_bytes()).unwrap_err().reason, "bad_charset");
    }

    #[test]
    fn a_text_is_bounded_when_all_is_decoded() {
        let long = "x".repeat(TEXT_MAX);
        assert!(decode(&json!({}), "", format!("[\"{long}\"]").as_bytes()).is_ok());
        assert_eq!(
            decode(&json!({}), "", format!("[\"{long}x\"]").as_bytes()).unwrap_err().reason,
            "too_long"
        );
        let wrapped = format!("[{}0]", "0,".repeat(TEXT_MAX / 4));
        let body = json!({"a": "%20".repeat(TEXT_MAX / 3) + &wrapped}).to_string();
        let profile = json!({"url_decode":["a"],"embedded_json":["a"]});
        assert!(decode(&profile, "", body.as_bytes()).is_ok());
    }

    #[test]
    fn a_profile_is_refused_where_it_is_wrong() {
        let cases = [
            (json!([]), "wrong_type", "/decode"),
            (json!({"formats":"json"}), "unknown_member", "/decode/formats"),
            (json!({"a/b":1}), "unknown_member", "/decode/a~1b"),
            (json!({"format":"yaml"}), "bad_value", "/decode/format"),
            (json!({"format":1}), "wrong_type", "/decode/format"),
            (json!({"charset":"utf-16le"}), "bad_value", "/decode/charset"),
            (json!({"url_decode":"a"}), "wrong_type", "/decode/url_decode"),
            (json!({"url_decode":["a", 1]}), "wrong_type", "/decode/url_decode/1"),
            (json!({"embedded_json":["a..b"]}), "bad_value", "/decode/embedded_json/0"),
            (json!({"embedded_json":vec!["a"; 33]}), "out_of_range", "/decode/embedded_json"),
            (json!({"xml_root":"yes"}), "wrong_type", "/decode/xml_root"),
        ];
        for (profile, error, pointer) in cases {
            let refused = Decoder::read(Some(&profile)).unwrap_err();
            assert_eq!((refused.error, &*refused.pointer), (error, pointer), "{profile}");
        }
    }
}
