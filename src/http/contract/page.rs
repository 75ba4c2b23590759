//! The page at `/docs`: the two documents for people, as plain HTML without scripts and without anything from elsewhere.
//! A ready-made viewer would be ten megabytes of script in a binary of twelve; this is one template.

mod schema;
mod sent;

use std::sync::OnceLock;

use axum::response::{IntoResponse, Response};
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderName, HeaderValue};
use minijinja::{Environment, context};
use serde::Serialize;
use serde_json::Value;

use super::{asyncapi, openapi};
use crate::http::problem::Problem;
use crate::http::problem::catalogue::CATALOGUE;
use schema::{Component, Html, Row, inline, paragraphs, type_of};
use sent::Sent;

const TEMPLATE: &str = include_str!("../../../assets/docs/index.html");
const STYLE: &str = include_str!("../../../assets/docs/docs.css");
const POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Operations that belong together.
#[derive(Serialize)]
struct Group {
    name: String,
    about: Html,
    operations: Vec<Operation>,
}

/// One way to ask.
#[derive(Serialize)]
struct Operation {
    id: String,
    method: String,
    path: String,
    summary: String,
    about: Html,
    deprecated: bool,
    /// Who may, in words.
    needs: Html,
    parameters: Vec<Row>,
    body: Option<Html>,
    examples: Vec<Example>,
    answers: Vec<Answer>,
}

/// A request to copy.
#[derive(Serialize)]
struct Example {
    summary: String,
    curl: String,
}

/// What may come back.
#[derive(Serialize)]
struct Answer {
    status: String,
    about: Html,
    holds: Html,
    errors: Vec<String>,
}

/// A frame of the socket.
#[derive(Serialize)]
struct Frame {
    op: String,
    about: Html,
    rows: Vec<Row>,
    example: String,
}

/// A close code of the socket.
#[derive(Serialize)]
struct CloseCode {
    code: String,
    word: String,
    returns: bool,
    meaning: Html,
}

/// Read this reference.
///
/// The same as the documents, for people.
///
/// # Errors
/// 500 if the page cannot be made, which a test rules out.
#[utoipa::path(
    get,
    path = "/docs",
    operation_id = "docsPage",
    tag = "Service",
    responses((status = 200, description = "The page", body = String, content_type = "text/html")),
)]
pub async fn get_page() -> Result<Response, Problem> {
    static PAGE: OnceLock<String> = OnceLock::new();
    let page = if let Some(page) = PAGE.get() {
        page
    } else {
        let made = render().map_err(|error| Problem::internal(&error))?;
        PAGE.get_or_init(|| made)
    };
    Ok(served("text/html; charset=utf-8", page))
}

/// Its style.
///
/// One file, for screens and for paper.
#[utoipa::path(
    get,
    path = "/docs/docs.css",
    operation_id = "docsStyle",
    tag = "Service",
    responses((status = 200, description = "The style", body = String, content_type = "text/css")),
)]
pub async fn get_style() -> Response {
    served("text/css; charset=utf-8", STYLE)
}

fn served(mime: &'static str, text: &'static str) -> Response {
    let headers: [(HeaderName, HeaderValue); 5] = [
        (CONTENT_TYPE, HeaderValue::from_static(mime)),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, text).into_response()
}

fn render() -> Result<String, minijinja::Error> {
    let mut templates = Environment::new();
    templates.add_template("index.html", TEMPLATE)?;
    let (http, socket) = (openapi(), asyncapi());
    let channel = &socket["channels"]["riderSocket"];
    templates.get_template("index.html")?.render(context! {
        version => http["info"]["version"].as_str(),
        about => paragraphs(&http["info"]["description"]),
        ways => ways(http),
        groups => shown(&groups(http)),
        schemas => shown(&Component::all(http)),
        errors => CATALOGUE.iter().map(|entry| context! {
            error => entry.error,
            status => entry.status,
            when => inline(entry.when),
            remedy => inline(entry.remedy),
        }).collect::<Vec<_>>(),
        sent => context! {
            about => sent::about(http),
            kinds => shown(&Sent::all(http)),
            answers => shown(&sent::answers(http)),
        },
        socket => context! {
            about => inline(channel["description"].as_str().unwrap_or_default()),
            token => inline(socket["components"]["securitySchemes"]["riderToken"]["description"].as_str().unwrap_or_default()),
            client => shown(&frames(socket, "client.")),
            server => shown(&frames(socket, "server.")),
            codes => shown(&close_codes(&channel["x-close-codes"])),
        },
    })
}

fn shown(rows: &impl Serialize) -> minijinja::Value {
    minijinja::Value::from(minijinja::value::Serde(rows))
}

fn ways(http: &Value) -> Vec<minijinja::Value> {
    let schemes = http["components"]["securitySchemes"].as_object().into_iter().flatten();
    // What we sign ourselves is no way in.
    let schemes = schemes.filter(|(name, _)| *name != "callbackSignature");
    let ways = schemes.map(|(name, scheme)| {
        context! { name => name, about => inline(scheme["description"].as_str().unwrap_or_default()) }
    });
    ways.collect()
}

fn groups(http: &Value) -> Vec<Group> {
    let tags = http["tags"].as_array().into_iter().flatten();
    let groups = tags.map(|tag| {
        let name = tag["name"].as_str().unwrap_or_default();
        let paths = http["paths"].as_object().into_iter().flatten();
        let operations = paths.flat_map(|(path, item)| {
            let methods = ["get", "post", "put", "delete"];
            methods.into_iter().filter_map(move |method| Some((path, method, item.get(method)?)))
        });
        let of_tag = operations.filter(|(_, _, operation)| operation["tags"][0] == name);
        Group {
            name: name.to_owned(),
            about: inline(tag["description"].as_str().unwrap_or_default()),
            operations: of_tag.map(|(path, method, one)| Operation::of(http, path, method, one)).collect(),
        }
    });
    groups.collect()
}

impl Operation {
    fn of(http: &Value, path: &str, method: &str, operation: &Value) -> Self {
        let word = |name: &str| operation[name].as_str().unwrap_or_default().to_owned();
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let own = parameters.filter(|parameter| parameter.get("$ref").is_none());
        let bodies = operation["requestBody"]["content"].as_object().into_iter().flatten();
        let mut bodies: Vec<_> = bodies.collect();
        // The usual one first.
        bodies.sort_by_key(|(media, _)| *media != "application/json");
        let told = bodies.iter().map(|(media, content)| {
            format!("{} as {}", type_of(&content["schema"]).as_str(), inline(&format!("`{media}`")).as_str())
        });
        let told: Vec<String> = told.collect();
        let body = (!told.is_empty()).then(|| Html::safe(told.join(", or ")));
        let examples = bodies.into_iter().flat_map(|(media, content)| {
            let examples = content["examples"].as_object().into_iter().flatten();
            examples.map(move |(_, example)| Example {
                summary: example["summary"].as_str().unwrap_or_default().to_owned(),
                curl: curl(path, method, operation, Some((media, &example["value"]))),
            })
        });
        let mut examples: Vec<Example> = examples.collect();
        if examples.is_empty() && operation.get("security").is_some() && path != "/v1/rider/socket" {
            examples.push(Example { summary: String::new(), curl: curl(path, method, operation, None) });
        }
        let answers = operation["responses"].as_object().into_iter().flatten();
        Self {
            id: word("operationId"),
            method: method.to_uppercase(),
            path: path.to_owned(),
            summary: word("summary"),
            about: paragraphs(&operation["description"]),
            deprecated: operation["deprecated"] == true,
            needs: needs(operation),
            parameters: own.map(Row::of_parameter).collect(),
            body,
            examples,
            answers: answers.map(|(status, answer)| Answer::of(http, status, answer)).collect(),
        }
    }
}

impl Answer {
    fn of(http: &Value, status: &str, answer: &Value) -> Self {
        let path = answer["$ref"].as_str().map(|path| path.trim_start_matches('#'));
        let answer = path.and_then(|path| http.pointer(path)).unwrap_or(answer);
        let contents = answer["content"].as_object().into_iter().flatten();
        let errors = answer["content"]["application/problem+json"]["schema"]["properties"]["error"]["enum"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|word| word.as_str().map(str::to_owned));
        let errors: Vec<String> = errors.collect();
        let holds: Vec<String> =
            contents.map(|(media, content)| enveloped(http, media, &content["schema"])).collect();
        let about = if errors.is_empty() { answer["description"].as_str().unwrap_or_default() } else { "" };
        let holds = if errors.is_empty() { holds.join(", ") } else { String::new() };
        Self { status: status.to_owned(), about: inline(about), holds: Html::safe(holds), errors }
    }
}

/// The data of an envelope, or the media type of what has none.
fn enveloped(http: &Value, media: &str, schema: &Value) -> String {
    let path = schema["$ref"].as_str().map(|path| path.trim_start_matches('#'));
    let data = path.and_then(|path| http.pointer(path)).map(|envelope| &envelope["properties"]["data"]);
    match data.filter(|data| !data.is_null()) {
        Some(data) => format!("<code>data</code>: {}", type_of(data).as_str()),
        None => inline(&format!("`{media}`")).as_str().to_owned(),
    }
}

fn needs(operation: &Value) -> Html {
    let ways = operation["security"].as_array().into_iter().flatten().filter_map(Value::as_object);
    let ways = ways.map(|way| {
        let needed = way.iter().map(|(scheme, scopes)| {
            let scopes = scopes.as_array().into_iter().flatten().filter_map(Value::as_str);
            let mut scopes = scopes.map(|scope| format!("`{scope}`"));
            match scopes.next() {
                Some(scope) => format!("`{scheme}` with the scope {scope}"),
                None => format!("`{scheme}`"),
            }
        });
        let needed: Vec<String> = needed.collect();
        if needed.is_empty() { "nothing".to_owned() } else { needed.join(" and ") }
    });
    inline(&ways.collect::<Vec<_>>().join(", or "))
}

/// What stands for a parameter of a path in an example.
const STAND_INS: [(&str, &str); 13] = [
    ("/v1/callbacks/targets/{id}", "/v1/callbacks/targets/$TARGET"),
    ("/v1/callbacks/{id}", "/v1/callbacks/$CALLBACK"),
    ("/v1/speech/warm/{id}", "/v1/speech/warm/$JOB"),
    ("/v1/keys/{id}", "/v1/keys/$KEY_ID"),
    ("/v1/apps/{id}", "/v1/apps/$APP_ID"),
    ("/v1/secrets/{kind}", "/v1/secrets/callback"),
    ("/v1/riders/{id}", "/v1/riders/r_1001"),
    ("/v1/groups/{id}", "/v1/groups/station-5"),
    ("/v1/alerts/{id}", "/v1/alerts/$ALERT"),
    ("/v1/orders/{id}", "/v1/orders/M17"),
    ("/v1/events/{id}", "/v1/events/order-17-assigned"),
    ("/v1/schedules/{id}", "/v1/schedules/$SCHEDULE"),
    ("/v1/templates/{kind}", "/v1/templates/order.assigned"),
];

fn curl(path: &str, method: &str, operation: &Value, body: Option<(&str, &Value)>) -> String {
    let known = STAND_INS.iter().find(|(template, _)| path.starts_with(template));
    let path = known.map_or_else(|| path.to_owned(), |(template, example)| path.replace(template, example));
    let goes_with = |scheme: &str| operation["security"][0].get(scheme).is_some();
    let credential = match (goes_with("riderToken"), goes_with("operatorKey")) {
        (true, _) => "$TOKEN",
        (_, true) => "$OPERATOR_KEY",
        (false, false) => "$KEY",
    };
    let command = format!(
        "curl -s -X {} \"$ORDERBELL{path}\" \\\n  -H \"Authorization: Bearer {credential}\"",
        method.to_uppercase()
    );
    let Some((media, body)) = body else { return command };
    let body = format!("{body:#}").replace('\'', "'\\''");
    format!("{command} \\\n  -H 'Content-Type: {media}' -d '{body}'")
}

fn frames(socket: &Value, side: &str) -> Vec<Frame> {
    let messages = socket["components"]["messages"].as_object().into_iter().flatten();
    let of_side = messages.filter(|(name, _)| name.starts_with(side));
    let frames = of_side.map(|(_, message)| Frame {
        op: message["name"].as_str().unwrap_or_default().to_owned(),
        about: inline(message["summary"].as_str().unwrap_or_default()),
        rows: Row::of_schema(socket, &message["payload"])
            .into_iter()
            .filter(|row| row.name != "op")
            .collect(),
        example: message["examples"][0]["payload"].to_string(),
    });
    frames.collect()
}

fn close_codes(codes: &Value) -> Vec<CloseCode> {
    let codes = codes.as_object().into_iter().flatten();
    let codes = codes.map(|(code, about)| CloseCode {
        code: code.clone(),
        word: about["word"].as_str().unwrap_or_default().to_owned(),
        returns: about["comeBack"] == true,
        meaning: inline(about["meaning"].as_str().unwrap_or_default()),
    });
    codes.collect()
}

#[cfg(test)]
mod tests {
    use super::render;

    #[test]
    fn the_page_is_whole_and_takes_nothing_from_elsewhere() {
        let page = render().unwrap();
        assert!(page.ends_with("</html>\n") || page.ends_with("</html>"));
        for outside in ["<script", "src=\"", "href=\"http", "url(", "style=\"", " onclick"] {
            assert!(!page.contains(outside), "{outside}");
        }
        let targets = page.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next());
        for target in targets {
            assert!(page.contains(&format!("id=\"{target}\"")), "nothing has the id {target}");
        }
    }
}
