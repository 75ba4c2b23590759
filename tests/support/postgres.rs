//! A real PostgreSQL server for the tests of one process, and a fresh database in it for each of them.
//! The server ends with the process, however that ends: a shell holds it, and lets it go when its input is closed.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use orderbell::domain::EpochMs;
use orderbell::store::Store;
use orderbell::store::postgres::{PostgresOptions, PostgresStore};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqlSafeStr};

/// A server.
pub(crate) struct Server {
    port: u16,
    shell: Mutex<Shell>,
    /// The database that others are copies of, once it is there.
    template: tokio::sync::Mutex<Option<&'static str>>,
    databases: AtomicU64,
}

struct Shell {
    /// Whoever drops it ends the server.
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    _child: Child,
}

/// Whether a server keeps its promises when the power fails.
#[derive(Clone, Copy)]
pub(crate) enum Durability {
    /// As servers are.
    Durable,
    /// Without fsync: for tests of behaviour, many times faster.
    Quick,
}

impl Server {
    /// The server that the tests of this process share. They have nothing else in common.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: LazyLock<Server> = LazyLock::new(|| Server::start(Durability::Quick));
        &SHARED
    }

    /// A server of one's own, to be hurt.
    pub(crate) fn start(durability: Durability) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let way = match durability {
            Durability::Durable => "durable",
            Durability::Quick => "quick",
        };
        let mut child = Command::new("sh")
            .args([concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/postgres.sh"), &port.to_string(), way])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (to, from) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut shell = Shell { to, from, _child: child };
        shell.wait();
        let (template, databases) = (tokio::sync::Mutex::default(), AtomicU64::new(0));
        Self { port, shell: Mutex::new(shell), template, databases }
    }

    /// Asks for `start`, `kill`, `stop` or `cont` and waits until it is done.
    pub(crate) fn ask(&self, what: &str) {
        let mut shell = self.shell.lock().unwrap();
        writeln!(shell.to, "{what}").unwrap();
        shell.wait();
    }

    /// Where a database of this name is.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}?sslmode=disable", self.port)
    }

    /// An empty database of our schema.
    pub(crate) async fn database(&self) -> String {
        let template = self.template().await;
        self.create(&format!("TEMPLATE {template}")).await
    }

    /// A database without any schema.
    pub(crate) async fn blank(&self) -> String {
        self.create("TEMPLATE template0").await
    }

    async fn create(&self, how: &str) -> String {
        let name = format!("stage_{}", self.databases.fetch_add(1, Ordering::SeqCst));
        self.run(format!("CREATE DATABASE {name} {how}")).await;
        self.url(&name)
    }

    async fn template(&self) -> &'static str {
        let mut template = self.template.lock().await;
        if let Some(name) = *template {
            return name;
        }
        self.run("CREATE DATABASE pattern TEMPLATE template0".to_owned()).await;
        let store = PostgresStore::open(options(&self.url("pattern"))).await.unwrap();
        store.close().await;
        // Each copy is a database of its own: its epoch is set when it is opened.
        let mut db = PgConnection::connect(&self.url("pattern")).await.unwrap();
        sqlx::raw_sql("DELETE FROM meta").execute(&mut db).await.unwrap();
        db.close().await.unwrap();
        *template.insert("pattern")
    }

    async fn run(&self, statement: String) {
        let mut db = PgConnection::connect(&self.url("postgres")).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(statement).into_sql_str()).execute(&mut db).await.unwrap();
        db.close().await.unwrap();
    }
}

impl Shell {
    fn wait(&mut self) {
        let mut answer = String::new();
        self.from.read_line(&mut answer).unwrap();
        assert_eq!(answer.trim(), "ready", "the PostgreSQL server of the tests");
    }
}

/// The usual options, with a clock that stands.
pub(crate) fn options(url: &str) -> PostgresOptions {
    PostgresOptions::new(url.into(), "epoch-1", Arc::new(|| EpochMs(100)))
}
