//! The authorisation matrix: every address of the document with every scope, app and credential.
//! What belongs to another app is answered as what never was, word for word.

pub(crate) mod routes;

use orderbell::domain::app::Scope;
use serde_json::{Value, json};

use self::routes::{Foreign, Need, Route, Thing, routes};
use crate::support::{
    Reply, RiderSocket, Signer, TestServer, delivered_callback, kept_delivery, only_hook, only_target, reply,
};

const OPERATOR: &str = "operator-operator-operator";
/// As many of everything as the matrix wants.
const CONFIG: &str = "[secrets]\noperator_key = \"operator-operator-operator\"\n\
    [apps]\nevents_per_s = 0\nspeech_characters_per_day = 0\n[rider]\nalerts_per_minute = 0\n\
    [callbacks]\nallow_private = true\n\
    [wechat.programs.one]\nappid = 'wx0123456789abcdef'\nsecret = 'abcdef'\n\
    [wechat.programs.two]\nappid = 'wxfedcba9876543210'\nsecret = 'abcdef'\napp = 'other'\n";

/// What a key sends: itself, or its signature.
#[derive(Clone, Copy, Debug)]
enum By {
    Bearer,
    Signature,
}

async fn ask(server: &TestServer, signer: &Signer, by: By, route: &Route, path: &str) -> Reply {
    let body = route.body();
    match by {
        By::Bearer => server.call_as(&signer.bearer, &route.method, path, body).await,
        By::Signature => signer.call(server, &route.method, path, &body).await,
    }
}

#[tokio::test]
async fn a_scope_opens_its_own_doors() {
    let server = TestServer::start(CONFIG).await;
    let mut keys = Vec::new();
    for scope in Scope::ALL {
        keys.push((scope, Signer::of(&server, "default", &[scope]).await));
    }
    for route in &routes() {
        for (scope, signer) in &keys {
            for by in [By::Bearer, By::Signature] {
                let allowed = route.needs.is_met_by(*scope);
                // Made anew for who may touch it: what one key has deleted, the next one cannot.
                let id = if allowed { make(&server, route.thing).await } else { never(route.thing) };
                let told = ask(&server, signer, by, route, &route.at(&id)).await;
                let what = format!("{} {} {by:?} with {}", route.method, route.path, scope.as_str());
                if allowed {
                    assert_eq!(told.status, route.success, "{what}: {}", told.text());
                } else {
                    assert_eq!(
                        (told.status, told.json["error"].as_str()),
                        (403, Some("missing_scope")),
                        "{what}"
                    );
                }
            }
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn without_a_live_key_every_door_is_shut() {
    let server = TestServer::start(CONFIG).await;
    let app = server.app("default").await.app.id;
    let revoked = Signer::of(&server, "default", &[Scope::Admin]).await;
    let routes = routes();
    let any = routes.iter().find(|route| route.path == "/v1/app").unwrap();
    let before = ask(&server, &revoked, By::Signature, any, any.path).await;
    assert_eq!(before.status, 200, "{}", before.text());
    assert!(server.accounts().revoke_key(app, revoked.id).await.unwrap());
    let token = server.token("r1").await;
    for route in &routes {
        let path = route.at(&never(route.thing));
        let body = route.body();
        reply(server.request(&route.method, &path).json(&body)).await.assert_problem(401, "bad_key");
        ask(&server, &revoked, By::Bearer, route, &path).await.assert_problem(401, "bad_key");
        ask(&server, &revoked, By::Signature, route, &path).await.assert_problem(401, "bad_signature");
        server.call_as(&token, &route.method, &path, body).await.assert_problem(401, "bad_key");
    }
    server.stop().await;
}

#[tokio::test]
async fn what_is_another_apps_never_was() {
    let server = TestServer::start(CONFIG).await;
    server.accounts().create_app("other").await.unwrap();
    let foreign = Signer::of(&server, "other", &[Scope::Admin]).await;
    for route in routes().iter().filter(|route| route.thing != Thing::Nothing) {
        for by in [By::Bearer, By::Signature] {
            let theirs = make(&server, route.thing).await;
            let mut told = ask(&server, &foreign, by, route, &route.at(&theirs)).await;
            let mut nobodys = ask(&server, &foreign, by, route, &route.at(&never(route.thing))).await;
            let what = format!("{} {} {by:?}: {}", route.method, route.path, told.text());
            match route.foreign {
                Foreign::Unknown => {
                    told.assert_problem(404, "not_found");
                    told.json["request_id"].take();
                    nobodys.json["request_id"].take();
                    assert_eq!(told.json, nobodys.json, "{what}");
                }
                // A name that each app uses for itself.
                Foreign::Own => assert_eq!((told.status, nobodys.status), (200, 200), "{what}"),
                Foreign::Operators => {
                    told.assert_problem(403, "missing_scope");
                    nobodys.assert_problem(403, "missing_scope");
                }
            }
            assert!(still_there(&server, route.thing, &theirs).await, "{what}");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn over_the_socket_what_is_another_apps_never_was() {
    let server = TestServer::start(CONFIG).await;
    server.accounts().create_app("other").await.unwrap();
    let app = server.app("other").await;
    let token = server.accounts().token(&app, &"r1".parse().unwrap(), 3_600_000).unwrap().token;
    let mut theirs = RiderSocket::hello(&server, json!({"token": token, "device": "phone"})).await;
    let mut ours = RiderSocket::connect(&server, "r1").await;
    let id = server.alert_for("r1", "order.assigned").await;
    ours.alert().await;
    for answer in ["confirm", "accept", "decline"] {
        for id in [id.as_str(), &never(Thing::Alert)] {
            assert_eq!(theirs.answer(id, answer).await, "gone", "{answer} {id}");
        }
    }
    for id in [id.as_str(), &never(Thing::Alert)] {
        theirs.report(id, "played").await;
    }
    theirs.send(json!({"op": "ack", "seqs": [1]})).await;
    assert_eq!(theirs.so_far().await, Vec::<Value>::new());
    assert_eq!(ours.answer(&id, "confirm").await, "recorded");
    server.stop().await;
}

#[tokio::test]
async fn the_operators_doors_open_for_the_operator() {
    let server = TestServer::start(CONFIG).await;
    for route in routes().iter().filter(|route| route.needs == Need::Operator) {
        let path = route.at(&make(&server, route.thing).await);
        let told = server.call_as(OPERATOR, &route.method, &path, route.body()).await;
        assert_eq!(told.status, 200, "{} {path}: {}", route.method, told.text());
    }
    for route in routes().iter().filter(|route| route.needs != Need::Operator) {
        let path = route.at(&never(route.thing));
        let told = server.call_as(OPERATOR, &route.method, &path, route.body()).await;
        told.assert_problem(401, "bad_key");
    }
    server.stop().await;
}

/// An id that nothing has. A name is a new one each time: some addresses make what they name.
fn never(thing: Thing) -> String {
    let none = "00000000000070008000000000000000";
    match thing {
        Thing::Nothing => String::new(),
        Thing::Event | Thing::Order | Thing::Rider | Thing::Group => routes::fresh_name(),
        Thing::Alert => format!("alr_{none}"),
        Thing::Schedule => format!("sch_{none}"),
        Thing::Key => format!("key_{none}"),
        Thing::App => format!("app_{none}"),
        Thing::Warming => format!("wrm_{none}"),
        Thing::CallbackTarget => format!("cbt_{none}"),
        Thing::Callback => format!("cbk_{none}"),
        Thing::Hook => "none-aaaaaaaaaaaaaaaaaaaa".to_owned(),
        Thing::HookDelivery => format!("none-aaaaaaaaaaaaaaaaaaaa/deliveries/hkd_{none}"),
    }
}

/// A fresh one of the app `default`; its id.
async fn make(server: &TestServer, thing: Thing) -> String {
    let id = server.state.dispatch.fresh_event_id().to_string();
    let offer = || {
        json!({"id": id, "kind": "order.offered", "order": {"id": id}, "target": {"riders": ["r1"]},
            "offer": {"mode": "assign", "timeout_s": 600}})
    };
    match thing {
        Thing::Nothing => id,
        Thing::Event | Thing::Order => {
            server.post_event(offer()).await;
            id
        }
        Thing::Alert => server.post_event(offer()).await["alert_id"].as_str().unwrap().to_owned(),
        Thing::Rider => {
            server.done("PUT", &format!("/v1/riders/{id}"), json!({})).await;
            id
        }
        Thing::Group => {
            server.done("PUT", &format!("/v1/groups/{id}"), json!({"riders": ["r1"]})).await;
            id
        }
        Thing::Schedule => {
            let event = json!({"kind": "announcement", "target": {"riders": ["r1"]}, "alert": {"text": "早"},
                "recur": {"every_s": 3600}});
            server.post_event(event).await["schedule_id"].as_str().unwrap().to_owned()
        }
        Thing::Key => {
            let wish = json!({"name": format!("n{id}"), "scopes": ["read"]});
            server.done("POST", "/v1/keys", wish).await["key_id"].as_str().unwrap().to_owned()
        }
        Thing::App => server.accounts().create_app(&id).await.unwrap().to_string(),
        Thing::CallbackTarget => only_target(server, "https://backend.example.com/bell").await,
        Thing::Callback => delivered_callback(server).await,
        Thing::Hook => only_hook(server).await,
        Thing::HookDelivery => kept_delivery(server).await,
        Thing::Warming => {
            let begun = server.call("POST", "/v1/speech/warm", json!({"texts": []})).await;
            begun.json["data"]["job"].as_str().unwrap().to_owned()
        }
    }
}

/// Whether it is as it was made.
async fn still_there(server: &TestServer, thing: Thing, id: &str) -> bool {
    let get = async |path: String| server.get(&path).await;
    match thing {
        Thing::Nothing | Thing::App => true,
        Thing::Warming => get(format!("/v1/speech/warm/{id}")).await.status == 200,
        Thing::CallbackTarget => {
            get(format!("/v1/callbacks/targets/{id}")).await.json["data"]["state"] == "active"
        }
        Thing::Hook => get(format!("/v1/hooks/{id}")).await.json["data"]["version"] == 1,
        Thing::HookDelivery => get(format!("/v1/hooks/{id}")).await.status == 200,
        Thing::Callback => get(format!("/v1/callbacks/{id}")).await.json["data"]["state"] == "delivered",
        Thing::Event | Thing::Order => get(format!("/v1/events/{id}")).await.status == 200,
        Thing::Alert => get(format!("/v1/alerts/{id}")).await.json["data"]["state"] == "active",
        Thing::Rider => get(format!("/v1/riders/{id}")).await.status == 200,
        Thing::Group => get(format!("/v1/groups/{id}")).await.json["data"]["riders"] == json!(["r1"]),
        Thing::Schedule => get("/v1/schedules".to_owned()).await.text().contains(id),
        Thing::Key => {
            let keys = get("/v1/keys".to_owned()).await.json["data"]["keys"].clone();
            let key = keys.as_array().unwrap().iter().find(|key| key["id"] == id).cloned();
            key.is_some_and(|key| key["secrets"].as_array().unwrap().len() == 1)
        }
    }
}
