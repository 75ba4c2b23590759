//! WeChat: who somebody is in a mini-program, which rider that is, and the messages that riders have agreed to.
//! An openid names a person: it is shown shortened and never logged, so those types have nothing to print.

use std::fmt;
use std::str::FromStr;

use super::id::IdEntropy;
use super::{AlertId, AppId, EpochMs, IdError, RiderId};

/// Longest id that WeChat gives, in bytes; theirs have 18 to 43.
const ID_BYTES_MAX: usize = 128;

macro_rules! wechat_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name(Box<str>);

        impl $name {
            /// As WeChat writes it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                check(text).map(|()| Self(text.into()))
            }
        }
    };
}

wechat_id!(
    /// A mini-program: its `appid`.
    ProgramId
);
wechat_id!(
    /// Somebody in one mini-program.
    OpenId
);
wechat_id!(
    /// Somebody in all programs of one maker.
    UnionId
);
wechat_id!(
    /// A template of subscribe messages.
    TemplateId
);

fn check(text: &str) -> Result<(), IdError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    match text.len() {
        0 => Err(IdError::Empty),
        len if len > ID_BYTES_MAX => Err(IdError::TooLong),
        _ if text.bytes().all(plain) => Ok(()),
        _ => Err(IdError::BadCharacter),
    }
}

impl fmt::Debug for ProgramId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TemplateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for OpenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OpenId(…{})", self.last4())
    }
}

impl fmt::Debug for UnionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UnionId(…)")
    }
}

impl OpenId {
    /// Its last four characters: enough to tell a rider's phones apart.
    #[must_use]
    pub fn last4(&self) -> &str {
        &self.0[self.0.len().saturating_sub(4)..]
    }
}

/// Who somebody is, as WeChat says it at a login.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Login {
    /// Where they logged in.
    pub program: ProgramId,
    /// Who they are there.
    pub openid: OpenId,
    /// Who they are elsewhere, where WeChat says it.
    pub unionid: Option<UnionId>,
}

/// What somebody who is no rider yet is known by for a while: the rider reads a code to their station, whose backend links it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LinkOffer {
    /// A keyed hash of the code.
    pub hash: [u8; 32],
    /// Until when it is good.
    pub until: EpochMs,
}

/// By what a backend names whom it links.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum LinkBy {
    /// The keyed hash of a code that was shown to them.
    Code([u8; 32]),
    /// Their id in a program; they need not have logged in.
    OpenId(ProgramId, OpenId),
    /// Their id in all programs; they need not have logged in.
    UnionId(UnionId),
}

/// What became of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Linked {
    /// They are this rider.
    Linked,
    /// The code is wrong, was used or is too old.
    Unknown,
    /// They are another rider.
    Taken,
}

/// Somebody in WeChat who is a rider.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Identity {
    /// The program and who they are there. `None` for somebody linked by their union id who has not logged in yet.
    pub place: Option<(ProgramId, OpenId)>,
    /// Who they are elsewhere.
    pub unionid: Option<UnionId>,
    /// When they were linked.
    pub linked_at: EpochMs,
    /// When they last logged in here.
    pub last_login_at: Option<EpochMs>,
    /// The template they last agreed to, and how many messages of it may still be sent.
    pub banked: Option<(TemplateId, u32)>,
}

impl Identity {
    /// How many messages of this template may still be sent to them.
    #[must_use]
    pub fn banked_of(&self, template: &Template) -> u32 {
        let there = self.place.as_ref().is_some_and(|(program, _)| *program == template.program);
        self.banked.as_ref().filter(|(id, _)| there && *id == template.id).map_or(0, |(_, banked)| *banked)
    }
}

/// A template of a program.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Template {
    /// The program.
    pub program: ProgramId,
    /// Its template.
    pub id: TemplateId,
}

/// What consents of an app's riders are spent on at this moment.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Messaging {
    /// The templates that are in use, the best first; none where messages are off.
    pub templates: Vec<Template>,
    /// How long a rider may still come and hear the alert before a message goes out, in milliseconds.
    pub wait_ms: i64,
}

/// A message that waits to be sent: a rider cannot hear an alert, and a consent of theirs was spent on it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Message {
    /// The tenant.
    pub app: AppId,
    /// The alert; a rider gets one message of it.
    pub alert: AlertId,
    /// The rider.
    pub rider: RiderId,
    /// Who they are in the template's program.
    pub openid: OpenId,
    /// What they agreed to.
    pub template: Template,
    /// When it is (next) due.
    pub due_at: EpochMs,
    /// Tries so far.
    pub attempts: u32,
}

/// How a message ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MessageEnd {
    /// WeChat took it.
    Sent,
    /// WeChat knows of no consent: we have none of theirs either.
    NoConsent,
    /// The alert has ended, or reached its rider after all.
    NotNeeded,
    /// WeChat does not want it, whatever the consent.
    Refused,
    /// WeChat could not be reached, again and again.
    Unreached,
}

/// Most consents kept of one person.
pub const CONSENTS_MAX: u32 = 100;

impl MessageEnd {
    const ALL: [Self; 5] = [Self::Sent, Self::NoConsent, Self::NotNeeded, Self::Refused, Self::Unreached];

    /// The word used in the database and in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::NoConsent => "no_consent",
            Self::NotNeeded => "not_needed",
            Self::Refused => "refused",
            Self::Unreached => "unreached",
        }
    }

    /// The end with this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|end| end.as_str() == word)
    }

    /// How many consents are left of `banked` after it. WeChat counts a consent when it takes a message, so all that it did not
    /// take give theirs back; should it think otherwise, it says so at the next one.
    #[must_use]
    pub fn leaves(self, banked: u32) -> u32 {
        match self {
            Self::Sent => banked,
            Self::NoConsent => 0,
            Self::NotNeeded | Self::Refused | Self::Unreached => (banked + 1).min(CONSENTS_MAX),
        }
    }
}

/// The code that somebody shows or reads out to be linked: 40 bits of chance.
#[derive(Clone, Eq, PartialEq)]
pub struct LinkCode([u8; LINK_CODE_CHARS]);

/// How many letters and digits.
const LINK_CODE_CHARS: usize = 8;
/// Five bits each, none that is taken for another.
const LINK_CODE_LETTERS: [u8; 32] = *b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

impl LinkCode {
    /// A code made of chance.
    #[must_use]
    pub fn new(chance: IdEntropy) -> Self {
        let mut code = [0; LINK_CODE_CHARS];
        for (letter, byte) in code.iter_mut().zip(chance) {
            *letter = LINK_CODE_LETTERS[usize::from(byte % 32)];
        }
        Self(code)
    }

    /// The code that somebody has typed, in any case, with or without its dash. `None` if it can be none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // Longer than any way of writing one.
        if text.len() > 4 * LINK_CODE_CHARS {
            return None;
        }
        let typed = text.bytes().filter(|byte| !matches!(byte, b'-' | b' '));
        let typed: Vec<u8> = typed.map(|byte| byte.to_ascii_uppercase()).collect();
        let good = typed.iter().all(|byte| LINK_CODE_LETTERS.contains(byte));
        typed.try_into().ok().filter(|_| good).map(Self)
    }

    /// What is hashed of it.
    #[must_use]
    pub fn letters(&self) -> String {
        self.0.iter().copied().map(char::from).collect()
    }
}

impl fmt::Display for LinkCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letters = self.letters();
        let (first, second) = letters.split_at(LINK_CODE_CHARS / 2);
        write!(f, "{first}-{second}")
    }
}

impl fmt::Debug for LinkCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkCode(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::{CONSENTS_MAX, LinkCode, MessageEnd, OpenId, UnionId};

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let code = LinkCode::new([0, 31, 32, 63, 7, 8, 9, 10, 11, 12]);
        assert_eq!(code.to_string(), "2Z2Z-9ABC");
        for typed in ["2Z2Z-9ABC", "2z2z9abc", " 2z2z 9abc "] {
            assert_eq!(LinkCode::parse(typed).as_ref(), Some(&code), "{typed}");
        }
        for none in ["", "2Z2Z-9AB", "2Z2Z-9ABCD", "2Z2Z-9AB0", "2Z2Z-9AB我", &"2".repeat(100)] {
            assert_eq!(LinkCode::parse(none), None, "{none}");
        }
    }

    #[test]
    fn ids_of_people_are_not_printed() {
        let openid: OpenId = "oABCDEFGH-1234".parse().unwrap();
        let unionid: UnionId = "uABCDEFGH-1234".parse().unwrap();
        assert_eq!(format!("{openid:?} {unionid:?}"), "OpenId(…1234) UnionId(…)");
        assert_eq!("abc".parse::<OpenId>().unwrap().last4(), "abc");
        for bad in ["", "a b", "a\n", "é", &"a".repeat(129)] {
            assert!(bad.parse::<OpenId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_consent_comes_back_where_nothing_was_sent() {
        let left = |end: MessageEnd| end.leaves(3);
        assert_eq!(MessageEnd::ALL.map(left), [3, 0, 4, 4, 4]);
        assert_eq!(MessageEnd::NotNeeded.leaves(CONSENTS_MAX), CONSENTS_MAX);
        for end in MessageEnd::ALL {
            assert_eq!(MessageEnd::parse(end.as_str()), Some(end));
        }
    }
}
