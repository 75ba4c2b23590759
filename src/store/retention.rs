//! What leaves the store: what has become too old, and everything of one rider; and what is known of a rider, whole.
//! A part of [`Store`](super::Store), with the same promises. Much is done in slices, each a small write of its own.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::{DeviceCheck, Ended, MessageTrace, NumberedNotice, StoreResult};
use crate::domain::delivery::OpenDelivery;
use crate::domain::wechat::Identity;
use crate::domain::{Aged, AlertId, AppId, CallId, EpochMs, GroupId, OrderKey, Rider, RiderId, RiderKey};

/// Rows that were removed or emptied, by table.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Gone(BTreeMap<&'static str, u64>);

/// The erasure of a rider, the same in all its parts.
#[derive(Clone, Debug)]
pub struct Erasure {
    /// Who is erased.
    pub rider: RiderKey,
    /// A keyed hash of who they are, whose key the store does not have: by it their old tokens are refused.
    pub mark: [u8; 32],
    /// Whom what stays is of from now on; made of nothing that is theirs.
    pub pseudonym: RiderId,
    /// When.
    pub at: EpochMs,
}

/// The first part of an erasure: from here on nothing is open for the rider and they have no row.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Leaving {
    /// Deliveries that ended by it.
    pub ended: Vec<Ended>,
    /// Whether there was anything of them, or they were erased not long ago.
    pub known: bool,
    /// The highest number in their sequence: what has a higher one is of somebody who came back.
    pub last_seq: i64,
    /// What was erased.
    pub traces: Traces,
}

/// What was erased of a rider, by what it was.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Traces {
    /// Groups they were taken out of.
    pub memberships: u64,
    /// Self-checks of their devices.
    pub checks: u64,
    /// Deliveries that are a pseudonym's now.
    pub deliveries: u64,
    /// Alerts that went to them alone, and say nothing any more.
    pub texts: u64,
    /// Notices that name a pseudonym now.
    pub notices: u64,
    /// Callbacks that were removed; those that wait are told first.
    pub callbacks: u64,
    /// Orders whose memory knew them.
    pub orders: u64,
    /// Requests of ladder steps that were about them.
    pub calls: u64,
    /// Offers that would have asked them.
    pub offers: u64,
    /// Audiences still to be told, and recurring events, that named them.
    pub audiences: u64,
    /// Requests to hooks whose events were for them.
    pub hook_requests: u64,
    /// Who they were in WeChat, with their consents.
    pub wechat_identities: u64,
    /// Messages to them through WeChat, sent or not.
    pub wechat_messages: u64,
}

/// A further part of an erasure.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ErasedPart {
    /// What was erased.
    pub traces: Traces,
    /// Whether there may be more.
    pub more: bool,
}

/// Everything kept of one rider. Deliveries come in pages, all else with the first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RiderFile {
    /// Their row.
    pub rider: Option<Rider>,
    /// Groups they are in.
    pub groups: Vec<GroupId>,
    /// Self-checks of their devices, newest first.
    pub checks: Vec<DeviceCheck>,
    /// Notices that name them, by number.
    pub notices: Vec<NumberedNotice>,
    /// Requests of ladder steps about them, by id.
    pub calls: Vec<CallTrace>,
    /// Orders they have, by name.
    pub orders: Vec<OrderKey>,
    /// Who they are in WeChat, in the order they were linked.
    pub wechat: Vec<Identity>,
    /// Messages to them through WeChat, oldest first.
    pub messages: Vec<MessageTrace>,
    /// Their deliveries, each with its alert, by seq.
    pub deliveries: Vec<OpenDelivery>,
}

/// What is kept of a request of a ladder step, but for what it sends.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CallTrace {
    /// Its id.
    pub id: CallId,
    /// The alert.
    pub alert: AlertId,
    /// The level of its ladder.
    pub level: u32,
    /// Tries so far.
    pub attempts: u32,
    /// When it was over.
    pub ended_at: Option<EpochMs>,
}

/// Most rows of one sort, other than deliveries, in a rider's file.
pub const FILE_ROWS_MAX: u32 = 1_000;

/// Ageing, erasure, export.
#[async_trait]
pub trait RetentionStore {
    /// Removes, or empties, what of an app ended before `before`, the oldest first, at most about `limit` rows.
    /// Nothing that is open is touched, nor an alert of which the backend is still to be told.
    async fn age(&self, app: AppId, what: Aged, before: EpochMs, limit: u32) -> StoreResult<Gone>;
    /// Removes what nobody needs any more: recurring events that have ended, and marks of riders erased before `before`;
    /// at most `limit` of each.
    async fn tidy(&self, before: EpochMs, limit: u32) -> StoreResult<Gone>;

    /// Begins an erasure: what is open for the rider ends, their row, memberships and checks go, their mark is kept.
    async fn delete_rider(&self, erasure: Erasure) -> StoreResult<Leaving>;
    /// Goes on with it, in parts of about `limit` rows: everything else that names the rider, up to their `last_seq`, is
    /// removed or given to the pseudonym. May be done again, also long after the row has gone.
    async fn erase_traces(&self, erasure: Erasure, last_seq: i64, limit: u32) -> StoreResult<ErasedPart>;
    /// When the rider of this mark was erased, if that was not long ago.
    async fn erased_at(&self, app: AppId, mark: [u8; 32]) -> StoreResult<Option<EpochMs>>;
    /// Notes that a rider was seen for the last time. A rider who was erased meanwhile stays so.
    async fn leave_rider(&self, rider: RiderKey, at: EpochMs) -> StoreResult<()>;

    /// Everything kept of a rider: with `after` 0 all of it and the first deliveries, else deliveries above that number
    /// alone; `limit` deliveries at most.
    async fn rider_file(&self, rider: RiderKey, after: i64, limit: u32) -> StoreResult<RiderFile>;
}

impl Gone {
    /// Rows of one table.
    #[must_use]
    pub fn of(table: &'static str, rows: u64) -> Self {
        let mut gone = Self::default();
        gone.add(table, rows);
        gone
    }

    /// Notes rows of a table.
    pub fn add(&mut self, table: &'static str, rows: u64) {
        if rows > 0 {
            *self.0.entry(table).or_default() += rows;
        }
    }

    /// Notes what went elsewhere.
    pub fn add_all(&mut self, other: &Self) {
        other.by_table().for_each(|(table, rows)| self.add(table, rows));
    }

    /// The tables from which anything went, and how many rows.
    pub fn by_table(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.0.iter().map(|(table, rows)| (*table, *rows))
    }

    /// How many rows in all.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.0.values().sum()
    }
}

impl Traces {
    /// Whether nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl std::ops::AddAssign for Traces {
    fn add_assign(&mut self, other: Self) {
        self.memberships += other.memberships;
        self.checks += other.checks;
        self.deliveries += other.deliveries;
        self.texts += other.texts;
        self.notices += other.notices;
        self.callbacks += other.callbacks;
        self.orders += other.orders;
        self.calls += other.calls;
        self.offers += other.offers;
        self.audiences += other.audiences;
        self.hook_requests += other.hook_requests;
        self.wechat_identities += other.wechat_identities;
        self.wechat_messages += other.wechat_messages;
    }
}
