//! One set of stories, told to every store: what the trait promises holds in each of them.
//! Each story has a fresh store; beside them, random histories are compared, and each database meets its own troubles.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test says what it expects, and its helpers with it"
)]

#[path = "store_conformance/accepting.rs"]
mod accepting;
#[path = "store_conformance/aging.rs"]
mod aging;
#[path = "store_conformance/apps.rs"]
mod apps;
#[path = "store_conformance/audiences.rs"]
mod audiences;
#[path = "store_conformance/bursts.rs"]
mod bursts;
#[path = "store_conformance/callbacks.rs"]
mod callbacks;
#[path = "store_conformance/callbacks_order.rs"]
mod callbacks_order;
#[path = "store_conformance/callbacks_presence.rs"]
mod callbacks_presence;
#[path = "store_conformance/ending.rs"]
mod ending;
#[path = "store_conformance/erasing.rs"]
mod erasing;
#[path = "store_conformance/history.rs"]
mod history;
#[path = "store_conformance/hooks.rs"]
mod hooks;
#[path = "store_conformance/keeping.rs"]
mod keeping;
#[path = "store_conformance/ladders.rs"]
mod ladders;
#[path = "store_conformance/listening.rs"]
mod listening;
#[path = "store_conformance/offers.rs"]
mod offers;
#[path = "store_conformance/orders.rs"]
mod orders;
#[path = "store_conformance/postgres_crowd.rs"]
mod postgres_crowd;
#[path = "store_conformance/postgres_only.rs"]
mod postgres_only;
#[path = "support/postgres.rs"]
mod postgres_server;
#[path = "store_conformance/recipes.rs"]
mod recipes;
#[path = "store_conformance/records.rs"]
mod records;
#[path = "store_conformance/schedules.rs"]
mod schedules;
#[path = "store_conformance/sqlite_only.rs"]
mod sqlite_only;
#[path = "store_conformance/sqlite_schema.rs"]
mod sqlite_schema;
#[path = "store_conformance/stage.rs"]
mod stage;
#[path = "store_conformance/test_mode.rs"]
mod test_mode;
#[path = "store_conformance/told.rs"]
mod told;
#[path = "store_conformance/wechat.rs"]
mod wechat;
#[path = "store_conformance/wechat_messages.rs"]
mod wechat_messages;
#[path = "store_conformance/wordings.rs"]
mod wordings;

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

        mod postgres {
            $($(
                #[tokio::test]
                async fn $story() {
                    let stage = crate::stage::Stage::on_postgres().await;
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
        a_patch_changes_what_it_names
        a_session_makes_a_rider_known
        riders_are_found_by_name
        groups_hold_names_of_riders
        the_newest_twenty_checks_are_kept
        nothing_is_seen_of_another_app
        a_closed_store_is_unavailable
        an_apps_settings_are_replaced
        duty_is_dated_and_begins_anew;
    apps:
        apps_have_names_of_their_own
        a_live_key_has_a_name_of_its_own_in_its_app
        a_key_is_revoked_once
        a_key_has_two_live_secrets_of_a_kind_at_most
        an_app_has_two_live_secrets_of_a_kind_at_most
        a_use_is_noted_and_never_goes_back
        an_apps_limits_are_replaced
        speech_is_counted_by_the_day;
    wordings:
        a_wording_has_versions
        what_is_taken_back_is_a_version_and_not_in_force
        the_newest_twenty_versions_are_kept
        a_wording_that_was_changed_meanwhile_is_a_conflict
        an_app_has_so_many_wordings_of_a_sort
        wordings_of_merchants_and_languages_stand_beside_each_other
        a_stamp_rises_with_what_an_app_saves;
    recipes:
        a_recipe_comes_with_the_sound_of_its_alert
        a_later_sound_brings_its_own_recipe
        a_louder_clip_brings_its_own_recipe
        many_alerts_of_one_clip_keep_one_recipe
        what_waits_for_its_time_keeps_its_recipe_until_then
        a_use_is_noted_once_an_hour
        recipes_are_forgotten_the_longest_unused_first;
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
        many_are_accepted_in_their_order_each_by_itself
        a_target_is_counted_without_being_told
        a_large_audience_is_stored_whole
        events_are_forgotten_and_their_ids_are_free;
    orders:
        older_news_is_dropped_and_the_same_version_passes
        a_cancellation_that_came_first_stops_its_rider_alone
        a_cancellation_without_a_version_stops_for_a_while
        a_cancelled_order_is_remembered_whole
        a_cancelled_order_takes_back_what_has_not_begun
        an_end_stops_the_orders_other_alerts_for_its_riders
        a_reassignment_tells_both_riders
        the_event_may_say_who_had_the_order
        an_order_that_comes_back_is_told_again
        a_newer_alert_of_a_key_takes_the_place_of_the_older
        the_same_is_not_said_again_too_soon
        a_rider_is_told_so_much_in_a_minute
        quiet_hours_hold_back_what_is_not_pressing
        orders_are_forgotten_the_longest_silent_first;
    audiences:
        a_large_audience_is_told_in_parts
        an_audience_is_large_by_those_it_means
        whoever_joins_while_it_is_told_is_told_once
        what_is_cancelled_in_between_is_told_no_further
        an_alert_lives_while_riders_are_left
        a_part_takes_the_place_of_older_alerts
        an_end_for_many_ends_for_everyone
        what_has_its_time_waits_for_it
        a_scheduled_alert_for_nobody_is_completed_in_its_time;
    records:
        alerts_are_found_newest_first
        alerts_are_found_by_what_they_are
        alerts_are_found_by_when_they_came_in
        an_alert_is_listed_with_how_its_deliveries_stand
        pages_follow_each_other_and_hold_everything_once
        a_rider_has_a_history
        what_became_of_deliveries_is_told_in_their_place
        the_groups_of_riders_are_told;
    schedules:
        a_recurring_event_is_kept_instead_of_an_alert
        each_time_happens_once
        a_recurring_event_is_ended_once;
    bursts:
        the_first_goes_out_and_the_others_wait
        several_become_one
        one_that_is_alone_is_released
        a_burst_that_has_changed_is_released;
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
    offers:
        the_first_accept_wins_and_the_others_lose
        two_accepts_in_one_batch_have_one_winner
        the_same_accept_again_gets_the_same_outcome
        an_accept_after_the_time_is_gone_and_noted
        a_declined_offer_ends_for_one
        a_claim_is_pending_until_it_is_settled
        the_right_to_ask_is_taken_by_one_at_a_time
        a_claim_outlives_its_riders_shift
        a_claim_may_be_lost_and_the_offer_goes_on
        a_settlement_that_says_otherwise_is_a_conflict
        a_claim_that_nobody_settles_ends
        who_wins_has_the_order
        a_rider_who_lets_offers_pass_is_noticed;
    ladders:
        each_level_is_taken_once
        a_ring_has_a_number_of_its_own
        steps_that_fell_due_together_keep_their_distance
        the_next_candidate_is_asked_who_may_have_it
        a_decline_asks_the_next_at_once
        a_station_is_added_once
        a_cancelled_order_comes_to_no_more_riders
        an_exhausted_ladder_ends_and_is_noticed
        nothing_is_taken_after_the_end
        a_step_asks_for_requests
        a_fallback_is_taken_before_its_time
        alerts_that_may_need_a_fallback_are_found;
    ending:
        an_alert_is_completed_with_its_last_delivery
        a_cancelled_alert_ends_what_is_open
        a_cancelled_order_ends_all_its_alerts
        expiry_says_what_was_missing
        expiry_has_a_limit_and_takes_the_oldest_first
        going_off_duty_ends_what_asks_for_duty
        reasons_are_told_of_what_has_ended;
    aging:
        texts_go_after_their_alert_has_ended
        an_alert_goes_with_its_deliveries
        a_large_alert_goes_in_slices
        notices_calls_and_checks_go_by_their_age
        callbacks_age_by_how_they_ended
        what_is_over_is_tidied;
    erasing:
        an_erased_rider_leaves_only_a_pseudonym
        an_erased_rider_who_comes_back_counts_on
        an_alert_for_several_goes_on_saying_what_it_says
        an_erased_rider_is_asked_no_more
        an_erasure_is_done_again
        a_last_sight_makes_no_rider
        everything_of_a_rider_is_told
        callbacks_of_an_erased_rider_go_when_they_have_ended;
    test_mode:
        a_rider_is_made_a_test_rider_by_name
        a_test_key_gets_riders_nobody_has_heard_of
        a_test_ends_at_once_for_real_riders
        a_test_id_is_another_than_the_real_one
        two_orders_of_one_name_share_nothing
        an_alert_takes_the_place_of_one_in_its_own_world
        a_large_test_audience_is_told_in_parts
        a_scheduled_test_is_for_those_who_are_test_riders_then
        a_ladder_of_a_test_brings_test_riders
        a_test_offer_has_a_winner_among_test_riders
        who_becomes_real_is_told_no_test_any_more
        tests_and_what_is_real_are_not_told_in_one_sentence
        a_recurring_test_is_ended_by_whoever_may;
    callbacks:
        nothing_is_kept_that_nobody_wants
        the_address_of_an_event_hears_everything_about_it
        targets_hear_the_kinds_they_want
        a_callback_says_what_became_true
        every_end_is_told_once
        an_alert_that_nobody_can_hear_is_told_of
        a_large_audience_is_unheard_when_all_are_told
        targets_are_kept_changed_and_counted
        a_stopped_target_keeps_what_waits_and_gets_nothing_new
        a_removed_target_gives_up_what_waits
        a_test_goes_to_one_target
        a_test_is_told_as_such
        callbacks_are_found_by_what_they_are;
    callbacks_order:
        an_alert_is_told_in_its_order
        alerts_do_not_wait_for_each_other
        whoever_claims_has_it_until_the_lease_ends
        what_failed_is_tried_again_and_its_lane_waits
        resting_destinations_are_left_and_count_no_try
        no_destination_takes_all_places
        a_dead_one_lets_the_next_go
        gone_ends_all_that_waits_and_stops_the_target
        what_has_ended_goes_once_more_behind_what_waits
        many_go_once_more_by_a_filter
        a_batch_is_one_request_and_stays_so
        the_newest_tries_are_kept;
    hooks:
        a_hook_is_kept_changed_and_found_by_its_id
        an_app_has_so_many_hooks
        a_change_of_another_version_is_a_conflict
        a_removed_hook_takes_its_requests_along
        the_newest_requests_of_each_verdict_are_kept
        requests_come_in_pages_newest_first
        nobody_sees_requests_of_another_app
        old_requests_go_the_oldest_first
        requests_that_name_an_erased_rider_go
        an_order_is_remembered_for_who_asks;
    wechat:
        a_login_is_nobodys_until_it_is_linked
        a_code_is_good_once_and_not_for_long
        a_code_that_chance_gave_twice_names_nobody
        of_many_who_link_one_has_it
        whoever_is_another_rider_stays_it
        one_link_holds_in_all_programs_of_a_maker
        somebody_is_linked_before_they_log_in
        consents_are_kept_of_the_last_phone_up_to_a_bound
        consents_to_another_template_are_worth_nothing
        an_unlinked_rider_is_nobody
        strangers_are_forgotten_the_longest_away_first
        an_erased_rider_is_nobody_in_wechat;
    wechat_messages:
        a_consent_is_spent_where_nobody_hears_an_alert
        nothing_is_spent_where_messages_are_off_or_somebody_hears
        an_alert_costs_a_rider_one_consent
        who_leaves_last_takes_the_others_along
        several_alerts_of_one_write_share_what_is_left
        the_best_template_is_used_first
        a_crowd_costs_nobody_a_consent
        an_audience_told_in_parts_is_written_to_when_all_are_told
        many_at_once_spend_no_more_than_there_is
        an_unlinked_rider_is_not_written_to
        a_message_is_one_senders_at_a_time
        an_end_says_what_is_left
        messages_age_and_go_with_their_alert;
    callbacks_presence:
        who_comes_and_goes_is_told_after_a_while
        nobody_is_noted_whose_app_does_not_ask
        a_change_that_comes_up_meanwhile_is_still_due
        whoever_was_told_to_be_there_is_doubted_after_a_restart
        a_rider_who_comes_and_goes_all_the_time_is_not_put_off
        an_erased_rider_is_told_of_no_more;
}
