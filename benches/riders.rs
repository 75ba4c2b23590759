//! What a rider costs and how long an order takes to reach one: the real server beside bare floors, in one run.
//! `cargo bench --profile release --bench riders`; docs/benchmarks.md says what changes its size and what it means.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench stops at the first surprise and prints"
)]

use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use rustix::process::{Resource, getrlimit, setrlimit};
use serde_json::Value;

use self::figures::Rounds;
use self::http::Http;
use self::load::{Numbers, name};
use self::riders::{Riders, Sink};
use self::server::Server;

#[path = "riders/figures.rs"]
mod figures;
#[path = "riders/floor.rs"]
mod floor;
#[path = "riders/http.rs"]
mod http;
#[path = "riders/load.rs"]
mod load;
#[path = "riders/riders.rs"]
mod riders;
#[path = "riders/server.rs"]
mod server;

const CALLERS: [usize; 3] = [1, 16, 64];
const RATES: [f64; 2] = [200.0, 1000.0];
/// Idle riders of the memory figure, beside `RIDERS` of all others.
const MANY: usize = 10_000;
const GET_CALLERS: usize = 16;
const MB: f64 = 1e6;

/// Size of the bench.
struct Plan {
    riders: usize,
    span: Duration,
    rounds: usize,
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, flag, frame_bytes, database @ ..] = &arguments[..]
        && flag == "--floor"
    {
        return floor::serve(frame_bytes.parse().unwrap(), database.first().map(PathBuf::from));
    }
    let of = |name: &str, usual| std::env::var(name).map_or(usual, |text| text.parse().unwrap());
    let plan = Plan {
        riders: of("RIDERS", 2_000),
        span: Duration::from_secs(of("SECS", 3) as u64),
        rounds: of("ROUNDS", 3),
    };
    let mut descriptors = getrlimit(Resource::Nofile);
    descriptors.current = descriptors.maximum;
    setrlimit(Resource::Nofile, descriptors).unwrap();
    let pinned = server::pin(server::GENERATOR_CORE);
    println!(
        "riders {}, {} s a run, median of {} rounds; server on core {}, generator on core {}{}",
        plan.riders,
        plan.span.as_secs(),
        plan.rounds,
        server::SERVER_CORE,
        server::GENERATOR_CORE,
        if pinned { "" } else { " (no such core: shared)" }
    );
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, bench(&plan));
    println!("bench done");
}

async fn bench(plan: &Plan) {
    let wanted = std::env::var("ONLY").unwrap_or_default();
    let on = |part: &str| wanted.is_empty() || wanted.split(',').any(|name| name == part);
    let numbers = Rc::new(Numbers::default());
    if on("memory") {
        println!("\nmemory");
        memory(&Server::floor("floor", 900, false), plan.riders).await;
        memory(&Server::orderbell(), plan.riders).await;
    }
    let ours = Server::orderbell();
    let frame_bytes = warm(&ours, &numbers).await;
    println!("\nalert frame {frame_bytes} bytes; one event = 4 rows (event, rider, alert, delivery)");
    let bare = Server::floor("floor", frame_bytes, false);
    let commits = Server::floor("floor+commit", frame_bytes, true);
    if on("accepts") {
        accepts(plan, &[&commits, &ours], &numbers).await;
    }
    if on("gets") {
        gets(plan, &bare, &ours).await;
    }
    if on("push") || on("storm") {
        pushes(plan, &[&bare, &commits, &ours], &numbers, (on("push"), on("storm"))).await;
    }
}

/// Memory of idle riders.
async fn memory(server: &Server, riders: usize) {
    let at_start = settled(server).await;
    println!(
        "{:<13} at start {:>6.1} MB, {:.1} MB of it not pages of files",
        server.name,
        at_start.0 / MB,
        at_start.1 / MB
    );
    let sink = Rc::new(Sink::default());
    let mut open = Riders::default();
    let (mut have, mut last) = (0, at_start);
    for wanted in [riders.min(MANY), MANY] {
        let token = |rider: &str| server.token(rider);
        let began = Instant::now();
        open.append(Riders::open(server.address, (have..wanted).map(name), token, &sink).await);
        let took = began.elapsed().as_secs_f64();
        let now = settled(server).await;
        #[expect(clippy::cast_precision_loss, reason = "figures for people")]
        let (count, more) = (wanted as f64, (wanted - have).max(1) as f64);
        println!(
            "{:<13} {wanted:>6} idle riders: {:>6.0} bytes each (not files {:.0}); of the last {more}: {:.0} (not files {:.0}); {:.0} hellos/s",
            server.name,
            (now.0 - at_start.0) / count,
            (now.1 - at_start.1) / count,
            (now.0 - last.0) / more,
            (now.1 - last.1) / more,
            more / took,
        );
        (have, last) = (wanted, now);
    }
}

/// Memory once it has stopped changing: two looks within a hundredth.
async fn settled(server: &Server) -> (f64, f64) {
    let mut last = server.memory();
    for _ in 0..10 {
        tokio::time::sleep(Duration::from_millis(700)).await;
        let now = server.memory();
        if (now.0 - last.0).abs() < last.0 / 100.0 {
            return now;
        }
        last = now;
    }
    last
}

/// Makes the sentence, so that no run waits for it; the size of an alert's frame.
async fn warm(ours: &Server, numbers: &Rc<Numbers>) -> usize {
    let sink = Rc::new(Sink::default());
    let token = |rider: &str| ours.token(rider);
    let _rider = Riders::open(ours.address, std::iter::once(name(0)), token, &sink).await;
    let mut frame_bytes = 0;
    for _ in 0..2 {
        let run = (1.0, Duration::from_secs(1));
        frame_bytes = load::pushes(ours, &sink, 1, run, numbers).await.frame_bytes;
    }
    frame_bytes
}

async fn accepts(plan: &Plan, servers: &[&Server], numbers: &Rc<Numbers>) {
    println!("\ndurable accepts, riders away     per s     p50 us     p99 us     cpu us     x floor");
    for callers in CALLERS {
        let mut table = vec![<[Rounds; 4]>::default(); servers.len()];
        for _ in 0..plan.rounds {
            for (server, row) in servers.iter().zip(&mut table) {
                let mut run = load::accepts(server, callers, plan.span, numbers).await;
                let figures = [run.rate, run.laps.quantile(500), run.laps.quantile(990), run.cpu_us];
                row.iter_mut().zip(figures).for_each(|(rounds, figure)| rounds.push(figure));
            }
        }
        for (server, [rate, p50, p99, cpu]) in servers.iter().zip(&table) {
            let over = rate.median_over(&table[0][0]);
            println!(
                "{:<14} {callers:>2} callers {rate:>12} {p50:>10} {p99:>10} {cpu:>10} {over:>11.2}",
                server.name
            );
        }
    }
}

async fn gets(plan: &Plan, bare: &Server, ours: &Server) {
    let mut http = Http::open(ours.address).await.unwrap();
    let ask = http::request("POST", "/v1/speech", &ours.key, r#"{"text":"您有新的订单，请及时处理"}"#);
    let (_, body) = http.call(&ask).await.unwrap();
    let clip: Value = serde_json::from_slice(body).unwrap();
    let path = clip["data"]["url"].as_str().unwrap();
    println!(
        "\nGET of a clip ({} bytes; floor {})   per s       MB/s     p50 us     cpu us     x floor",
        clip["data"]["bytes"],
        floor::CLIP_BYTES
    );
    let servers = [bare, ours];
    let mut table = <[[Rounds; 4]; 2]>::default();
    for _ in 0..plan.rounds {
        for (server, row) in servers.iter().zip(&mut table) {
            let mut run = load::gets(server, path, GET_CALLERS, plan.span).await;
            let figures = [run.rate, run.bytes_per_s / MB, run.laps.quantile(500), run.cpu_us];
            row.iter_mut().zip(figures).for_each(|(rounds, figure)| rounds.push(figure));
        }
    }
    for (server, [rate, bytes, p50, cpu]) in servers.iter().zip(&table) {
        let over = rate.median_over(&table[0][0]);
        println!(
            "{:<14} {GET_CALLERS} callers {rate:>22} {bytes:>10} {p50:>10} {cpu:>10} {over:>11.2}",
            server.name
        );
    }
}

/// Posts to riders who listen, then all of them cut off at once and back.
async fn pushes(plan: &Plan, servers: &[&Server], numbers: &Rc<Numbers>, (push, storm): (bool, bool)) {
    let mut listening = Vec::new();
    for server in servers {
        let sink = Rc::new(Sink::default());
        let token = |rider: &str| server.token(rider);
        let riders = Riders::open(server.address, (0..plan.riders).map(name), token, &sink).await;
        listening.push((riders, sink));
    }
    if push {
        println!(
            "\npost to socket, {} riders       p50 us     p99 us     cpu us     x floor  x +commit  lost twice",
            plan.riders
        );
        for rate in RATES {
            push_rounds(plan, servers, &listening, rate, numbers).await;
        }
    }
    if storm {
        println!("\nall {} riders reset and back   seconds     cpu us     x floor", plan.riders);
        storms(plan, servers, &mut listening).await;
    }
}

async fn push_rounds(
    plan: &Plan,
    servers: &[&Server],
    listening: &[(Riders, Rc<Sink>)],
    rate: f64,
    numbers: &Rc<Numbers>,
) {
    let mut table = vec![<[Rounds; 3]>::default(); servers.len()];
    let mut faults = vec![(0, 0); servers.len()];
    for _ in 0..plan.rounds {
        for (place, (server, (_, sink))) in servers.iter().zip(listening).enumerate() {
            let mut run = load::pushes(server, sink, plan.riders, (rate, plan.span), numbers).await;
            let figures = [run.laps.quantile(500), run.laps.quantile(990), run.cpu_us];
            table[place].iter_mut().zip(figures).for_each(|(rounds, figure)| rounds.push(figure));
            faults[place].0 += run.lost;
            faults[place].1 += run.twice;
        }
    }
    for (place, (server, [p50, p99, cpu])) in servers.iter().zip(&table).enumerate() {
        let (over, over_commit) = (p50.median_over(&table[0][0]), p50.median_over(&table[1][0]));
        let (lost, twice) = faults[place];
        println!(
            "{:<14} {rate:>5.0}/s {p50:>16} {p99:>10} {cpu:>10} {over:>11.2} {over_commit:>10.2} {lost:>5} {twice:>5}",
            server.name
        );
    }
}

async fn storms(plan: &Plan, servers: &[&Server], listening: &mut [(Riders, Rc<Sink>)]) {
    let mut table = vec![<[Rounds; 2]>::default(); servers.len()];
    for _ in 0..plan.rounds {
        for (place, (server, (riders, sink))) in servers.iter().zip(&mut *listening).enumerate() {
            let tokens: Vec<String> = (0..plan.riders).map(|rider| server.token(&name(rider))).collect();
            let token = |rider: &str| tokens[http::number(&rider.as_bytes()[1..])].clone();
            let (cpu, began) = (server.cpu(), Instant::now());
            riders.reset().await;
            *riders = Riders::open(server.address, (0..plan.riders).map(name), token, sink).await;
            let took = began.elapsed().as_secs_f64();
            #[expect(clippy::cast_precision_loss, reason = "figures for people")]
            let cpu_us = (server.cpu() - cpu) * 1e6 / plan.riders as f64;
            table[place][0].push(took);
            table[place][1].push(cpu_us);
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }
    for (server, [took, cpu]) in servers.iter().zip(&table) {
        let over = took.median_over(&table[0][0]);
        println!("{:<14} {took:>22} {cpu:>10} {over:>11.2}", server.name);
    }
}
