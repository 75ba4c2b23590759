//! WeChat's lists of domains for this host, and what else its console asks.
//! From the platform's own page on the network ability (developers.weixin.qq.com, framework/ability/network); what is
//! practice and not text is marked so.

use super::target::Target;

/// Lines for people; the strings are to be copied as they stand.
pub(super) fn explain(target: &Target) -> Vec<String> {
    let https = format!("https://{}", target.authority());
    let wss = format!("wss://{}", target.host);
    let lines = [
        "WeChat console, development settings, server domains (服务器域名):".to_owned(),
        format!("  socket 合法域名        {wss}    needed; without a port: every port of the domain is allowed"),
        format!("  request 合法域名       {https}    if the program sends receipts or its self-check by wx.request; \
                 beside it the domain of your backend, for the token"),
        format!("  downloadFile 合法域名  {https}    only if your program calls wx.downloadFile: the player fetches \
                 audio itself and needs no entry (where a phone plays nothing, enter it and try again)"),
        "  audio src              no list, but https with a whole chain that the phone trusts, TLS 1.2 or 1.3".to_owned(),
        "  The domain must have an ICP filing (备案); no address, no localhost, no wildcard of a parent domain; for \
         https the port is part of the entry. urlCheck: false in the developer tools hides a missing entry."
            .to_owned(),
        "Sockets through a proxy: the server speaks every 20 s and gives a silent client up after 50 s, so nothing \
         between may cut an idle socket earlier (nginx: proxy_read_timeout 60s; proxy_http_version 1.1; \
         proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade). --idle SECONDS with --token \
         holds one and looks."
            .to_owned(),
    ];
    lines.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::explain;
    use crate::doctor::public::target::Target;

    #[test]
    fn entries_are_exact() {
        let lines = |url: &str| explain(&Target::parse(url).unwrap().0).join("\n");
        let usual = lines("https://bell.example.cn/x");
        assert!(usual.contains(" wss://bell.example.cn ") && usual.contains(" https://bell.example.cn "));
        let ported = lines("https://bell.example.cn:8443");
        assert!(
            ported.contains(" wss://bell.example.cn ") && ported.contains(" https://bell.example.cn:8443 ")
        );
    }
}
