//! A token is a secret: wherever it comes in, the log does not have it.

use serde_json::json;

use crate::support::{Process, RawSocket, cli, log_of, raw, upgrade_head};

async fn serve_and_look(level: &str) {
    let folder = tempfile::TempDir::new().unwrap();
    let process = Process::serve(folder.path(), &format!("[log]\nfilter = \"{level}\"")).await;
    let address = process.address();
    let made = cli(folder.path(), &["token", "--rider", "r1"]).await;
    let good = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    let forged = format!("{good}canary");
    for token in [&good, &forged] {
        let in_query =
            upgrade_head("Connection: close\r\n").replace("/socket ", &format!("/socket?token={token} "));
        // Refused as a handshake, so that the token's own judgement is not the first one.
        let refused = raw(address, in_query.replace("Version: 13", "Version: 12").as_bytes()).await;
        assert!(refused.starts_with("HTTP/1.1 426 "), "{refused}");
    }
    let in_query = upgrade_head("").replace("/socket ", &format!("/socket?token={forged} "));
    let in_query = in_query.replacen("Upgrade\r\n", "Upgrade, close\r\n", 1);
    assert!(raw(address, in_query.as_bytes()).await.starts_with("HTTP/1.1 401 "));
    let mut socket = RawSocket::open(address).await;
    let hello = json!({"op": "hello", "token": good, "device": "phone"});
    socket.frame(0x81, hello.to_string().as_bytes()).await;
    socket.next().await.unwrap();
    let refresh = json!({"op": "refresh", "token": good});
    socket.frame(0x81, refresh.to_string().as_bytes()).await;
    drop(socket);
    assert_eq!(process.terminate().await, 0);
    let log = log_of(folder.path());
    assert!(log.contains("Session opened."), "{log}");
    let signature = good.rsplit('.').next().unwrap();
    assert!(!log.contains(signature), "the log has the token:\n{log}");
}

#[tokio::test]
async fn a_token_in_the_query_or_a_frame_is_in_no_line_of_the_log() {
    serve_and_look("debug").await;
}

#[tokio::test]
async fn not_even_when_everything_is_logged() {
    serve_and_look("trace").await;
}
