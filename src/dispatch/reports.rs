//! Reports on what became of deliveries: who missed what, and how many were heard in time.
//! They read in slices, so many at one time, and look at no more deliveries than they may.

use std::collections::{BTreeMap, BTreeSet};

use super::{AppEntry, Dispatch};
use crate::domain::app::KeyMode;
use crate::domain::delivery::EndReason;
use crate::domain::report::{
    Cell, Grouping, MissRow, MissTable, MissTotals, Objective, ObjectiveTable, Outcome, Score,
};
use crate::domain::{AppId, GroupId, RiderId};
use crate::store::{DeliveryPlace, Page, PageSize, Span, StoreError, StoreResult, Whose};

/// Deliveries of one read: some 10 ms of a connection, then others have their turn.
const SLICE: u32 = 2_000;

/// Numbers of the configuration that questions about the record go by.
#[derive(Clone, Copy, Debug)]
pub struct ReportLimits {
    /// Longest time that a report is about, in milliseconds.
    pub span_max_ms: i64,
    /// Deliveries that one report, or one list as CSV, looks at.
    pub deliveries_max: u32,
    /// Rows of one report, or of one list as CSV.
    pub rows_max: u32,
    /// Rows that one page of a list looks at.
    pub page_looks: u32,
    /// Reports at one time.
    pub concurrency: usize,
    /// What counts as in time, and how many should be, unless the app says otherwise.
    pub objective: Objective,
}

/// What a report is about.
#[derive(Clone, Debug)]
pub struct ReportScope {
    /// When the events came in.
    pub span: Span,
    /// Real deliveries, or those of tests.
    pub key_mode: KeyMode,
    /// Of this rider alone.
    pub rider: Option<RiderId>,
    /// Of the riders who are in this group now.
    pub station: Option<GroupId>,
    /// Of this kind alone.
    pub kind: Option<String>,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// It would look at more deliveries than it may.
    #[error("more than {0} deliveries")]
    TooWide(u32),
    /// It would have more rows than it may.
    #[error("more than {0} rows")]
    TooLong(u32),
    /// There is no such group.
    #[error("there is no such station")]
    NoStation,
    /// The store's.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Who missed what.
pub struct MissReport {
    /// All deliveries it is about.
    pub totals: MissTotals,
    /// Rows with a miss.
    pub rows: Vec<MissRow>,
}

/// How many were heard in time.
pub struct ObjectiveReport {
    /// What they are measured by.
    pub objective: Objective,
    /// Of all.
    pub total: Score,
    /// By cell.
    pub rows: Vec<(Cell, Score)>,
}

/// A miss, and the stations of its rider.
pub struct Miss {
    /// What was missed, and why.
    pub outcome: Outcome,
    /// Why.
    pub reason: EndReason,
    /// The rider's groups.
    pub stations: Vec<GroupId>,
}

impl Dispatch {
    /// Counts misses.
    ///
    /// # Errors
    /// [`ReportError`].
    pub async fn miss_report(
        &self,
        app: &AppEntry,
        scope: &ReportScope,
        grouping: Grouping,
    ) -> Result<MissReport, ReportError> {
        let mut table = MissTable::new(grouping, app.zone.clone());
        self.each_outcome(app.app.id, scope, |outcome, stations| table.count(outcome, stations)).await?;
        let totals = table.totals();
        let rows = table.into_rows();
        self.refuse_too_long(rows.len())?;
        Ok(MissReport { totals, rows })
    }

    /// Measures deliveries by the app's objective, or by another time if one is given.
    ///
    /// # Errors
    /// [`ReportError`].
    pub async fn objective_report(
        &self,
        app: &AppEntry,
        scope: &ReportScope,
        grouping: Grouping,
        within_ms: Option<u32>,
    ) -> Result<ObjectiveReport, ReportError> {
        let own = app.app.settings.objective.unwrap_or(self.limits.reports.objective);
        let objective = Objective { within_ms: within_ms.unwrap_or(own.within_ms), ..own };
        let within_ms = i64::from(objective.within_ms);
        let mut table = ObjectiveTable::new(grouping, app.zone.clone(), within_ms, self.wall());
        self.each_outcome(app.app.id, scope, |outcome, stations| table.count(outcome, stations)).await?;
        let (rows, total) = table.into_scores();
        self.refuse_too_long(rows.len())?;
        Ok(ObjectiveReport { objective, total, rows })
    }

    /// Misses one by one, the newest first, those after `after`; of one reason if it is given.
    ///
    /// # Errors
    /// [`ReportError`].
    pub async fn misses(
        &self,
        app: &AppEntry,
        scope: &ReportScope,
        reason: Option<EndReason>,
        after: Option<DeliveryPlace>,
        size: PageSize,
    ) -> Result<Page<Miss, DeliveryPlace>, ReportError> {
        let id = app.app.id;
        let members = self.members(id, scope).await?;
        let _turn = self.reports.acquire().await;
        let whose = scope.rider.clone().map_or(Whose::All, Whose::Rider);
        let mut page = Page { rows: Vec::new(), next: after };
        let (mut stations, mut left) = (Stations::default(), size.looks);
        while left > 0 {
            let many = left.min(SLICE);
            let slice = self.store.outcomes(id, whose.clone(), scope.span, page.next.clone(), many).await?;
            let is_last = slice.len() < many as usize;
            left -= many;
            stations.learn(self, id, &slice).await?;
            for outcome in slice {
                page.next = Some((outcome.alert, outcome.rider.clone()));
                let is_meant = members.as_ref().is_none_or(|members| members.contains(&outcome.rider));
                let missed = outcome.missed().filter(|why| reason.is_none_or(|wanted| wanted == *why));
                if let Some(reason) = missed.filter(|_| is_meant && scope.wants(&outcome)) {
                    let stations = stations.of(&outcome.rider).to_vec();
                    page.rows.push(Miss { outcome, reason, stations });
                    if page.rows.len() == size.rows as usize {
                        return Ok(page);
                    }
                }
            }
            if is_last {
                return Ok(Page { next: None, ..page });
            }
        }
        Ok(page)
    }

    /// Looks at all that a report is about, slice by slice.
    async fn each_outcome(
        &self,
        app: AppId,
        scope: &ReportScope,
        mut count: impl FnMut(&Outcome, &[GroupId]),
    ) -> Result<(), ReportError> {
        let members = self.members(app, scope).await?;
        let _turn = self.reports.acquire().await;
        let most = self.limits.reports.deliveries_max;
        let mut left = most;
        let mut stations = Stations::default();
        for whose in whose(scope, members) {
            let mut after = None;
            loop {
                // One more than it may look at tells that there is more.
                let many = left.saturating_add(1).min(SLICE);
                let slice = self.store.outcomes(app, whose.clone(), scope.span, after, many).await?;
                let seen = u32::try_from(slice.len()).unwrap_or(u32::MAX);
                left = left.checked_sub(seen).ok_or(ReportError::TooWide(most))?;
                stations.learn(self, app, &slice).await?;
                for outcome in slice.iter().filter(|outcome| scope.wants(outcome)) {
                    match &scope.station {
                        Some(station) => count(outcome, std::slice::from_ref(station)),
                        None => count(outcome, stations.of(&outcome.rider)),
                    }
                }
                if seen < many {
                    break;
                }
                after = slice.into_iter().next_back().map(|last| (last.alert, last.rider));
            }
        }
        Ok(())
    }

    /// Who is in the station that a report is about.
    async fn members(
        &self,
        app: AppId,
        scope: &ReportScope,
    ) -> Result<Option<BTreeSet<RiderId>>, ReportError> {
        let Some(station) = scope.station.clone() else { return Ok(None) };
        let members = self.store.group(app, station).await?.ok_or(ReportError::NoStation)?;
        Ok(Some(members.into_iter().collect()))
    }

    fn refuse_too_long(&self, rows: usize) -> Result<(), ReportError> {
        let most = self.limits.reports.rows_max;
        if rows > most as usize { Err(ReportError::TooLong(most)) } else { Ok(()) }
    }
}

/// Everybody, or one rider after the other.
fn whose(scope: &ReportScope, members: Option<BTreeSet<RiderId>>) -> Vec<Whose> {
    match (&scope.rider, members) {
        (None, None) => vec![Whose::All],
        (Some(rider), None) => vec![Whose::Rider(rider.clone())],
        (rider, Some(members)) => {
            let meant = |member: &RiderId| rider.as_ref().is_none_or(|rider| rider == member);
            members.into_iter().filter(meant).map(Whose::Rider).collect()
        }
    }
}

impl ReportScope {
    fn wants(&self, outcome: &Outcome) -> bool {
        outcome.key_mode == self.key_mode && self.kind.as_ref().is_none_or(|kind| *kind == outcome.kind)
    }
}

/// The groups of the riders that were seen.
#[derive(Default)]
struct Stations(BTreeMap<RiderId, Vec<GroupId>>);

impl Stations {
    /// Asks for those of riders who are new here.
    async fn learn(&mut self, dispatch: &Dispatch, app: AppId, slice: &[Outcome]) -> StoreResult<()> {
        let riders = slice.iter().map(|outcome| &outcome.rider);
        let new: BTreeSet<RiderId> = riders.filter(|rider| !self.0.contains_key(rider)).cloned().collect();
        if new.is_empty() {
            return Ok(());
        }
        let known = dispatch.store.groups_of(app, new.iter().cloned().collect()).await?;
        self.0.extend(new.into_iter().map(|rider| (rider, Vec::new())));
        for (rider, group) in known {
            self.0.entry(rider).or_default().push(group);
        }
        Ok(())
    }

    fn of(&self, rider: &RiderId) -> &[GroupId] {
        self.0.get(rider).map_or(&[], Vec::as_slice)
    }
}
