//! Under a public URL every address of audio that we hand out begins with it; without one, a proxy is noticed.

use serde_json::Value;
use tempfile::TempDir;

use super::{fetch, spoken};
use crate::support::{Process, RiderSocket, TestServer, client, eventually, log_of, reply, slow_espeak};

/// Every text in this value that is an address of audio, or looks like one.
fn addresses<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::String(text) if text.contains("/audio/") => found.push(text),
        Value::Array(list) => list.iter().for_each(|value| addresses(value, found)),
        Value::Object(members) => {
            // The timeline names the path as well.
            members.iter().filter(|(name, _)| *name != "path").for_each(|(_, value)| addresses(value, found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[tokio::test]
async fn every_address_that_is_handed_out_begins_with_it() {
    for base in ["https://bell.example.cn", "https://example.cn:8443/riders/bell"] {
        let folder = TempDir::new().unwrap();
        let slow = slow_espeak(folder.path(), 1);
        let changes = format!(
            "[server]\npublic_url = \"{base}\"\n[speech]\nbudget = \"50ms\"\nengine_timeout = \"15s\"\nespeak = \"{}\"\n",
            slow.display()
        );
        let server = TestServer::start_in(folder, &changes).await;
        let mut rider = RiderSocket::connect(&server, "r1").await;
        let id = server.alert_for("r1", "order.new").await;
        let (welcome, alert) = (rider.welcome.clone(), rider.alert().await);
        let update = rider.op("update").await;
        let token = server.token("r1").await;
        let listed = server.call_as(&token, "GET", "/v1/rider/alerts", Value::Null).await.json;
        let (clip, timeline) = (spoken(&server, "请注意安全").await, server.alert(&id).await);
        let told = [&welcome, &alert, &update, &listed, &clip, &timeline];
        for (value, count) in told.into_iter().zip([2, 2, 2, 2, 1, 1]) {
            let mut found = Vec::new();
            addresses(value, &mut found);
            assert_eq!(found.len(), count, "{value}");
            for address in found {
                // What a proxy that serves us under a path takes away.
                let path = address.strip_prefix(base).unwrap_or_else(|| panic!("{address}"));
                assert!(path.starts_with("/audio/"), "{address}");
                assert_eq!(fetch(&server, "HEAD", path, &[]).await.status, 200, "{address}");
            }
        }
        server.stop().await;
    }
}

#[tokio::test]
async fn a_proxy_without_a_public_url_is_told_once() {
    const NOTICE: &str = "server.public_url is empty";
    for (changes, notices) in [("", 1), ("[server]\npublic_url = \"https://bell.example.cn\"\n", 0)] {
        let folder = TempDir::new().unwrap();
        let process = Process::serve(folder.path(), changes).await;
        let ask = async |header: &str| {
            let request = client().get(format!("{}/healthz", process.url));
            reply(if header.is_empty() { request } else { request.header(header, "203.0.113.9") })
                .await
                .status
        };
        assert_eq!(ask("").await, 200);
        assert!(!log_of(folder.path()).contains(NOTICE), "a loopback server needs no public URL");
        for header in ["x-forwarded-for", "x-forwarded-proto", "forwarded", "x-forwarded-for"] {
            assert_eq!(ask(header).await, 200);
        }
        if notices > 0 {
            eventually("it is told", async || log_of(folder.path()).contains(NOTICE).then_some(())).await;
        }
        assert_eq!(process.terminate().await, 0);
        assert_eq!(log_of(folder.path()).matches(NOTICE).count(), notices);
        assert!(!log_of(folder.path()).contains("203.0.113.9"));
    }
}
