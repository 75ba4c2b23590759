//! A server of one test, and short ways to ask it things.
//! It runs in this process on free ports, in a folder that goes when the test ends.

mod backend;
pub(crate) mod contract;
mod database;
mod ear;
mod hooks;
mod process;
mod raw;
mod rider;
mod signing;
mod tokens;

use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use orderbell::app::App;
use orderbell::clock::{Clock, SystemClock};
use orderbell::config::Config;
use orderbell::dispatch::{Accounts, AppEntry};
use orderbell::domain::app::{KeyMode, Scope};
use orderbell::http::AppState;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(crate) use backend::{Backend, delivered_callback, only_target};
pub(crate) use database::database_of;
pub(crate) use ear::{Ear, run};
pub(crate) use hooks::{kept_delivery, only_hook};
pub(crate) use process::{Process, cli, cli_with, log_of};
pub(crate) use raw::{RawSocket, raw, upgrade_head};
pub(crate) use rider::RiderSocket;
pub(crate) use signing::{SignedHeaders, Signer, bytes_of};
pub(crate) use tokens::Minter;

/// Nothing here takes this long unless it hangs.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// Looks at due columns so often that a test need not wait for it.
pub(crate) const QUICK_SWEEP: &str = "[dispatch]\nsweep = \"50ms\"\n";

/// As many alerts for one rider as a test wants.
pub(crate) const NO_CAP: &str = "[rider]\nalerts_per_minute = 0\n";

/// Both, and calls to the backends of a test, which are beside it.
pub(crate) const QUICK: &str = "[dispatch]\nsweep = \"50ms\"\n[rider]\nalerts_per_minute = 0\n\
    [callbacks]\nallow_private = true\nagain = \"100ms\"\n";

/// The words of an answer, to be compared with `json!`.
pub(crate) fn words<const N: usize>(value: &Value, members: [&str; N]) -> Value {
    members.iter().map(|name| value[*name].clone()).collect()
}

/// A server in this process.
pub(crate) struct TestServer {
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) state: AppState,
    /// A key of the app `default` that may do everything.
    pub(crate) key: String,
    http: reqwest::Client,
    folder: TempDir,
    // Its riders' connections, as long as they are there.
    riders: Mutex<Vec<Weak<TcpStream>>>,
    stop: oneshot::Sender<()>,
    running: JoinHandle<bool>,
}

/// An answer, read to its end.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Bytes,
    /// The body, `null` if it is not JSON.
    pub(crate) json: Value,
}

impl TestServer {
    /// Starts with these changes to the default configuration (TOML).
    pub(crate) async fn start(changes: &str) -> Self {
        Self::start_in(TempDir::new().unwrap(), changes).await
    }

    /// Starts in a folder that another server has left.
    pub(crate) async fn start_in(folder: TempDir, changes: &str) -> Self {
        let file = folder.path().join("test.toml");
        std::fs::write(&file, changes).unwrap();
        let mut config = Config::load(Some(&file)).unwrap();
        if let Some(url) = database_of(folder.path()).await {
            config.store.url = url.into();
        }
        config.server.listen = SocketAddr::from(([127, 0, 0, 1], 0));
        config.admin.listen = config.server.listen;
        // Many servers start in tests, and few of them speak what would be made ahead: those say so.
        config.speech.prewarm.enabled = changes.contains("[speech.prewarm]");
        let app = App::start(&config, data_of(folder.path())).await.unwrap();
        let (address, admin, state) = (app.address, app.admin_address, app.state().clone());
        let (stop, asked) = oneshot::channel::<()>();
        #[expect(clippy::disallowed_methods, reason = "the test waits for its server itself, in `stop`")]
        let running = tokio::spawn(app.run_until(async move {
            let _dropped_by_a_failed_test = asked.await.is_err();
        }));
        let http = client();
        let riders = Mutex::default();
        let mut server =
            Self { address, admin, state, key: String::new(), http, folder, riders, stop, running };
        server.key = server.key_with(&[Scope::Admin]).await;
        server
    }

    /// Hangs up on its riders, stops as SIGTERM would, and gives the folder back. A server waits a while for clients
    /// that do not close, and those of a test that is over do not.
    pub(crate) async fn stop(self) -> TempDir {
        for rider in self.riders.lock().unwrap().iter().filter_map(Weak::upgrade) {
            let _gone_already = rider.shutdown(Shutdown::Both).is_err();
        }
        self.stop_with_riders().await
    }

    /// Lists a rider's connection.
    pub(crate) fn keep_rider(&self, connection: &Arc<TcpStream>) {
        self.riders.lock().unwrap().push(Arc::downgrade(connection));
    }

    /// Stops while its riders are there, and gives the folder back.
    pub(crate) async fn stop_with_riders(self) -> TempDir {
        self.stop.send(()).unwrap();
        let stopped = tokio::time::timeout(DEADLINE, self.running).await.expect("the server stops in time");
        assert!(stopped.expect("the server does not panic"), "the server stops cleanly");
        self.folder
    }

    /// The folder of the test.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn accounts(&self) -> &Accounts {
        self.state.dispatch.accounts()
    }

    /// Where it keeps its data.
    pub(crate) fn data(&self) -> PathBuf {
        data_of(self.folder.path())
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.state.dispatch.clock().now().wall.0
    }

    pub(crate) async fn app(&self, name: &str) -> Arc<AppEntry> {
        self.accounts().app_named(name).await.unwrap().unwrap()
    }

    /// A fresh key of the app `default`.
    pub(crate) async fn key_with(&self, scopes: &[Scope]) -> String {
        self.key_of("default", scopes).await
    }

    pub(crate) async fn key_of(&self, app: &str, scopes: &[Scope]) -> String {
        let app = self.app(app).await.app.id;
        let name = self.state.dispatch.fresh_event_id().to_string();
        self.accounts().create_key(app, &name, scopes.to_vec(), KeyMode::Live).await.unwrap().secret
    }

    /// A fresh key of the app `default` for tests, which may do everything that one may.
    pub(crate) async fn test_key(&self) -> String {
        let app = self.app("default").await.app.id;
        let name = self.state.dispatch.fresh_event_id().to_string();
        let made = self.accounts().create_key(app, &name, vec![Scope::Admin], KeyMode::Test).await;
        made.unwrap().secret
    }

    /// A token of a rider of the app `default`.
    pub(crate) async fn token(&self, rider: &str) -> String {
        self.token_for(rider, 3_600_000).await
    }

    pub(crate) async fn token_for(&self, rider: &str, ttl_ms: i64) -> String {
        let app = self.app("default").await;
        self.accounts().token(&app, &rider.parse().unwrap(), ttl_ms).unwrap().token
    }

    pub(crate) fn url(&self, path: &str) -> String {
        if path.starts_with("http") { path.to_owned() } else { format!("http://{}{path}", self.address) }
    }

    /// A request to fill in.
    pub(crate) fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method.parse().unwrap(), self.url(path))
    }

    /// A request with the key that may do everything; no body for `null`.
    pub(crate) async fn call(&self, method: &str, path: &str, body: Value) -> Reply {
        self.call_as(&self.key, method, path, body).await
    }

    pub(crate) async fn call_as(&self, credential: &str, method: &str, path: &str, body: Value) -> Reply {
        let request = self.request(method, path).bearer_auth(credential);
        let request = if body.is_null() { request } else { request.json(&body) };
        reply(request).await
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.call("GET", path, Value::Null).await
    }

    /// The `data` of a request that must succeed.
    pub(crate) async fn done(&self, method: &str, path: &str, body: Value) -> Value {
        let mut reply = self.call(method, path, body).await;
        assert_eq!(reply.status, 200, "{method} {path}: {}", reply.json);
        reply.json["data"].take()
    }

    /// Posts an event that must be accepted; its `data`.
    pub(crate) async fn post_event(&self, event: Value) -> Value {
        self.done("POST", "/v1/events", event).await
    }

    /// Posts an event of this kind for one rider; the alert's id.
    pub(crate) async fn alert_for(&self, rider: &str, kind: &str) -> String {
        let data = self.post_event(json!({"kind": kind, "target": {"riders": [rider]}})).await;
        data["alert_id"].as_str().unwrap().to_owned()
    }

    /// The alert as its timeline shows it.
    pub(crate) async fn alert(&self, id: &str) -> Value {
        self.done("GET", &format!("/v1/alerts/{id}"), Value::Null).await
    }

    /// The alert's first delivery.
    pub(crate) async fn delivery(&self, alert: &str) -> Value {
        self.alert(alert).await["deliveries"][0].take()
    }

    /// Waits until the sound of an alert is decided.
    pub(crate) async fn rendered(&self, alert: &str) -> Value {
        eventually("the alert has a sound", async || {
            let alert = self.alert(alert).await;
            (!alert["audio"].is_null()).then_some(alert)
        })
        .await
    }

    pub(crate) async fn metrics(&self) -> String {
        reply(self.http.get(format!("http://{}/metrics", self.admin))).await.text()
    }

    /// The value of one line of `/metrics`; 0 for a line that is not there yet.
    pub(crate) async fn metric(&self, line: &str) -> u64 {
        let metrics = self.metrics().await;
        let found = metrics.lines().find_map(|text| text.strip_prefix(line)?.strip_prefix(' '));
        found.map_or(0, |value| value.parse().unwrap())
    }
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// That this is a problem document with this status and word.
    #[track_caller]
    pub(crate) fn assert_problem(&self, status: u16, error: &str) {
        assert_eq!((self.status, self.json["error"].as_str()), (status, Some(error)), "{}", self.text());
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.json["status"], status);
        assert!(self.json["code"].as_u64().is_some_and(|code| code != 0), "{}", self.json);
        assert_eq!(self.json["request_id"].as_str(), Some(self.header("x-request-id")));
        for member in ["type", "title", "detail", "msg"] {
            assert!(self.json[member].as_str().is_some_and(|text| !text.is_empty()), "{member}");
        }
    }
}

/// The time, where no server is there to ask.
pub(crate) fn now_ms() -> i64 {
    SystemClock::new().now().wall.0
}

/// A client of its own. It knows no root certificates: nothing here is https, and reading them takes a while.
pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder().timeout(DEADLINE).tls_certs_only([]).build().unwrap()
}

/// Sends a request and reads the whole answer, which must be as the OpenAPI document says.
pub(crate) async fn reply(request: reqwest::RequestBuilder) -> Reply {
    let (client, request) = request.build_split();
    let request = request.unwrap();
    let operation = contract::operation(request.method().as_str(), request.url().path());
    let sent = request.body().and_then(reqwest::Body::as_bytes).map(<[u8]>::to_vec).unwrap_or_default();
    let asked = request.headers().clone();
    let is_head = request.method() == reqwest::Method::HEAD;
    let response = client.execute(request).await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let bytes = response.bytes().await.unwrap();
    let json = serde_json::from_slice(&bytes).unwrap_or_default();
    let reply = Reply { status, headers, bytes, json };
    // The admin listener names no requests, and is not in the document.
    let is_public = reply.headers.contains_key("x-request-id");
    if let Some(operation) = operation.filter(|_| is_public && !is_head) {
        operation.check_answer(status, reply.header("content-type"), &reply.json);
        if (200..300).contains(&status) {
            operation.check_taken(&asked, &sent);
        }
    }
    reply
}

/// Where a server keeps its data, in the folder of a test.
pub(crate) fn data_of(folder: &Path) -> PathBuf {
    folder.join("data")
}

/// Looks again and again until there is something to see.
pub(crate) async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let looking = async {
        loop {
            if let Some(seen) = look().await {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(DEADLINE, looking).await.unwrap_or_else(|_| panic!("never happened: {what}"))
}

/// A program that passes the voice's self-test, waits `seconds` before it speaks, and then is espeak-ng.
pub(crate) fn slow_espeak(folder: &Path, seconds: u32) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = std::env::var_os("PATH").unwrap();
    let mut real = std::env::split_paths(&path).map(|folder| folder.join("espeak-ng"));
    let real = real.find(|program| program.is_file()).expect("install espeak-ng to run these tests");
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *-x*|*--version*) exec '{0}' \"$@\";; esac\nsleep {seconds}\nexec '{0}' \"$@\"\n",
        real.display()
    );
    let program = folder.join("slow-espeak");
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    program
}
