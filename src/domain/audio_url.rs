//! Where riders find a clip: the public URL, its path, and where an operator wants it an end and a signature.
//! Pure: the same clip has the same URL within one hour of the clock, so that players and phones can cache it.

use aws_lc_rs::{constant_time, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::clock::EpochMs;

/// Makes the URLs of audio, and judges those that come back. Cheap enough to clone: a text and a key.
#[derive(Clone, Debug)]
pub struct AudioUrls {
    base: String,
    signing: Option<Signing>,
}

#[derive(Clone, Debug)]
struct Signing {
    // Its Debug shows the algorithm alone.
    key: hmac::Key,
    ttl_ms: i64,
}

/// What a URL that came back is good for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Access {
    /// For everybody, for ever: nothing is signed here.
    Open,
    /// For who has it, until then.
    Until(EpochMs),
}

/// Why a URL is not good.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum UrlFault {
    /// We did not make it: ask for the alert again.
    #[error("the URL is not signed by this server")]
    BadSignature,
    /// We did, and its time is over: ask for the alert again.
    #[error("the URL has expired")]
    Expired,
}

/// Clips that ship with Orderbell or are silent: they say nothing of anybody, and stay cacheable for all.
const PUBLIC: [&str; 2] = ["/audio/canned/", "/audio/silence/"];
/// 128 bits cannot be guessed, and 22 letters of a URL are enough for them.
const SIGNATURE_LEN: usize = 16;
const HOUR_MS: i64 = 3_600_000;

impl AudioUrls {
    /// URLs without a signature, under `base`: empty, or the public URL without a slash at its end.
    #[must_use]
    pub fn open(base: String) -> Self {
        Self { base, signing: None }
    }

    /// Signed URLs under `base`, each good for at least `ttl_ms` milliseconds (and up to an hour longer).
    #[must_use]
    pub fn signed(base: String, secret: &[u8; 32], ttl_ms: i64) -> Self {
        Self { base, signing: Some(Signing { key: hmac::Key::new(hmac::HMAC_SHA256, secret), ttl_ms }) }
    }

    /// The URL of an audio path as it is handed out at `now`.
    #[must_use]
    pub fn url(&self, path: &str, now: EpochMs) -> String {
        let base = &self.base;
        match &self.signing {
            Some(signing) if !PUBLIC.iter().any(|prefix| path.starts_with(prefix)) => {
                let exp = signing.end_s(now);
                format!("{base}{path}?exp={exp}&sig={}", signing.signature(path, exp))
            }
            Some(_) | None => format!("{base}{path}"),
        }
    }

    /// What a URL of a clip that came back is good for. Other parameters of the query are not looked at: a client makes
    /// each `src` unique with them.
    ///
    /// # Errors
    /// [`UrlFault`], the signature first, so that nobody learns of ends that we did not set.
    pub fn judge(&self, path: &str, query: Option<&str>, now: EpochMs) -> Result<Access, UrlFault> {
        let Some(signing) = &self.signing else { return Ok(Access::Open) };
        let (exp, sig) = query.and_then(stamps).ok_or(UrlFault::BadSignature)?;
        let expected = signing.signature(path, exp);
        constant_time::verify_slices_are_equal(expected.as_bytes(), sig.as_bytes())
            .map_err(|_| UrlFault::BadSignature)?;
        let end = EpochMs(exp.saturating_mul(1000));
        if end <= now { Err(UrlFault::Expired) } else { Ok(Access::Until(end)) }
    }
}

impl Signing {
    /// The same for all of one clock hour: its end, and the life of a URL behind it.
    fn end_s(&self, now: EpochMs) -> i64 {
        let hour_ends_ms = (now.0.div_euclid(HOUR_MS) + 1) * HOUR_MS;
        hour_ends_ms.saturating_add(self.ttl_ms) / 1000
    }

    fn signature(&self, path: &str, exp: i64) -> String {
        let tag = hmac::sign(&self.key, format!("{path}\n{exp}").as_bytes());
        URL_SAFE_NO_PAD.encode(&tag.as_ref()[..SIGNATURE_LEN])
    }
}

/// The end and the signature of a query that has each of them once.
fn stamps(query: &str) -> Option<(i64, &str)> {
    let once = |name: &str| {
        let mut values = query.split('&').filter_map(|pair| pair.strip_prefix(name));
        values.next().filter(|_| values.next().is_none())
    };
    let exp = once("exp=").filter(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()))?;
    Some((exp.parse().ok()?, once("sig=")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str = "/audio/4f/0123.mp3";
    const DAY_MS: i64 = 24 * HOUR_MS;
    /// 20 minutes past an hour.
    const NOW: EpochMs = EpochMs(500_000 * HOUR_MS + 1_200_000);

    fn urls() -> AudioUrls {
        AudioUrls::signed("https://x/bell".to_owned(), &[7; 32], DAY_MS)
    }

    fn query(url: &str) -> &str {
        url.split_once('?').unwrap().1
    }

    #[test]
    fn without_a_signature_a_url_is_the_base_and_the_path() {
        let urls = AudioUrls::open("https://x/bell".to_owned());
        assert_eq!(urls.url(PATH, NOW), "https://x/bell/audio/4f/0123.mp3");
        assert_eq!(urls.judge(PATH, Some("exp=1&sig=x"), NOW), Ok(Access::Open));
        assert_eq!(AudioUrls::open(String::new()).url(PATH, NOW), PATH);
    }

    #[test]
    fn a_url_is_stable_within_the_hour_and_good_for_its_whole_life() {
        let (urls, hour) = (urls(), EpochMs(500_000 * HOUR_MS));
        let url = urls.url(PATH, NOW);
        assert_eq!(url, urls.url(PATH, hour));
        assert_eq!(url, urls.url(PATH, hour.plus_ms(HOUR_MS - 1)));
        assert_ne!(url, urls.url(PATH, hour.plus_ms(HOUR_MS)));
        for handed_out in [hour, NOW, hour.plus_ms(HOUR_MS - 1)] {
            let last = handed_out.plus_ms(DAY_MS);
            let end = Access::Until(hour.plus_ms(HOUR_MS + DAY_MS));
            assert_eq!(urls.judge(PATH, Some(query(&url)), last), Ok(end));
        }
        let end = hour.plus_ms(HOUR_MS + DAY_MS);
        assert!(urls.judge(PATH, Some(query(&url)), end.plus_ms(-1)).is_ok());
        assert_eq!(urls.judge(PATH, Some(query(&url)), end), Err(UrlFault::Expired));
    }

    #[test]
    fn clips_that_say_nothing_private_are_not_signed() {
        for path in ["/audio/canned/zh-order_new-01.mp3", "/audio/silence/600.m4a"] {
            assert_eq!(urls().url(path, NOW), format!("https://x/bell{path}"));
        }
    }

    #[test]
    fn whatever_is_changed_is_a_bad_signature_even_when_it_has_expired() {
        let urls = urls();
        let url = urls.url(PATH, NOW);
        let good = query(&url).to_owned();
        let sig = good.split_once("sig=").unwrap().1.to_owned();
        let exp: i64 = good[4..good.find('&').unwrap()].parse().unwrap();
        assert_eq!(sig.len(), 22);
        for also_good in [format!("n=1&{good}"), format!("{good}&n=2&exp"), format!("sig={sig}&exp={exp}")] {
            assert!(urls.judge(PATH, Some(&also_good), NOW).is_ok(), "{also_good}");
        }
        for bad in [
            String::new(),
            format!("exp={exp}"),
            format!("sig={sig}"),
            format!("exp={}&sig={sig}", exp + 1),
            format!("exp=+{exp}&sig={sig}"),
            format!("exp={exp}&sig={}", sig.to_lowercase()),
            format!("exp={exp}&sig={sig}A"),
            format!("exp={exp}&sig={}", &sig[..21]),
            format!("exp={exp}&sig={sig}=="),
            format!("exp={exp}&exp={exp}&sig={sig}"),
            format!("exp=99999999999999999999&sig={sig}"),
            format!("exp=0&sig={sig}"),
            format!("exp=&sig={sig}"),
            format!("Exp={exp}&Sig={sig}"),
        ] {
            let long_after = NOW.plus_ms(10 * DAY_MS);
            assert_eq!(urls.judge(PATH, Some(&bad), long_after), Err(UrlFault::BadSignature), "{bad}");
        }
        assert_eq!(urls.judge(PATH, None, NOW), Err(UrlFault::BadSignature));
        assert_eq!(urls.judge("/audio/4f/0124.mp3", Some(&good), NOW), Err(UrlFault::BadSignature));
        let stranger = AudioUrls::signed(String::new(), &[8; 32], DAY_MS);
        assert_eq!(stranger.judge(PATH, Some(&good), NOW), Err(UrlFault::BadSignature));
        assert!(!format!("{urls:?}").contains("7, 7"), "the key is not shown");
    }
}
