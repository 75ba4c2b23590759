//! The floor: one thread that accepts riders, takes posts and pushes a frame of the same size; no auth, no JSON.
//! With a commit it first keeps one row in SQLite, all waiting posts sharing one fsync, through the product's driver.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, SqliteConnection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{LocalSet, spawn_local};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::http::{content_length, head_end, quoted};

/// Most rows in one commit, as in the product.
const BATCH_MAX: usize = 256;
/// Size of the clip it serves.
pub(crate) const CLIP_BYTES: usize = 60_000;

type Row = (Vec<u8>, oneshot::Sender<()>);

struct Floor {
    riders: RefCell<HashMap<String, Rc<TcpStream>>>,
    frame_bytes: usize,
    rows: Option<mpsc::Sender<Row>>,
    clip: Vec<u8>,
}

/// Serves until it is killed; says its address on stdout.
#[expect(clippy::print_stdout, reason = "the address is what its starter waits for")]
pub(crate) fn serve(frame_bytes: usize, database: Option<PathBuf>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("http://{}", listener.local_addr().unwrap());
        let rows = match database {
            None => None,
            Some(path) => {
                let (sender, receiver) = mpsc::channel(4096);
                spawn_local(keep(open(path).await, receiver));
                Some(sender)
            }
        };
        let head =
            format!("HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\nContent-Length: {CLIP_BYTES}\r\n\r\n");
        let clip = [head.into_bytes(), vec![0x55; CLIP_BYTES]].concat();
        let floor = Rc::new(Floor { riders: RefCell::default(), frame_bytes, rows, clip });
        loop {
            if let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).unwrap();
                spawn_local(connection(Rc::clone(&floor), stream));
            }
        }
    });
}

async fn connection(floor: Rc<Floor>, mut stream: TcpStream) {
    let mut read = Vec::with_capacity(2048);
    loop {
        let head = loop {
            if let Some(end) = head_end(&read) {
                break end;
            }
            match stream.read_buf(&mut read).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        };
        if read.starts_with(b"GET /v1/rider/socket") {
            drop(read);
            return rider(&floor, stream).await;
        }
        if read.starts_with(b"GET") {
            read.drain(..head);
            if stream.write_all(&floor.clip).await.is_err() {
                return;
            }
            continue;
        }
        let whole = head + content_length(&read[..head]);
        while read.len() < whole {
            match stream.read_buf(&mut read).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
        floor.post(&read[head..whole]).await;
        read.drain(..whole);
        let answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
        if stream.write_all(answer).await.is_err() {
            return;
        }
    }
}

impl Floor {
    async fn post(&self, body: &[u8]) {
        if let Some(rows) = &self.rows {
            let (kept, on_disk) = oneshot::channel();
            rows.send((body.to_vec(), kept)).await.unwrap();
            on_disk.await.unwrap();
        }
        let rider = quoted(body, br#""riders":[""#).unwrap_or_default();
        let event = quoted(body, br#""id":""#).unwrap_or_default();
        let Some(stream) = self.riders.borrow().get(rider).map(Rc::clone) else { return };
        let mut text = format!(r#"{{"op":"alert","event_id":"{event}","pad":""#);
        let pad = self.frame_bytes.saturating_sub(text.len() + 2);
        text.extend(std::iter::repeat_n('x', pad));
        text.push_str("\"}");
        let mut frame = vec![0x81, 126];
        frame.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
        frame.extend(text.as_bytes());
        let _full = stream.try_write(&frame).is_err();
    }
}

async fn rider(floor: &Floor, mut stream: TcpStream) {
    let accept = derive_accept_key(b"dGhlIHNhbXBsZSBub25jZQ==");
    let upgraded = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: orderbell.v1\r\n\r\n"
    );
    if stream.write_all(upgraded.as_bytes()).await.is_err() {
        return;
    }
    let stream = Rc::new(stream);
    let mut name = String::new();
    loop {
        if stream.readable().await.is_err() {
            break;
        }
        let mut piece = [0; 1024];
        match stream.try_read(&mut piece) {
            Ok(0) => break,
            Ok(count) => {
                if let Some(device) = quoted(&piece[..count], br#""device":""#) {
                    device.clone_into(&mut name);
                    floor.riders.borrow_mut().insert(name.clone(), Rc::clone(&stream));
                    let _full = stream.try_write(b"\x81\x10{\"op\":\"welcome\"}").is_err();
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => break,
        }
    }
    let mut riders = floor.riders.borrow_mut();
    if riders.get(&name).is_some_and(|other| Rc::ptr_eq(other, &stream)) {
        riders.remove(&name);
    }
}

async fn open(path: PathBuf) -> SqliteConnection {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .disable_statement_logging();
    let mut db = options.connect().await.unwrap();
    let create = "CREATE TABLE posts (id INTEGER PRIMARY KEY, body BLOB NOT NULL)";
    sqlx::query(create).execute(&mut db).await.unwrap();
    db
}

/// Group commit: whatever waits shares one transaction.
async fn keep(mut db: SqliteConnection, mut rows: mpsc::Receiver<Row>) {
    let mut batch = Vec::new();
    while rows.recv_many(&mut batch, BATCH_MAX).await > 0 {
        sqlx::query("BEGIN IMMEDIATE").execute(&mut db).await.unwrap();
        for (body, _) in &batch {
            let insert = sqlx::query("INSERT INTO posts (body) VALUES ($1)").bind(body);
            insert.execute(&mut db).await.unwrap();
        }
        sqlx::query("COMMIT").execute(&mut db).await.unwrap();
        for (_, kept) in batch.drain(..) {
            let _left = kept.send(()).is_err();
        }
    }
}
