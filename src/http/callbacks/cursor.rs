//! Where a page of callbacks ended, for the next one. A cursor is opaque to its bearer, and bound to the app and to the question
//! that it continues: with another question it would skip what that one asks for.

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::domain::AppId;
use crate::store::CallbackFilter;

/// Bytes of the question's hash in a cursor: no protection, only a check.
const PRINT_BYTES: usize = 8;

/// The cursor behind the callback of this number.
pub(super) fn write(app: AppId, filter: &CallbackFilter, number: i64) -> String {
    let bytes = [number.to_be_bytes().as_slice(), &print(app, filter)].concat();
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The number in a cursor; `None` if it continues no such question.
pub(super) fn read(app: AppId, filter: &CallbackFilter, cursor: &str) -> Option<i64> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let (number, given) = bytes.split_first_chunk::<8>()?;
    let number = i64::from_be_bytes(*number);
    (given == print(app, filter) && number > 0).then_some(number)
}

fn print(app: AppId, filter: &CallbackFilter) -> [u8; PRINT_BYTES] {
    let hash = digest::digest(&digest::SHA256, format!("{app} {filter:?}").as_bytes());
    hash.as_ref().first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{read, write};
    use crate::domain::callback::CallbackState;
    use crate::domain::{AppId, EpochMs};
    use crate::store::CallbackFilter;

    #[test]
    fn a_cursor_continues_its_own_question_only() {
        let app = AppId::new(EpochMs(1_772_339_405_000), [1; 10]);
        let other = AppId::new(EpochMs(1_772_339_405_000), [2; 10]);
        let filter = CallbackFilter { state: Some(CallbackState::Dead), ..CallbackFilter::default() };
        let cursor = write(app, &filter, 77);
        assert!(cursor.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
        assert_eq!(read(app, &filter, &cursor), Some(77));
        assert_eq!(read(other, &filter, &cursor), None);
        assert_eq!(read(app, &CallbackFilter::default(), &cursor), None);
        let since = CallbackFilter { since: Some(EpochMs(1)), ..filter.clone() };
        assert_eq!(read(app, &since, &cursor), None);
        for wrong in ["", "77", "AAAA", &cursor[1..], &format!("{cursor}AA"), "$$$"] {
            assert_eq!(read(app, &filter, wrong), None, "{wrong}");
        }
        assert_eq!(read(app, &filter, &write(app, &filter, 0)), None);
    }
}
