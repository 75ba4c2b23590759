//! Everything kept of one rider, for the day they ask for it.
//! Deliveries come in pages; all else is bounded and comes with the first.

use axum::extract::{RawQuery, State};
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_DISPOSITION, HeaderName};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::view::CheckView;
use crate::domain::delivery::OpenDelivery;
use crate::domain::wechat::{Identity, MessageEnd};
use crate::domain::{AlertId, CallId, DevicePolicy, EventId, GroupId, OrderId, RiderId, SoundProfile};
use crate::http::AppState;
use crate::http::alerts::view::DeliveryView;
use crate::http::auth::MayAdminister;
use crate::http::cursor::Walk;
use crate::http::moment::Moment;
use crate::http::path::Path;
use crate::http::problem::{Envelope, Problem, Success};
use crate::http::query::Query;
use crate::store::{CallTrace, MessageTrace, NumberedNotice, RiderFile};

/// Everything kept of a rider.
#[derive(Serialize, ToSchema)]
#[schema(as = RiderFile)]
pub struct RiderFileView {
    rider: RiderId,
    /// When this was put together.
    exported_at: Moment,
    /// Their row; `null` where there is none, and on all pages but the first, as the lists are empty there.
    profile: Option<ProfileView>,
    groups: Vec<GroupId>,
    /// Newest first.
    checks: Vec<CheckView>,
    notices: Vec<FileNotice>,
    calls: Vec<FileCall>,
    /// Orders whose memory knows them.
    orders: Vec<FileOrder>,
    /// Who they are in WeChat, in the order they were linked.
    wechat_identities: Vec<FileIdentity>,
    /// Messages to them through WeChat, oldest first.
    wechat_messages: Vec<FileMessage>,
    /// In the order of their sequence, with what was said.
    deliveries: Vec<FileDelivery>,
    /// For the next page; `null` on the last.
    next: Option<String>,
}

/// What is kept of a rider themself.
#[derive(Serialize, ToSchema)]
#[schema(as = RiderProfile)]
pub struct ProfileView {
    known: bool,
    test: bool,
    on_duty: bool,
    lang: Option<String>,
    devices: DevicePolicy,
    sound_profile: Option<SoundProfile>,
    /// Tokens issued before this are refused.
    tokens_from: Option<Moment>,
    /// Highest number in their sequence.
    seq: i64,
    created_at: Moment,
    last_seen_at: Option<Moment>,
    duty_at: Option<Moment>,
    /// Offers in a row without an answer.
    unanswered: u32,
    answered_at: Option<Moment>,
}

/// A notice that names them.
#[derive(Serialize, ToSchema)]
pub struct FileNotice {
    number: i64,
    kind: &'static str,
    alert_id: Option<AlertId>,
    order_id: Option<OrderId>,
    at: Moment,
}

/// A call of a ladder about them. What it sent is not kept.
#[derive(Serialize, ToSchema)]
pub struct FileCall {
    call_id: CallId,
    alert_id: AlertId,
    level: u32,
    attempts: u32,
    ended_at: Option<Moment>,
}

/// An order.
#[derive(Serialize, ToSchema)]
pub struct FileOrder {
    order_id: OrderId,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    test: bool,
}

/// Somebody in WeChat who is this rider.
#[derive(Serialize, ToSchema)]
pub struct FileIdentity {
    /// `null`, as their id there, for somebody linked by their union id who has not logged in yet.
    program: Option<String>,
    openid: Option<String>,
    unionid: Option<String>,
    linked_at: Moment,
    last_login_at: Option<Moment>,
    /// The template they last agreed to.
    template: Option<String>,
    /// How many messages of it may still be sent.
    banked: u32,
}

/// A message about an alert they could not hear.
#[derive(Serialize, ToSchema)]
pub struct FileMessage {
    alert_id: AlertId,
    program: String,
    made_at: Moment,
    attempts: u32,
    ended_at: Option<Moment>,
    /// `sent`, `no_consent`, `not_needed`, `refused`, `unreached`; `null` while it waits.
    result: Option<&'static str>,
}

/// A delivery and what it said.
#[derive(Serialize, ToSchema)]
pub struct FileDelivery {
    alert_id: AlertId,
    event_id: EventId,
    order_id: Option<OrderId>,
    kind: String,
    title: String,
    /// Empty once texts have gone.
    text: String,
    said: String,
    card: Value,
    ext: Value,
    /// What became of it.
    delivery: DeliveryView,
}

/// Deliveries of a page, unless asked for fewer, and at most.
const PAGE_MAX: u32 = 200;

/// Export everything kept of a rider.
///
/// For the day they ask for it. Deliveries come in pages: ask again with `next` as `cursor` until it is `null`. Every answer is
/// named as a file to be saved.
///
/// # Errors
/// 400, 401, 403, 404, 503.
#[utoipa::path(
    get,
    path = "/v1/riders/{id}/export",
    operation_id = "exportRider",
    tag = "Riders",
    security(("apiKey" = ["admin"])),
    params(
        ("id" = RiderId, Path, description = "The rider, as you name them"),
        ("cursor" = Option<String>, Query, description = "`next` of the page before"),
        ("limit" = Option<u32>, Query, description = "How many deliveries at most", minimum = 1, maximum = 200),
    ),
    responses((status = 200, description = "Done", body = Envelope<RiderFileView>)),
    extensions(("x-errors" = json!(["bad_id", "bad_query", "bad_cursor", "out_of_range", "not_found"]))),
)]
pub async fn export(
    State(state): State<AppState>,
    MayAdminister(caller): MayAdminister,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<([(HeaderName, HeaderValue); 1], Success<RiderFileView>), Problem> {
    let rider = caller.rider(&id)?;
    let query = Query::read(query.as_deref(), &["cursor", "limit"])?;
    let limit = query.number("limit", 1, PAGE_MAX)?.unwrap_or(PAGE_MAX);
    let list = format!("export {}", rider.rider);
    let walk = Walk::new(rider.app, &list, &query);
    let after: Option<i64> = walk.place()?;
    let file = state.dispatch.rider_file(rider.clone(), after.unwrap_or(0), limit).await?;
    if after.is_none() && file == RiderFile::default() {
        return Err(Problem::not_found("rider"));
    }
    let now = state.dispatch.clock().now().wall;
    let view = RiderFileView::of(rider.rider, file, limit, &walk, now.into());
    let named = HeaderValue::from_static("attachment; filename=\"rider.json\"");
    Ok(([(CONTENT_DISPOSITION, named)], Success(view)))
}

impl RiderFileView {
    fn of(rider: RiderId, file: RiderFile, limit: u32, walk: &Walk<'_>, exported_at: Moment) -> Self {
        let RiderFile {
            rider: profile,
            groups,
            checks,
            notices,
            calls,
            orders,
            wechat,
            messages,
            deliveries,
        } = file;
        let is_full = deliveries.len() >= limit as usize;
        let last = deliveries.last().filter(|_| is_full).map(|last| walk.cursor(&last.delivery.seq));
        let profile = profile.map(|row| ProfileView {
            known: row.known,
            test: row.test,
            on_duty: row.on_duty,
            lang: row.lang,
            devices: row.devices,
            sound_profile: row.sound_profile,
            tokens_from: Some(row.not_before).filter(|at| at.0 > 0).map(Moment),
            seq: row.seq,
            created_at: row.created_at.into(),
            last_seen_at: row.last_seen_at.map(Moment),
            duty_at: row.duty_at.map(Moment),
            unanswered: row.unanswered,
            answered_at: row.answered_at.map(Moment),
        });
        let orders = orders.into_iter();
        Self {
            rider,
            exported_at,
            profile,
            groups,
            checks: checks.iter().map(CheckView::of).collect(),
            notices: notices.into_iter().map(FileNotice::of).collect(),
            calls: calls.iter().map(FileCall::of).collect(),
            orders: orders
                .map(|key| FileOrder { test: key.key_mode.is_test(), order_id: key.order })
                .collect(),
            wechat_identities: wechat.into_iter().map(FileIdentity::of).collect(),
            wechat_messages: messages.iter().map(FileMessage::of).collect(),
            deliveries: deliveries.iter().map(FileDelivery::of).collect(),
            next: last,
        }
    }
}

impl FileNotice {
    fn of(numbered: NumberedNotice) -> Self {
        let NumberedNotice { number, notice } = numbered;
        Self {
            number,
            kind: notice.kind.as_str(),
            alert_id: notice.alert,
            order_id: notice.order,
            at: notice.at.into(),
        }
    }
}

impl FileCall {
    fn of(call: &CallTrace) -> Self {
        Self {
            call_id: call.id,
            alert_id: call.alert,
            level: call.level,
            attempts: call.attempts,
            ended_at: call.ended_at.map(Moment),
        }
    }
}

impl FileIdentity {
    fn of(identity: Identity) -> Self {
        let (program, openid) = identity.place.unzip();
        let (template, banked) = identity.banked.unzip();
        Self {
            program: program.map(|program| program.as_str().to_owned()),
            openid: openid.map(|openid| openid.as_str().to_owned()),
            unionid: identity.unionid.map(|unionid| unionid.as_str().to_owned()),
            linked_at: identity.linked_at.into(),
            last_login_at: identity.last_login_at.map(Moment),
            template: template.map(|template| template.as_str().to_owned()),
            banked: banked.unwrap_or(0),
        }
    }
}

impl FileMessage {
    fn of(message: &MessageTrace) -> Self {
        let (ended_at, end) = message.end.unzip();
        Self {
            alert_id: message.alert,
            program: message.program.as_str().to_owned(),
            made_at: message.made_at.into(),
            attempts: message.attempts,
            ended_at: ended_at.map(Moment),
            result: end.map(MessageEnd::as_str),
        }
    }
}

impl FileDelivery {
    fn of(row: &OpenDelivery) -> Self {
        let alert = &row.alert;
        let json = |text: &str| serde_json::from_str(text).unwrap_or_default();
        Self {
            alert_id: alert.id,
            event_id: alert.event_id.clone(),
            order_id: alert.order_id.clone(),
            kind: alert.kind.clone(),
            title: alert.title.clone(),
            text: alert.text.clone(),
            said: alert.said.text(),
            card: json(&alert.card),
            ext: json(&alert.ext),
            delivery: DeliveryView::of(alert, &row.delivery),
        }
    }
}
