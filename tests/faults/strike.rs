//! The faults: how each strikes, how long, and what must have been seen of it for the run to count.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use rustix::process::Signal;

use crate::dice::Dice;
use crate::disk::{self, Ballast};
use crate::lock::Lock;
use crate::op::Op;
use crate::proxy::Weather;
use crate::stage::Stage;
use crate::verdict::Figures;

/// A kind of fault.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fault {
    /// SIGKILL at a random moment, and a new start.
    Kill,
    /// SIGSTOP, and SIGCONT after a while.
    Stop,
    /// No room for a byte in the data folder.
    Disk,
    /// Another process holds the database.
    Lock,
    /// The way between riders and the server fails while the sockets stay.
    HalfOpen,
    /// SIGKILL of the database server and all its processes, and a new start of it.
    Database,
}

/// What a server stands on.
pub(crate) enum Ground {
    /// A data folder, made ready before there is a server.
    Folder(fn(&Path) -> anyhow::Result<()>),
    /// A database server of its own, which keeps its promises when the power fails.
    Database,
}

/// A stopped server, a held lock: long enough for time limits on both sides to pass.
const HOLD_MS: (u64, u64) = (2_000, 8_000);
/// The first hold of a run is longer than two waits of the server for its lock (3 s): what it has in hand is refused, and
/// what has gathered meanwhile as well.
const FIRST_HOLD_MS: u64 = 7_000;
/// A full disk is found out at once.
const FULL_MS: (u64, u64) = (1_000, 4_000);
/// Longer than the client's and the server's patience with a silent way (2.5 s).
const FOUL_MS: (u64, u64) = (2_800, 4_000);
/// A database that is away: from what nobody notices to longer than the server waits for it (3 s).
const AWAY_MS: (u64, u64) = (50, 5_000);
/// A life between two kills.
const LIFE_MS: (u64, u64) = (150, 1_050);
/// Calm before a fault, so that it strikes at another moment each time.
const CALM_MS: (u64, u64) = (300, 1_500);
/// A full disk is filled again so often: files are deleted and shortened meanwhile.
const REFILL: Duration = Duration::from_millis(100);

impl Fault {
    /// Every fault.
    pub(crate) const ALL: [Self; 6] =
        [Self::Kill, Self::Stop, Self::Disk, Self::Lock, Self::HalfOpen, Self::Database];

    /// Its name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Stop => "sigstop",
            Self::Disk => "disk",
            Self::Lock => "locked",
            Self::HalfOpen => "half-open",
            Self::Database => "database",
        }
    }

    /// How often it strikes in a run, unless asked otherwise.
    pub(crate) fn rounds(self) -> usize {
        match self {
            Self::Kill => 12,
            Self::Stop | Self::Disk | Self::Lock => 3,
            Self::HalfOpen => Weather::FOUL.len(),
            Self::Database => 6,
        }
    }

    /// What the server stands on.
    pub(crate) fn ground(self) -> Ground {
        match self {
            Self::Disk => Ground::Folder(disk::mount),
            Self::Kill | Self::Stop | Self::Lock | Self::HalfOpen => Ground::Folder(|_| Ok(())),
            Self::Database => Ground::Database,
        }
    }

    /// Strikes once, and lets go.
    pub(crate) async fn strike(self, stage: &mut Stage, round: usize, dice: &mut Dice) -> anyhow::Result<()> {
        let calm = if self == Self::Kill { LIFE_MS } else { CALM_MS };
        tokio::time::sleep(dice.millis(calm.0, calm.1)).await;
        stage.history.note(Op::Strikes);
        let least = if round == 0 { FIRST_HOLD_MS } else { HOLD_MS.0 };
        let hold = dice.millis(least, HOLD_MS.1);
        match self {
            Self::Kill => {
                stage.server.kill().await?;
                stage.server.restart().await?;
            }
            Self::Stop => {
                stage.server.signal(Signal::STOP)?;
                tokio::time::sleep(hold).await;
                stage.server.signal(Signal::CONT)?;
            }
            Self::Disk => fill(stage, dice.millis(FULL_MS.0, FULL_MS.1), round).await?,
            Self::Lock => {
                let lock = Lock::take(&stage.data().join("orderbell.db")).await?;
                tokio::time::sleep(hold).await;
                // Every other holder dies rather than let go.
                if round.is_multiple_of(2) { lock.release().await? } else { lock.kill().await? }
            }
            Self::HalfOpen => {
                stage.proxy.set(Weather::FOUL[round % Weather::FOUL.len()]);
                tokio::time::sleep(dice.millis(FOUL_MS.0, FOUL_MS.1)).await;
                stage.proxy.set(Weather::Fair);
            }
            Self::Database => {
                let database = stage.database.as_ref().context("no database to kill")?;
                database.kill();
                tokio::time::sleep(dice.millis(AWAY_MS.0, AWAY_MS.1)).await;
                database.restart();
                stage.note_return().await;
            }
        }
        stage.history.note(Op::Over);
        // Kills come faster than anything could flow in between; all flows in the end, or nothing settles.
        if self == Self::Kill { Ok(()) } else { stage.flows_again().await }
    }

    /// What the run must have seen to have been a test of this fault at all; `None` if it has.
    pub(crate) fn unseen(self, figures: &Figures, riders: usize) -> Option<&'static str> {
        let (seen, what) = match self {
            Self::Kill | Self::Stop => (figures.untold > 0, "no post went without an answer"),
            Self::Disk | Self::Lock | Self::Database => {
                (figures.refused > 0, "no post was answered with 503")
            }
            Self::HalfOpen => (figures.welcomes > 2 * riders, "riders were not cut off"),
        };
        (!seen).then_some(what)
    }
}

/// Keeps the disk full for a while. Every other time the server is killed while it is: what it said yes to until then
/// must be there all the same. A server that has ended is started again when there is room, as a supervisor does.
async fn fill(stage: &mut Stage, hold: Duration, round: usize) -> anyhow::Result<()> {
    let data = stage.data();
    let end = tokio::time::Instant::now() + hold;
    let mut ballast = Ballast::drop_into(&data).context("filling the disk")?;
    while tokio::time::Instant::now() < end {
        ballast.fill()?;
        tokio::time::sleep(REFILL).await;
    }
    if !round.is_multiple_of(2) && stage.server.ended()?.is_none() {
        stage.server.kill().await?;
    }
    drop(ballast);
    stage.revive().await
}
