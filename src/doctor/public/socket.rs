//! The riders' socket through the proxy: the upgrade, the subprotocol, frames both ways, and how long it may be idle.
//! A hello with a token that is none shows all but the last; only with a rider's own token is there more to see.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::{Method, StatusCode};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::nginx;
use super::site::Site;
use super::target::Target;
use super::tls::Trust;
use super::wire::{self, ANSWER_LIMIT, Answer, Switch};
use crate::doctor::Finding;
use crate::session::Close;

type Socket = WebSocketStream<TokioIo<Upgraded>>;

const PATH: &str = "/v1/rider/socket";
const PROTOCOL: &str = "orderbell.v1";
/// Any sixteen bytes do: nothing is cached on the way, and nothing secret hangs on them.
const KEY: &str = "b3JkZXJiZWxsLWNoZWNrIQ==";
/// Base64 of SHA-1 over the key and the GUID of RFC 6455; the test works it out.
const ACCEPT: &str = "a3QgXMiRnew+xr8WkGiCWpwNo/0=";
/// Larger than any frame of ours: an alert is 4 KiB at most.
const FRAME_MAX: usize = 256 << 10;
/// Two heartbeats and a half: a server that is silent for so long is gone.
const SILENCE_MAX: Duration = Duration::from_secs(50);

/// What came of asking for a socket.
enum Opening {
    Failed(String),
    Refused(Answer),
    Opened { is_accepted: bool, protocol: String, farewell: Farewell },
}

/// How a socket ended that had said a false hello.
#[derive(Debug, Default)]
struct Farewell {
    bye: Option<i64>,
    close: Option<u16>,
    trouble: Option<String>,
}

/// Looks at it without a token, and with one if there is one.
pub(super) async fn look(site: &Site, token: Option<&str>, idle: Option<Duration>) -> Vec<Finding> {
    let mut findings = judge(&open(site).await);
    match token {
        None => findings
            .push(Finding::ok("public_url", "what riders are told of it was not looked at").advised(
                "give the token of a rider made for this: --token $(orderbell token --rider check)",
            )),
        Some(token) => findings.extend(enter(site, token, idle).await),
    }
    findings
}

async fn switch(site: &Site, trust: Trust) -> Result<Switch, String> {
    let request = site
        .request(Method::GET, PATH)
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", KEY)
        .header("sec-websocket-protocol", PROTOCOL)
        .body(Bytes::new())
        .map_err(|error| error.to_string())?;
    let link = site.link(trust).await.map_err(|error| wire::told(&error))?;
    wire::switch(link, request).await.map_err(|error| wire::told(&error))
}

async fn socket(upgraded: Upgraded) -> Socket {
    let config = WebSocketConfig::default().max_message_size(Some(FRAME_MAX)).max_frame_size(Some(FRAME_MAX));
    WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Client, Some(config)).await
}

async fn open(site: &Site) -> Opening {
    match switch(site, Trust::Nobody).await {
        Err(why) => Opening::Failed(why),
        Ok(Switch::Refused(answer)) => Opening::Refused(answer),
        Ok(Switch::Switched(headers, upgraded)) => {
            let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
            Opening::Opened {
                is_accepted: header("sec-websocket-accept") == ACCEPT,
                protocol: header("sec-websocket-protocol").to_owned(),
                farewell: false_hello(socket(upgraded).await).await,
            }
        }
    }
}

/// Says hello with a token that is none, and listens to the answer.
async fn false_hello(mut socket: Socket) -> Farewell {
    let mut farewell = Farewell::default();
    let talking = async {
        let hello = json!({"op": "hello", "token": "orderbell.check", "device": "orderbell-check"});
        socket.send(Message::text(hello.to_string())).await?;
        while let Some(message) = socket.next().await {
            match message? {
                Message::Text(text) => {
                    let frame: Value = serde_json::from_str(&text).unwrap_or_default();
                    if frame["op"] == "bye" {
                        farewell.bye = frame["code"].as_i64();
                    }
                }
                Message::Close(frame) => farewell.close = frame.map(|frame| frame.code.into()),
                Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
        Ok::<(), tokio_tungstenite::tungstenite::Error>(())
    };
    match timeout(ANSWER_LIMIT, talking).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => farewell.trouble = Some(wire::told(&error)),
        Err(_) => farewell.trouble = Some(format!("nothing for {} s", ANSWER_LIMIT.as_secs())),
    }
    farewell
}

fn judge(opening: &Opening) -> Vec<Finding> {
    let name = "socket";
    match opening {
        Opening::Failed(why) => {
            vec![Finding::fail(name, format!("the upgrade: {why}"), nginx("proxy_http_version 1.1"))]
        }
        Opening::Refused(answer) => {
            let found = format!("the upgrade is answered {}", answer.status);
            vec![Finding::fail(name, found, advice(answer))]
        }
        Opening::Opened { is_accepted, protocol, farewell } => {
            let opened = if !is_accepted {
                let advice = "something between answers for the server: let it hand the upgrade on";
                Finding::fail(name, "101, but not to our key (Sec-WebSocket-Accept)", advice)
            } else if protocol == PROTOCOL {
                Finding::ok(name, format!("101, subprotocol {protocol}"))
            } else {
                let found = format!("101, but the subprotocol is {protocol:?}, not {PROTOCOL}");
                Finding::fail(name, found, "hand Sec-WebSocket-Protocol on in both directions")
            };
            vec![opened, judge_frames(farewell)]
        }
    }
}

fn advice(answer: &Answer) -> String {
    match answer.status {
        StatusCode::UPGRADE_REQUIRED => nginx(
            "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade",
        ),
        StatusCode::NOT_FOUND => "hand /v1/ on to the server, without the path before it".to_owned(),
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
            "the proxy does not reach the server: see that it runs, and its address there".to_owned()
        }
        _ => "something between does not hand the upgrade on: a firewall, a CDN without WebSocket".to_owned(),
    }
}

fn judge_frames(farewell: &Farewell) -> Finding {
    let name = "socket.frames";
    let refused = Close::BadToken.code();
    let trouble = farewell.trouble.as_deref().unwrap_or("the connection ended");
    match (farewell.bye, farewell.close) {
        (Some(bye), Some(close)) if bye == i64::from(refused) && close == refused => Finding::ok(
            name,
            format!("a false hello is answered bye {bye} and close {close}: frames pass both ways"),
        ),
        (Some(bye), Some(close)) => {
            let found = format!("a false hello is answered bye {bye} and close {close}");
            Finding::warn(name, found, "the server drains or has too many; look again, and at its log")
        }
        (Some(bye), None) => {
            let found = format!("bye {bye} came, its close frame did not: {trouble}");
            Finding::warn(name, found, "something between ends sockets its own way: clients see code 1006")
        }
        (None, close) => {
            let found = format!("no answer to a frame: {trouble}, close {close:?}");
            let advice =
                "the upgrade passes and frames do not: a proxy that buffers or inspects; let it tunnel";
            Finding::fail(name, found, advice)
        }
    }
}

/// What only a rider is told. The token goes to nobody whose certificate is not good.
async fn enter(site: &Site, token: &str, idle: Option<Duration>) -> Vec<Finding> {
    let name = "public_url";
    let upgraded = match switch(site, Trust::Roots).await {
        Ok(Switch::Switched(_, upgraded)) => upgraded,
        Ok(Switch::Refused(answer)) => {
            let found = format!("the token was not sent: the upgrade is answered {}", answer.status);
            return vec![Finding::fail(name, found, "see socket")];
        }
        Err(why) => {
            return vec![Finding::fail(name, format!("the token was not sent: {why}"), "see certificate")];
        }
    };
    let mut socket = socket(upgraded).await;
    let hello = json!({"op": "hello", "token": token, "device": "orderbell-check"});
    let greeting = async {
        socket.send(Message::text(hello.to_string())).await.map_err(|error| wire::told(&error))?;
        next(&mut socket).await
    };
    let welcome =
        timeout(ANSWER_LIMIT, greeting).await.unwrap_or_else(|_| Err("no answer in time".to_owned()));
    let mut findings = vec![judge_welcome(&welcome, &site.target)];
    if let (Some(idle), Ok(_)) = (idle, &welcome) {
        findings.push(hold(&mut socket, idle).await);
    }
    let _ended_already = timeout(ANSWER_LIMIT, socket.close(None)).await.is_err();
    findings
}

/// The next frame of ours.
async fn next(socket: &mut Socket) -> Result<Value, String> {
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => {
                return serde_json::from_str(&text).map_err(|error| error.to_string());
            }
            Some(Ok(Message::Close(frame))) => {
                return Err(match frame {
                    Some(frame) => format!("closed with {} {}", u16::from(frame.code), frame.reason),
                    None => "closed without a code".to_owned(),
                });
            }
            Some(Ok(Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
            Some(Err(error)) => return Err(wire::told(&error)),
            None => return Err("the connection ended".to_owned()),
        }
    }
}

fn judge_welcome(welcome: &Result<Value, String>, target: &Target) -> Finding {
    let name = "public_url";
    let welcome = match welcome {
        Ok(frame) if frame["op"] == "welcome" => frame,
        Ok(frame) => {
            let found = format!("no welcome: {} {}", frame["op"], frame["code"]);
            return Finding::fail(
                name,
                found,
                "a fresh token of a rider on that server: orderbell token --rider check",
            );
        }
        Err(why) => return Finding::fail(name, format!("no welcome: {why}"), "see socket.frames"),
    };
    let clips = welcome["keepalive"]["clips"].as_array().into_iter().flatten();
    let clips: Vec<&str> = clips.filter_map(Value::as_str).collect();
    let Some(first) = clips.first() else {
        return Finding::fail(name, "welcome names no keep-alive clip", "see the server's version");
    };
    let origin = target.origin();
    if clips.iter().all(|clip| clip.starts_with(&format!("{origin}/audio/"))) {
        return Finding::ok(name, format!("riders are told {first}"));
    }
    let found = format!("riders are told {first}");
    let advice = format!("server.public_url = {origin:?}");
    if clips.iter().all(|clip| clip.starts_with('/')) && target.prefix.is_empty() {
        // Resolved against the socket's origin it is right; other players than our client may not do that.
        return Finding::warn(name, found, advice);
    }
    Finding::fail(name, found, advice)
}

/// Answers heartbeats and says nothing else, as a waiting rider does.
async fn hold(socket: &mut Socket, idle: Duration) -> Finding {
    let began = Instant::now();
    let mut heartbeats = 0;
    let ended = loop {
        let Some(left) = idle.checked_sub(began.elapsed()).filter(|left| !left.is_zero()) else { break None };
        match timeout(left.min(SILENCE_MAX), next(socket)).await {
            Ok(Ok(frame)) if frame["op"] == "ping" => {
                heartbeats += 1;
                let pong = Message::text(json!({"op": "pong"}).to_string());
                if let Err(error) = socket.send(pong).await {
                    break Some(wire::told(&error));
                }
            }
            Ok(Ok(_other)) => {}
            Ok(Err(why)) => break Some(why),
            Err(_) if left <= SILENCE_MAX => break None,
            Err(_) => break Some(format!("nothing was heard for {} s", SILENCE_MAX.as_secs())),
        }
    };
    judge_hold(began.elapsed(), heartbeats, ended.as_deref())
}

fn judge_hold(held: Duration, heartbeats: u32, ended: Option<&str>) -> Finding {
    let name = "socket.idle";
    let held = held.as_secs();
    match ended {
        None => Finding::ok(name, format!("still open after {held} s and {heartbeats} heartbeats")),
        Some(why) => {
            let found = format!("ended after {held} s and {heartbeats} heartbeats: {why}");
            let advice = format!(
                "nothing between may cut it: {}",
                nginx("proxy_read_timeout 60s; proxy_send_timeout 60s")
            );
            Finding::fail(name, found, advice)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use http::{HeaderMap, StatusCode};
    use serde_json::json;
    use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

    use super::{ACCEPT, Answer, Farewell, KEY, Opening, PROTOCOL, Target, judge, judge_hold, judge_welcome};
    use crate::doctor::Level;

    fn opened(is_accepted: bool, protocol: &str, bye: Option<i64>, close: Option<u16>) -> Opening {
        let farewell = Farewell { bye, close, trouble: None };
        Opening::Opened { is_accepted, protocol: protocol.to_owned(), farewell }
    }

    fn refused(status: u16) -> Opening {
        let status = StatusCode::from_u16(status).unwrap();
        Opening::Refused(Answer {
            status,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            wait: Duration::ZERO,
        })
    }

    #[test]
    fn our_key_has_this_answer() {
        assert_eq!(derive_accept_key(KEY.as_bytes()), ACCEPT);
    }

    #[test]
    fn a_socket_is_more_than_101() {
        for (opening, levels, advice) in [
            (opened(true, PROTOCOL, Some(4000), Some(4000)), vec![Level::Ok, Level::Ok], ""),
            (
                opened(false, PROTOCOL, Some(4000), Some(4000)),
                vec![Level::Fail, Level::Ok],
                "hand the upgrade on",
            ),
            (
                opened(true, "", Some(4000), Some(4000)),
                vec![Level::Fail, Level::Ok],
                "Sec-WebSocket-Protocol",
            ),
            (opened(true, PROTOCOL, Some(4100), Some(4100)), vec![Level::Ok, Level::Warn], "drains"),
            (opened(true, PROTOCOL, Some(4000), None), vec![Level::Ok, Level::Warn], "1006"),
            (opened(true, PROTOCOL, None, Some(1006)), vec![Level::Ok, Level::Fail], "tunnel"),
            (refused(426), vec![Level::Fail], "$http_upgrade"),
            (refused(404), vec![Level::Fail], "path before it"),
            (refused(502), vec![Level::Fail], "does not reach"),
            (refused(200), vec![Level::Fail], "CDN"),
            (Opening::Failed("broke".to_owned()), vec![Level::Fail], "proxy_http_version"),
        ] {
            let findings = judge(&opening);
            let told: Vec<Level> = findings.iter().map(|finding| finding.level).collect();
            assert_eq!(told, levels, "{findings:?}");
            let advised: String = findings.into_iter().filter_map(|finding| finding.advice).collect();
            assert!(advised.contains(advice), "{advised}");
        }
    }

    #[test]
    fn riders_are_to_be_told_the_public_url() {
        let welcome = |clip: &str| Ok(json!({"op": "welcome", "keepalive": {"clips": [clip]}}));
        for (told, url, level) in [
            (welcome("https://a.cn/audio/silence/600.m4a"), "https://a.cn", Level::Ok),
            (welcome("https://a.cn/x/audio/silence/600.m4a"), "https://a.cn/x", Level::Ok),
            (welcome("/audio/silence/600.m4a"), "https://a.cn", Level::Warn),
            (welcome("/audio/silence/600.m4a"), "https://a.cn/x", Level::Fail),
            (welcome("http://a.cn/audio/silence/600.m4a"), "https://a.cn", Level::Fail),
            (welcome("https://a.cn.evil/audio/silence/600.m4a"), "https://a.cn", Level::Fail),
            (Ok(json!({"op": "welcome"})), "https://a.cn", Level::Fail),
            (Ok(json!({"op": "bye", "code": 4000})), "https://a.cn", Level::Fail),
            (Err("ended".to_owned()), "https://a.cn", Level::Fail),
        ] {
            let (target, _) = Target::parse(url).unwrap();
            assert_eq!(judge_welcome(&told, &target).level, level, "{told:?}");
        }
    }

    #[test]
    fn a_socket_that_is_cut_is_told() {
        assert_eq!(judge_hold(Duration::from_secs(90), 4, None).level, Level::Ok);
        assert_eq!(judge_hold(Duration::from_secs(30), 1, Some("closed with 1006")).level, Level::Fail);
    }
}
