//! Who a rider is in WeChat: linked by the code they were shown, or by an id that the backend knows.
//! A rider may be several people there, with two phones or two mini-programs; each of them is one rider.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::dispatch::{LinkWish, NoProgram};
use crate::domain::RiderId;
use crate::domain::wechat::{Identity, LinkCode, Linked, ProgramId};
use crate::http::AppState;
use crate::http::auth::{Caller, MayDescribeRiders, MayRead};
use crate::http::body::JsonValue;
use crate::http::moment::Moment;
use crate::http::path::Path;
use crate::http::problem::{Answer, Envelope, Problem, Success};
use crate::http::test_mode::{may_erase, may_write};
use crate::http::wechat::{ID_CHARS_MAX, read_appid};
use crate::intake::{InputError, Reader};

/// Who a rider is in WeChat.
#[derive(Serialize, ToSchema)]
pub struct WechatIdentities {
    identities: Vec<WechatIdentity>,
}

/// One of them.
#[derive(Serialize, ToSchema)]
pub struct WechatIdentity {
    /// The mini-program; `null` for somebody linked by their union id who has not signed in since.
    appid: Option<String>,
    /// The last four characters of their openid there.
    openid_tail: Option<String>,
    /// Whether their union id is known: they are linked in all mini-programs of its owner then.
    unionid: bool,
    linked_at: Moment,
    last_login_at: Option<Moment>,
    /// Messages they have agreed to and that are not sent yet.
    banked: u32,
}

/// What was forgotten.
#[derive(Serialize, ToSchema)]
pub struct WechatUnlinked {
    /// People in WeChat who are nobody's rider now.
    unlinked: u64,
}

/// Longest way of writing a link code.
const LINK_CHARS_MAX: usize = 32;

impl WechatIdentities {
    fn of(identities: &[Identity]) -> Self {
        Self { identities: identities.iter().map(WechatIdentity::of).collect() }
    }
}

impl WechatIdentity {
    fn of(identity: &Identity) -> Self {
        Self {
            appid: identity.place.as_ref().map(|(program, _)| program.as_str().to_owned()),
            openid_tail: identity.place.as_ref().map(|(_, openid)| openid.last4().to_owned()),
            unionid: identity.unionid.is_some(),
            linked_at: identity.linked_at.into(),
            last_login_at: identity.last_login_at.map(Moment::from),
            banked: identity.banked.as_ref().map_or(0, |(_, banked)| *banked),
        }
    }
}

/// Say who a rider is in WeChat.
///
/// By the code that they were shown when they signed in (`link`, good for 15 minutes and once), or by the id that you know
/// of them: `openid` in a mini-program, or `unionid`; they need not have signed in then. One of the three. The next time they
/// sign in they are this rider. Somebody who is another rider stays it: unlink that one first.
///
/// # Errors
/// 400, 401, 403, 404, 409, 503.
#[utoipa::path(
    put,
    path = "/v1/riders/{id}/wechat",
    operation_id = "linkWechat",
    tag = "Riders",
    security(("apiKey" = ["riders"])),
    params(("id" = RiderId, Path, description = "The rider, as you name them")),
    request_body(content = ref("#/components/schemas/WechatLinkBody")),
    responses((status = 200, description = "Done", body = Envelope<WechatIdentities>)),
    extensions(("x-errors" = json!(["bad_id", "bad_value", "not_together", "not_configured", "unknown_link", "wechat_taken", "not_a_test_rider"]))),
)]
pub async fn put(
    State(state): State<AppState>,
    MayDescribeRiders(caller): MayDescribeRiders,
    Path(id): Path<String>,
    JsonValue(body): JsonValue,
) -> Answer<WechatIdentities> {
    let rider = caller.rider(&id)?;
    let wish = read(&state, &caller, &Reader::new(&body)?)?;
    may_write(&state, &caller, &rider).await?;
    match state.dispatch.wechat_link(rider.clone(), wish).await? {
        Linked::Linked => {}
        Linked::Unknown => return Err(Problem::unknown_link()),
        Linked::Taken => {
            return Err(Problem::conflict(
                "wechat_taken",
                "whoever this is in WeChat is another rider: unlink that one first",
            ));
        }
    }
    Ok(Success(WechatIdentities::of(&state.dispatch.wechat_identities(rider).await?)))
}

fn read(state: &AppState, caller: &Caller, body: &Reader<'_>) -> Result<LinkWish, Problem> {
    body.only(&["link", "openid", "unionid", "appid"])?;
    let link = body.text("link", LINK_CHARS_MAX)?;
    let openid = body.text("openid", ID_CHARS_MAX)?;
    let unionid = body.text("unionid", ID_CHARS_MAX)?;
    let appid = read_appid(body)?;
    if appid.is_some() && openid.is_none() {
        return Err(Problem::at("not_together", "/appid", "goes with openid only"));
    }
    let bad = |name: &str| Problem::at("bad_value", name, "is no id of WeChat's");
    let wish = match (link, openid, unionid) {
        (Some(link), None, None) => {
            LinkCode::parse(&link).map(LinkWish::Code).ok_or_else(Problem::unknown_link)
        }
        (None, Some(openid), None) => {
            let openid = openid.parse().map_err(|_| bad("/openid"))?;
            let program = program_of(state, caller, appid)?;
            return Ok(LinkWish::OpenId(program, openid));
        }
        (None, None, Some(unionid)) => unionid.parse().map(LinkWish::UnionId).map_err(|_| bad("/unionid")),
        (None, None, None) => Err(InputError {
            error: "missing_member",
            pointer: Some("/link".to_owned()),
            detail: "name one of link, openid and unionid".to_owned(),
        }
        .into()),
        (Some(_), Some(_), _) | (Some(_), _, Some(_)) | (_, Some(_), Some(_)) => {
            Err(Problem::bad_request("not_together", "name one of link, openid and unionid"))
        }
    }?;
    // Where no mini-program is this app's, nobody could ever sign in.
    let mut programs = state.wechat.programs.of_app(&caller.app.app.name);
    programs.next().map(|_| wish).ok_or_else(Problem::not_configured)
}

/// The mini-program of the caller's app with this id, or the app's only one.
fn program_of(state: &AppState, caller: &Caller, appid: Option<ProgramId>) -> Result<ProgramId, Problem> {
    let mut programs = state.wechat.programs.of_app(&caller.app.app.name).map(|one| one.account.appid());
    match appid {
        Some(appid) => programs.find(|known| **known == appid).cloned().ok_or(NoProgram::Unknown.into()),
        None => match (programs.next(), programs.next()) {
            (Some(only), None) => Ok(only.clone()),
            (None, _) => Err(NoProgram::Unknown.into()),
            (Some(_), Some(_)) => Err(NoProgram::Ambiguous.into()),
        },
    }
}

/// Look at who a rider is in WeChat.
///
/// In the order they were linked.
///
/// # Errors
/// 400, 401, 403, 503.
#[utoipa::path(
    get,
    path = "/v1/riders/{id}/wechat",
    operation_id = "getWechat",
    tag = "Riders",
    security(("apiKey" = ["read"])),
    params(("id" = RiderId, Path, description = "The rider, as you name them")),
    responses((status = 200, description = "Done", body = Envelope<WechatIdentities>)),
    extensions(("x-errors" = json!(["bad_id"]))),
)]
pub async fn get(
    State(state): State<AppState>,
    MayRead(caller): MayRead,
    Path(id): Path<String>,
) -> Answer<WechatIdentities> {
    let identities = state.dispatch.wechat_identities(caller.rider(&id)?).await?;
    Ok(Success(WechatIdentities::of(&identities)))
}

/// Forget who a rider is in WeChat.
///
/// With the messages they had agreed to. When they sign in again they are nobody, and get a code to show. Tokens they have
/// stay good; `revoke_tokens` of `PUT /v1/riders/{id}` ends those.
///
/// # Errors
/// 400, 401, 403, 409, 503.
#[utoipa::path(
    delete,
    path = "/v1/riders/{id}/wechat",
    operation_id = "unlinkWechat",
    tag = "Riders",
    security(("apiKey" = ["riders"])),
    params(("id" = RiderId, Path, description = "The rider, as you name them")),
    responses((status = 200, description = "Done", body = Envelope<WechatUnlinked>)),
    extensions(("x-errors" = json!(["bad_id", "not_a_test_rider"]))),
)]
pub async fn delete(
    State(state): State<AppState>,
    MayDescribeRiders(caller): MayDescribeRiders,
    Path(id): Path<String>,
) -> Answer<WechatUnlinked> {
    let rider = caller.rider(&id)?;
    may_erase(&state, &caller, &rider).await?;
    Ok(Success(WechatUnlinked { unlinked: state.dispatch.wechat_unlink(rider).await? }))
}
