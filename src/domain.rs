//! The vocabulary: what an event, an alert and a delivery are, and how they may change.
//! Pure values and transitions: no async, no clock, no I/O; time, randomness and ids come in as arguments.

pub mod alert;
pub mod app;
pub mod audio_url;
pub mod book;
pub mod callback;
pub mod delivery;
pub mod event;
pub mod hook;
pub mod id;
pub mod kind;
pub mod ladder;
pub mod offer;
pub mod order;
pub mod presence;
pub mod recurrence;
pub mod report;
pub mod retention;
pub mod rider;
pub mod said;
pub mod secret;
pub mod settings;
pub mod sound;
pub mod target;
pub mod wechat;

pub use crate::clock::EpochMs;
pub use alert::{Alert, AlertState, Head};
pub use audio_url::AudioUrls;
pub use delivery::{Answer, Delivery, DeliveryState};
pub use event::{Event, Order, OrderMerchant, Overrides};
pub use hook::{Hook, HookDelivery, HookId, HookMode, HookVerdict};
pub use id::{
    AlertId, AppId, CallId, CallbackId, CallbackTargetId, DeliveryId, EventId, GroupId, HookDeliveryId,
    IdError, KeyId, OrderId, RiderId, ScheduleId, SessionId, WarmId,
};
pub use kind::{Kind, Kinds, Need, Repeat, Urgency};
pub use ladder::Ladder;
pub use offer::{Arbiter, Mode, Offer, Settlement};
pub use order::{OrderKey, OrderMemory};
pub use presence::{AudioState, FirstStatus, Presence};
pub use recurrence::Recurrence;
pub use retention::{Aged, Ages};
pub use rider::{DevicePolicy, Rider, RiderKey};
pub use said::Said;
pub use secret::{Secret, SecretKind};
pub use settings::AppSettings;
pub use sound::{Sound, SoundProfile, clip_name};
pub use target::Target;
