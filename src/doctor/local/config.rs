//! What a configuration that loads may still have wrong: settings that are meant for another place than this.
//! Whether it loads at all is known before anything else is done (exit code 78).

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::config::Config;
use crate::doctor::Finding;

/// What is known of the configuration file.
struct FileFacts {
    /// Permission bits for group and others.
    others: u32,
    /// Whether it holds the node key.
    holds_key: bool,
}

/// The configuration, and the file's permissions.
pub(super) fn look(config: &Config, file: Option<&Path>) -> Vec<Finding> {
    let layers = match file {
        Some(file) => format!("defaults, {}, environment", file.display()),
        None => "defaults, environment".to_owned(),
    };
    let mut findings = vec![Finding::ok("config", format!("loads: {layers}"))];
    findings.extend(judge(config));
    findings.extend(file.and_then(facts_of).and_then(|facts| judge_file(&facts)));
    findings
}

fn facts_of(file: &Path) -> Option<FileFacts> {
    let others = std::fs::metadata(file).ok()?.permissions().mode() & 0o077;
    let table: toml::Table = std::fs::read_to_string(file).ok()?.parse().ok()?;
    let key = table.get("secrets").and_then(|secrets| secrets.get("node_key")?.as_str());
    Some(FileFacts { others, holds_key: key.is_some_and(|key| !key.is_empty()) })
}

fn judge_file(facts: &FileFacts) -> Option<Finding> {
    (facts.holds_key && facts.others != 0).then(|| {
        Finding::warn(
            "config.node_key",
            "the configuration file holds the node key and others may read it",
            "chmod 600 it, or set ORDERBELL_SECRETS__NODE_KEY",
        )
    })
}

/// What may be wrong, and only that.
fn judge(config: &Config) -> Vec<Finding> {
    let server = &config.server;
    let is_open = !server.listen.ip().is_loopback();
    let is_public = is_open || !server.public_url.is_empty();
    let mut findings = Vec::new();
    if is_open && server.public_url.is_empty() {
        findings.push(Finding::warn(
            "config.public_url",
            format!("server.listen is {} and server.public_url is empty", server.listen),
            "behind a proxy set it to the origin that riders use, https://…: else audio URLs are paths",
        ));
    }
    if server.public_url.starts_with("http://") {
        findings.push(Finding::warn(
            "config.public_url",
            format!("{} is not https", server.public_url),
            "phones play nothing else: put TLS in front and name the https origin",
        ));
    }
    if config.callbacks.allow_private {
        findings.push(Finding::warn(
            "config.allow_private",
            "callbacks.allow_private: whoever has a key may have this machine's network called",
            "false, unless your backend is in this network and every key is yours",
        ));
    }
    if !config.admin.listen.ip().is_loopback() {
        findings.push(Finding::warn(
            "config.admin",
            format!("admin.listen is {}: metrics are open to whoever reaches it", config.admin.listen),
            "loopback, or an address that a firewall keeps to your monitoring",
        ));
    }
    if is_public && config.rider.token_in_query {
        findings.push(Finding::warn(
            "config.token_in_query",
            "old clients may put their token into the URL, where proxies log it",
            "rider.token_in_query = false once there are none; until then no query strings in the proxy's log",
        ));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::{FileFacts, judge, judge_file};
    use crate::config::Config;

    #[test]
    fn settings_of_another_place_are_named() {
        type Change = fn(&mut Config);
        let cases: [(Change, &[&str]); 7] = [
            (|_| {}, &[]),
            (
                |config| config.server.listen = "0.0.0.0:8080".parse().unwrap(),
                &["config.public_url", "config.token_in_query"],
            ),
            (|config| config.server.public_url = "https://a.cn".into(), &["config.token_in_query"]),
            (
                |config| config.server.public_url = "http://a.cn".into(),
                &["config.public_url", "config.token_in_query"],
            ),
            (|config| config.callbacks.allow_private = true, &["config.allow_private"]),
            (|config| config.admin.listen = "10.0.0.1:8081".parse().unwrap(), &["config.admin"]),
            (
                |config| {
                    config.server.public_url = "https://a.cn".into();
                    config.rider.token_in_query = false;
                },
                &[],
            ),
        ];
        for (change, expected) in cases {
            let mut config = Config::load(None).unwrap();
            change(&mut config);
            let named: Vec<String> = judge(&config).into_iter().map(|finding| finding.name).collect();
            assert_eq!(named, expected);
        }
    }

    #[test]
    fn a_key_in_a_file_is_for_its_owner_alone() {
        for (others, holds_key, told) in
            [(0o044, true, true), (0, true, false), (0o044, false, false), (0o010, true, true)]
        {
            assert_eq!(judge_file(&FileFacts { others, holds_key }).is_some(), told, "{others:o}");
        }
    }
}
