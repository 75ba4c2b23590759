//! Random histories: whatever is done, in whatever order, every database answers as the model does.
//! Ids, entropy and the clock are counted, so equal histories are told in equal words.

#[path = "history/steps.rs"]
mod steps;
#[path = "history/teller.rs"]
mod teller;
#[path = "history/told.rs"]
mod told;

use proptest::prelude::*;

use self::steps::{Step, step};
use self::teller::Teller;
use crate::stage::Stage;

/// Milliseconds from one step of a history to the next: a few of them make a ladder's second.
const PACE_MS: usize = 400;

/// Where a history is told beside the model.
#[derive(Clone, Copy)]
enum Beside {
    Sqlite,
    Postgres,
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

fn tell(beside: Beside, steps: &[Step]) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut model = Teller::new(Stage::on_model().await);
        let mut other = Teller::new(match beside {
            Beside::Sqlite => Stage::on_sqlite().await,
            Beside::Postgres => Stage::on_postgres().await,
        });
        for (now, step) in (100..).step_by(PACE_MS).zip(steps) {
            let (expected, found) = (model.take(step, now).await, other.take(step, now).await);
            prop_assert_eq!(expected, found, "{:?} at {}", step, now);
        }
        let end = 100_000;
        let (expected, found) = (model.everything(end).await, other.everything(end).await);
        for (expected, found) in expected.into_iter().zip(found) {
            prop_assert_eq!(expected, found);
        }
        other.strike().await;
        Ok(())
    })
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn sqlite_answers_as_the_model_does(steps in proptest::collection::vec(step(), 1..80)) {
        tell(Beside::Sqlite, &steps)?;
    }
}

proptest! {
    #![proptest_config(cases(32))]

    #[test]
    fn postgres_answers_as_the_model_does(steps in proptest::collection::vec(step(), 1..80)) {
        tell(Beside::Postgres, &steps)?;
    }
}
