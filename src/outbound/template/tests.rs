//! Calls as users write them, and what values make of them.

use std::time::Duration;

use serde_json::{Map, Value as Json, json};

use super::{
    CALL_BODY_BYTES_MAX, CallSpec, CallTemplate, RenderError, SlotProblem, TemplateError, TemplateProblem,
};
use crate::outbound::headers::HeaderRefused;
use crate::outbound::url::UrlPolicy::{PrivateToo, PublicOnly};
use crate::outbound::url::UrlRefused;
use crate::outbound::{AddressKind, Method, OutboundRequest};

fn spec(call: Json) -> CallSpec {
    serde_json::from_value(call).unwrap()
}

fn compile(call: Json) -> Result<CallTemplate, TemplateError> {
    CallTemplate::compile(&spec(call), PublicOnly)
}

/// What is wrong with a call, and where.
fn fault(call: Json) -> (String, TemplateProblem) {
    let error = compile(call).err().expect("a fault");
    (error.pointer, error.problem)
}

fn slot_fault(call: Json) -> (String, usize, SlotProblem) {
    match fault(call) {
        (pointer, TemplateProblem::Slot { column, problem }) => (pointer, column, problem),
        other => panic!("{other:?}"),
    }
}

/// Values that try to leave their places.
fn hostile() -> Map<String, Json> {
    let values = json!({
        "rider": "r/1?a=b&c#d", "text": "新订单\r\nX-Evil: 1\", \"to\": \"x\"", "merchant": "a b+c%41\\", "order_id": "..",
        "urgency": 3, "level": 2, "kind": "order.offered", "group": null,
    });
    values.as_object().unwrap().clone()
}

fn render(call: Json) -> Result<OutboundRequest, RenderError> {
    compile(call).unwrap().render(&hostile(), Duration::from_secs(2))
}

fn body_of(call: Json) -> String {
    String::from_utf8(render(call).unwrap().body.to_vec()).unwrap()
}

#[test]
fn values_in_a_url_stay_where_they_are() {
    let url = |text: &str| render(json!({"url": text})).unwrap().url.as_str().to_owned();
    assert_eq!(url("https://a.cn/call/{{ rider }}/now"), "https://a.cn/call/r%2F1%3Fa%3Db%26c%23d/now");
    assert_eq!(
        url("https://a.cn?to={{rider}}&m={{ merchant }}"),
        "https://a.cn/?to=r%2F1%3Fa%3Db%26c%23d&m=a%20b%2Bc%2541%5C"
    );
    assert_eq!(
        url("https://a.cn/x?o={{order_id}}&u={{ urgency }}&g={{ group }}&n={{short_no}}"),
        "https://a.cn/x?o=..&u=3&g=&n="
    );
    assert_eq!(url("https://a.cn/order-{{order_id}}"), "https://a.cn/order-..");
    assert!(
        url("https://a.cn/?t={{text}}")
            .starts_with("https://a.cn/?t=%E6%96%B0%E8%AE%A2%E5%8D%95%0D%0AX-Evil%3A%201%22")
    );
}

#[test]
fn a_value_cannot_climb_in_the_path() {
    for url in
        ["https://a.cn/x/{{order_id}}", "https://a.cn/x/{{order_id}}/y", "https://a.cn/{{order_id}}?q=1"]
    {
        assert_eq!(
            render(json!({"url": url})).unwrap_err(),
            RenderError::Url(TemplateProblem::DotSegment),
            "{url}"
        );
    }
    for url in
        ["https://a.cn/../x", "https://a.cn/%2e%2E/x", "https://a.cn/x/.", "https://a.cn/.%2e?q={{rider}}"]
    {
        assert_eq!(fault(json!({"url": url})), ("/url".to_owned(), TemplateProblem::DotSegment), "{url}");
    }
}

#[test]
fn a_json_body_keeps_its_shape() {
    let body = body_of(json!({"url": "https://a.cn/", "body": {
        "to": "{{ rider }}", "say": "说：{{ text }}", "n": "{{ urgency }}", "count": "{{ level }} 次", "none": "{{ group }}",
        "list": ["{{ kind }}", 1, true, null, {"deep": "{{rider}}{{level}}"}],
    }}));
    let sent: Json = serde_json::from_str(&body).unwrap();
    assert_eq!(
        sent,
        json!({
            "to": "r/1?a=b&c#d", "say": "说：新订单\r\nX-Evil: 1\", \"to\": \"x\"", "n": 3, "count": "2 次", "none": null,
            "list": ["order.offered", 1, true, null, {"deep": "r/1?a=b&c#d2"}],
        })
    );
}

#[test]
fn filters_are_for_json_and_urls_inside_of_strings() {
    let body = body_of(json!({"url": "https://a.cn/", "body": {
        "param": "{\"m\":{{ merchant|tojson }},\"u\":{{urgency | tojson}}}", "answer": "https://b.cn/?t={{ rider|urlencode }}",
    }}));
    let sent: Json = serde_json::from_str(&body).unwrap();
    assert_eq!(sent["param"], r#"{"m":"a b+c%41\\","u":3}"#);
    assert_eq!(sent["answer"], "https://b.cn/?t=r%2F1%3Fa%3Db%26c%23d");
}

#[test]
fn a_form_is_encoded_as_one() {
    let form = json!({"url": "https://a.cn/", "headers": {"Content-Type": "application/x-www-form-urlencoded"},
        "body": {"To": "{{ rider }}", "M 1": "{{merchant}}", "n": 1, "ok": true, "none": null, "g": "{{group}}"}});
    assert_eq!(body_of(form), "M+1=a+b%2Bc%2541%5C&To=r%2F1%3Fa%3Db%26c%23d&g=&n=1&none=&ok=true");
    let nested = json!({"url": "https://a.cn/", "headers": {"content-type": "application/x-www-form-urlencoded; charset=utf-8"},
        "body": {"a": {"b": "c"}}});
    assert_eq!(fault(nested), ("/body/a".to_owned(), TemplateProblem::FormKind));
}

#[test]
fn a_header_stays_one_line() {
    let request = render(
        json!({"url": "https://a.cn/", "headers": {"X-Text": "{{ text }}", "Authorization": "Bearer k"}}),
    );
    let headers = request.unwrap().headers;
    assert_eq!(headers.get("x-text"), Some("新订单  X-Evil: 1\", \"to\": \"x\""));
    assert_eq!(headers.get("authorization"), Some("Bearer k"));
    assert_eq!(headers.get("content-type"), None);
}

#[test]
fn the_content_type_is_that_of_the_body() {
    let of = |headers: Json, body: Json| {
        render(json!({"url": "https://a.cn/", "headers": headers, "body": body})).unwrap()
    };
    assert_eq!(of(json!({}), json!({})).headers.get("content-type"), Some("application/json"));
    for own in ["application/json; charset=utf-8", "application/cloudevents+json"] {
        assert_eq!(of(json!({"Content-Type": own}), json!([])).headers.get("content-type"), Some(own));
    }
    for other in ["text/plain", "application/xml", "multipart/form-data", ""] {
        let call = json!({"url": "https://a.cn/", "headers": {"Content-Type": other}, "body": {}});
        assert_eq!(fault(call), ("/headers/Content-Type".to_owned(), TemplateProblem::ContentType));
    }
}

#[test]
fn the_host_is_not_a_matter_of_values() {
    for url in [
        "https://{{ rider }}/",
        "https://a.{{rider}}.cn/x",
        "{{ text }}",
        "{{text}}://a.cn/",
        "https://a.cn:{{level}}/",
        "https://a.cn{{rider}}",
        "https://{{rider}}@a.cn/",
    ] {
        assert_eq!(fault(json!({"url": url})), ("/url".to_owned(), TemplateProblem::SlotInOrigin), "{url}");
    }
    for (url, why) in [
        ("http://a.cn/{{rider}}", UrlRefused::Scheme),
        ("https://127.0.0.1/{{rider}}", UrlRefused::Address(AddressKind::Loopback)),
        ("https://0xa9fea9fe/", UrlRefused::Address(AddressKind::Special)),
        ("https://localhost/", UrlRefused::Address(AddressKind::Loopback)),
        ("https://u:p@a.cn/", UrlRefused::UserInfo),
        ("https://a.cn/#{{rider}}", UrlRefused::Fragment),
        ("https://a.cn/a b", UrlRefused::Characters),
        ("https://a.cn\\@b.cn/{{rider}}", UrlRefused::Characters),
        ("a.cn/x", UrlRefused::NotAUrl),
    ] {
        assert_eq!(fault(json!({"url": url})), ("/url".to_owned(), TemplateProblem::Url(why)), "{url}");
    }
    let inside = spec(json!({"url": "http://127.0.0.1:9/{{rider}}"}));
    assert!(CallTemplate::compile(&inside, PrivateToo).is_ok());
}

#[test]
fn a_faulty_slot_is_named_with_its_place() {
    let url = |text: &str| json!({"url": text});
    let name = |name: &str| SlotProblem::Name(name.to_owned());
    assert_eq!(slot_fault(url("https://a.cn/{{ ridr }}")), ("/url".to_owned(), 14, name("ridr")));
    assert_eq!(slot_fault(url("https://a.cn/订单/{{rider}}/{{")), ("/url".to_owned(), 27, SlotProblem::Open));
    assert_eq!(slot_fault(url("https://a.cn/}}")), ("/url".to_owned(), 14, SlotProblem::Unopened));
    assert_eq!(slot_fault(url("https://a.cn/{% if x %}")), ("/url".to_owned(), 14, SlotProblem::Statement));
    for text in [
        "{{}}",
        "{{ }}",
        "{{ a.b }}",
        "{{ rider ~ rider }}",
        "{{ 'x' }}",
        "{{ rider| }}",
        "{{{rider}}}",
        "{{ rider|a|b }}",
    ] {
        let call = json!({"url": "https://a.cn/", "headers": {"X/A": text}});
        let (pointer, column, problem) = slot_fault(call);
        assert_eq!((pointer.as_str(), column), ("/headers/X~1A", 1), "{text}");
        assert_eq!(problem, SlotProblem::Form, "{text}");
    }
    let filter = json!({"url": "https://a.cn/", "body": {"a": [{"b": "x{{ rider|upper }}"}]}});
    assert_eq!(slot_fault(filter), ("/body/a/0/b".to_owned(), 2, SlotProblem::Filter("upper".to_owned())));
    let comment = json!({"url": "https://a.cn/", "body": ["{# x #}"]});
    assert_eq!(slot_fault(comment), ("/body/0".to_owned(), 1, SlotProblem::Statement));
    let error = compile(url("https://a.cn/{{ ridr }}")).err().unwrap().to_string();
    assert!(error.starts_with("/url: column 14: unknown name \"ridr\", known are alert_id, app,"), "{error}");
}

#[test]
fn what_cannot_be_sent_is_refused_when_it_is_saved() {
    let of = |more: Json| {
        let mut call = json!({"url": "https://a.cn/"});
        call.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        fault(call)
    };
    let body = |problem| ("/body".to_owned(), problem);
    assert_eq!(of(json!({"body": "{\"to\":\"{{rider}}\"}"})), body(TemplateProblem::BodyKind));
    assert_eq!(of(json!({"body": 1})), body(TemplateProblem::BodyKind));
    assert_eq!(of(json!({"method": "GET", "body": {}})), body(TemplateProblem::BodyOfGet));
    assert_eq!(of(json!({"body": {"a": "x".repeat(CALL_BODY_BYTES_MAX)}})), body(TemplateProblem::TooLong));
    assert_eq!(
        of(json!({"body": {"{{rider}}": 1}})),
        ("/body/{{rider}}".to_owned(), TemplateProblem::SlotInName)
    );
    let deep = (0..17).fold(json!([]), |inner, _| json!([inner]));
    assert_eq!(of(json!({"body": deep})).1, TemplateProblem::TooDeep);
    let many: Vec<&str> = vec!["{{rider}}"; 65];
    assert_eq!(of(json!({"body": many})), (String::new(), TemplateProblem::TooManySlots));
    let host = TemplateProblem::Header(HeaderRefused::Ours("Host".to_owned()));
    assert_eq!(of(json!({"headers": {"Host": "b.cn"}})), ("/headers".to_owned(), host));
    let long = format!("https://a.cn/{}", "x".repeat(2_048));
    assert_eq!(fault(json!({"url": long})), ("/url".to_owned(), TemplateProblem::Url(UrlRefused::TooLong)));
}

#[test]
fn values_that_are_too_long_are_an_error_and_no_call() {
    let mut values = Map::new();
    values.insert("text".to_owned(), "长".repeat(1_000).into());
    let with = |call: Json| compile(call).unwrap().render(&values, Duration::from_secs(2)).unwrap_err();
    let url = with(json!({"url": "https://a.cn/?t={{text}}"}));
    assert_eq!(url, RenderError::Url(TemplateProblem::Url(UrlRefused::TooLong)));
    let header = with(json!({"url": "https://a.cn/", "headers": {"a": "{{text}}{{text}}"}}));
    assert_eq!(header, RenderError::Headers(HeaderRefused::TooLong));
    let body = with(json!({"url": "https://a.cn/", "body": {"a": "{{text}}".repeat(6)}}));
    assert_eq!(body, RenderError::Body);
}

#[test]
fn a_call_is_stored_as_it_was_written() {
    let call = json!({"url": "https://a.cn/{{rider}}", "method": "PUT", "headers": {"A": "b"}, "body": {"c": "{{text}}"}});
    assert_eq!(serde_json::to_value(spec(call.clone())).unwrap(), call);
    assert_eq!(spec(json!({"url": "https://a.cn/"})).method, Method::Post);
    for wrong in [
        json!({"url": "https://a.cn/", "metod": "PUT"}),
        json!({"url": "https://a.cn/", "method": "DELETE"}),
        json!({"url": "https://a.cn/", "method": "get"}),
        json!({"headers": {}}),
        json!({"url": "https://a.cn/", "headers": {"a": 1}}),
    ] {
        assert!(serde_json::from_value::<CallSpec>(wrong.clone()).is_err(), "{wrong}");
    }
}
