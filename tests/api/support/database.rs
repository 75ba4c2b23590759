//! Where the servers of these tests keep their data: in their folder, or, with `TEST_STORE=postgres`, each folder in
//! a PostgreSQL database of its own. `make test-postgres` tells every story there.

use std::path::Path;

use crate::postgres_server::Server;

/// The file in such a folder that says where.
pub(crate) const DATABASE_URL: &str = "database.url";

/// The database of this folder, made if need be; none if the data lie in the folder.
pub(crate) async fn database_of(folder: &Path) -> Option<String> {
    match std::env::var("TEST_STORE").as_deref() {
        Ok("postgres") => {}
        Ok(other) => panic!("there is no store {other:?}"),
        Err(_) => return None,
    }
    let kept = folder.join(DATABASE_URL);
    if let Ok(url) = std::fs::read_to_string(&kept) {
        return Some(url);
    }
    let url = Server::shared().database().await;
    std::fs::write(kept, &url).unwrap();
    Some(url)
}
