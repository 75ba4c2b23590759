//! Secrets as they are kept: what of an app or a key may be live at one time, since when and until when.
//! Of each kind two live at most: the newest, and the one before it while its grace lasts.

use super::EpochMs;

/// What a secret is for.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum SecretKind {
    /// A key's own: sent along with each request. Kept as its SHA-256.
    Bearer,
    /// A key's own: signs requests. Kept sealed.
    Signing,
    /// An app's: signs rider tokens. Kept sealed.
    Rider,
    /// An app's: signs what we send to its backend. Kept sealed.
    Callback,
}

impl SecretKind {
    const ALL: [Self; 4] = [Self::Bearer, Self::Signing, Self::Rider, Self::Callback];

    /// The word used on the command line, in JSON and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bearer => "bearer",
            Self::Signing => "signing",
            Self::Rider => "rider",
            Self::Callback => "callback",
        }
    }

    /// The kind with this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// One secret of an app or a key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Secret {
    /// What it is for.
    pub kind: SecretKind,
    /// What is kept of it: a hash, or the sealed secret.
    pub kept: Vec<u8>,
    /// When it was made.
    pub created_at: EpochMs,
    /// When it stops working; `None` for the newest of its kind.
    pub until: Option<EpochMs>,
}

impl Secret {
    /// A new one without an end.
    #[must_use]
    pub fn new(kind: SecretKind, kept: Vec<u8>, created_at: EpochMs) -> Self {
        Self { kind, kept, created_at, until: None }
    }

    /// Whether it works at `at`.
    #[must_use]
    pub fn is_live(&self, at: EpochMs) -> bool {
        self.until.is_none_or(|until| at < until)
    }
}

/// Of one kind that work at one time.
pub const LIVE_MAX: usize = 2;

/// Puts `new` in the place of the newest of its kind, which works until `old_until`; any older one ends at once.
/// `secrets` are the newest first.
pub fn rotate(secrets: &mut Vec<Secret>, new: Secret, old_until: EpochMs) {
    let mut newest_seen = false;
    secrets.retain_mut(|secret| {
        if secret.kind != new.kind {
            return true;
        }
        let is_newest = !newest_seen;
        newest_seen = true;
        let until = secret.until.map_or(old_until, |until| until.min(old_until));
        secret.until = Some(until);
        is_newest && secret.is_live(new.created_at)
    });
    secrets.insert(0, new);
}

#[cfg(test)]
mod tests {
    use super::{Secret, SecretKind, rotate};
    use crate::domain::EpochMs;

    fn secret(kind: SecretKind, name: u8, at: i64) -> Secret {
        Secret::new(kind, vec![name], EpochMs(at))
    }

    fn live(secrets: &[Secret], at: i64) -> Vec<u8> {
        secrets.iter().filter(|secret| secret.is_live(EpochMs(at))).map(|secret| secret.kept[0]).collect()
    }

    #[test]
    fn the_older_one_works_through_its_grace_and_a_third_ends_the_oldest() {
        let mut secrets = vec![secret(SecretKind::Rider, 1, 0), secret(SecretKind::Callback, 9, 0)];
        rotate(&mut secrets, secret(SecretKind::Rider, 2, 10), EpochMs(100));
        assert_eq!((live(&secrets, 99), live(&secrets, 100)), (vec![2, 1, 9], vec![2, 9]));
        rotate(&mut secrets, secret(SecretKind::Rider, 3, 20), EpochMs(120));
        assert_eq!((live(&secrets, 21), live(&secrets, 120)), (vec![3, 2, 9], vec![3, 9]));
    }

    #[test]
    fn without_a_grace_the_older_one_ends_at_once() {
        let mut secrets = vec![secret(SecretKind::Signing, 1, 0)];
        rotate(&mut secrets, secret(SecretKind::Signing, 2, 10), EpochMs(10));
        assert_eq!(secrets, [secret(SecretKind::Signing, 2, 10)]);
    }

    #[test]
    fn a_first_one_has_nobody_before_it() {
        let mut secrets = Vec::new();
        rotate(&mut secrets, secret(SecretKind::Signing, 1, 10), EpochMs(100));
        assert_eq!(secrets, [secret(SecretKind::Signing, 1, 10)]);
    }
}
