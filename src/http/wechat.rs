//! Signing in from a WeChat mini-program: the code of `wx.login` becomes a rider's token, or a code by which the backend
//! says who this is.

pub mod pace;

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use super::AppState;
use super::body::JsonValue;
use super::listener::Connection;
use super::moment::Moment;
use super::problem::{Answer, Envelope, Problem, Success};
use crate::clock::Clock;
use crate::dispatch::{AppEntry, MiniPrograms, NoProgram, SignedIn};
use crate::domain::wechat::ProgramId;
use crate::domain::{RiderId, RiderKey};
use crate::intake::Reader;
use pace::LoginPace;

/// What sign-ins go by.
pub struct WechatDesk {
    /// The mini-programs that are configured.
    pub programs: Arc<MiniPrograms>,
    /// How often an address may sign in.
    pub pace: LoginPace,
}

/// Who has signed in.
#[derive(Serialize, ToSchema)]
#[serde(tag = "status", rename_all = "lowercase")]
pub enum SignInView {
    /// A rider.
    Bound {
        /// Who.
        rider: RiderId,
        /// Opens their socket.
        token: String,
        /// When it ends.
        expires_at: Moment,
        /// The messages they may agree to; `null` where there are none.
        subscribe: Option<AgreedTemplate>,
    },
    /// Nobody that the backend has told us of.
    Unbound {
        /// To be shown to them: their backend links whoever shows it. Good once.
        link: String,
        /// When it ends.
        link_expires_at: Moment,
    },
}

/// A template of messages that riders agree to one by one.
#[derive(Serialize, ToSchema)]
pub struct AgreedTemplate {
    /// Its id, for `wx.requestSubscribeMessage`.
    template: String,
    /// Messages they have agreed to and that are not sent yet.
    banked: u32,
}

/// Longest code; those of WeChat have 32 characters.
const CODE_CHARS_MAX: usize = 128;
/// Longest id of WeChat's.
pub(super) const ID_CHARS_MAX: usize = 128;
/// How long to wait when WeChat says that somebody signs in too often: it counts by the minute.
const TOO_OFTEN_S: u64 = 60;

impl WechatDesk {
    /// For these mini-programs, with so many sign-ins of an address in a minute; 0 is no limit.
    #[must_use]
    pub fn new(programs: &Arc<MiniPrograms>, per_minute: u32, clock: &Arc<dyn Clock>) -> Self {
        Self { programs: Arc::clone(programs), pace: LoginPace::new(per_minute, Arc::clone(clock)) }
    }
}

impl AgreedTemplate {
    /// The one with this id.
    pub(super) fn new(template: &str, banked: u32) -> Self {
        Self { template: template.to_owned(), banked }
    }
}

/// Sign in from WeChat.
///
/// Takes the code of `wx.login`, which is good once and for five minutes. Whoever is a rider of yours gets a token; whoever
/// is not gets a code to show, by which `PUT /v1/riders/{id}/wechat` says who they are; they sign in again then. `appid` is
/// needed where several mini-programs are configured.
///
/// # Errors
/// 400, 403, 404, 429, 503.
#[utoipa::path(
    post,
    path = "/v1/wechat/login",
    operation_id = "signInFromWechat",
    tag = "Rider",
    request_body(content = ref("#/components/schemas/WechatLoginBody")),
    responses((status = 200, description = "Done", body = Envelope<SignInView>)),
    extensions(("x-errors" = json!(["bad_value", "wechat_code", "wechat_refused", "not_configured", "too_many_requests", "wechat_unavailable", "unavailable", "outcome_unknown"]))),
)]
pub async fn login(
    State(state): State<AppState>,
    connection: Option<Extension<Connection>>,
    JsonValue(body): JsonValue,
) -> Answer<SignInView> {
    let body = Reader::new(&body)?;
    body.only(&["code", "appid"])?;
    let code = body.text("code", CODE_CHARS_MAX)?.ok_or_else(|| body.missing("code"))?;
    let appid = read_appid(&body)?;
    let desk = &state.wechat;
    let program = desk.programs.chosen(appid.as_ref())?;
    // An app that is configured and not made yet has no riders.
    let app = state.dispatch.accounts().app_named(&program.app).await?.ok_or(NoProgram::Unknown)?;
    // No code of WeChat's looks otherwise: it need not be asked.
    if !code.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
        return Err(Problem::wechat_code());
    }
    // Only what may cost a call of WeChat is counted.
    if let Some(Extension(connection)) = connection
        && connection.client_known
        && let Err(wait_s) = desk.pace.take(connection.client)
    {
        return Err(Problem::too_many("too_many_requests", "too many sign-ins from this address", wait_s));
    }
    let login = desk.programs.login(program, &code).await?;
    let signed_in = state.dispatch.wechat_sign_in(&app, login).await?;
    Ok(Success(match signed_in {
        SignedIn::Bound { rider, token } => {
            let subscribe = subscribe(&state, &app, &rider, program.account.appid()).await?;
            SignInView::Bound { rider, token: token.token, expires_at: token.expires_at.into(), subscribe }
        }
        SignedIn::Unbound { code, until } => {
            SignInView::Unbound { link: code.to_string(), link_expires_at: until.into() }
        }
    }))
}

async fn subscribe(
    state: &AppState,
    app: &AppEntry,
    rider: &RiderId,
    program: &ProgramId,
) -> Result<Option<AgreedTemplate>, Problem> {
    let rider = RiderKey { app: app.app.id, rider: rider.clone() };
    let banked = state.dispatch.wechat_banked(app, rider).await?;
    let own = banked.into_iter().find(|(template, _)| template.program == *program);
    Ok(own.map(|(template, banked)| AgreedTemplate::new(template.id.as_str(), banked)))
}

/// The id of a mini-program, where one is named.
pub(super) fn read_appid(body: &Reader<'_>) -> Result<Option<ProgramId>, Problem> {
    let Some(text) = body.text("appid", ID_CHARS_MAX)? else { return Ok(None) };
    let bad = |_| Problem::at("bad_value", "/appid", "is no id of a mini-program");
    text.parse().map(Some).map_err(bad)
}

impl Problem {
    /// 404: the operator has set up no mini-program for this.
    #[must_use]
    pub fn not_configured() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_configured",
            "no such WeChat mini-program is set up on this server",
        )
    }

    /// 404: nobody was shown this link code, or it is over.
    #[must_use]
    pub fn unknown_link() -> Self {
        let detail =
            "nobody was shown this code, or it was used or is too old: sign in again for a fresh one";
        Self::new(StatusCode::NOT_FOUND, "unknown_link", detail)
    }

    /// 403: WeChat holds somebody back.
    #[must_use]
    pub fn wechat_refused() -> Self {
        let detail = "WeChat does not let this account sign in: it holds it to be at risk";
        Self::new(StatusCode::FORBIDDEN, "wechat_refused", detail)
    }

    /// 503: WeChat is not to be had.
    #[must_use]
    pub fn wechat_unavailable() -> Self {
        let detail = "WeChat does not answer as it should; nothing was done; try again later";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "wechat_unavailable", detail)
            .with(RETRY_AFTER, HeaderValue::from_static("5"))
    }

    /// 400: the code of a sign-in.
    fn wechat_code() -> Self {
        Self::at("wechat_code", "/code", "the code is not good (any more): call wx.login for a fresh one")
    }
}

impl From<NoProgram> for Problem {
    fn from(none: NoProgram) -> Self {
        match none {
            NoProgram::Unknown => Self::not_configured(),
            NoProgram::Ambiguous => {
                Self::at("missing_member", "/appid", "is missing: there are several mini-programs")
            }
        }
    }
}

impl From<crate::dispatch::LoginError> for Problem {
    fn from(error: crate::dispatch::LoginError) -> Self {
        use crate::dispatch::LoginError;
        match error {
            LoginError::Code => Self::wechat_code(),
            LoginError::Person => Self::wechat_refused(),
            LoginError::TooMany => {
                let detail = "WeChat says that this person signs in too often";
                Self::too_many("too_many_requests", detail, TOO_OFTEN_S)
            }
            LoginError::Unavailable => Self::wechat_unavailable(),
        }
    }
}
