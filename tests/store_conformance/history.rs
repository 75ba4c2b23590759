//! Random histories: whatever is done, in whatever order, SQLite answers as the model does.
//! Ids, entropy and the clock are counted, so equal histories are told in equal words.

#[path = "history/steps.rs"]
mod steps;
#[path = "history/teller.rs"]
mod teller;
#[path = "history/told.rs"]
mod told;

use proptest::prelude::*;

use self::steps::step;
use self::teller::Teller;
use crate::stage::Stage;

/// Milliseconds from one step of a history to the next: a few of them make a ladder's second.
const PACE_MS: usize = 400;

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sqlite_answers_as_the_model_does(steps in proptest::collection::vec(step(), 1..80)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut model = Teller::new(Stage::on_model().await);
            let mut sqlite = Teller::new(Stage::on_sqlite().await);
            for (now, step) in (100..).step_by(PACE_MS).zip(&steps) {
                let (expected, found) = (model.take(step, now).await, sqlite.take(step, now).await);
                prop_assert_eq!(expected, found, "{:?} at {}", step, now);
            }
            let end = 100_000;
            let (expected, found) = (model.everything(end).await, sqlite.everything(end).await);
            for (expected, found) in expected.into_iter().zip(found) {
                prop_assert_eq!(expected, found);
            }
            sqlite.strike().await;
            Ok(())
        })?;
    }
}
