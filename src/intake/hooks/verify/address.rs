//! Addresses that may send: of the profile, or of a parameter of the hook (`{param.ips}`), where they differ from owner to
//! owner. Behind a proxy the address is the one that the proxies we trust have written.

use std::net::IpAddr;

use ipnet::IpNet;

use super::section::{Section, escape, wrong};
use super::text::param;
use crate::intake::hooks::{AgeRule, HookKeys, HookRequest, ProfileError, VerifyError};

/// A scheme `ip`.
pub(super) struct Addresses(Vec<Allowed>);

enum Allowed {
    Net(IpNet),
    Param(String),
}

/// Entries of one list: a large platform publishes thirty.
const NETS_MAX: usize = 128;

impl Addresses {
    /// The member `allow`.
    pub(super) fn read(section: &Section<'_>) -> Result<Self, ProfileError> {
        section.only(&["scheme", "allow"])?;
        let missing =
            || section.error("allow", "missing_member", "is required: addresses, nets or {param.NAME}");
        let texts =
            section.texts("allow", NETS_MAX)?.filter(|texts| !texts.is_empty()).ok_or_else(missing)?;
        let allowed = texts.into_iter().enumerate().map(|(place, text)| {
            let pointer = format!("{}/{place}", section.pointer_of("allow"));
            let param = text.strip_prefix("{param.").and_then(|text| text.strip_suffix('}'));
            match param.filter(|name| !name.is_empty() && !name.contains(['{', '}'])) {
                Some(name) => Ok(Allowed::Param(name.to_owned())),
                None => net(text).map(Allowed::Net).ok_or_else(|| {
                    wrong("bad_value", pointer, "is no address and no net such as 203.0.113.0/24")
                }),
            }
        });
        Ok(Self(allowed.collect::<Result<_, _>>()?))
    }

    /// Refuses a request from elsewhere. Where it is only tried out nobody has sent it.
    pub(super) fn check(
        &self,
        request: &HookRequest<'_>,
        keys: &HookKeys,
        age: AgeRule,
    ) -> Result<(), VerifyError> {
        let Some(peer) = request.peer.map(|peer| peer.to_canonical()) else {
            return match age {
                AgeRule::Any => Ok(()),
                AgeRule::At(_) => Err(forbidden("there is no address".to_owned())),
            };
        };
        for allowed in &self.0 {
            let good = match allowed {
                Allowed::Net(net) => net.contains(&peer),
                Allowed::Param(name) => {
                    nets(param(keys, name)?).any(|net| net.is_some_and(|net| net.contains(&peer)))
                }
            };
            if good {
                return Ok(());
            }
        }
        Err(forbidden(format!("{peer} is not on the list")))
    }

    /// Refuses parameters that hold anything else.
    pub(super) fn fits(&self, keys: &HookKeys) -> Result<(), ProfileError> {
        for name in self.params() {
            let list = keys.params.get(name).map_or("", String::as_str);
            if nets(list).any(|net| net.is_none()) {
                let pointer = format!("/params/{}", escape(name));
                return Err(wrong("bad_value", pointer, "is no list of addresses and nets"));
            }
        }
        Ok(())
    }

    /// The parameters that hold addresses.
    pub(super) fn params(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|allowed| match allowed {
            Allowed::Net(_) => None,
            Allowed::Param(name) => Some(&**name),
        })
    }
}

/// What a parameter lists, between commas and white space; `None` is no net.
fn nets(list: &str) -> impl Iterator<Item = Option<IpNet>> {
    list.split([',', ' ', '\n', '\t', '\r']).filter(|text| !text.is_empty()).map(net)
}

fn net(text: &str) -> Option<IpNet> {
    let address = text.parse::<IpAddr>().ok().map(|address| IpNet::from(address.to_canonical()));
    address.or_else(|| text.parse().ok())
}

fn forbidden(detail: String) -> VerifyError {
    VerifyError { reason: "address_not_allowed", detail, forbidden: true }
}
