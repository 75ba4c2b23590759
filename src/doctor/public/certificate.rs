//! The certificate as the server sends it: whether a phone that fetches nothing more would take it, and for how long.

use rustls::CertificateError;
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::ParsedCertificate;
use x509_parser::prelude::{FromDer, GeneralName, ParsedExtension, X509Certificate};
use x509_parser::public_key::PublicKey;

use super::site::Site;
use super::tls::{self, Roots, Trust};
use super::{nginx, wire};
use crate::clock::{EpochMs, machine_wall};
use crate::doctor::Finding;

/// One certificate of the chain.
#[derive(Clone, Debug)]
struct Shown {
    subject: String,
    issuer: String,
    names: Vec<String>,
    not_before_s: i64,
    not_after_s: i64,
    key: (String, bool),
    signature: (String, bool),
    /// Where its issuer's certificate could be fetched.
    issuer_url: Option<String>,
}

/// What was seen of the chain.
struct Facts {
    host: String,
    now_s: i64,
    /// As sent, the server's own first.
    sent: Vec<Shown>,
    /// Whether it leads to a root, at a time when all of it is valid.
    trust: Result<(), String>,
    /// Whether it is for this host.
    is_for_host: bool,
}

const DAY_S: i64 = 86_400;
/// Three weeks before its end a certificate should have been renewed: the usual renewal is at thirty days.
const WARN_DAYS: i64 = 21;
/// Three days are a weekend.
const FAIL_DAYS: i64 = 3;
const PHONES: &str = "WeChat's clients fetch no certificate that a server does not send";

/// Looks at the versions and at the certificate; whether there was a handshake at all, and the findings.
pub(super) async fn look(site: &Site, roots: &Roots) -> (bool, Vec<Finding>) {
    let handshake = async |versions| {
        let client = tls::client(roots, Trust::Nobody, versions).map_err(|error| error.to_string())?;
        site.handshake(&client).await.map_err(|error| wire::told(&error))
    };
    let stream = match handshake(tls::BOTH).await {
        Ok(stream) => stream,
        Err(why) => {
            let advice =
                format!("TLS 1.2 or 1.3 with a certificate: {}", nginx("ssl_protocols TLSv1.2 TLSv1.3"));
            return (false, vec![Finding::fail("tls", format!("no handshake: {why}"), advice)]);
        }
    };
    let connection = stream.get_ref().1;
    let version = connection.protocol_version().and_then(|version| version.as_str()).unwrap_or("unknown");
    let cipher = connection.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str());
    let mut findings = vec![judge_version(version, cipher.unwrap_or("unknown"))];
    findings.push(judge_old(handshake(tls::OLD).await.map(drop)));
    let sent = connection.peer_certificates().unwrap_or_default();
    match facts_of(&site.target.host, sent, roots) {
        Ok(facts) => findings.extend(judge(&facts)),
        Err(why) => {
            let found = format!("cannot be read: {why}");
            findings.push(Finding::fail("certificate", found, "have it issued again"));
        }
    }
    (true, findings)
}

fn judge_version(version: &str, cipher: &str) -> Finding {
    let found = format!("{} with {cipher}", version.replace("TLSv1_", "TLS 1."));
    let finding = Finding::ok("tls", found);
    if version == "TLSv1_3" {
        finding
    } else {
        finding.advised("TLS 1.3 saves a round trip on every reconnect")
    }
}

fn judge_old(handshake: Result<(), String>) -> Finding {
    match handshake {
        Ok(()) => Finding::ok("tls.old_phones", "TLS 1.2 is offered"),
        Err(why) => Finding::warn(
            "tls.old_phones",
            format!("no handshake with TLS 1.2: {why}"),
            format!("Android before 10 has no TLS 1.3: {}", nginx("ssl_protocols TLSv1.2 TLSv1.3")),
        ),
    }
}

fn facts_of(host: &str, sent: &[CertificateDer<'_>], roots: &Roots) -> Result<Facts, String> {
    let (own, others) = sent.split_first().ok_or("none was sent")?;
    let shown: Result<Vec<Shown>, String> = sent.iter().map(|der| shown(der)).collect();
    let shown = shown?;
    let parsed = ParsedCertificate::try_from(own).map_err(|error| error.to_string())?;
    let name = tls::server_name(host).map_err(|error| error.to_string())?;
    let at =
        |seconds: i64| UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds.unsigned_abs()));
    let algorithms = tls::provider().signature_verification_algorithms.all;
    let verify = |seconds| {
        verify_server_cert_signed_by_trust_anchor(&parsed, &roots.store, others, at(seconds), algorithms)
    };
    let now_s = machine_wall().0 / 1000;
    let trust = verify(now_s).or_else(|error| {
        // Its time is another finding: is it good otherwise?
        let when_all_began = shown.iter().map(|shown| shown.not_before_s).max().unwrap_or(now_s);
        if is_about_time(&error) { verify(when_all_began) } else { Err(error) }
    });
    Ok(Facts {
        host: host.to_owned(),
        now_s,
        trust: trust.map_err(|error| error.to_string()),
        is_for_host: verify_server_name(&parsed, &name).is_ok(),
        sent: shown,
    })
}

fn is_about_time(error: &rustls::Error) -> bool {
    use CertificateError::{Expired, ExpiredContext, NotValidYet, NotValidYetContext};
    let rustls::Error::InvalidCertificate(error) = error else { return false };
    matches!(error, Expired | ExpiredContext { .. } | NotValidYet | NotValidYetContext { .. })
}

fn shown(der: &CertificateDer<'_>) -> Result<Shown, String> {
    let (_, cert) = X509Certificate::from_der(der).map_err(|error| error.to_string())?;
    let names = cert.subject_alternative_name().ok().flatten();
    let names = names.into_iter().flat_map(|names| &names.value.general_names);
    let dns = names.filter_map(|name| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        _ => None,
    });
    Ok(Shown {
        subject: cert.subject().to_string(),
        issuer: cert.issuer().to_string(),
        names: dns.collect(),
        not_before_s: cert.validity().not_before.timestamp(),
        not_after_s: cert.validity().not_after.timestamp(),
        key: key(&cert),
        signature: signature(&cert.signature_algorithm.algorithm.to_id_string()),
        issuer_url: issuer_url(&cert),
    })
}

/// The key in words, and whether it is one that phones take.
fn key(cert: &X509Certificate<'_>) -> (String, bool) {
    match cert.public_key().parsed() {
        Ok(PublicKey::RSA(rsa)) => (format!("RSA {}", rsa.key_size()), rsa.key_size() >= 2048),
        Ok(PublicKey::EC(point)) => (format!("EC {}", point.key_size()), point.key_size() >= 256),
        Ok(_) | Err(_) => {
            (format!("of kind {}", cert.public_key().algorithm.algorithm.to_id_string()), false)
        }
    }
}

/// The signature in words, and whether it is one that phones take.
fn signature(oid: &str) -> (String, bool) {
    let (words, is_good) = match oid {
        "1.2.840.113549.1.1.10" => ("RSA-PSS", true),
        "1.2.840.113549.1.1.11" => ("SHA-256 with RSA", true),
        "1.2.840.113549.1.1.12" => ("SHA-384 with RSA", true),
        "1.2.840.113549.1.1.13" => ("SHA-512 with RSA", true),
        "1.2.840.10045.4.3.2" => ("SHA-256 with ECDSA", true),
        "1.2.840.10045.4.3.3" => ("SHA-384 with ECDSA", true),
        "1.2.840.10045.4.3.4" => ("SHA-512 with ECDSA", true),
        "1.2.840.113549.1.1.5" | "1.2.840.10045.4.1" => ("SHA-1", false),
        "1.2.840.113549.1.1.4" => ("MD5", false),
        other => (other, false),
    };
    (words.to_owned(), is_good)
}

fn issuer_url(cert: &X509Certificate<'_>) -> Option<String> {
    const CA_ISSUERS: &str = "1.3.6.1.5.5.7.48.2";
    let access = cert.extensions().iter().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::AuthorityInfoAccess(access) => Some(access),
        _ => None,
    })?;
    access.accessdescs.iter().find_map(|place| match &place.access_location {
        GeneralName::URI(url) if place.access_method.to_id_string() == CA_ISSUERS => Some((*url).to_owned()),
        _ => None,
    })
}

fn judge(facts: &Facts) -> Vec<Finding> {
    let Some(own) = facts.sent.first() else { return Vec::new() };
    vec![judge_chain(facts, own), judge_name(facts, own), judge_dates(facts, own), judge_key(&facts.sent)]
}

fn judge_chain(facts: &Facts, own: &Shown) -> Finding {
    let name = "certificate.chain";
    let count = facts.sent.len();
    let Some(last) = facts.sent.last() else { return Finding::ok(name, "") };
    let Err(why) = &facts.trust else {
        let found = format!("{count} sent, vouched for by {}", last.issuer);
        let in_order = facts.sent.windows(2).all(|pair| pair[0].issuer == pair[1].subject);
        if !in_order {
            let advice = "some clients follow it strictly: the server's own first, then each one's issuer";
            return Finding::warn(name, format!("{found}, but not in order"), advice);
        }
        return Finding::ok(name, found);
    };
    if own.issuer == own.subject {
        let advice =
            "no phone takes it: get one from a public authority, such as Let's Encrypt or your cloud";
        return Finding::fail(name, format!("{} signed it itself", own.subject), advice);
    }
    if count == 1 {
        let place = own
            .issuer_url
            .as_ref()
            .map_or_else(String::new, |url| format!(" (a browser gets it from {url})"));
        let found =
            format!("the server sends its own certificate alone; that of {} is missing{place}", own.issuer);
        let advice = format!(
            "{PHONES}: {}, or an authority that phones know",
            nginx("ssl_certificate …/fullchain.pem")
        );
        return Finding::fail(name, found, advice);
    }
    let found = format!(
        "{count} sent, and they lead to no root of this machine: {why}; the last is from {}",
        last.issuer
    );
    Finding::fail(
        name,
        found,
        format!("{PHONES}: send the right intermediates, of an authority that phones know"),
    )
}

fn judge_name(facts: &Facts, own: &Shown) -> Finding {
    let names = if own.names.is_empty() { "no name at all".to_owned() } else { own.names.join(", ") };
    if facts.is_for_host {
        return Finding::ok("certificate.name", names);
    }
    let found = format!("it is for {names}, not for {}", facts.host);
    let advice = "one with this name in it; or the proxy shows that of another site: see its server_name";
    Finding::fail("certificate.name", found, advice)
}

fn judge_dates(facts: &Facts, own: &Shown) -> Finding {
    let name = "certificate.dates";
    let began = facts.sent.iter().map(|shown| shown.not_before_s).max().unwrap_or_default();
    let ending = facts.sent.iter().min_by_key(|shown| shown.not_after_s).unwrap_or(own);
    let left_s = ending.not_after_s - facts.now_s;
    let days = left_s.div_euclid(DAY_S);
    let end = EpochMs(ending.not_after_s.saturating_mul(1000));
    let whose = if ending.subject == own.subject { "it" } else { "an intermediate" };
    if began > facts.now_s {
        let found = format!("it begins at {}", EpochMs(began.saturating_mul(1000)));
        return Finding::fail(name, found, "wait, or set this machine's clock");
    }
    if left_s <= 0 {
        let found = format!("{whose} ended at {end}");
        return Finding::fail(name, found, "renew it, and reload the proxy; see why nothing renews it");
    }
    let found = format!("{days} days left, until {end}");
    // What lives a week is renewed within it.
    let life_days = (ending.not_after_s - ending.not_before_s) / DAY_S;
    if days < FAIL_DAYS.min(life_days / 10) {
        return Finding::fail(name, found, "renew it now, and reload the proxy");
    }
    if days < WARN_DAYS.min(life_days / 3) {
        return Finding::warn(
            name,
            found,
            "renew it, and see why nothing has: renewal is usual at thirty days",
        );
    }
    Finding::ok(name, found)
}

fn judge_key(sent: &[Shown]) -> Finding {
    let name = "certificate.key";
    let weak: Vec<String> = sent
        .iter()
        // A root in the chain is trusted for itself, whatever its signature.
        .filter(|shown| !shown.key.1 || (!shown.signature.1 && shown.issuer != shown.subject))
        .map(|shown| format!("{}: key {}, signature {}", shown.subject, shown.key.0, shown.signature.0))
        .collect();
    if weak.is_empty() {
        let own = sent.first().map_or_else(String::new, |own| format!("{}, {}", own.key.0, own.signature.0));
        return Finding::ok(name, own);
    }
    let advice = "RSA from 2048 bits or EC P-256, signed with SHA-256: what every phone takes";
    Finding::fail(name, weak.join("; "), advice)
}

#[cfg(test)]
mod tests {
    use super::{DAY_S, Facts, Shown, judge, judge_old, signature};
    use crate::doctor::Level;

    const NOW: i64 = 1_772_339_405;

    fn own() -> Shown {
        Shown {
            subject: "CN=a.cn".into(),
            issuer: "CN=Between".into(),
            names: vec!["a.cn".into()],
            not_before_s: NOW - 70 * DAY_S,
            not_after_s: NOW + 60 * DAY_S + 5,
            key: ("EC 256".into(), true),
            signature: signature("1.2.840.10045.4.3.2"),
            issuer_url: Some("http://ca.example/between.crt".into()),
        }
    }

    fn between() -> Shown {
        let (subject, issuer) = ("CN=Between".into(), "CN=Root".into());
        Shown { subject, issuer, not_after_s: NOW + 900 * DAY_S, issuer_url: None, ..own() }
    }

    fn well() -> Facts {
        Facts {
            host: "a.cn".into(),
            now_s: NOW,
            sent: vec![own(), between()],
            trust: Ok(()),
            is_for_host: true,
        }
    }

    #[test]
    fn each_fault_is_told_by_its_name_and_alone() {
        type Change = fn(&mut Facts);
        let cases: [(Change, Level, &str, &str); 12] = [
            (|_| {}, Level::Ok, "", ""),
            (
                |facts| {
                    facts.sent.truncate(1);
                    facts.trust = Err("UnknownIssuer".into());
                },
                Level::Fail,
                "certificate.chain",
                "http://ca.example/between.crt",
            ),
            (
                |facts| {
                    facts.sent.truncate(1);
                    facts.sent[0].issuer = "CN=a.cn".into();
                    facts.trust = Err("x".into());
                },
                Level::Fail,
                "certificate.chain",
                "itself",
            ),
            (|facts| facts.trust = Err("UnknownIssuer".into()), Level::Fail, "certificate.chain", "no root"),
            (|facts| facts.sent.push(own()), Level::Warn, "certificate.chain", "not in order"),
            (|facts| facts.is_for_host = false, Level::Fail, "certificate.name", "not for a.cn"),
            (
                |facts| facts.sent[0].not_after_s = NOW + 20 * DAY_S,
                Level::Warn,
                "certificate.dates",
                "20 days",
            ),
            (|facts| facts.sent[0].not_after_s = NOW + 2 * DAY_S, Level::Fail, "certificate.dates", "2 days"),
            (|facts| facts.sent[0].not_after_s = NOW - 1, Level::Fail, "certificate.dates", "it ended"),
            (
                |facts| facts.sent[1].not_after_s = NOW - 1,
                Level::Fail,
                "certificate.dates",
                "an intermediate ended",
            ),
            (|facts| facts.sent[0].not_before_s = NOW + 9, Level::Fail, "certificate.dates", "begins"),
            (
                |facts| facts.sent[1].signature = signature("1.2.840.113549.1.1.5"),
                Level::Fail,
                "certificate.key",
                "SHA-1",
            ),
        ];
        for (change, level, name, word) in cases {
            let mut facts = well();
            change(&mut facts);
            let findings = judge(&facts);
            let bad: Vec<_> = findings.iter().filter(|finding| finding.level != Level::Ok).collect();
            assert_eq!(bad.len(), usize::from(level != Level::Ok), "{name}: {bad:?}");
            for bad in bad {
                assert!(bad.level == level && bad.name == name && bad.found.contains(word), "{bad:?}");
                assert!(bad.advice.is_some());
            }
        }
    }

    #[test]
    fn a_certificate_of_a_week_is_not_old_at_its_birth() {
        let mut facts = well();
        facts.sent[0].not_before_s = NOW - DAY_S;
        facts.sent[0].not_after_s = NOW + 5 * DAY_S + 5;
        assert!(judge(&facts).iter().all(|finding| finding.level == Level::Ok));
        facts.sent[0].not_before_s = NOW - 5 * DAY_S;
        facts.sent[0].not_after_s = NOW + DAY_S;
        assert!(judge(&facts).iter().any(|finding| finding.level == Level::Warn));
    }

    #[test]
    fn old_phones_count() {
        assert_eq!(judge_old(Ok(())).level, Level::Ok);
        assert_eq!(judge_old(Err("alert".into())).level, Level::Warn);
    }
}
