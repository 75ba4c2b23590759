//! How many of something one address has open: connections, sockets of riders.
//! An address of IPv6 is the /64 it is in, because whoever has one has all of them.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counts by address.
#[derive(Debug)]
pub struct Crowd {
    max: usize,
    // A std mutex: each section is one access to the map.
    open: Mutex<HashMap<Neighbourhood, usize>>,
}

/// One of the counted; dropping it takes it out.
#[derive(Debug)]
pub struct OneOfMany {
    crowd: Arc<Crowd>,
    address: Neighbourhood,
}

impl Crowd {
    /// At most `max` for one address; 0 for no limit.
    #[must_use]
    pub fn new(max: usize) -> Arc<Self> {
        Arc::new(Self { max, open: Mutex::default() })
    }

    /// Counts one more of this address, or `Err` if it has as many as it may.
    ///
    /// # Errors
    /// When it is full.
    pub fn enter(self: &Arc<Self>, address: IpAddr) -> Result<Option<OneOfMany>, Full> {
        if self.max == 0 {
            return Ok(None);
        }
        let address = Neighbourhood::from(address);
        let mut open = self.lock();
        let count = open.entry(address).or_default();
        if *count >= self.max {
            return Err(Full);
        }
        *count += 1;
        drop(open);
        Ok(Some(OneOfMany { crowd: Arc::clone(self), address }))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Neighbourhood, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An address has as many as it may.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Full;

impl Drop for OneOfMany {
    fn drop(&mut self) {
        let mut open = self.crowd.lock();
        if let Some(count) = open.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.address);
            }
        }
    }
}

/// Whom an address is counted with: itself, or its /64. In one number, since every rider's socket keeps it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(in crate::http) struct Neighbourhood(u64);

impl From<IpAddr> for Neighbourhood {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            // Under ::/16, where no network of IPv6 is.
            IpAddr::V4(address) => Self(u64::from(address.to_bits())),
            IpAddr::V6(address) => Self((address.to_bits() >> 64) as u64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Crowd, Full};

    #[test]
    fn an_address_has_room_again_when_one_leaves() {
        let crowd = Crowd::new(2);
        let enter = |address: &str| crowd.enter(address.parse().unwrap());
        let (one, two) = (enter("192.0.2.1").unwrap(), enter("::ffff:192.0.2.1").unwrap());
        assert_eq!(enter("192.0.2.1").err(), Some(Full));
        let other = enter("192.0.2.2").unwrap();
        drop(one);
        assert!(enter("192.0.2.1").is_ok());
        let (_three, _four) = (enter("2001:db8::1").unwrap(), enter("2001:db8::2:1").unwrap());
        assert_eq!(enter("2001:db8::3").err(), Some(Full));
        assert!(enter("2001:db8:0:1::3").is_ok());
        drop((two, other));
        assert_eq!(crowd.lock().len(), 1, "who has none is forgotten");
        assert!(Crowd::new(0).enter("192.0.2.1".parse().unwrap()).unwrap().is_none());
    }
}
