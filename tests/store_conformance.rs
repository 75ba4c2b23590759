//! One set of stories, told to every store: what the trait promises holds in each of them.
//! Each story has a fresh store; beside them, random histories are compared, and SQLite meets its own troubles.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test says what it expects, and its helpers with it"
)]

#[path = "store_conformance/accepting.rs"]
mod accepting;
#[path = "store_conformance/ending.rs"]
mod ending;
#[path = "store_conformance/history.rs"]
mod history;
#[path = "store_conformance/keeping.rs"]
mod keeping;
#[path = "store_conformance/listening.rs"]
mod listening;
#[path = "store_conformance/sqlite_only.rs"]
mod sqlite_only;
#[path = "store_conformance/stage.rs"]
mod stage;
#[path = "store_conformance/told.rs"]
mod told;

macro_rules! stories {
    ($($chapter:ident: $($story:ident)*;)*) => {
        mod model {
            $($(
                #[tokio::test]
                async fn $story() {
                    let stage = crate::stage::Stage::on_model().await;
                    crate::$chapter::$story(&stage).await;
                    stage.strike().await;
                }
            )*)*
        }

        mod sqlite {
            $($(
                #[tokio::test]
                async fn $story() {
                    let stage = crate::stage::Stage::on_sqlite().await;
                    crate::$chapter::$story(&stage).await;
                    stage.strike().await;
                }
            )*)*
        }
    };
}

stories! {
    keeping:
        an_epoch_is_told
        apps_have_names_of_their_own
        a_live_key_has_a_name_of_its_own_in_its_app
        a_key_is_revoked_once
        a_patch_changes_what_it_names
        a_session_makes_a_rider_known
        riders_are_found_by_name
        groups_hold_names_of_riders
        phrases_are_set_and_taken_back
        the_newest_twenty_checks_are_kept
        nothing_is_seen_of_another_app
        a_closed_store_is_unavailable;
    accepting:
        an_event_is_answered_with_its_deliveries
        a_silent_event_is_remembered
        the_same_event_gets_the_same_answer
        another_event_under_the_same_id_is_a_conflict
        fifty_at_once_make_one
        the_scope_of_an_id_is_app_and_source
        riders_are_told_apart_by_what_is_known
        riders_off_duty_are_suppressed
        duty_may_not_matter
        a_target_is_resolved_in_order_of_naming
        a_group_is_as_it_is_at_the_commit
        everyone_known_hears_a_broadcast
        whoever_is_excluded_is_not_even_made
        an_alert_for_nobody_is_completed_at_once
        seq_rises_by_one_for_each_rider
        a_large_audience_is_stored_whole
        events_are_forgotten_and_their_ids_are_free;
    listening:
        nothing_is_open_before_it_has_its_sound
        a_sound_that_is_there_already_is_committed_with_its_alert
        what_is_open_comes_most_urgent_first
        a_later_sound_replaces_an_earlier_one
        what_has_no_sound_is_found_oldest_first
        progress_is_kept_and_a_repetition_changes_nothing
        changes_apply_in_their_order
        an_answer_is_recorded_once
        what_is_told_at_once_is_told_one_by_one
        a_late_receipt_is_noted
        a_stranger_has_no_such_delivery
        a_lost_bell_is_found;
    ending:
        an_alert_is_completed_with_its_last_delivery
        a_cancelled_alert_ends_what_is_open
        a_cancelled_order_ends_all_its_alerts
        expiry_says_what_was_missing
        expiry_has_a_limit_and_takes_the_oldest_first
        going_off_duty_ends_what_asks_for_duty
        an_erased_rider_leaves_only_what_has_ended
        an_erased_rider_who_comes_back_goes_on_counting
        reasons_are_told_of_what_has_ended;
}
