//! Every way of being refused, any way of cutting the bytes, and that what is good passes.

use proptest::prelude::*;

use super::{Framing, FramingLimits, Mark, Refusal};

const LIMITS: FramingLimits = FramingLimits { uri_bytes_max: 64, headers_max: 8, head_bytes_max: 512 };

/// Where requests end in these bytes, fed in pieces that end at `cuts`; and why it ended early, if it did.
fn ends(bytes: &[u8], cuts: &[usize]) -> (Vec<usize>, Option<Refusal>) {
    let mut framing = Framing::new(LIMITS);
    let (mut ends, mut at) = (Vec::new(), 0);
    for end in cuts.iter().copied().chain([bytes.len()]) {
        while at < end {
            match framing.follow(&bytes[at..end]) {
                Ok((used, mark)) => {
                    assert!(used > 0, "something is always used");
                    at += used;
                    match mark {
                        Mark::More => assert_eq!(at, end, "all is used"),
                        Mark::Head => {}
                        Mark::End => ends.push(at),
                    }
                }
                Err(refusal) => {
                    assert_eq!(framing.follow(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"), Err(refusal));
                    return (ends, Some(refusal));
                }
            }
        }
    }
    (ends, None)
}

fn judged(request: &str) -> Result<usize, Refusal> {
    match ends(request.as_bytes(), &[]) {
        (_, Some(refusal)) => Err(refusal),
        (ends, None) => Ok(ends.len()),
    }
}

fn with(lines: &str) -> String {
    format!("POST /v1/events HTTP/1.1\r\nHost: bell.example\r\n{lines}\r\n")
}

#[test]
fn request_lines() {
    for (line, expected) in [
        ("GET / HTTP/1.1", Ok(1)),
        ("\r\nGET / HTTP/1.1", Ok(1)),
        ("PROPFIND /a?b=[c]&d=%20 HTTP/1.0", Ok(1)),
        ("\r\n\r\nGET / HTTP/1.1", Err(Refusal::RequestLine)),
        ("\nGET / HTTP/1.1", Err(Refusal::RequestLine)),
        (" GET / HTTP/1.1", Err(Refusal::RequestLine)),
        ("GET  / HTTP/1.1", Err(Refusal::RequestLine)),
        ("GET /  HTTP/1.1", Err(Refusal::RequestLine)),
        ("GET\t/ HTTP/1.1", Err(Refusal::RequestLine)),
        ("GET / HTTP/1.1 ", Err(Refusal::RequestLine)),
        ("GET / http/1.1", Err(Refusal::RequestLine)),
        ("GET / HTTP/1", Err(Refusal::RequestLine)),
        ("GET / HTTP/11", Err(Refusal::RequestLine)),
        ("GET / HTTP/1.11", Err(Refusal::RequestLine)),
        ("GET /", Err(Refusal::RequestLine)),
        ("GET / HTTP/0.9", Err(Refusal::Version)),
        ("GET / HTTP/9.9", Err(Refusal::Version)),
        ("GET / HTTP/2.0", Err(Refusal::Version)),
        ("GET / HTTP/1.2", Err(Refusal::Version)),
        ("GET http://other.example/ HTTP/1.1", Err(Refusal::RequestLine)),
        ("GET other HTTP/1.1", Err(Refusal::RequestLine)),
        ("OPTIONS * HTTP/1.1", Err(Refusal::RequestLine)),
        ("CONNECT bell.example:443 HTTP/1.1", Err(Refusal::RequestLine)),
        ("CONNECT /v1/events HTTP/1.1", Err(Refusal::RequestLine)),
        ("PRI * HTTP/2.0", Err(Refusal::RequestLine)),
        ("G(T / HTTP/1.1", Err(Refusal::RequestLine)),
        ("AAAAAAAAAAAAAAAAAAAAAAAAA / HTTP/1.1", Err(Refusal::RequestLine)),
        ("GET /a#b HTTP/1.1", Err(Refusal::RequestLine)),
        ("GET /a\\b HTTP/1.1", Err(Refusal::RequestLine)),
        ("GET /\u{fc} HTTP/1.1", Err(Refusal::RequestLine)),
        ("GET /\0 HTTP/1.1", Err(Refusal::RequestLine)),
        ("GET /\x7f HTTP/1.1", Err(Refusal::RequestLine)),
        ("\x16\x03\x01\x02\0\x01", Err(Refusal::RequestLine)),
    ] {
        assert_eq!(judged(&format!("{line}\r\nHost: x\r\n\r\n")), expected, "{line:?}");
        // The end of the line is a CRLF and nothing else.
        for end in ["\n", "\r", "\r\r\n"] {
            assert!(judged(&format!("{line}{end}Host: x\r\n\r\n")).is_err(), "{line:?}{end:?}");
        }
    }
    let long = |bytes: usize| format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(bytes - 1));
    assert_eq!(judged(&long(LIMITS.uri_bytes_max)), Ok(1));
    assert_eq!(judged(&long(LIMITS.uri_bytes_max + 1)), Err(Refusal::UriTooLong));
}

#[test]
fn header_lines() {
    for (lines, expected) in [
        ("A: b\r\n", Ok(1)),
        ("A:\r\n", Ok(1)),
        ("A: \tb \r\n", Ok(1)),
        ("A: \u{53f7}\r\n", Ok(1)),
        ("a!#$%&'*+-.^_`|~1: b\r\n", Ok(1)),
        ("A : b\r\n", Err(Refusal::Header)),
        (": b\r\n", Err(Refusal::Header)),
        ("A\r\n", Err(Refusal::Header)),
        (" A: b\r\n", Err(Refusal::Header)),
        ("A: b\r\n c\r\n", Err(Refusal::Header)),
        ("A: b\r\n\tc\r\n", Err(Refusal::Header)),
        ("A: b\n", Err(Refusal::Header)),
        ("A: b\rc\r\n", Err(Refusal::Header)),
        ("A: b\0\r\n", Err(Refusal::Header)),
        ("A: b\x0b\r\n", Err(Refusal::Header)),
        ("A: b\x7f\r\n", Err(Refusal::Header)),
        ("A\u{fc}: b\r\n", Err(Refusal::Header)),
        ("A: b\r\n\n", Err(Refusal::Header)),
        ("A: b\r\n\r", Err(Refusal::Header)),
        ("1:\r\n2:\r\n3:\r\n4:\r\n5:\r\n6:\r\n7:\r\n", Ok(1)),
        ("1:\r\n2:\r\n3:\r\n4:\r\n5:\r\n6:\r\n7:\r\n8:\r\n", Err(Refusal::HeadTooLarge)),
    ] {
        assert_eq!(judged(&with(lines)), expected, "{lines:?}");
    }
    let head = with("");
    let room = LIMITS.head_bytes_max - head.len() - "A:\r\n".len();
    assert_eq!(judged(&with(&format!("A:{}\r\n", "b".repeat(room)))), Ok(1));
    assert_eq!(judged(&with(&format!("A:{}\r\n", "b".repeat(room + 1)))), Err(Refusal::HeadTooLarge));
}

#[test]
fn hosts() {
    for (host, good) in [
        ("bell.example", true),
        ("bell_1.example:8080", true),
        ("127.0.0.1:1", true),
        ("[::1]", true),
        ("[::ffff:1.2.3.4]:443", true),
        ("bell.example:", true),
        ("", false),
        (":80", false),
        ("a,b", false),
        ("a b", false),
        ("a@b", false),
        ("a/b", false),
        ("a:b", false),
        ("a:123456", false),
        ("a:1:2", false),
        ("[::1", false),
        ("[a.b]", false),
        ("[::1]x", false),
        ("\u{fc}.example", false),
    ] {
        let told = judged(&format!("GET / HTTP/1.1\r\nHost: {host} \r\n\r\n"));
        assert_eq!(told, if good { Ok(1) } else { Err(Refusal::Host) }, "{host}");
    }
    assert_eq!(judged("GET / HTTP/1.1\r\n\r\n"), Err(Refusal::Host));
    assert_eq!(judged("GET / HTTP/1.0\r\n\r\n"), Ok(1));
    assert_eq!(judged(&with("host: bell.example\r\n")), Err(Refusal::Host));
    assert_eq!(judged(&with(&format!("X: {0}\r\nHOST: {0}\r\n", "a".repeat(90)))), Err(Refusal::Host));
    assert_eq!(judged(&format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", "a".repeat(301))), Err(Refusal::Host));
}

#[test]
fn where_a_body_ends_is_said_in_one_way() {
    for (lines, expected) in [
        ("Content-Length: 3\r\n", Ok(1)),
        ("content-length:003\r\n", Ok(1)),
        ("Transfer-Encoding: Chunked\r\n", Ok(1)),
        ("Content-Length: 3\r\nContent-Length: 3\r\n", Err(Refusal::Framing)),
        ("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", Err(Refusal::Framing)),
        ("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", Err(Refusal::Framing)),
        ("Content-Length: +3\r\n", Err(Refusal::Framing)),
        ("Content-Length: -3\r\n", Err(Refusal::Framing)),
        ("Content-Length: 0x3\r\n", Err(Refusal::Framing)),
        ("Content-Length: 3,3\r\n", Err(Refusal::Framing)),
        ("Content-Length: 3 3\r\n", Err(Refusal::Framing)),
        ("Content-Length:\r\n", Err(Refusal::Framing)),
        ("Content-Length: 1000000000000000000\r\n", Err(Refusal::Framing)),
        ("Transfer-Encoding: xchunked\r\n", Err(Refusal::Framing)),
        ("Transfer-Encoding: chunked, identity\r\n", Err(Refusal::Framing)),
        ("Transfer-Encoding: identity, chunked\r\n", Err(Refusal::Framing)),
        ("Transfer-Encoding: identity\r\n", Err(Refusal::Framing)),
        ("Transfer-Encoding:\r\n", Err(Refusal::Framing)),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", Err(Refusal::Framing)),
        ("Transfer-Encoding: \x0bchunked\r\n", Err(Refusal::Header)),
        ("Transfer-Encoding : chunked\r\n", Err(Refusal::Header)),
        ("Transfer-Encoding:\r\n chunked\r\n", Err(Refusal::Framing)),
    ] {
        let body = if lines.to_lowercase().contains("length") { "abc" } else { "3\r\nabc\r\n0\r\n\r\n" };
        assert_eq!(judged(&(with(lines) + body)), expected, "{lines:?}");
    }
    let old = "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    assert_eq!(judged(old), Err(Refusal::Framing));
}

#[test]
fn chunks() {
    let head = with("Transfer-Encoding: chunked\r\n");
    for (body, good) in [
        ("0\r\n\r\n", true),
        ("3\r\nabc\r\nA\r\n0123456789\r\n00\r\n\r\n", true),
        ("3;a=b;c=\"d e\"\r\nabc\r\n0\r\n\r\n", true),
        ("-1\r\n", false),
        ("0x3\r\nabc\r\n", false),
        ("+3\r\nabc\r\n", false),
        ("3 \r\nabc\r\n", false),
        (" 3\r\nabc\r\n", false),
        ("3\nabc\r\n", false),
        ("3\r\nabc\n", false),
        ("3\r\nabcd\r\n", false),
        ("3\r\nab\r\n0\r\n\r\n", false),
        ("\r\n", false),
        (";\r\n", false),
        ("100000000\r\n", false),
        ("FFFFFFFFFFFFFFFF3\r\n", false),
        ("3;a\nbc\r\nabc\r\n", false),
        ("3;\0\r\nabc\r\n", false),
        ("0\r\nA: b\r\n\r\n", false),
        ("0\r\n\n", false),
    ] {
        let expected = if good { Ok(1) } else { Err(Refusal::Framing) };
        assert_eq!(judged(&format!("{head}{body}")), expected, "{body:?}");
    }
    let extended =
        |bytes: usize| format!("{head}1;{}\r\nx\r\n0;{}\r\n\r\n", "a".repeat(bytes), "b".repeat(56));
    assert_eq!(judged(&extended(200)), Ok(1));
    assert_eq!(judged(&extended(201)), Err(Refusal::Framing));
}

#[test]
fn the_next_request_begins_behind_the_last() {
    let one = with("Content-Length: 3\r\n") + "abc";
    let two = with("Transfer-Encoding: chunked\r\n") + "3\r\nabc\r\n0\r\n\r\n";
    let three = with("");
    let all = [&*one, &two, &three, "GET"].concat();
    let expected = vec![one.len(), one.len() + two.len(), one.len() + two.len() + three.len()];
    assert_eq!(ends(all.as_bytes(), &[]), (expected, None));
}

/// A good request, and another one to follow it.
fn request() -> impl Strategy<Value = Vec<u8>> {
    let line = ("[A-Z]{3,8}", "/[a-zA-Z0-9/?&=%._-]{0,40}", "HTTP/1\\.1");
    let lines = proptest::collection::vec(("X-[A-Za-z0-9-]{1,20}", "[ -~]{0,30}"), 0..6);
    let chunks = proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..40), 0..4);
    (line, lines, proptest::option::of(any::<bool>()), chunks).prop_map(|(line, lines, how, chunks)| {
        let mut bytes = format!("{} {} {}\r\nHost: bell.example\r\n", line.0, line.1, line.2).into_bytes();
        for (name, value) in lines {
            bytes.extend(format!("{name}: {value}\r\n").bytes());
        }
        match how {
            None => bytes.extend(b"\r\n"),
            Some(true) => {
                let body = chunks.concat();
                bytes.extend(format!("Content-Length: {}\r\n\r\n", body.len()).bytes());
                bytes.extend(body);
            }
            Some(false) => {
                bytes.extend(b"Transfer-Encoding: chunked\r\n\r\n");
                for chunk in chunks {
                    bytes.extend(format!("{:x}\r\n", chunk.len()).bytes());
                    bytes.extend(chunk);
                    bytes.extend(b"\r\n");
                }
                bytes.extend(b"0\r\n\r\n");
            }
        }
        bytes
    })
}

/// Bytes that are nearly a request.
fn mangled() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![any::<u8>(), proptest::sample::select(&b"\r\n \t:;,0Hh\0/-+"[..])];
    let change = (any::<proptest::sample::Index>(), byte, any::<bool>());
    (request(), request(), proptest::collection::vec(change, 0..4)).prop_map(|(one, two, changes)| {
        let mut bytes = [one, two].concat();
        for (place, byte, instead) in changes {
            let place = place.index(bytes.len());
            if instead {
                bytes[place] = byte;
            } else {
                bytes.insert(place, byte);
            }
        }
        bytes
    })
}

proptest! {
    #[test]
    fn good_requests_pass(one in request(), two in request()) {
        let all = [one.clone(), two].concat();
        prop_assert_eq!(ends(&all, &[]), (vec![one.len(), all.len()], None));
    }

    #[test]
    fn cuts_change_nothing(bytes in mangled(), cuts in proptest::collection::vec(0..600_usize, 0..8)) {
        let whole = ends(&bytes, &[]);
        let single: Vec<usize> = (0..bytes.len()).collect();
        prop_assert_eq!(&ends(&bytes, &single), &whole);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        cuts.sort_unstable();
        prop_assert_eq!(&ends(&bytes, &cuts), &whole);
    }
}
