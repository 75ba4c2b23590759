//! W3C trace context, version 00: read strictly, and written with a span of our own.
//! What is not valid is as good as absent, as the standard wants it.

use std::fmt::Write;

/// The trace of one request, and whether its caller records it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TraceParent {
    trace_id: String,
    flags: u8,
}

impl TraceParent {
    /// Reads a `traceparent` header.
    #[must_use]
    pub fn parse(header: &str) -> Option<Self> {
        let mut parts = header.split('-');
        let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let whole = parts.next().is_none() && version == "00" && is_id(trace, 32) && is_id(span, 16);
        let flags = u8::from_str_radix(flags, 16).ok().filter(|_| is_hex(flags, 2))?;
        whole.then(|| Self { trace_id: trace.to_owned(), flags })
    }

    /// A trace that begins here, out of random bytes.
    #[must_use]
    pub fn fresh(random: [u8; 16]) -> Self {
        Self { trace_id: hex(&random), flags: 0 }
    }

    /// The trace that an alert has kept. Alerts of a former version may have kept another word: they have none.
    #[must_use]
    pub fn of_trace(trace_id: &str) -> Option<Self> {
        is_id(trace_id, 32).then(|| Self { trace_id: trace_id.to_owned(), flags: 0 })
    }

    /// 32 hexadecimal digits.
    #[must_use]
    pub fn trace_id(&self) -> &str {
        &self.trace_id
    }

    /// The header for whoever comes next, with a span out of random bytes.
    #[must_use]
    pub fn header(&self, span: [u8; 8]) -> String {
        format!("00-{}-{}-{:02x}", self.trace_id, hex(&span), self.flags)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _never_fails = write!(text, "{byte:02x}").is_err();
        text
    })
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
}

/// All zeros are no id.
fn is_id(text: &str, digits: usize) -> bool {
    is_hex(text, digits) && text.bytes().any(|digit| digit != b'0')
}

#[cfg(test)]
mod tests {
    use super::TraceParent;

    #[test]
    fn a_trace_goes_on_with_a_span_of_ours() {
        let parent = TraceParent::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").unwrap();
        assert_eq!(parent.header([1; 8]), "00-4bf92f3577b34da6a3ce929d0e0e4736-0101010101010101-01");
        assert_eq!(TraceParent::of_trace(parent.trace_id()).unwrap().trace_id(), parent.trace_id());
        assert_eq!(TraceParent::fresh([0xab; 16]).trace_id(), "ab".repeat(16));
        assert_eq!(TraceParent::of_trace("alr_4bf92f3577b34da6a3ce929d0e0e4736"), None);
    }

    #[test]
    fn what_the_standard_does_not_write_is_no_trace() {
        for wrong in [
            "",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-+1",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
        ] {
            assert_eq!(TraceParent::parse(wrong), None, "{wrong}");
        }
    }
}
