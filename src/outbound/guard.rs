//! Asks for a name's addresses and lets only those through that may be called, at the moment of connecting.
//! A name that was good when the URL was saved may lead inside by now; what was looked up is what is connected to.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::Semaphore;

use super::address::AddressKind;
use super::url::{UrlPolicy, UrlRefused};

/// Addresses of one name that are tried; a name may claim any number.
const ADDRESSES_MAX: usize = 8;

/// Who knows the addresses of names.
#[async_trait]
pub trait Lookup: Send + Sync + 'static {
    /// The addresses of a host's name, in the order they are to be tried.
    ///
    /// # Errors
    /// The name does not exist, or nobody answers for it.
    async fn lookup(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The machine's own resolver, as its hosts file and its name servers have it.
pub struct SystemLookup {
    /// The system's call cannot be given up, only left behind: it keeps its place until it ends.
    places: Arc<Semaphore>,
}

impl SystemLookup {
    /// At most `lookups_max` at one time, those included that nobody waits for any more.
    #[must_use]
    pub fn new(lookups_max: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(lookups_max)) }
    }
}

#[async_trait]
impl Lookup for SystemLookup {
    async fn lookup(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(io::Error::other)?;
        let name = name.to_owned();
        let asked = tokio::task::spawn_blocking(move || {
            let addresses = (name.as_str(), 0).to_socket_addrs();
            drop(place);
            addresses
        });
        Ok(asked.await??.map(|address| address.ip()).collect())
    }
}

/// What stands between the client and the names.
pub(super) struct Guard {
    pub(super) lookup: Arc<dyn Lookup>,
    pub(super) policy: UrlPolicy,
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let (lookup, policy) = (Arc::clone(&self.lookup), self.policy);
        Box::pin(async move {
            let found = lookup.lookup(name.as_str()).await?;
            let allowed = allowed(&found, policy)?;
            // Port 0 is replaced by that of the URL.
            Ok(Box::new(allowed.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
    }
}

/// A name whose addresses may not be called, none of them.
#[derive(Debug)]
pub(super) struct NoneAllowed(pub(super) UrlRefused);

impl fmt::Display for NoneAllowed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl std::error::Error for NoneAllowed {}

/// The addresses that may be called; those of a name without any address are an empty list.
fn allowed(found: &[IpAddr], policy: UrlPolicy) -> Result<Vec<IpAddr>, NoneAllowed> {
    let allows = |address: &&IpAddr| policy.allows(AddressKind::of(**address));
    let allowed: Vec<IpAddr> = found.iter().filter(allows).take(ADDRESSES_MAX).copied().collect();
    match found.first() {
        Some(first) if allowed.is_empty() => Err(NoneAllowed(UrlRefused::Address(AddressKind::of(*first)))),
        Some(_) | None => Ok(allowed),
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::{ADDRESSES_MAX, Lookup, SystemLookup, allowed};
    use crate::outbound::address::AddressKind::{Loopback, Private};
    use crate::outbound::url::UrlPolicy::{PrivateToo, PublicOnly};
    use crate::outbound::url::UrlRefused;

    fn addresses(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn only_good_addresses_of_a_name_are_tried() {
        let mixed = addresses(&["10.0.0.1", "1.1.1.1", "169.254.169.254", "::1", "2606:4700::1111"]);
        assert_eq!(allowed(&mixed, PublicOnly).unwrap(), addresses(&["1.1.1.1", "2606:4700::1111"]));
        let inside = addresses(&["10.0.0.1", "1.1.1.1", "::1", "2606:4700::1111"]);
        assert_eq!(allowed(&mixed, PrivateToo).unwrap(), inside);
        assert!(allowed(&[], PublicOnly).unwrap().is_empty());
        let crowd: Vec<IpAddr> = (0..100).map(|last| IpAddr::from([1, 1, 1, last])).collect();
        assert_eq!(allowed(&crowd, PublicOnly).unwrap().len(), ADDRESSES_MAX);
    }

    #[test]
    fn a_name_with_none_says_what_it_leads_to() {
        let refusal = |texts: &[&str]| allowed(&addresses(texts), PublicOnly).unwrap_err().0;
        assert_eq!(refusal(&["127.0.0.1", "10.0.0.1"]), UrlRefused::Address(Loopback));
        assert_eq!(refusal(&["::ffff:10.0.0.1"]), UrlRefused::Address(Private));
    }

    #[tokio::test]
    async fn the_system_knows_this_machine() {
        let found = SystemLookup::new(1).lookup("localhost").await.unwrap();
        assert!(!found.is_empty() && found.iter().all(IpAddr::is_loopback), "{found:?}");
    }
}
