//! A PostgreSQL server of one run, durable as servers are, to be killed and started again on what is on its disk.
//! The server under test has an empty database in it.

use crate::postgres::{Durability, Server};

/// A database server that can be hurt.
pub(crate) struct Database {
    server: Server,
    url: String,
}

impl Database {
    /// Starts it.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let server = tokio::task::spawn_blocking(|| Server::start(Durability::Durable)).await?;
        let url = server.blank().await;
        Ok(Self { server, url })
    }

    /// Where our database is.
    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    /// SIGKILL of all its processes.
    pub(crate) fn kill(&self) {
        tokio::task::block_in_place(|| self.server.ask("kill"));
    }

    /// Starts it again; returns when it answers.
    pub(crate) fn restart(&self) {
        tokio::task::block_in_place(|| self.server.ask("start"));
    }
}
