//! Whether a client still has what it asks for, so that it need not be sent again.

use http::HeaderMap;
use http::header::IF_NONE_MATCH;

/// Whether `If-None-Match` names this tag. It compares weakly (RFC 9110, section 13.1.2): a cache in between may have made our
/// tag a weak one.
pub(super) fn is_held(headers: &HeaderMap, etag: &str) -> bool {
    let lists = headers.get_all(IF_NONE_MATCH).iter().filter_map(|tags| tags.to_str().ok());
    lists.flat_map(|tags| tags.split(',')).map(str::trim).any(|tag| {
        let tag = tag.strip_prefix("W/").unwrap_or(tag);
        tag == etag || tag == "*"
    })
}
