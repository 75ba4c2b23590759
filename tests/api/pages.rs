//! The rider page as a browser fetches it, and as an installed one does.

use crate::support::{TestServer, reply};

#[tokio::test]
async fn each_file_of_the_page_says_what_it_is_and_takes_nothing_from_elsewhere() {
    let server = TestServer::start("").await;
    for (path, mime) in [
        ("/rider", "text/html; charset=utf-8"),
        ("/rider/rider.css", "text/css; charset=utf-8"),
        ("/rider/orderbell.browser.js", "text/javascript; charset=utf-8"),
        ("/rider/icon.svg", "image/svg+xml"),
        ("/rider/icon-192.png", "image/png"),
        ("/rider/rider.webmanifest", "application/manifest+json"),
    ] {
        let file = server.get(path).await;
        assert_eq!((file.status, file.header("content-type")), (200, mime), "{path}");
        assert_eq!(file.header("cache-control"), "no-cache", "{path}");
        assert_eq!(file.header("x-content-type-options"), "nosniff", "{path}");
        let policy = file.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert!(!file.headers.contains_key("service-worker-allowed"), "{path}");
    }
    let worker = server.get("/rider/worker.js").await;
    assert_eq!(worker.header("service-worker-allowed"), "../rider", "behind a prefix as well");
    server.get("/rider/nothing.js").await.assert_problem(404, "not_found");
    server.stop().await;
}

#[tokio::test]
async fn a_file_that_the_browser_still_has_is_not_sent_again() {
    let server = TestServer::start("").await;
    let whole = server.get("/rider/orderbell.browser.js").await;
    let tag = whole.header("etag").to_owned();
    assert_ne!(tag, server.get("/rider").await.header("etag"));
    let again = async |held: &str| {
        reply(server.request("GET", "/rider/orderbell.browser.js").header("if-none-match", held)).await
    };
    let held = again(&tag).await;
    assert_eq!((held.status, held.bytes.len(), held.header("etag")), (304, 0, tag.as_str()));
    assert!(!held.header("content-security-policy").is_empty(), "a cache updates what it has from it");
    let older = again("\"of-yesterday\"").await;
    assert_eq!((older.status, older.bytes == whole.bytes), (200, true));
    server.stop().await;
}
