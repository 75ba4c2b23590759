//! Spellings of URLs, and what becomes of them.

use super::UrlPolicy::{PrivateToo, PublicOnly};
use super::{AllowedUrl, UrlRefused};
use crate::outbound::address::AddressKind::{Loopback, Private, Special};

fn refusal(text: &str) -> Option<UrlRefused> {
    AllowedUrl::parse(text, PublicOnly).err()
}

#[test]
fn public_https_urls_are_taken_as_they_are_sent() {
    for (text, sent) in [
        ("https://example.com", "https://example.com/"),
        ("https://example.com/a?b=c", "https://example.com/a?b=c"),
        ("https://example.com:8443/a", "https://example.com:8443/a"),
        ("https://example.com:443/a", "https://example.com/a"),
        ("HTTPS://Example.COM/A", "https://example.com/A"),
        ("https://8.8.8.8/x", "https://8.8.8.8/x"),
        ("https://[2606:4700::1111]/x", "https://[2606:4700::1111]/x"),
        ("https://例子.测试/回调", "https://xn--fsqu00a.xn--0zwm56d/%E5%9B%9E%E8%B0%83"),
        ("https://example.com/@a:b", "https://example.com/@a:b"),
        ("https://example.com?q=a@b", "https://example.com/?q=a@b"),
        ("https://localhost.example.com/", "https://localhost.example.com/"),
        ("https://notlocalhost/", "https://notlocalhost/"),
        ("https://10.0.0.1.example.com/", "https://10.0.0.1.example.com/"),
    ] {
        assert_eq!(AllowedUrl::parse(text, PublicOnly).unwrap().as_str(), sent, "{text}");
    }
}

/// Spellings of addresses inside, refused without looking at the network.
const LOOPBACK: &[&str] = &[
    "https://127.0.0.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.1/",
    "https://0x7f.0x0.0x0.0x1/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://127.0.0.1./",
    "https://127.000.000.001/",
    "https://①②⑦.⓪.⓪.①/",
    "https://１２７.０.０.１/",
    "https://127。0。0。1/",
    "https://%31%32%37.0.0.1/",
    "https://127%2e0.0.1/",
    "https://[::1]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[64:ff9b::127.0.0.1]/",
    "https://127.0.0.1:8443/x",
    "https://localhost/",
    "https://LOCALHOST/",
    "https://localhost./",
    "https://a.localhost/",
    "https://a.b.localhost.:8443/",
    "https://ｌｏｃａｌｈｏｓｔ/",
    "https://%6cocalhost/",
];

const PRIVATE: &[&str] = &[
    "https://10.0.0.1/",
    "https://10.1/",
    "https://167772161/",
    "https://0x0a000001/",
    "https://012.0.0.1/",
    "https://172.16.0.1/",
    "https://172.31.255.255/",
    "https://192.168.1.1/",
    "https://192.168.257/",
    "https://0xc0.0xa8.1/",
    "https://[fc00::1]/",
    "https://[fd12:3456:789a::1]/",
    "https://[::ffff:10.0.0.1]/",
    "https://[::FFFF:C0A8:0101]/",
    "https://[64:ff9b::10.0.0.1]/",
];

const SPECIAL: &[&str] = &[
    "https://0/",
    "https://0.0.0.0/",
    "https://[::]/",
    "https://169.254.169.254/latest/meta-data/",
    "https://2852039166/",
    "https://0xa9fea9fe/",
    "https://0251.0376.0251.0376/",
    "https://100.64.0.1/",
    "https://100.100.100.200/",
    "https://192.0.0.192/",
    "https://192.0.2.1/",
    "https://198.18.0.1/",
    "https://198.51.100.1/",
    "https://203.0.113.1/",
    "https://224.0.0.1/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
    "https://4294967295/",
    "https://[fe80::1]/",
    "https://[ff02::1]/",
    "https://[2001:db8::1]/",
    "https://[2002:7f00:1::]/",
    "https://[2002:a9fe:a9fe::1]/",
    "https://[2001:0:7f00:1::1]/",
    "https://[::ffff:169.254.169.254]/",
    "https://[64:ff9b::169.254.169.254]/",
    "https://[::127.0.0.1]/",
    "https://[fd00:ec2::254]/",
];

#[test]
fn every_spelling_of_an_address_inside_is_seen_through() {
    for (kind, urls) in [(Loopback, LOOPBACK), (Private, PRIVATE), (Special, SPECIAL)] {
        for text in urls {
            assert_eq!(refusal(text), Some(UrlRefused::Address(kind)), "{text}");
        }
    }
    for text in LOOPBACK.iter().chain(PRIVATE) {
        let plain = text.replace("https://", "http://");
        assert!(AllowedUrl::parse(text, PrivateToo).is_ok(), "{text}");
        assert!(AllowedUrl::parse(&plain, PrivateToo).is_ok(), "{plain}");
    }
    for text in SPECIAL {
        assert_eq!(AllowedUrl::parse(text, PrivateToo).err(), Some(UrlRefused::Address(Special)), "{text}");
    }
}

#[test]
fn what_could_be_read_in_two_ways_is_refused() {
    use UrlRefused::{Characters, Fragment, NoHost, NotAUrl, Scheme, UserInfo};
    for (text, why) in [
        ("http://example.com/", Scheme),
        ("ftp://example.com/", Scheme),
        ("file:///etc/passwd", Scheme),
        ("gopher://127.0.0.1:6379/_x", Scheme),
        ("httpss://example.com/", Scheme),
        ("://example.com/", Scheme),
        ("", NotAUrl),
        ("example.com", NotAUrl),
        ("//example.com/", NotAUrl),
        ("/path", NotAUrl),
        ("https:example.com", NotAUrl),
        ("https:/example.com", NotAUrl),
        ("javascript:alert(1)", NotAUrl),
        ("https://user@example.com/", UserInfo),
        ("https://user:pass@example.com/", UserInfo),
        ("https://@example.com/", UserInfo),
        ("https://example.com@10.0.0.1/", UserInfo),
        ("https://10.0.0.1:80@example.com/", UserInfo),
        ("https://example.com#@10.0.0.1/", Fragment),
        ("https://example.com/#", Fragment),
        ("https://example.com/a#b", Fragment),
        ("https://", NoHost),
        ("https:///example.com", NoHost),
        ("https://:443/", NoHost),
        ("https://?x", NoHost),
        ("https:\\\\example.com", Characters),
        ("https://example.com\\@10.0.0.1/", Characters),
        ("https://exa mple.com/", Characters),
        (" https://example.com/", Characters),
        ("https://example.com/\r\nHost: x", Characters),
        ("https://10.0.0\t.1/", Characters),
        ("https://example.com/\u{a0}", Characters),
        ("https://example.com/\u{0}", Characters),
        ("https://[::1", NotAUrl),
        ("https://[fe80::1%25eth0]/", NotAUrl),
        ("https://1.2.3.4.5/", NotAUrl),
        ("https://256.1.1.1/", NotAUrl),
        ("https://08.1.1.1/", NotAUrl),
        ("https://4294967296/", NotAUrl),
        ("https://example.com:65536/", NotAUrl),
        ("https://example.com:x/", NotAUrl),
        ("https://exa%00mple.com/", NotAUrl),
        ("https://exa<mple.com/", NotAUrl),
        ("https://%/", NotAUrl),
    ] {
        assert_eq!(refusal(text), Some(why), "{text:?}");
    }
}

#[test]
fn a_url_is_measured_as_given_and_as_sent() {
    let of = |length: usize| format!("https://example.com/{}", "a".repeat(length - 20));
    assert!(AllowedUrl::parse(&of(2_048), PublicOnly).is_ok());
    assert_eq!(refusal(&of(2_049)), Some(UrlRefused::TooLong));
    // Three bytes of text, nine on the wire.
    assert_eq!(refusal(&format!("https://example.com/{}", "回".repeat(300))), Some(UrlRefused::TooLong));
}

#[test]
fn a_policy_that_became_stricter_holds() {
    let url = AllowedUrl::parse("http://127.0.0.1:9/x?key=secret", PrivateToo).unwrap();
    assert_eq!(url.check(PublicOnly), Err(UrlRefused::Scheme));
    let url = AllowedUrl::parse("https://10.0.0.1/", PrivateToo).unwrap();
    assert_eq!(url.check(PublicOnly), Err(UrlRefused::Address(Private)));
}

#[test]
fn a_url_does_not_show_its_keys() {
    let url = AllowedUrl::parse("https://example.com:8443/hook/k3y?token=k3y", PublicOnly).unwrap();
    assert_eq!(format!("{url:?}"), "AllowedUrl(https://example.com:8443/…)");
}
