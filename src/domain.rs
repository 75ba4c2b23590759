//! The vocabulary: what an event, an alert and a delivery are, and how they may change.
//! Pure values and transitions: no async, no clock, no I/O; time, randomness and ids come in as arguments.

pub mod alert;
pub mod app;
pub mod delivery;
pub mod event;
pub mod id;
pub mod kind;
pub mod presence;
pub mod rider;
pub mod target;

pub use crate::clock::EpochMs;
pub use alert::{Alert, AlertState};
pub use delivery::{Answer, Delivery, DeliveryState};
pub use event::{Event, Order, Overrides};
pub use id::{AlertId, AppId, DeliveryId, EventId, GroupId, IdError, KeyId, OrderId, RiderId, SessionId};
pub use kind::{Kind, Kinds, Need, Repeat, Urgency};
pub use presence::{AudioState, FirstStatus, Presence};
pub use rider::{DevicePolicy, Rider, RiderKey};
pub use target::Target;
