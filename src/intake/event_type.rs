//! From the type of a CloudEvent or of a webhook to a kind: such types are often longer than ours, as in
//! `com.example.order.urged`.

use crate::domain::Kinds;

/// How types become kinds.
#[derive(Clone, Copy)]
pub struct Types<'a> {
    /// All kinds.
    pub kinds: &'a Kinds,
    /// Cut off first, where a type begins with it.
    pub prefix: &'a str,
}

impl<'a> Types<'a> {
    /// The kind that the type names, or ends in after a `.` or a `/`; the longest one.
    pub(super) fn kind_of(&self, event_type: &str) -> Option<&'a str> {
        let rest = event_type.strip_prefix(self.prefix).unwrap_or(event_type);
        let kinds = self.kinds.iter().map(|kind| kind.name.as_str());
        let named = kinds.filter(|name| match rest.strip_suffix(name) {
            Some(before) => before.is_empty() || before.ends_with(['.', '/']),
            None => false,
        });
        named.max_by_key(|name| name.len())
    }
}

#[cfg(test)]
mod tests {
    use super::Types;
    use crate::domain::Kinds;

    #[test]
    fn a_type_is_a_kind_or_ends_in_one() {
        let kinds = Kinds::embedded().unwrap();
        let kind = |prefix, event_type| Types { kinds: &kinds, prefix }.kind_of(event_type);
        for (event_type, known) in [
            ("order.urged", Some("order.urged")),
            ("com.example.order.urged", Some("order.urged")),
            ("shops/42/order.urged", Some("order.urged")),
            ("com.example.safety", Some("safety")),
            ("reorder.urged", None),
            ("com.example.order.Urged", None),
            ("order.urged.v1", None),
            ("urged", None),
            ("", None),
        ] {
            assert_eq!(kind("", event_type), known, "{event_type}");
        }
        assert_eq!(kind("shop-", "shop-order.new"), Some("order.new"));
        assert_eq!(kind("shop-", "com.example.order.new"), Some("order.new"));
        assert_eq!(kind("", "shop-order.new"), None);
        assert_eq!(kind("Com.", "com.order.new"), Some("order.new"), "what has no prefix is read as it is");
    }
}
