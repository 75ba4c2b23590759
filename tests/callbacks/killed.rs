//! The real program, killed while callbacks are under way: each is told at least once, with its own id, in its order.

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufRead;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::stage::eventually;
use crate::target::{Heard, Manner, Target};

const ORDERS: usize = 40;
/// Kills, spread over the orders.
const KILLS: usize = 4;
const CONFIG: &str = "[dispatch]\nsweep = \"50ms\"\n[rider]\nalerts_per_minute = 0\n[speech.prewarm]\nenabled = false\n\
    [callbacks]\nallow_private = true\ntimeout = \"300ms\"\nconnect_timeout = \"300ms\"\narbiter_wait = \"300ms\"\n\
    retries = [\"50ms\", \"100ms\", \"200ms\", \"400ms\", \"800ms\", \"1s\", \"2s\"]\nurgent_retries = []\n";

/// A server that is a process; it dies with the test.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(folder: &Path) -> Self {
        let config = folder.join("serve.toml");
        std::fs::write(&config, CONFIG).unwrap();
        let mut command = program(folder);
        command.args(["serve", "--listen", "127.0.0.1:0", "--config"]).arg(config);
        let log = std::fs::File::options().create(true).append(true).open(folder.join("log")).unwrap();
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut url = String::new();
        std::io::BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        Self { child, url: url.trim().to_owned() }
    }

    /// Ends it as a power cut would.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ended_already = self.child.kill().is_err();
    }
}

fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orderbell"));
    command.arg("--data").arg(folder.join("data")).env("ORDERBELL_ADMIN__LISTEN", "127.0.0.1:0");
    command
}

/// Posts until it is answered, as backends do.
async fn posted(client: &reqwest::Client, server: &Server, key: &str, path: &str, body: &Value) -> Value {
    let request = client.post(format!("{}{path}", server.url)).bearer_auth(key).json(body);
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["code"], 0, "{answer}");
    answer["data"].clone()
}

/// What each alert's backend was told, each kind once for each id, in the order of first coming.
fn stories(heard: &[Heard]) -> BTreeMap<String, Vec<(String, BTreeSet<String>)>> {
    let mut stories: BTreeMap<String, Vec<(String, BTreeSet<String>)>> = BTreeMap::new();
    for request in heard {
        let body = request.body();
        let story = stories.entry(body["data"]["alert_id"].as_str().unwrap().to_owned()).or_default();
        let kind = body["type"].as_str().unwrap();
        match story.iter_mut().find(|(known, _)| known == kind) {
            Some((_, ids)) => drop(ids.insert(request.id().to_owned())),
            None => story.push((kind.to_owned(), [request.id().to_owned()].into())),
        }
    }
    stories
}

#[tokio::test]
async fn a_server_that_is_killed_loses_no_callback_and_tells_none_under_another_id() {
    let folder = TempDir::new().unwrap();
    let keys =
        program(folder.path()).args(["keys", "create", "--name", "shop", "--scopes", "admin"]).output();
    let keys = keys.unwrap();
    let key = String::from_utf8(keys.stdout).unwrap().trim().to_owned();
    let target = Target::doing(Manner::Late(200, Duration::from_millis(30))).await;
    let client = reqwest::Client::builder().tls_certs_only([]).build().unwrap();
    let mut server = Server::start(folder.path());
    let mut alerts = BTreeSet::new();
    for number in 0..ORDERS {
        let event = json!({"id": format!("e-{number}"), "kind": "order.new", "order": {"id": format!("o-{number}")},
            "target": {"riders": [format!("r{number}")]}, "callback_url": target.url("/bell")});
        let data = posted(&client, &server, &key, "/v1/events", &event).await;
        let alert = data["alert_id"].as_str().unwrap().to_owned();
        posted(&client, &server, &key, &format!("/v1/alerts/{alert}/cancel"), &json!({})).await;
        alerts.insert(alert);
        if number % (ORDERS / KILLS) == ORDERS / KILLS - 1 {
            server.kill();
            server = Server::start(folder.path());
        }
    }
    let told = eventually("everything is told", async || {
        let told = stories(&target.heard());
        (told.len() == ORDERS && told.values().all(|story| story.len() == 2)).then_some(told)
    })
    .await;
    assert_eq!(told.keys().cloned().collect::<BTreeSet<_>>(), alerts);
    for (alert, story) in &told {
        let kinds: Vec<&str> = story.iter().map(|(kind, _)| kind.as_str()).collect();
        assert_eq!(kinds, ["alert.unreachable", "delivery.cancelled"], "{alert}");
        assert!(story.iter().all(|(_, ids)| ids.len() == 1), "one id for each: {story:?}");
    }
    println!("{} requests for {} callbacks through {KILLS} kills, lost 0", target.heard().len(), ORDERS * 2);
    server.kill();
}
