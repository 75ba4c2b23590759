//! The settings of `[audio]`: how much of clips is kept, for how long, and how their URLs are good.
//! No clip is deleted while a rider may still fetch it.

use std::time::Duration;

use serde::Deserialize;

use super::section;

section!(
    /// Keeping clips.
    Audio {
        /// Bytes of clips on disk.
        clip_bytes_max: u64,
        /// No clip younger than this is evicted.
        @"super::duration" clip_age_min: Duration,
        /// What of a clip nobody has used for this long is deleted.
        @"super::duration" clip_age_max: Duration,
        /// How long what a clip is made of is remembered after its last use.
        @"super::duration" recipe_memory: Duration,
        /// Bytes of clips in memory.
        memory_bytes_max: u64,
        /// Bytes of keep-alive silence that one address may fetch in an hour; 0 for no limit.
        silence_bytes_per_ip: u64,
        /// Whether URLs of clips end and are signed.
        signed_urls: bool,
        /// How long a signed URL is good at least.
        @"super::duration" signed_url_ttl: Duration,
    }
);

impl Audio {
    /// What must hold, the setting, and that in words.
    pub(super) fn rules(&self) -> [(bool, &'static str, &'static str); 4] {
        let budget = self.silence_bytes_per_ip;
        let ttls = Duration::from_mins(10)..=self.clip_age_min;
        [
            (budget == 0 || budget >= 1 << 20, "audio.silence_bytes_per_ip", "is 0 or at least 1048576"),
            (
                self.recipe_memory >= self.clip_age_min,
                "audio.recipe_memory",
                "is not shorter than clip_age_min",
            ),
            (
                self.clip_age_max >= self.clip_age_min,
                "audio.clip_age_max",
                "is not shorter than clip_age_min",
            ),
            (ttls.contains(&self.signed_url_ttl), "audio.signed_url_ttl", "is 10m to clip_age_min"),
        ]
    }
}
