//! What is mutated: the bodies, queries, signatures and expressions of real senders, and what attackers send.

use std::path::Path;

use serde_json::Value;

/// What a check begins with, by its name.
pub fn seeds(root: &Path, check: &str) -> Vec<Vec<u8>> {
    let fixtures = fixtures(root);
    let each = |make: &dyn Fn(&Value) -> Vec<u8>| fixtures.iter().map(make).collect::<Vec<_>>();
    let body = |fixture: &Value| fixture["request"]["body"].as_str().unwrap_or_default().as_bytes().to_vec();
    match check {
        "decode_json" => {
            let mut seeds = each(&|fixture| [&[0][..], &body(fixture)].concat());
            seeds
                .extend(texts(&["\u{0}{\"a\":99999999999999999999,\"b\":[1e400,-0]}", "\u{2}{\"a\":\"x\"}"]));
            seeds
        }
        "decode_form" => {
            let mut seeds = each(&body);
            seeds.extend(texts(&["a[b][]=1&a[b][]=2&c[0][x]=%E6%B5%8B&d=+", "a=1&a=2"]));
            seeds
        }
        "decode_xml" => texts(&[
            "<xml><ToUserName><![CDATA[gh_1]]></ToUserName><CreateTime>1772339420</CreateTime></xml>",
            "<?xml version='1.0' encoding='gbk'?><r a='1&amp;2'><i>1</i><i/>&#27979;<!-- c --></r>",
            "<!DOCTYPE r [<!ENTITY a \"b\">]><r>&a;</r>",
        ]),
        "decode_embedded" => {
            let mut seeds = each(&body);
            seeds.extend(texts(&[r#"{"a":"%7B%22a%22:%22[1]%22%7D","list":[{"a":"{}"}]}"#]));
            seeds
        }
        "redacted" => {
            let mut seeds = each(&|fixture| fixture["body_view"].to_string().into_bytes());
            seeds.extend(texts(&[
                "打13000000006，或 +86 130 0000 0006",
                "https://example.com/?a=b",
                "%7B%22a%22:1%7D",
            ]));
            seeds
        }
        "verified" => {
            let mut seeds = each(&|fixture| {
                let query = fixture["request"]["query"].as_str().unwrap_or_default();
                [query.as_bytes(), b"\xffv1,AAAA\xff1772339420\xff", &body(fixture)].concat()
            });
            seeds.push(
                b"signature=00&timestamp=1&nonce=2\xffsha256=00,sha256=11\xff1772339420\xffsign=00&a=1"
                    .to_vec(),
            );
            seeds
        }
        "expression" => {
            let mut seeds: Vec<_> = fixtures
                .iter()
                .flat_map(|fixture| fixture["mapping"].as_object().into_iter().flatten())
                .filter_map(|(_, expression)| expression.as_str().map(|text| text.as_bytes().to_vec()))
                .collect();
            seeds.extend(texts(&[
                "{% for x in range(9) %}{{ x }}{% endfor %}",
                "a.b[0].c|default('x')|upper",
            ]));
            seeds
        }
        _ => {
            let mut seeds = texts(&[PROFILE]);
            let presets = std::fs::read_dir(root.join("assets/hooks")).into_iter().flatten().flatten();
            seeds.extend(presets.filter_map(|file| std::fs::read(file.path()).ok()));
            seeds
        }
    }
}

const PROFILE: &str = r#"
title = "x"
when = "body.order_status != 9"
items = "body.orders"
[decode]
format = "json"
embedded_json = ["message"]
[map]
kind = "body.order_status"
changed_at = "body.update_time"
order.id = "body.order_id"
rider = "body.dm_id"
[kinds]
"2" = "order.assigned"
default = "ignore"
[ack]
body = '{"status":"ok"}'
"#;

fn fixtures(root: &Path) -> Vec<Value> {
    let files = std::fs::read_dir(root.join("tests/hooks/payloads")).into_iter().flatten().flatten();
    let mut paths: Vec<_> =
        files.map(|file| file.path()).filter(|path| path.extension().is_some_and(|e| e == "json")).collect();
    paths.sort();
    let fixtures = paths.iter().filter_map(|path| serde_json::from_slice(&std::fs::read(path).ok()?).ok());
    fixtures.collect()
}

fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}
