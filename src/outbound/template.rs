//! A call as a user writes it: a URL, headers and a body with slots for what the alert says.
//! Everything is checked when it is saved, and a value can never leave its place: each is escaped for where it stands.

mod slots;

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::headers::{HeaderRefused, Headers};
use super::url::{AllowedUrl, URL_BYTES_MAX, UrlPolicy, UrlRefused};
use super::{Method, OutboundRequest};
pub use slots::{NAMES, SlotProblem};
use slots::{Text, form_encoded, path_encoded};

/// Largest body, as it is written and as it is sent, in bytes.
pub const CALL_BODY_BYTES_MAX: usize = 16_384;
/// Most slots of one call: every known name a few times.
pub const SLOTS_MAX: usize = 64;
/// Deepest nesting of a body.
pub const DEPTH_MAX: usize = 16;

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// A call as it is written and stored.
///
/// Slots are `{{ name }}` or `{{ name|filter }}`, in the URL after the host, in values of headers and in strings of the
/// body. The names are [`NAMES`], the filters `tojson` and `urlencode`, for JSON or a URL inside of a string.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CallSpec {
    /// Where to; scheme, host and port hold no slots.
    pub url: String,
    /// How; a POST where nothing is said.
    #[serde(default)]
    pub method: Method,
    /// With what headers. `content-type` says how the body is written: JSON, or a form.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// With what body: an object or array whose strings may hold slots. A string that is one slot alone becomes the
    /// value itself, a number for instance.
    #[serde(default)]
    pub body: Option<Json>,
}

/// A checked call, to be filled in.
#[derive(Clone)]
pub struct CallTemplate {
    method: Method,
    /// Scheme, host and port, as written.
    origin: String,
    /// What follows.
    path: Text,
    headers: Vec<(String, Text)>,
    body: Body,
    policy: UrlPolicy,
}

/// What is wrong with a call as it is written.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{pointer}: {problem}")]
pub struct TemplateError {
    /// JSON pointer inside of the call.
    pub pointer: String,
    /// What is wrong there.
    pub problem: TemplateProblem,
}

/// What can be wrong.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TemplateProblem {
    /// A slot; the column counts characters from 1.
    #[error("column {column}: {problem}")]
    Slot {
        /// Where it begins.
        column: usize,
        /// What is wrong with it.
        problem: SlotProblem,
    },
    /// The URL could not be checked if these changed.
    #[error("scheme, host and port may not contain slots")]
    SlotInOrigin,
    /// The URL may not be called.
    #[error("{0}")]
    Url(#[from] UrlRefused),
    /// A segment that stands for another place.
    #[error("the path may not contain the segments . and ..")]
    DotSegment,
    /// A header may not be set so.
    #[error("{0}")]
    Header(#[from] HeaderRefused),
    /// Another kind of body than can be filled in safely.
    #[error("the content type must be {JSON} or {FORM}")]
    ContentType,
    /// JSON in a string could not be filled in safely.
    #[error("the body must be a JSON object or array; write it as JSON, not as a string")]
    BodyKind,
    /// A form has members with plain values.
    #[error("a form is an object of strings, numbers and booleans")]
    FormKind,
    /// A GET has no body.
    #[error("a GET has no body")]
    BodyOfGet,
    /// Names stay as they are.
    #[error("the names of members may not contain slots")]
    SlotInName,
    /// Over [`CALL_BODY_BYTES_MAX`].
    #[error("the body is longer than {CALL_BODY_BYTES_MAX} bytes")]
    TooLong,
    /// Over [`DEPTH_MAX`].
    #[error("the body is nested deeper than {DEPTH_MAX} levels")]
    TooDeep,
    /// Over [`SLOTS_MAX`].
    #[error("there are more than {SLOTS_MAX} slots")]
    TooManySlots,
}

/// Why a checked call cannot be filled in with these values. A retry with the same values ends the same way.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RenderError {
    /// The URL became too long, or a value was a segment `.` or `..`.
    #[error("with these values the URL may not be called: {0}")]
    Url(TemplateProblem),
    /// The headers became too long.
    #[error("with these values the headers cannot be sent: {0}")]
    Headers(#[from] HeaderRefused),
    /// The body became longer than [`CALL_BODY_BYTES_MAX`].
    #[error("with these values the body is longer than {CALL_BODY_BYTES_MAX} bytes")]
    Body,
}

#[derive(Clone)]
enum Body {
    None,
    Json(Node),
    Form(Vec<(String, Node)>),
}

/// A body's JSON with its strings made into templates.
#[derive(Clone)]
enum Node {
    Plain(Json),
    Text(Text),
    Array(Vec<Node>),
    Object(Vec<(String, Node)>),
}

impl CallTemplate {
    /// Checks a call as it is written: every slot, the URL under `policy`, the headers and the shape of the body.
    ///
    /// # Errors
    /// [`TemplateError`] says what is wrong and where.
    pub fn compile(spec: &CallSpec, policy: UrlPolicy) -> Result<Self, TemplateError> {
        let at = |pointer: &str, problem| TemplateError { pointer: pointer.to_owned(), problem };
        if spec.url.len() > URL_BYTES_MAX {
            return Err(at("/url", UrlRefused::TooLong.into()));
        }
        let (origin, path) = split_origin(&spec.url);
        if origin.contains("{{") {
            return Err(at("/url", TemplateProblem::SlotInOrigin));
        }
        let columns_before = origin.chars().count();
        let path = Text::parse(path).map_err(|fault| at("/url", fault.after(columns_before).into()))?;
        let mut headers = Vec::with_capacity(spec.headers.len());
        for (name, value) in &spec.headers {
            let text = Text::parse(value).map_err(|fault| at(&member("/headers", name), fault.into()))?;
            headers.push((name.clone(), text));
        }
        let body = body(spec)?;
        let template = Self { method: spec.method, origin: origin.to_owned(), path, headers, body, policy };
        template.try_out()?;
        Ok(template)
    }

    /// The call with these values. A name without a value, or with `null`, is an empty text: an alert that knows no
    /// shop still makes its call.
    ///
    /// # Errors
    /// [`RenderError`]: the values make something that cannot be sent.
    pub fn render(
        &self,
        values: &Map<String, Json>,
        timeout: Duration,
    ) -> Result<OutboundRequest, RenderError> {
        let url = self.url(values).map_err(RenderError::Url)?;
        let headers = self.headers(values)?;
        let (body, headers) = match &self.body {
            Body::None => (Bytes::new(), headers),
            Body::Json(node) => (Bytes::from(node.fill(values).to_string()), headers.or_content_type(JSON)),
            Body::Form(fields) => (Bytes::from(form(fields, values)), headers.or_content_type(FORM)),
        };
        if body.len() > CALL_BODY_BYTES_MAX {
            return Err(RenderError::Body);
        }
        Ok(OutboundRequest { method: self.method, url, headers, body, timeout })
    }

    /// With a harmless value in every slot: what fails now would fail always.
    fn try_out(&self) -> Result<(), TemplateError> {
        if self.slots() > SLOTS_MAX {
            return Err(TemplateError { pointer: String::new(), problem: TemplateProblem::TooManySlots });
        }
        let values: Map<String, Json> = NAMES.iter().map(|name| ((*name).to_owned(), "x".into())).collect();
        let url = self.url(&values);
        url.map_err(|problem| TemplateError { pointer: "/url".to_owned(), problem })?;
        let headers = self.headers(&values);
        headers
            .map_err(|refused| TemplateError { pointer: "/headers".to_owned(), problem: refused.into() })?;
        Ok(())
    }

    fn url(&self, values: &Map<String, Json>) -> Result<AllowedUrl, TemplateProblem> {
        let path = self.path.fill(values, path_encoded);
        let end = path.find(['?', '#']).unwrap_or(path.len());
        // The parser would resolve them, and the call would go elsewhere.
        if path[..end].split('/').any(is_dot_segment) {
            return Err(TemplateProblem::DotSegment);
        }
        Ok(AllowedUrl::parse(&format!("{}{path}", self.origin), self.policy)?)
    }

    fn headers(&self, values: &Map<String, Json>) -> Result<Headers, HeaderRefused> {
        let filled: Vec<(&str, String)> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.fill(values, one_line))).collect();
        Headers::parse(filled.iter().map(|(name, value)| (*name, value.as_str())))
    }

    fn slots(&self) -> usize {
        let body = match &self.body {
            Body::None => 0,
            Body::Json(node) => node.slots(),
            Body::Form(fields) => fields.iter().map(|(_, node)| node.slots()).sum(),
        };
        self.path.slots() + self.headers.iter().map(|(_, value)| value.slots()).sum::<usize>() + body
    }
}

impl Node {
    fn parse(json: &Json, pointer: &str, depth: usize) -> Result<Self, TemplateError> {
        let fault = |problem| TemplateError { pointer: pointer.to_owned(), problem };
        if depth > DEPTH_MAX {
            return Err(fault(TemplateProblem::TooDeep));
        }
        match json {
            Json::Null | Json::Bool(_) | Json::Number(_) => Ok(Self::Plain(json.clone())),
            Json::String(text) => Ok(Self::Text(Text::parse(text).map_err(|slot| fault(slot.into()))?)),
            Json::Array(items) => {
                let nodes = items.iter().enumerate();
                let nodes =
                    nodes.map(|(index, item)| Self::parse(item, &format!("{pointer}/{index}"), depth + 1));
                Ok(Self::Array(nodes.collect::<Result<_, _>>()?))
            }
            Json::Object(members) => Ok(Self::Object(parse_members(members, pointer, depth + 1)?)),
        }
    }

    fn fill(&self, values: &Map<String, Json>) -> Json {
        match self {
            Self::Plain(json) => json.clone(),
            Self::Text(text) => match text.alone(values) {
                Some(value) => value,
                None => Json::String(text.fill(values, str::to_owned)),
            },
            Self::Array(items) => items.iter().map(|item| item.fill(values)).collect(),
            Self::Object(members) => {
                Json::Object(members.iter().map(|(name, node)| (name.clone(), node.fill(values))).collect())
            }
        }
    }

    fn slots(&self) -> usize {
        match self {
            Self::Plain(_) => 0,
            Self::Text(text) => text.slots(),
            Self::Array(items) => items.iter().map(Self::slots).sum(),
            Self::Object(members) => members.iter().map(|(_, node)| node.slots()).sum(),
        }
    }
}

fn body(spec: &CallSpec) -> Result<Body, TemplateError> {
    let at = |pointer: &str, problem| TemplateError { pointer: pointer.to_owned(), problem };
    let Some(json) = spec.body.as_ref().filter(|json| !json.is_null()) else { return Ok(Body::None) };
    if spec.method == Method::Get {
        return Err(at("/body", TemplateProblem::BodyOfGet));
    }
    if json.to_string().len() > CALL_BODY_BYTES_MAX {
        return Err(at("/body", TemplateProblem::TooLong));
    }
    let content_type = spec.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    let essence = content_type.map_or(JSON, |(_, value)| value.split(';').next().unwrap_or_default().trim());
    let essence = essence.to_ascii_lowercase();
    match json {
        Json::Object(members) if essence == FORM => {
            let plain = |value: &Json| !matches!(value, Json::Object(_) | Json::Array(_));
            if let Some((name, _)) = members.iter().find(|(_, value)| !plain(value)) {
                return Err(at(&member("/body", name), TemplateProblem::FormKind));
            }
            Ok(Body::Form(parse_members(members, "/body", 1)?))
        }
        _ if essence == FORM => Err(at("/body", TemplateProblem::FormKind)),
        _ if essence != JSON && !essence.ends_with("+json") => {
            let name = content_type.map_or("", |(name, _)| name);
            Err(at(&member("/headers", name), TemplateProblem::ContentType))
        }
        Json::Object(_) | Json::Array(_) => Ok(Body::Json(Node::parse(json, "/body", 0)?)),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {
            Err(at("/body", TemplateProblem::BodyKind))
        }
    }
}

fn parse_members(
    members: &Map<String, Json>,
    pointer: &str,
    depth: usize,
) -> Result<Vec<(String, Node)>, TemplateError> {
    let parse = |(name, json): (&String, &Json)| {
        let pointer = member(pointer, name);
        if name.contains("{{") {
            return Err(TemplateError { pointer, problem: TemplateProblem::SlotInName });
        }
        Ok((name.clone(), Node::parse(json, &pointer, depth)?))
    };
    members.iter().map(parse).collect()
}

/// Fields by name, encoded as a browser's form is.
fn form(fields: &[(String, Node)], values: &Map<String, Json>) -> String {
    let field = |(name, node): &(String, Node)| {
        let value = slots::plain(&node.fill(values));
        format!("{}={}", form_encoded(name), form_encoded(&value))
    };
    fields.iter().map(field).collect::<Vec<_>>().join("&")
}

/// Scheme and authority, and what follows.
fn split_origin(url: &str) -> (&str, &str) {
    let authority = url.find("://").map_or(0, |at| at + 3);
    let end = url[authority..].find(['/', '?', '#', '\\']).map_or(url.len(), |at| authority + at);
    url.split_at(end)
}

fn is_dot_segment(segment: &str) -> bool {
    let dots = segment.replace("%2e", ".").replace("%2E", ".");
    dots == "." || dots == ".."
}

/// A value in a header: what would end the line is a space.
fn one_line(value: &str) -> String {
    value.replace(char::is_control, " ")
}

/// The pointer of a member.
fn member(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests;
