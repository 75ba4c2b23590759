//! The server that holds the folder, if one does: whether it answers where it says it listens.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use http::{Method, StatusCode};
use tokio::time::timeout;

use crate::app::{DataFolder, Running};
use crate::doctor::Finding;
use crate::doctor::public::plain_answer;

/// On one machine it answers in milliseconds; what takes this long stands still.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);

/// Who holds the folder.
pub(super) enum Holder {
    Nobody,
    Server(Running),
    Unclear(String),
}

impl Holder {
    /// Whether a server has the database open.
    pub(super) fn is_running(&self) -> bool {
        match self {
            Self::Server(_) => true,
            Self::Nobody | Self::Unclear(_) => false,
        }
    }
}

/// Asks the lock.
pub(super) fn look(data: &Path) -> Holder {
    match DataFolder::running(data) {
        Ok(None) => Holder::Nobody,
        Ok(Some(running)) => Holder::Server(running),
        Err(error) => Holder::Unclear(format!("{error:#}")),
    }
}

/// Asks the server itself.
pub(super) async fn judge(holder: &Holder, data: &Path) -> Option<Finding> {
    match holder {
        // Nothing to say of a folder that is not there.
        Holder::Nobody => data.is_dir().then(|| Finding::ok("server", "none runs on this folder")),
        Holder::Unclear(why) => {
            Some(Finding::fail("server", why, "run this as the user that serves, on a folder it can write"))
        }
        Holder::Server(Running { pid, listen, .. }) => {
            let asking = plain_answer(reachable(*listen), Method::GET, "/healthz");
            let answer = timeout(ANSWER_LIMIT, asking).await;
            let answer = answer.unwrap_or_else(|_| Err(format!("nothing for {} s", ANSWER_LIMIT.as_secs())));
            Some(judge_answer(*pid, *listen, answer.map(|answer| answer.status)))
        }
    }
}

fn judge_answer(pid: i32, listen: SocketAddr, answer: Result<StatusCode, String>) -> Finding {
    let found = format!("process {pid} listens on {listen}");
    match answer {
        Ok(StatusCode::OK) => Finding::ok("server", format!("{found} and is well")),
        Ok(StatusCode::SERVICE_UNAVAILABLE) => {
            let found = format!("{found} and answers 503: it drains, or its store fails");
            Finding::fail("server", found, "look at its log")
        }
        Ok(status) => {
            Finding::fail("server", format!("{found}; /healthz answers {status}"), "look at its log")
        }
        Err(why) => Finding::fail(
            "server",
            format!("{found} and does not answer: {why}"),
            "look at its log; restart it",
        ),
    }
}

/// Listening everywhere is reached here.
fn reachable(mut listen: SocketAddr) -> SocketAddr {
    match listen.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => listen.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => listen.set_ip(Ipv6Addr::LOCALHOST.into()),
        IpAddr::V4(_) | IpAddr::V6(_) => {}
    }
    listen
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::{judge_answer, reachable};
    use crate::doctor::Level;

    #[test]
    fn only_a_server_that_answers_200_is_well() {
        for (answer, level) in [
            (Ok(StatusCode::OK), Level::Ok),
            (Ok(StatusCode::SERVICE_UNAVAILABLE), Level::Fail),
            (Ok(StatusCode::NOT_FOUND), Level::Fail),
            (Err("refused".to_owned()), Level::Fail),
        ] {
            assert_eq!(judge_answer(1, "127.0.0.1:1".parse().unwrap(), answer).level, level);
        }
    }

    #[test]
    fn everywhere_is_here() {
        for (listen, there) in
            [("0.0.0.0:1", "127.0.0.1:1"), ("[::]:1", "[::1]:1"), ("10.0.0.1:1", "10.0.0.1:1")]
        {
            assert_eq!(reachable(listen.parse().unwrap()), there.parse().unwrap());
        }
    }
}
