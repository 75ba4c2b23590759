//! A request as a profile writes it: what is sent is filled into a tree that has been parsed, or into members of a form,
//! and never pasted into a text that is parsed later.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::profile::ProfileError;
use super::template::{Known, Name, Place, Text, Value, as_it_is, percent_encoded};
use super::values::{Values, number};

/// Deepest nesting of a body.
const DEPTH_MAX: usize = 16;
/// Headers that belong to the client.
const NOT_OURS: [&str; 5] = ["host", "content-length", "transfer-encoding", "connection", "accept-encoding"];

/// A request as it stands in a profile; one of `json`, `form` and `raw`, or none of them.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RequestSpec {
    #[serde(default)]
    pub(super) method: Verb,
    pub(super) url: String,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) query: BTreeMap<String, Json>,
    pub(super) json: Option<Json>,
    pub(super) form: Option<BTreeMap<String, Json>>,
    pub(super) raw: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Verb {
    Get,
    #[default]
    Post,
    Put,
}

/// A request, checked, to be filled in.
#[derive(Debug)]
pub(super) struct Request {
    method: Method,
    origin: Text,
    path: Text,
    query: Vec<(String, Text)>,
    headers: Vec<(HeaderName, Text)>,
    body: Body,
}

#[derive(Debug)]
enum Body {
    None,
    Json(Node),
    Form(Vec<(String, Text)>),
    Raw(Text),
}

/// JSON whose strings are templates.
#[derive(Debug)]
enum Node {
    Plain(Json),
    Text(Text),
    Array(Vec<Node>),
    Object(Vec<(String, Node)>),
}

/// A request, filled in.
pub(super) struct Filled {
    pub(super) method: Method,
    pub(super) url: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Request {
    /// Checks a request; `place` is where it stands.
    pub(super) fn read(spec: &RequestSpec, place: &str, known: &Known<'_>) -> Result<Self, ProfileError> {
        let read = |key: &str, text: &str, kind: Place| {
            Text::parse(text, kind, known)
                .map_err(|problem| ProfileError::at(format!("{place}.{key}"), problem))
        };
        let (origin, path) = split_origin(&spec.url);
        let mut headers = Vec::new();
        for (name, value) in &spec.headers {
            let key = format!("headers.{name}");
            headers.push((header_name(name, &format!("{place}.{key}"))?, read(&key, value, Place::Escaped)?));
        }
        let members = |table: &str, members: &BTreeMap<String, Json>| -> Result<Vec<_>, ProfileError> {
            let member = |(name, value): (&String, &Json)| {
                let key = format!("{table}.{name}");
                let text = super::failure::text(value).ok_or_else(|| {
                    ProfileError::at(format!("{place}.{key}"), "a text, a number, true or false belongs here")
                })?;
                Ok((name.clone(), read(&key, &text, Place::Escaped)?))
            };
            members.iter().map(member).collect()
        };
        let body = match (&spec.json, &spec.form, &spec.raw) {
            (None, None, None) => Body::None,
            (Some(json), None, None) => Body::Json(Node::read(json, &format!("{place}.json"), known, 0)?),
            (None, Some(form), None) => Body::Form(members("form", form)?),
            (None, None, Some(raw)) => Body::Raw(read("raw", raw, Place::Raw)?),
            _ => return Err(ProfileError::at(place, "has more than one of json, form and raw")),
        };
        if spec.method == Verb::Get && !matches!(body, Body::None) {
            return Err(ProfileError::at(place, "a GET has no body"));
        }
        if matches!(body, Body::Raw(_)) && !headers.iter().any(|(name, _)| *name == header::CONTENT_TYPE) {
            return Err(ProfileError::at(format!("{place}.headers"), "a raw body needs a Content-Type"));
        }
        let path = Text::parse_behind(origin.chars().count(), path, Place::Escaped, known)
            .map_err(|problem| ProfileError::at(format!("{place}.url"), problem))?;
        let origin = read("url", origin, Place::Origin)?;
        let query = members("query", &spec.query)?;
        Ok(Self { method: spec.method.into(), origin, path, query, headers, body })
    }

    /// Adds a header, as an `[auth]` asks for.
    pub(super) fn with_header(mut self, name: &str, value: Text, place: &str) -> Result<Self, ProfileError> {
        self.headers.push((header_name(name, place)?, value));
        Ok(self)
    }

    /// Adds a member of the query.
    pub(super) fn with_query(mut self, name: &str, value: Text) -> Self {
        self.query.push((name.to_owned(), value));
        self
    }

    /// With its values. What would end a header's line is a space.
    pub(super) fn fill(&self, values: &Values<'_>) -> Filled {
        let mut headers = HeaderMap::new();
        for (name, text) in &self.headers {
            let line = text.fill(values, |value| value.replace(char::is_control, " "));
            if let Ok(mut value) = HeaderValue::from_bytes(line.as_bytes()) {
                value.set_sensitive(true);
                headers.insert(name.clone(), value);
            }
        }
        let mut typed = |mime: &'static str| {
            headers.entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static(mime));
        };
        let body = match &self.body {
            Body::None => Bytes::new(),
            Body::Json(node) => {
                typed("application/json");
                node.fill(values).unwrap_or_default().to_string().into()
            }
            Body::Form(fields) => {
                typed("application/x-www-form-urlencoded");
                encoded(fields, values).into()
            }
            Body::Raw(text) => text.fill(values, as_it_is).into(),
        };
        Filled { method: self.method.clone(), url: self.url(values), headers, body }
    }

    /// Where it goes, checked with the values that the operator has set.
    pub(super) fn check_url(&self, values: &Values<'_>, place: &str) -> Result<(), ProfileError> {
        let fault = |problem: &str| Err(ProfileError::at(format!("{place}.url"), problem));
        let Ok(uri) = self.url(values).parse::<Uri>() else {
            return fault("is not a URL such as https://example.com/path");
        };
        match (uri.scheme_str(), uri.authority()) {
            (Some("http" | "https"), Some(host)) if !host.as_str().contains('@') => Ok(()),
            (Some("http" | "https"), Some(_)) => fault("may not contain a user name or password"),
            _ => fault("must begin with https:// or http://"),
        }
    }

    fn url(&self, values: &Values<'_>) -> String {
        let path = self.path.fill(values, percent_encoded);
        let query = encoded(&self.query, values);
        let mark = if query.is_empty() {
            ""
        } else if path.contains('?') {
            "&"
        } else {
            "?"
        };
        // Whoever writes https://example.com/ means what stands before the path.
        let origin = self.origin.fill(values, |value| value.trim_end_matches('/').to_owned());
        format!("{origin}{path}{mark}{query}")
    }

    /// The names that it uses.
    pub(super) fn names(&self) -> Vec<&Name> {
        let mut texts = vec![&self.origin, &self.path];
        texts.extend(self.query.iter().map(|(_, text)| text));
        texts.extend(self.headers.iter().map(|(_, text)| text));
        match &self.body {
            Body::None => {}
            Body::Json(node) => node.texts(&mut texts),
            Body::Form(fields) => texts.extend(fields.iter().map(|(_, text)| text)),
            Body::Raw(text) => texts.push(text),
        }
        texts.into_iter().flat_map(Text::names).collect()
    }
}

impl Node {
    fn read(json: &Json, place: &str, known: &Known<'_>, depth: usize) -> Result<Self, ProfileError> {
        if depth > DEPTH_MAX {
            return Err(ProfileError::at(place, format!("nested deeper than {DEPTH_MAX} levels")));
        }
        match json {
            Json::Null | Json::Bool(_) | Json::Number(_) => Ok(Self::Plain(json.clone())),
            Json::String(text) => Text::parse(text, Place::Json, known)
                .map(Self::Text)
                .map_err(|problem| ProfileError::at(place, problem)),
            Json::Array(items) => {
                let items = items.iter().enumerate();
                let items =
                    items.map(|(at, item)| Self::read(item, &format!("{place}[{at}]"), known, depth + 1));
                Ok(Self::Array(items.collect::<Result<_, _>>()?))
            }
            Json::Object(members) => {
                let member = |(name, json): (&String, &Json)| {
                    let place = format!("{place}.{name}");
                    if name.contains("{{") {
                        return Err(ProfileError::at(place, "the names of members may not contain slots"));
                    }
                    Ok((name.clone(), Self::read(json, &place, known, depth + 1)?))
                };
                Ok(Self::Object(members.iter().map(member).collect::<Result<_, _>>()?))
            }
        }
    }

    /// The tree with its values; a list that is empty takes its member along, and an object that had nothing else.
    fn fill(&self, values: &Values<'_>) -> Option<Json> {
        match self {
            Self::Plain(json) => Some(json.clone()),
            Self::Text(text) => match text.alone(values) {
                Some(Value::Number(value)) => Some(Json::Number(number(value))),
                Some(Value::List(items)) if items.is_empty() => None,
                Some(Value::List(items)) => Some(items.into()),
                Some(Value::Text(text)) => Some(Json::String(text)),
                None => Some(Json::String(text.fill(values, as_it_is))),
            },
            Self::Array(items) => Some(items.iter().filter_map(|item| item.fill(values)).collect()),
            Self::Object(members) => {
                let filled: Map<String, Json> = members
                    .iter()
                    .filter_map(|(name, node)| Some((name.clone(), node.fill(values)?)))
                    .collect();
                (members.is_empty() || !filled.is_empty()).then_some(Json::Object(filled))
            }
        }
    }

    fn texts<'a>(&'a self, texts: &mut Vec<&'a Text>) {
        match self {
            Self::Plain(_) => {}
            Self::Text(text) => texts.push(text),
            Self::Array(items) => items.iter().for_each(|item| item.texts(texts)),
            Self::Object(members) => members.iter().for_each(|(_, node)| node.texts(texts)),
        }
    }
}

impl From<Verb> for Method {
    fn from(verb: Verb) -> Self {
        match verb {
            Verb::Get => Self::GET,
            Verb::Post => Self::POST,
            Verb::Put => Self::PUT,
        }
    }
}

fn header_name(name: &str, place: &str) -> Result<HeaderName, ProfileError> {
    let parsed =
        name.parse::<HeaderName>().map_err(|_| ProfileError::at(place, "is not the name of a header"))?;
    if NOT_OURS.contains(&parsed.as_str()) {
        return Err(ProfileError::at(place, "this header is the client's own"));
    }
    Ok(parsed)
}

/// Members by name, as a form or a query has them.
fn encoded(fields: &[(String, Text)], values: &Values<'_>) -> String {
    let field = |(name, text): &(String, Text)| {
        format!("{}={}", percent_encoded(name), percent_encoded(&text.fill(values, as_it_is)))
    };
    fields.iter().map(field).collect::<Vec<_>>().join("&")
}

/// Scheme and authority, and what follows. A slot at the beginning belongs to the first.
fn split_origin(url: &str) -> (&str, &str) {
    let authority = match (url.starts_with("{{"), url.find("}}"), url.find("://")) {
        (true, Some(end), _) => end + 2,
        (_, _, Some(at)) => at + 3,
        _ => 0,
    };
    let end = url[authority..].find(['/', '?', '#', '\\']).map_or(url.len(), |at| authority + at);
    url.split_at(end)
}
