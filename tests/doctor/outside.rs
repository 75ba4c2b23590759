//! A server looked at from outside through TLS: when all is well, and with every kind of wrong certificate.

use std::net::SocketAddr;

use rustls::version;

use crate::certificates::{Authority, BOTH, HOST, Shown};
use crate::front::{Lies, front};
use crate::program::{Folder, Server, Told};

/// A server with a public URL, and an authority that vouches for its front.
struct Stage {
    folder: Folder,
    server: Server,
    authority: Authority,
}

impl Stage {
    async fn new() -> Self {
        let folder = Folder::made().await;
        let url = format!("https://{HOST}");
        let server = folder.serve(&[("ORDERBELL_SERVER__PUBLIC_URL", &url)]).await;
        Self { folder, server, authority: Authority::new() }
    }

    async fn front(
        &self,
        shown: Shown,
        versions: &[&'static rustls::SupportedProtocolVersion],
    ) -> SocketAddr {
        front(self.server.address, Some(self.authority.server(shown, versions)), Lies::NONE).await
    }

    /// Looks at the front, as one who trusts the authority.
    async fn look(&self, front: SocketAddr, more: &[&str]) -> Told {
        let root = self.authority.root(self.folder.0.path());
        let trusting = [&["--ca", root.to_str().unwrap()], more].concat();
        self.look_as_a_stranger(front, &trusting).await
    }

    async fn look_as_a_stranger(&self, front: SocketAddr, more: &[&str]) -> Told {
        let (url, front) = (format!("https://{HOST}"), front.to_string());
        self.folder.check(&[&["--public", &url, "--connect", &front], more].concat()).await
    }
}

#[tokio::test]
async fn a_server_behind_a_good_front_is_well() {
    let stage = Stage::new().await;
    let front = stage.front(Shown::Whole, BOTH).await;
    let token = stage.folder.token().await;
    let told = stage.look(front, &["--token", &token, "--idle", "1"]).await;
    assert_eq!((told.named("FAIL").len(), told.named("warn").len()), (0, 0), "{:#}", told.json);
    assert_eq!(
        told.named("ok"),
        [
            "url",
            "dns",
            "tls",
            "tls.old_phones",
            "certificate.chain",
            "certificate.name",
            "certificate.dates",
            "certificate.key",
            "http.health",
            "http.date",
            "http.problem",
            "http.body",
            "http.request_id",
            "socket",
            "socket.frames",
            "public_url",
            "socket.idle",
            "audio.m4a",
            "audio.mp3",
            "audio.wav",
            "audio.canned",
        ]
    );
    told.assert("tls", "ok", "TLS 1.3");
    told.assert("certificate.chain", "ok", "Test Root");
    told.assert("socket.frames", "ok", "bye 4000 and close 4000");
    told.assert("public_url", "ok", &format!("https://{HOST}/audio/silence/600.m4a"));
    told.assert("audio.canned", "ok", "bytes, audio/mpeg");
    let remarks = told.json["remarks"].to_string();
    assert!(remarks.contains(&format!("wss://{HOST} ")) && remarks.contains("ICP"), "{remarks}");
    assert!(!told.json.to_string().contains(&token));
    stage.server.kill().await;
}

#[tokio::test]
async fn every_wrong_certificate_is_told_by_its_fault() {
    let stage = Stage::new().await;
    for (shown, level, fault, words) in [
        (Shown::Expired, "FAIL", "certificate.dates", "ended at 2021-01-01"),
        (Shown::OfAnother, "FAIL", "certificate.name", "other.example.test, not for"),
        (Shown::WithoutIssuer, "FAIL", "certificate.chain", "fullchain.pem"),
        (Shown::SelfSigned, "FAIL", "certificate.chain", "signed it itself"),
        (Shown::Shuffled, "warn", "certificate.chain", "not in order"),
    ] {
        let front = stage.front(shown, BOTH).await;
        let told = stage.look(front, &[]).await;
        told.assert(fault, level, words);
        let wrong = [told.named("FAIL"), told.named("warn")].concat();
        assert_eq!(wrong, [fault], "{:#}", told.json);
    }
    stage.server.kill().await;
}

#[tokio::test]
async fn a_token_goes_to_nobody_who_is_not_vouched_for() {
    let stage = Stage::new().await;
    let front = stage.front(Shown::Whole, BOTH).await;
    let token = stage.folder.token().await;
    let told = stage.look_as_a_stranger(front, &["--token", &token]).await;
    told.assert("certificate.chain", "FAIL", "no root of this machine");
    told.assert("public_url", "FAIL", "the token was not sent");
    assert_eq!(told.named("FAIL"), ["certificate.chain", "public_url"]);
    stage.server.kill().await;
}

#[tokio::test]
async fn the_versions_that_are_offered_are_told() {
    let stage = Stage::new().await;
    let new = stage.front(Shown::Whole, &[&version::TLS13]).await;
    let told = stage.look(new, &[]).await;
    told.assert("tls.old_phones", "warn", "Android before 10");
    assert_eq!(told.code, 0, "{:#}", told.json);
    let old = stage.front(Shown::Whole, &[&version::TLS12]).await;
    let told = stage.look(old, &[]).await;
    told.assert("tls", "ok", "TLS 1.2");
    told.assert("tls.old_phones", "ok", "");
    assert_eq!(told.code, 0, "{:#}", told.json);
    let none = front(stage.server.address, None, Lies::NONE).await;
    let told = stage.look(none, &[]).await;
    told.assert("tls", "FAIL", "no handshake");
    assert_eq!(told.named("FAIL"), ["tls"]);
    stage.server.kill().await;
}

#[tokio::test]
async fn without_tls_all_else_is_looked_at() {
    let stage = Stage::new().await;
    let url = format!("http://{}", stage.server.address);
    let told = stage.folder.check(&["--public", &url]).await;
    assert_eq!(told.named("FAIL"), ["url", "url"], "{:#}", told.json);
    told.assert("dns", "warn", "loopback");
    told.assert("socket.frames", "ok", "bye 4000");
    told.assert("audio.canned", "ok", "");
    let token = stage.folder.token().await;
    let told = stage.folder.check(&["--public", &url, "--token", &token]).await;
    told.assert("public_url", "FAIL", &format!("https://{HOST}/audio"));
    stage.server.kill().await;
}

#[tokio::test]
async fn nobody_there_and_nonsense_are_told() {
    let folder = Folder::new();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let free = listener.local_addr().unwrap().to_string();
    drop(listener);
    let told = folder.check(&["--public", &format!("https://{HOST}"), "--connect", &free]).await;
    told.assert("connect", "FAIL", "open the port");
    assert_eq!(told.named("FAIL"), ["connect"]);
    let told = folder.check(&["--public", "https://nobody.invalid"]).await;
    told.assert("dns", "FAIL", "does not resolve");
    for url in ["bell.example.cn", "https://店.example", "https://a.cn/?token=x"] {
        let told = folder.check(&["--public", url]).await;
        assert_eq!(told.named("FAIL"), ["url"], "{url}");
    }
    let (ca, url) = (folder.0.path().join("none.pem"), format!("https://{HOST}"));
    let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let there = server.local_addr().unwrap().to_string();
    let told = folder.check(&["--public", &url, "--connect", &there, "--ca", ca.to_str().unwrap()]).await;
    told.assert("ca", "FAIL", "none.pem");
}
