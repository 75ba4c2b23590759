//! The composition root: the only place that names the store, the folders and the listeners.
//! It starts a server from a configuration and ends it in order: riders first, receipts next, the store last.

mod backup;
mod database;
mod folder;
mod moving;
mod outbound;
mod prewarm;
mod voice;
mod wechat;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use secrecy::ExposeSecret;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tracing::{info, warn};

use crate::audio::silence::KeepAlive;
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, Reports, Server, ms};
use crate::dispatch::{
    Accounts, Dispatch, HookLimits, Lexicons, Limits, MiniPrograms, NodeKey, Parts, ReceiptQueue,
    ReportLimits, Retention, Vault, WechatCourier,
};
use crate::domain::app::Quota;
use crate::domain::report::Objective;
use crate::domain::{Aged, Ages, AudioUrls, Kinds};
use crate::http::audio::AudioDesk;
use crate::http::auth::OperatorKey;
use crate::http::listener::{FramingLimits, GateLimits, ListenerLimits, TrustedProxies, accept_loop};
use crate::http::rider_socket::SocketLimits;
use crate::http::wechat::WechatDesk;
use crate::http::{AppParts, AppState, HttpLimits, PublicUrl, health, router};
use crate::hub::{Hub, Ring};
use crate::lifecycle::Lifecycle;

use crate::session::Settings;
use crate::speech::warm::WarmProgress;
use crate::speech::{Speech, Voice};
use crate::store::Store;
use crate::telemetry::Telemetry;
use crate::workers;

use database::{migrate_at_start, node_key, open_store};
use prewarm::Prewarming;

pub use crate::store::transfer::CopyStep;
pub use backup::{Backup, LastBackup, Restored, backup, last_backup, restore};
pub use database::{Closer, Migration, is_final, migrate, open_accounts};
pub use folder::{DataFolder, Running};
pub use moving::{Way, copy_store};
pub use voice::{BUILT_IN, SoloVoice, Speakers, VoiceDesk, check_voice, espeak_settings};
pub use wechat::programs as mini_programs;

/// A server that runs.
pub struct App {
    folder: DataFolder,
    state: AppState,
    store: Arc<dyn Store>,
    drain_timeout: Duration,
    warming: watch::Receiver<WarmProgress>,
    /// Where riders and backends reach it.
    pub address: SocketAddr,
    /// Where operators do.
    pub admin_address: SocketAddr,
}

/// Length of the keep-alive clips named in `welcome`: long enough to bridge dead zones, 20 kB as m4a.
const KEEPALIVE_S: u32 = 600;
/// Limit for workers to end after the last task has.
const WORKERS_LIMIT: Duration = Duration::from_secs(5);

impl App {
    /// Opens everything, takes the data folder for itself, listens, and starts the workers.
    ///
    /// # Errors
    /// A folder in use or not usable, a port in use, a database that is not ours.
    pub async fn start(config: &Config, data: PathBuf) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let telemetry = Telemetry::new();
        // Before anything is made: what the configuration says of the voice or of WeChat may be wrong.
        let programs = Arc::new(wechat::programs(&config.wechat, &clock, &telemetry)?);
        let speakers = Speakers::set_up(config).await?;
        let folder = DataFolder::own(data)?;
        let lifecycle = Lifecycle::new();
        let key = node_key(config, &folder)?;
        let store = open_store(config, &folder, &clock, &lifecycle, migrate_at_start(config)).await?;
        let (receipts, source) = ReceiptQueue::new(config.dispatch.receipt_queue);
        let (words, lexicons) = (speakers.words.clone(), speakers.lexicons.clone());
        let voice = speakers.options(config, folder.path("clips"), key.derive("clips"));
        let speech = Speech::open(voice, Arc::clone(&clock), telemetry.clone(), lifecycle.clone()).await;
        let speech = Arc::new(speech.context("opening the voice")?);
        let (caller, courier) = outbound::clients(config, &clock, &telemetry)?;
        let desk = audio_desk(config, &clock, &telemetry)?;
        let urls = audio_urls(config, &key);
        let dispatch = Dispatch::new(Parts {
            caller: Arc::new(caller),
            courier: Arc::new(courier),
            wechat: Arc::clone(&programs) as Arc<dyn WechatCourier>,
            callbacks: outbound::callback_limits(config),
            hub: Arc::new(Hub::new()),
            speech: Arc::clone(&speech) as Arc<dyn Voice>,
            kinds: Arc::new(Kinds::embedded()?),
            lifecycle: lifecycle.clone(),
            telemetry: telemetry.clone(),
            accounts: accounts(config, &store, &clock, &key)?.with_lexicons(Lexicons::of(words)),
            receipts,
            limits: limits(config),
            store: Arc::clone(&store),
            clock,
        });
        dispatch.accounts().ensure_default_app().await?;
        dispatch.accounts().check_node_key().await?;
        lifecycle.supervise("receipts", Arc::clone(&dispatch).commit_receipts(source));
        let sessions = sessions(config, urls, store.epoch().await?);
        let state = AppState::new(AppParts {
            wechat: sign_ins(config, &programs, &dispatch),
            dispatch,
            speech,
            lifecycle,
            telemetry,
            audio: desk,
            sessions: Arc::new(sessions),
            limits: http_limits(config),
            public_url: PublicUrl::new(&config.server.public_url),
            type_prefix: config.intake.type_prefix.clone(),
            operator: OperatorKey::new(config.secrets.operator_key.expose_secret()),
        });
        start_workers(config, &state);
        let (address, admin_address) = listen(config, &state).await?;
        folder.write_running(address, admin_address)?;
        info!(%address, admin = %admin_address, "Orderbell serves.");
        if config.server.public_url_is_missed() {
            warn!(
                "server.public_url is empty, and this server is not for this machine alone: audio URLs are paths of the \
                 socket's origin. Set it to the URL that riders use."
            );
        }
        let ahead = Prewarming {
            speech: Arc::clone(&state.speech),
            lexicons,
            telemetry: state.telemetry.clone(),
            lifecycle: state.lifecycle.clone(),
        };
        let warming = ahead.start(&config.speech.prewarm);
        let drain_timeout = config.server.drain_timeout;
        Ok(Self { folder, state, store, drain_timeout, warming, address, admin_address })
    }

    /// How far the making of parts ahead is; nothing in all until it is known how many there are.
    #[must_use]
    pub fn warming(&self) -> watch::Receiver<WarmProgress> {
        self.warming.clone()
    }

    /// What handlers use; for tests that look inside.
    #[must_use]
    pub fn state(&self) -> &AppState {
        &self.state
    }

    /// Serves until told to drain: by this future's `stop`, or by a worker that failed. True if all went well.
    pub async fn run_until(self, stop: impl Future<Output = ()>) -> bool {
        let lifecycle = self.state.lifecycle.clone();
        tokio::select! {
            () = stop => info!("Asked to stop; draining."),
            () = lifecycle.draining() => {}
        }
        self.shut_down().await
    }

    async fn shut_down(self) -> bool {
        let lifecycle = &self.state.lifecycle;
        lifecycle.begin_drain();
        self.state.dispatch.hub().ring_all(Ring::Drain);
        lifecycle.finish_tasks(self.drain_timeout).await;
        // The committer of receipts empties its queue while the store still takes writes.
        let drained = tokio::time::timeout(WORKERS_LIMIT, self.state.dispatch.receipts_done()).await.is_ok();
        self.store.close().await;
        let ended = lifecycle.finish_workers(WORKERS_LIMIT).await;
        self.folder.clear_running();
        info!(clean = drained && ended, "Orderbell has stopped.");
        drained && ended && !lifecycle.has_failed()
    }
}

fn accounts(
    config: &Config,
    store: &Arc<dyn Store>,
    clock: &Arc<dyn Clock>,
    key: &NodeKey,
) -> anyhow::Result<Accounts> {
    let ttl_max_ms = ms(config.rider.token_ttl_max);
    Ok(Accounts::new(Arc::clone(store), Arc::clone(clock), Vault::new(key)?, ttl_max_ms))
}

fn sign_ins(config: &Config, programs: &Arc<MiniPrograms>, dispatch: &Dispatch) -> Arc<WechatDesk> {
    Arc::new(WechatDesk::new(programs, config.wechat.logins_per_minute, &dispatch.shared_clock()))
}

fn limits(config: &Config) -> Limits {
    Limits {
        speech_budget: config.speech.budget,
        render_concurrency: config.dispatch.render_concurrency,
        sweep_batch: config.dispatch.sweep_batch,
        event_memory_ms: ms(config.store.event_memory),
        order_memory_ms: ms(config.orders.memory),
        recipe_memory_ms: ms(config.audio.recipe_memory),
        sound_profile: voice::profile(config),
        tombstone_ms: ms(config.orders.tombstone),
        merge_ms: ms(config.orders.merge_window),
        settle_ms: ms(config.offers.settle_timeout),
        unresponsive_after: config.offers.unresponsive_after,
        alerts_per_minute: config.rider.alerts_per_minute,
        unroll_chunk: config.dispatch.unroll_chunk,
        offline_grace_ms: ms(config.rider.offline_grace),
        again_ms: ms(config.callbacks.again),
        call_attempts: config.callbacks.attempts,
        quota: Quota {
            events_per_s: config.apps.events_per_s,
            burst: config.apps.burst,
            sessions: config.apps.sessions,
            speech_characters_per_day: config.apps.speech_characters_per_day,
        },
        reports: report_limits(&config.reports),
        retention: Retention { ages: ages(&config.retention), slice: config.retention.slice },
        hooks: hook_limits(&config.hooks),
        wechat: wechat::limits(&config.wechat),
    }
}

/// How long what is kept of apps stays; the configuration has whole hours.
fn ages(retention: &crate::config::Retention) -> Ages {
    let hours = |age: Duration| u32::try_from(age.as_secs() / 3600).unwrap_or(u32::MAX);
    Ages::of(Aged::ALL.map(|what| {
        let age = match what {
            Aged::Texts => retention.texts,
            Aged::Alerts => retention.alerts,
            Aged::Notices => retention.notices,
            Aged::Calls => retention.calls,
            Aged::Callbacks => retention.callbacks,
            Aged::DeadCallbacks => retention.dead_callbacks,
            Aged::Checks => retention.checks,
        };
        (what, hours(age))
    }))
}

fn hook_limits(hooks: &crate::config::Hooks) -> HookLimits {
    HookLimits {
        max_body_bytes: hooks.max_body_bytes,
        items_max: hooks.items_max as usize,
        per_second: hooks.per_second,
        burst: hooks.burst,
        concurrency: hooks.concurrency,
        deliveries_kept: hooks.deliveries_kept,
        kept_bytes_max: hooks.kept_bytes_max,
        deliveries_age_ms: ms(hooks.deliveries_age),
        per_app: hooks.per_app,
        answer_within: hooks.answer_within,
    }
}

fn report_limits(reports: &Reports) -> ReportLimits {
    let within_ms = u32::try_from(reports.heard_within.as_millis()).unwrap_or(u32::MAX);
    ReportLimits {
        span_max_ms: ms(reports.span_max),
        deliveries_max: reports.deliveries_max,
        rows_max: reports.rows_max,
        page_looks: reports.page_looks,
        concurrency: reports.concurrency,
        objective: Objective { within_ms, target_permille: reports.heard_permille },
    }
}

/// Histograms keep every sample until they are folded.
const TELEMETRY_EVERY: Duration = Duration::from_secs(5);
/// Addresses whose budget is whole again are of no use; a minute's worth of them is little.
const BUDGETS_EVERY: Duration = Duration::from_mins(1);

fn start_workers(config: &Config, state: &AppState) {
    let (dispatch, lifecycle) = (&state.dispatch, &state.lifecycle);
    let sweep = workers::sweep(Arc::clone(dispatch), config.dispatch.sweep, lifecycle.clone());
    lifecycle.supervise("sweep", sweep);
    let callbacks = workers::callbacks(Arc::clone(dispatch), config.dispatch.sweep, lifecycle.clone());
    lifecycle.supervise("callbacks", callbacks);
    lifecycle.supervise("gauges", workers::gauges(Arc::clone(dispatch), lifecycle.clone()));
    lifecycle.supervise("forget", workers::forget(Arc::clone(dispatch), lifecycle.clone()));
    let rhythm = workers::Rhythm { every: config.retention.every, pause: config.retention.pause };
    lifecycle.supervise("retention", workers::retention(Arc::clone(dispatch), rhythm, lifecycle.clone()));
    let speech = Arc::clone(&state.speech);
    let forget_clips = move || {
        let speech = Arc::clone(&speech);
        async move { speech.forget_unused().await }
    };
    lifecycle.supervise("clips", workers::chore(config.retention.every, forget_clips, lifecycle.clone()));
    let telemetry = state.telemetry.clone();
    let folding = workers::upkeep(TELEMETRY_EVERY, move || telemetry.upkeep(), lifecycle.clone());
    lifecycle.supervise("telemetry upkeep", folding);
    let desk = Arc::clone(&state.audio);
    let forgetting = workers::upkeep(BUDGETS_EVERY, move || desk.budget.forget(), lifecycle.clone());
    lifecycle.supervise("budget upkeep", forgetting);
    let wechat = Arc::clone(&state.wechat);
    let forgetting = workers::upkeep(BUDGETS_EVERY, move || wechat.pace.forget(), lifecycle.clone());
    lifecycle.supervise("sign-in upkeep", forgetting);
}

fn audio_desk(
    config: &Config,
    clock: &Arc<dyn Clock>,
    telemetry: &Telemetry,
) -> anyhow::Result<Arc<AudioDesk>> {
    let keep_alive = KeepAlive::new().context("making the keep-alive clips")?;
    let per_ip = config.audio.silence_bytes_per_ip;
    Ok(Arc::new(AudioDesk::new(keep_alive, per_ip, Arc::clone(clock), telemetry.clone())))
}

fn audio_urls(config: &Config, key: &NodeKey) -> AudioUrls {
    let base = config.server.public_url.clone();
    if config.audio.signed_urls {
        AudioUrls::signed(base, &key.derive("audio urls"), ms(config.audio.signed_url_ttl))
    } else {
        AudioUrls::open(base)
    }
}

fn sessions(config: &Config, urls: AudioUrls, epoch: String) -> Settings {
    Settings {
        urls,
        epoch,
        heartbeat_ms: ms(config.rider.heartbeat),
        silence_max_ms: ms(config.rider.silence_max),
        resend_after_ms: ms(config.rider.resend_after),
        window: config.rider.window,
        frame_bytes_max: config.rider.frame_bytes_max,
        violations_max: config.rider.violations_max,
        messages_per_second: config.rider.messages_per_second,
        messages_burst: config.rider.messages_burst,
        keepalive_s: KEEPALIVE_S,
        arbiter_wait_ms: ms(config.callbacks.arbiter_wait),
    }
}

fn http_limits(config: &Config) -> HttpLimits {
    let socket = SocketLimits {
        hello_timeout: config.rider.hello_timeout,
        frame_bytes_max: config.rider.frame_bytes_max,
        queue_bytes_max: config.rider.queue_bytes_max,
        send_timeout: config.rider.send_timeout,
        sessions_max: config.rider.sessions_max,
        connects_per_minute: config.rider.connects_per_minute,
        sockets_per_ip: config.server.sockets_per_ip,
        token_in_query: config.rider.token_in_query,
        return_spread: config.rider.return_spread,
    };
    HttpLimits {
        max_body_bytes: config.server.max_body_bytes,
        max_batch_bytes: config.server.max_batch_bytes,
        signature_tolerance_ms: ms(config.intake.signature_tolerance),
        socket,
    }
}

fn listener_limits(server: &Server) -> ListenerLimits {
    let gate = GateLimits {
        framing: FramingLimits {
            uri_bytes_max: server.uri_bytes_max,
            headers_max: server.headers_max,
            head_bytes_max: server.head_bytes_max,
        },
        header_timeout: server.header_timeout,
        idle_timeout: server.idle_timeout,
        body_timeout: server.body_timeout,
        body_rate_min: server.body_rate_min,
        write_timeout: server.write_timeout,
    };
    ListenerLimits {
        first_byte_timeout: server.first_byte_timeout,
        gate,
        max_connections: server.max_connections,
        connections_per_ip: server.connections_per_ip,
        new_per_second: server.new_per_second,
        new_per_second_per_ip: server.new_per_second_per_ip,
        trusted_proxies: TrustedProxies::new(server.trusted_proxies.clone()),
    }
}

async fn listen(config: &Config, state: &AppState) -> anyhow::Result<(SocketAddr, SocketAddr)> {
    let limits = listener_limits(&config.server);
    let mut addresses = Vec::new();
    for (address, router) in [
        (config.server.listen, router(state.clone())),
        (config.admin.listen, health::admin_router(state.clone())),
    ] {
        let listener = TcpListener::bind(address).await.with_context(|| format!("listening on {address}"))?;
        addresses.push(listener.local_addr()?);
        let (lifecycle, telemetry) = (state.lifecycle.clone(), state.telemetry.clone());
        let accepting = accept_loop(listener, router, limits.clone(), lifecycle, telemetry);
        state.lifecycle.supervise("accept loop", accepting);
    }
    match addresses[..] {
        [public, admin] => Ok((public, admin)),
        _ => anyhow::bail!("two listeners were opened"),
    }
}
