//! Load: callers that wait for each answer (closed loop), and posts at fixed moments whatever the answers do (open
//! loop), whose latency counts from the moment a post was meant to leave.

use std::cell::Cell;
use std::io::Write;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::net::TcpStream;
use tokio::task::{JoinSet, spawn_local};

use super::figures::Laps;
use super::http::{self, Http};
use super::riders::{MARK, Run, Sink};
use super::server::Server;

/// Kept connections of the open loop.
const PUBLISHERS: usize = 32;
/// Nothing new for this long: what has not come is lost.
const DRAIN: Duration = Duration::from_millis(1500);

/// Numbers that no event had before.
#[derive(Default)]
pub(crate) struct Numbers(Cell<usize>);

impl Numbers {
    fn take(&self, count: usize) -> usize {
        self.0.replace(self.0.get() + count)
    }
}

/// An order event for one rider, as a backend posts it.
pub(crate) fn event(number: usize, rider: &str) -> String {
    let id = format!("{MARK}{number:010}");
    json!({
        "id": id,
        "kind": "order.new",
        "order": {
            "id": format!("order-{number}"), "version": 1, "short_no": "36", "platform": "meituan",
            "merchant": {"name": "川味小馆"}, "dropoff": {"area": "望京"},
            "distance_m": 1800, "fee_cents": 650, "items": 3
        },
        "target": {"riders": [rider]},
        "alert": {"text": "您有新的订单，请及时处理"},
        "ext": {"batch": "b-1", "shop": "s-20931"}
    })
    .to_string()
}

/// Outcome of a closed loop.
pub(crate) struct Closed {
    pub(crate) rate: f64,
    pub(crate) bytes_per_s: f64,
    pub(crate) laps: Laps,
    pub(crate) cpu_us: f64,
}

/// `callers` post for riders nobody has seen, each waiting for its answer.
pub(crate) async fn accepts(
    server: &Server,
    callers: usize,
    span: Duration,
    numbers: &Rc<Numbers>,
) -> Closed {
    let key = server.key.clone();
    let numbers = Rc::clone(numbers);
    let next = move || {
        let number = numbers.take(1);
        http::request("POST", "/v1/events", &key, &event(number, &format!("away-{}", number % 10_000)))
    };
    closed(server, callers, span, Rc::new(next)).await
}

/// Fetches one file again and again.
pub(crate) async fn gets(server: &Server, path: &str, callers: usize, span: Duration) -> Closed {
    let get = http::request("GET", path, "-", "");
    closed(server, callers, span, Rc::new(move || get.clone())).await
}

async fn closed(server: &Server, callers: usize, span: Duration, next: Rc<dyn Fn() -> Vec<u8>>) -> Closed {
    let (cpu, began) = (server.cpu(), Instant::now());
    let mut tasks = JoinSet::new();
    for _ in 0..callers {
        let (next, address) = (Rc::clone(&next), server.address);
        tasks.spawn_local(async move {
            let mut http = Http::open(address).await.unwrap();
            let (mut laps, mut bytes) = (Laps::default(), 0);
            while began.elapsed() < span {
                let request = next();
                let lap = Instant::now();
                let (status, body) = http.call(&request).await.unwrap();
                assert_eq!(status, 200, "{}", String::from_utf8_lossy(body));
                bytes += body.len();
                laps.push(lap.elapsed().as_secs_f64());
            }
            (laps, bytes)
        });
    }
    let (mut laps, mut bytes) = (Laps::default(), 0);
    while let Some(one) = tasks.join_next().await {
        let (its_laps, its_bytes) = one.unwrap();
        laps.append(its_laps);
        bytes += its_bytes;
    }
    let took = began.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    let (count, bytes) = (laps.len() as f64, bytes as f64);
    let cpu_us = (server.cpu() - cpu) * 1e6 / count;
    Closed { rate: count / took, bytes_per_s: bytes / took, laps, cpu_us }
}

/// Outcome of an open loop.
pub(crate) struct Open {
    pub(crate) laps: Laps,
    pub(crate) lost: usize,
    pub(crate) twice: usize,
    pub(crate) cpu_us: f64,
    pub(crate) frame_bytes: usize,
}

/// Posts `rate` events a second to riders drawn from `riders`, who listen to `sink`.
pub(crate) async fn pushes(
    server: &Server,
    sink: &Rc<Sink>,
    riders: usize,
    (rate, span): (f64, Duration),
    numbers: &Rc<Numbers>,
) -> Open {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a run has thousands of events"
    )]
    let count = (rate * span.as_secs_f64()).max(1.0) as usize;
    let first = numbers.take(count);
    let posts: Vec<Vec<u8>> = (first..first + count)
        .map(|number| {
            // Weyl's sequence: every rider about as often, in no order.
            let rider = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
            http::request("POST", "/v1/events", &server.key, &event(number, &name(rider % riders)))
        })
        .collect();
    let cpu = server.cpu();
    let began = Instant::now() + Duration::from_millis(20);
    let interval = 1.0 / rate;
    sink.begin(Run { first, began: Some(began), interval, seen: vec![false; count], ..Run::default() });
    let refused = post_all(server.address, posts, began, interval).await;
    let mut progress = (sink.count(), Instant::now());
    while progress.0 < count && progress.1.elapsed() < DRAIN {
        tokio::time::sleep(Duration::from_millis(20)).await;
        if sink.count() > progress.0 {
            progress = (sink.count(), Instant::now());
        }
    }
    let run = sink.take();
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    let cpu_us = (server.cpu() - cpu) * 1e6 / count as f64;
    assert_eq!(refused, 0, "{}: posts were refused", server.name);
    assert_eq!(run.gone, 0, "{}: riders were cut off", server.name);
    let lost = count - run.laps.len();
    Open { laps: run.laps, lost, twice: run.twice, cpu_us, frame_bytes: run.frame_bytes }
}

/// The name of a rider by number.
pub(crate) fn name(rider: usize) -> String {
    format!("r{rider:06}")
}

/// Sends each post at its moment on a connection that is free; how many were not answered 200.
async fn post_all(address: SocketAddr, posts: Vec<Vec<u8>>, began: Instant, interval: f64) -> usize {
    let (free, is_free) = mpsc::channel();
    let refused = Rc::new(Cell::new(0));
    let (mut writers, mut readers) = (Vec::new(), Vec::new());
    for place in 0..PUBLISHERS {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let stream = stream.into_std().unwrap();
        writers.push(stream.try_clone().unwrap());
        let mut http = Http::of(TcpStream::from_std(stream).unwrap());
        free.send(place).unwrap();
        let (free, refused) = (free.clone(), Rc::clone(&refused));
        readers.push(spawn_local(async move {
            while let Ok((status, _)) = http.answer().await {
                refused.set(refused.get() + usize::from(status != 200));
                let _over = free.send(place).is_err();
            }
        }));
    }
    // A thread sleeps to the microsecond; the runtime's timer only to the millisecond.
    let pacing = tokio::task::spawn_blocking(move || {
        for (number, post) in (0u32..).zip(&posts) {
            let moment = began + Duration::from_secs_f64(interval * f64::from(number));
            std::thread::sleep(moment.saturating_duration_since(Instant::now()));
            let place: usize = is_free.recv().unwrap();
            writers[place].write_all(post).unwrap();
        }
        // Every connection back: every post is answered.
        for _ in 0..PUBLISHERS {
            is_free.recv().unwrap();
        }
    });
    pacing.await.unwrap();
    for reader in readers {
        reader.abort();
    }
    refused.get()
}
