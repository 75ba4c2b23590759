//! https against a real TLS server: a certificate that nobody vouches for, and one that the system trusts.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use orderbell::outbound::{Method, Outbound, OutboundError, OutboundRequest, UrlPolicy};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::{Book, DEADLINE, limits, outbound_with, post};

const CERTIFICATE: &str = "certificate.pem";
const KEY: &str = "key.pem";

/// A TLS server with a certificate for hook.test that it signed itself, and its port.
async fn serve(folder: &Path) -> (Child, u16) {
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
        ])
        .args(["-subj", "/CN=hook.test", "-addext", "subjectAltName=DNS:hook.test"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout", KEY, "-out", CERTIFICATE])
        .current_dir(folder)
        .output()
        .await
        .expect("install openssl to run these tests");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let mut server = Command::new("openssl")
        .args(["s_server", "-accept", "127.0.0.1:0", "-www", "-cert", CERTIFICATE, "-key", KEY])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let port = loop {
        let line = lines.next_line().await.unwrap().expect("the server tells its port");
        if let Some(port) = line.strip_prefix("ACCEPT 127.0.0.1:") {
            break port.parse().unwrap();
        }
    };
    // The rest is read and thrown away, or the server stops at a full pipe.
    #[expect(clippy::disallowed_methods, reason = "it ends with the server")]
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    (server, port)
}

/// The server answers no other method.
fn get(host: &str, port: &str) -> OutboundRequest {
    OutboundRequest { method: Method::Get, ..post(&format!("https://{host}:{port}/")) }
}

fn caller() -> Outbound {
    let names = Book::with("hook.test", &[&["127.0.0.1"]]);
    names.0.lock().unwrap().insert("other.test".to_owned(), vec![vec!["127.0.0.1".parse().unwrap()]]);
    outbound_with(limits(UrlPolicy::PrivateToo), Arc::clone(&names)).0
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused() {
    let folder = tempfile::TempDir::new().unwrap();
    let (_server, port) = serve(folder.path()).await;
    let error = caller().send(get("hook.test", &port.to_string())).await.unwrap_err();
    assert!(matches!(error, OutboundError::Unreachable(_)), "{error:?}");
    let told = format!("{:#}", anyhow::Error::new(error));
    assert!(told.contains("certificate"), "{told}");
}

/// The process that trusts the certificate is this test once more, with the system's roots replaced.
#[tokio::test]
async fn a_certificate_that_the_system_trusts_is_good_for_its_own_name() {
    if let Ok(port) = std::env::var("OUTBOUND_TRUSTED") {
        let answer = caller().send(get("hook.test", &port)).await.unwrap();
        assert_eq!(answer.status, 200);
        let error = caller().send(get("other.test", &port)).await.unwrap_err();
        assert!(matches!(error, OutboundError::Unreachable(_)), "{error:?}");
        return;
    }
    let folder = tempfile::TempDir::new().unwrap();
    let (_server, port) = serve(folder.path()).await;
    let name = "tls::a_certificate_that_the_system_trusts_is_good_for_its_own_name";
    for (roots, passes) in
        [(folder.path().join(CERTIFICATE), true), (folder.path().join("missing.pem"), false)]
    {
        let again = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name])
            .env("OUTBOUND_TRUSTED", port.to_string())
            .env("SSL_CERT_FILE", roots)
            .env("SSL_CERT_DIR", folder.path().join("no-folder"))
            .kill_on_drop(true)
            .output();
        let output = tokio::time::timeout(DEADLINE, again).await.unwrap().unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.success(), passes, "{told}");
        // Without roots the client is made all the same, and fails as it should: at the certificate.
        assert!(passes || told.contains("UnknownIssuer"), "{told}");
    }
}
