//! Fronts that spoil what goes through them, one thing at a time: each is told by its name, with what to do.

use crate::front::{Lies, Tunnel, drop_header, front, header};
use crate::program::Folder;

struct Case {
    lies: Lies,
    /// What must be found, at which level, with which words.
    found: &'static [(&'static str, &'static str, &'static str)],
}

const AUDIO: fn(&[String]) -> bool =
    |head| header(head, "content-type").is_some_and(|kind| kind.starts_with("audio/"));

fn answers(answer: fn(&mut Vec<String>, &mut Vec<u8>)) -> Lies {
    Lies { answer, ..Lies::NONE }
}

fn requests(request: fn(&mut Vec<String>)) -> Lies {
    Lies { request, ..Lies::NONE }
}

fn audio_cases() -> Vec<Case> {
    vec![
        Case {
            lies: answers(|head, _| {
                if AUDIO(head) {
                    drop_header(head, "content-length");
                    head.push("connection: close".to_owned());
                }
            }),
            found: &[
                ("audio.m4a.length", "FAIL", "no Content-Length"),
                ("audio.canned.length", "FAIL", "10003"),
            ],
        },
        Case {
            lies: answers(|head, body| {
                if AUDIO(head) && !body.is_empty() {
                    drop_header(head, "content-length");
                    head.push("transfer-encoding: chunked".to_owned());
                    let chunk = [format!("{:x}\r\n", body.len()).as_bytes(), body, b"\r\n0\r\n\r\n"].concat();
                    *body = chunk;
                }
            }),
            found: &[("audio.mp3.encoding", "FAIL", "chunked"), ("audio.mp3.length", "FAIL", "gzip off")],
        },
        Case {
            lies: answers(|head, _| {
                if AUDIO(head) {
                    head.push("content-encoding: gzip".to_owned());
                }
            }),
            found: &[("audio.wav.encoding", "FAIL", "gzip")],
        },
        Case {
            lies: requests(|head| drop_header(head, "range")),
            found: &[("audio.mp3.range", "FAIL", "200"), ("audio.mp3.beyond", "warn", "200")],
        },
        Case {
            lies: answers(|head, _| {
                if AUDIO(head) {
                    drop_header(head, "accept-ranges");
                    drop_header(head, "cache-control");
                    drop_header(head, "content-type");
                    head.push("content-type: application/octet-stream".to_owned());
                }
            }),
            found: &[
                ("audio.mp3.range", "FAIL", "Accept-Ranges"),
                ("audio.mp3.cache", "warn", "again and again"),
                ("audio.mp3.type", "FAIL", "application/octet-stream"),
            ],
        },
        Case {
            lies: requests(|head| {
                if head[0].contains("/audio/") && head[0].contains('?') {
                    "GET /nowhere HTTP/1.1".clone_into(&mut head[0]);
                }
            }),
            found: &[("audio.m4a.query", "FAIL", "unique")],
        },
    ]
}

fn other_cases() -> Vec<Case> {
    vec![
        Case {
            lies: requests(|head| {
                drop_header(head, "upgrade");
                drop_header(head, "connection");
            }),
            found: &[("socket", "FAIL", "426"), ("socket", "FAIL", "$http_upgrade")],
        },
        Case {
            lies: answers(|head, _| drop_header(head, "sec-websocket-protocol")),
            found: &[("socket", "FAIL", "Sec-WebSocket-Protocol")],
        },
        Case {
            lies: answers(|head, _| drop_header(head, "sec-websocket-accept")),
            found: &[("socket", "FAIL", "not to our key")],
        },
        Case {
            lies: Lies { socket: Tunnel::Blind, ..Lies::NONE },
            found: &[("socket.frames", "FAIL", "let it tunnel")],
        },
        Case {
            lies: answers(|head, body| {
                if head[0].contains(" 401 ") {
                    *body = b"<html>Unauthorized".to_vec();
                    *head = vec![
                        "HTTP/1.1 401 Unauthorized".to_owned(),
                        "content-type: text/html".to_owned(),
                        format!("content-length: {}", body.len()),
                    ];
                }
            }),
            found: &[
                ("http.problem", "FAIL", "error pages"),
                ("http.body", "FAIL", "text/html"),
                ("http.request_id", "warn", "X-Request-Id"),
            ],
        },
        Case {
            lies: answers(|head, body| {
                if head[0].contains(" 200 ") && &body[..] == b"ok\n" {
                    drop_header(head, "date");
                    head.push("date: Sun, 01 Mar 2026 04:30:05 GMT".to_owned());
                }
            }),
            found: &[("http.date", "FAIL", "ahead of this one")],
        },
        Case {
            lies: requests(|head| "GET / HTTP/1.1".clone_into(&mut head[0])),
            found: &[
                ("http.health", "FAIL", "another site"),
                ("socket", "FAIL", "404"),
                ("audio.m4a", "FAIL", "404"),
            ],
        },
    ]
}

/// That each case is told, and that what it leaves alone is not.
async fn told_as_they_are(cases: Vec<Case>, spared: &str) {
    let folder = Folder::made().await;
    let server = folder.serve(&[]).await;
    for (number, Case { lies, found }) in cases.into_iter().enumerate() {
        let front = front(server.address, None, lies).await;
        // Without TLS: what a front does to certificates is another test's.
        let told = folder.check(&["--public", &format!("http://{front}")]).await;
        for (name, level, words) in found {
            told.assert(name, level, words);
        }
        if found.iter().all(|(name, ..)| *name != "http.health") {
            let astray = told.named("FAIL").into_iter().find(|name| name.starts_with(spared));
            assert_eq!(astray, None, "{number}: {:#}", told.json);
        }
    }
    server.kill().await;
}

#[tokio::test]
async fn what_a_front_does_to_clips_is_told() {
    told_as_they_are(audio_cases(), "socket").await;
}

#[tokio::test]
async fn what_a_front_does_to_sockets_and_pages_is_told() {
    told_as_they_are(other_cases(), "audio").await;
}
