//! What WeChat's `errcode`s mean to us. Those of its documentation for each call, and those that all calls share.

/// What follows from a code.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Meaning {
    /// It was done.
    Done,
    /// The code of a sign-in is invalid, too old or was used.
    BadCode,
    /// This person may not sign in: their account is at risk or held back.
    BadPerson,
    /// Asked too often; within a minute or so again.
    TooMany,
    /// WeChat asks us to come again, or the day's calls are used up.
    Busy,
    /// The access token is not known any more: a fresh one helps.
    StaleToken,
    /// The rider has not agreed to a message, or is not in this mini-program any more.
    NoConsent,
    /// The template, its fields or its page are wrong.
    Template,
    /// The appid, the secret or our address: somebody must put it right.
    Credentials,
    /// None that we know.
    Unknown,
}

/// Of `jscode2session`.
pub(super) fn of_login(code: i64) -> Meaning {
    match code {
        40029 | 40163 | 41008 => Meaning::BadCode,
        40226 => Meaning::BadPerson,
        _ => of_token(code),
    }
}

/// Of `stable_token`. No token is sent here: what is said of one is said of the secret.
pub(super) fn of_token(code: i64) -> Meaning {
    match code {
        40001 | 40002 | 41002 | 41004 => Meaning::Credentials,
        _ => of_any(code),
    }
}

/// Of `subscribe/send`.
pub(super) fn of_message(code: i64) -> Meaning {
    match code {
        43101 | 40003 => Meaning::NoConsent,
        // 41030: the page is none of the mini-program's. 43107: its messages are held back by WeChat.
        40036 | 40037 | 41030 | 43107 | 47003 => Meaning::Template,
        _ => of_any(code),
    }
}

fn of_any(code: i64) -> Meaning {
    match code {
        0 => Meaning::Done,
        40001 | 40014 | 41001 | 42001 => Meaning::StaleToken,
        45011 => Meaning::TooMany,
        // 45009: the day's quota.
        -1 | 45009 => Meaning::Busy,
        // 40164, 61004: our address is not on its list. 40243: the secret is frozen. 48001, 48004, 50002: the program may
        // not call this any more.
        40013 | 40125 | 40164 | 40243 | 48001 | 48004 | 50002 | 50007 | 61004 | 89503 | 89506 | 89507 => {
            Meaning::Credentials
        }
        _ => Meaning::Unknown,
    }
}
