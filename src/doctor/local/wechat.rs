//! WeChat's mini-programs: whether WeChat takes the secret of each. It is asked for an access token, which changes nothing:
//! the one that the server holds stays good.

use std::sync::Arc;

use crate::app::mini_programs;
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::dispatch::WechatTokenError;
use crate::doctor::Finding;
use crate::telemetry::Telemetry;

/// Asks WeChat about each program; nothing is said where there is none.
pub(super) async fn look(config: &Config) -> Vec<Finding> {
    if config.wechat.programs.is_empty() {
        return Vec::new();
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let programs = match mini_programs(&config.wechat, &clock, &Telemetry::new()) {
        Ok(programs) => programs,
        Err(error) => {
            let found = format!("{error:#}");
            return vec![Finding::fail("wechat", found, "serve does not start so: put it right")];
        }
    };
    let mut findings = Vec::new();
    for program in programs.all() {
        let known = programs.check(program).await;
        findings.push(judge(&format!("wechat.{}", program.name), program.account.appid().as_str(), known));
    }
    findings
}

fn judge(name: &str, appid: &str, known: Result<(), WechatTokenError>) -> Finding {
    match known {
        Ok(()) => Finding::ok(name, format!("WeChat takes the secret of {appid}")),
        Err(WechatTokenError::Refused(code)) => {
            Finding::fail(name, format!("WeChat refuses {appid} or its secret, errcode {code}"), advice(code))
        }
        Err(WechatTokenError::Unavailable) => Finding::fail(
            name,
            "WeChat does not answer, or not as it should",
            "open the way to wechat.api_url by https, and look again; riders cannot sign in meanwhile",
        ),
    }
}

fn advice(code: i64) -> &'static str {
    match code {
        40164 | 61004 => {
            "put this machine's address on the list of the mini-program's platform, under Development"
        }
        40243 => "the secret is frozen: unfreeze it on the mini-program's platform, under Development",
        _ => "compare appid and secret with the mini-program's platform, under Development",
    }
}

#[cfg(test)]
mod tests {
    use super::{WechatTokenError, judge};
    use crate::doctor::Level;

    #[test]
    fn a_secret_is_good_or_somebody_is_told_what_to_do() {
        for (known, level, told) in [
            (Ok(()), Level::Ok, "takes the secret"),
            (Err(WechatTokenError::Refused(40_125)), Level::Fail, "errcode 40125"),
            (Err(WechatTokenError::Refused(40_164)), Level::Fail, "errcode 40164"),
            (Err(WechatTokenError::Unavailable), Level::Fail, "does not answer"),
        ] {
            let seen = judge("wechat.riders", "wx0123456789abcdef", known);
            assert!(seen.level == level && seen.found.contains(told), "{seen:?}");
        }
    }
}
