//! Where the name leads, and whether anybody is there.

use std::net::SocketAddr;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::target::Target;
use super::wire::CONNECT_LIMIT;
use crate::doctor::Finding;
use crate::outbound::AddressKind;

/// An address and how connecting to it went.
type Tried = (SocketAddr, Result<(), String>);

/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 8;

/// The first address that takes a connection, and what is to be said of all.
pub(super) async fn look(target: &Target, chosen: Option<SocketAddr>) -> (Option<SocketAddr>, Vec<Finding>) {
    let addresses = match chosen {
        Some(address) => vec![address],
        None => match addresses(target).await {
            Ok(addresses) => addresses,
            Err(why) => {
                let advice = "an A (and AAAA) record for it, or another name";
                let found = format!("{} does not resolve: {why}", target.host);
                return (None, vec![Finding::fail("dns", found, advice)]);
            }
        },
    };
    let trying = addresses.iter().map(|address| connect(*address));
    let ends = futures_util::future::join_all(trying).await;
    let tried: Vec<Tried> = addresses.into_iter().zip(ends).collect();
    let first = tried.iter().find(|(_, end)| end.is_ok()).map(|(address, _)| *address);
    (first, judge(&tried, chosen.is_some()))
}

async fn addresses(target: &Target) -> Result<Vec<SocketAddr>, String> {
    let looking = timeout(CONNECT_LIMIT, lookup_host((target.host.as_str(), target.port))).await;
    let found = looking.map_err(|_| "no answer in time".to_owned())?.map_err(|error| error.to_string())?;
    let mut addresses: Vec<SocketAddr> = found.take(ADDRESSES_MAX).collect();
    addresses.dedup();
    if addresses.is_empty() { Err("no address".to_owned()) } else { Ok(addresses) }
}

async fn connect(address: SocketAddr) -> Result<(), String> {
    match timeout(CONNECT_LIMIT, TcpStream::connect(address)).await {
        Ok(Ok(_stream)) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {} s", CONNECT_LIMIT.as_secs())),
    }
}

fn judge(tried: &[Tried], is_chosen: bool) -> Vec<Finding> {
    let all: Vec<String> = tried.iter().map(|(address, _)| address.ip().to_string()).collect();
    let all = all.join(", ");
    let inside: Vec<String> = tried
        .iter()
        .filter(|(address, _)| AddressKind::of(address.ip()) != AddressKind::Global)
        .map(|(address, _)| format!("{} is {}", address.ip(), AddressKind::of(address.ip())))
        .collect();
    let mut findings = vec![if is_chosen {
        Finding::ok("dns", format!("not asked; connecting to {all} as told"))
    } else if inside.is_empty() {
        Finding::ok("dns", all)
    } else {
        Finding::warn("dns", inside.join(", "), "phones reach public addresses alone: look from outside, too")
    }];
    let dead: Vec<String> = tried
        .iter()
        .filter_map(|(address, end)| end.as_ref().err().map(|why| format!("{address}: {why}")))
        .collect();
    if dead.len() == tried.len() {
        let advice = "open the port in firewall and security group, and see that the proxy listens";
        findings.push(Finding::fail("connect", dead.join("; "), advice));
    } else if !dead.is_empty() {
        let advice = "some riders are led there: take the address out of the name, or let somebody answer";
        findings.push(Finding::warn("connect", dead.join("; "), advice));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::judge;
    use crate::doctor::Level;

    #[test]
    fn every_address_is_to_answer_and_to_be_public() {
        let good = || ("8.8.8.8:443".parse().unwrap(), Ok(()));
        let dead = || ("1.1.1.1:443".parse().unwrap(), Err("refused".to_owned()));
        let inside = || ("10.0.0.1:443".parse().unwrap(), Ok(()));
        for (tried, is_chosen, levels) in [
            (vec![good()], false, vec![Level::Ok]),
            (vec![good(), dead()], false, vec![Level::Ok, Level::Warn]),
            (vec![dead()], false, vec![Level::Ok, Level::Fail]),
            (vec![good(), inside()], false, vec![Level::Warn]),
            (vec![inside()], true, vec![Level::Ok]),
        ] {
            let told: Vec<Level> = judge(&tried, is_chosen).iter().map(|finding| finding.level).collect();
            assert_eq!(told, levels, "{tried:?}");
        }
    }
}
