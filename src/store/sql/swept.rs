//! The questions that sweeps and busy calls ask, each with the index that SQLite must use for it; and which tables grow.

use std::collections::BTreeSet;

use super::book::plans as book;
use super::callbacks::plans as callbacks;
use super::db::Text;
use super::wechat::plans as wechat;
use super::{
    aging, audience, bursts, calls, deliveries, erasing, hooks, offers, recipes, rider_file, schedules,
    steps, targets, wordings,
};

/// The questions, and words that SQLite's plan for each must contain.
pub(in crate::store) fn swept() -> [(Text, &'static str); 54] {
    [
        (steps::DUE.into(), "INDEX alerts_step_due"),
        (targets::DUE, "INDEX alerts_unrolling"),
        (targets::NEXT, "riders USING PRIMARY KEY (app_id=? AND id>?)"),
        (targets::NEXT, "group_members_rider (app_id=? AND rider_id>?)"),
        (audience::COUNT, "riders USING PRIMARY KEY (app_id=?)"),
        (audience::SELECT_KNOWN.into(), "riders USING PRIMARY KEY (app_id=?)"),
        (bursts::DUE.into(), "INDEX deliveries_held"),
        (offers::DUE_ASKS.into(), "INDEX deliveries_ask_due"),
        (calls::DUE.into(), "INDEX calls_due"),
        (schedules::DUE.into(), "INDEX schedules_due"),
        (deliveries::SELECT_PENDING, "INDEX alerts_rendered"),
        (deliveries::SELECT_PENDING, "INDEX deliveries_rung"),
        (book::DUE, "INDEX deliveries_open_expires"),
        (book::EMPTY_AND_DUE, "INDEX alerts_empty"),
        (book::HEADS_OF_ORDERS, "INDEX alerts_order"),
        (book::OPEN_THAT_MATCH, "INDEX deliveries_open_rider"),
        (book::OPEN_OF_RIDER, "INDEX deliveries_open_rider"),
        (steps::LADDERED.into(), "INDEX deliveries_open_rider"),
        (recipes::FORGET, "INDEX clip_recipes_used_at"),
        (wordings::STAMP.into(), "INDEX wordings_app"),
        (aging::ENDED_ALERTS, "INDEX alerts_ended (app_id=? AND texts_gone=? AND ended_at>? AND ended_at<?)"),
        (aging::DELETE_NOTICES.into(), "INDEX notices_app (app_id=?)"),
        (aging::DELETE_CALLS.into(), "INDEX calls_ended (app_id=? AND ended_at>? AND ended_at<?)"),
        (
            aging::DELETE_CALLBACKS.into(),
            "INDEX callbacks_ended (app_id=? AND state=? AND ended_at>? AND ended_at<?)",
        ),
        (aging::DELETE_OF_ERASED.into(), "INDEX callbacks_of_erased"),
        (aging::DELETE_CHECKS.into(), "INDEX device_checks_at (app_id=? AND at<?)"),
        (aging::DELETE_SCHEDULES.into(), "INDEX schedules_ended"),
        (aging::DELETE_ERASURES.into(), "INDEX erasures_at (at<?)"),
        (erasing::THEIRS, "(app_id=? AND rider_id=? AND seq<?)"),
        (erasing::RENAME_NOTICES.into(), "INDEX notices_rider (app_id=? AND rider_id=?)"),
        (erasing::DELETE_PRESENCE.into(), "INDEX callbacks_rider (app_id=? AND rider_id=?)"),
        (erasing::OFFERS, "INDEX alerts_candidates (app_id=?)"),
        (rider_file::DELIVERIES.into(), "(app_id=? AND rider_id=? AND seq>?)"),
        (callbacks::WANTED, "INDEX callback_targets_app"),
        (callbacks::PROMOTE, "INDEX callbacks_lane"),
        (callbacks::CANDIDATES, "c USING COVERING INDEX callbacks_due (app_id=? AND destination>?)"),
        (
            callbacks::CANDIDATES,
            "x USING COVERING INDEX callbacks_due (app_id=? AND destination=? AND due_at>? AND due_at<?)",
        ),
        (callbacks::DUE.into(), "INDEX riders_presence_due"),
        (callbacks::DOUBT.into(), "INDEX riders_told_online"),
        (callbacks::LIST.into(), "INDEX callbacks_app"),
        (callbacks::LIST_OF_ALERT.into(), "INDEX callbacks_alert"),
        (hooks::LIST.into(), "INDEX hook_deliveries_hook (hook_id=? AND id<?)"),
        (hooks::LIST_OF_VERDICT.into(), "INDEX hook_deliveries_verdict (hook_id=? AND verdict=? AND id<?)"),
        (hooks::FORGET.into(), "INDEX hook_deliveries_at (at<?)"),
        (hooks::NAMING, "INDEX hook_deliveries_riders (app_id=?)"),
        (wechat::ELSEWHERE.into(), "INDEX wechat_identities_union (app_id=? AND unionid=?)"),
        (wechat::BY_CODE, "INDEX wechat_identities_link (app_id=? AND link_hash=?)"),
        (wechat::OF_RIDER.into(), "INDEX wechat_identities_rider (app_id=? AND rider_id=?)"),
        (wechat::BANK, "i USING INDEX wechat_identities_rider (app_id=? AND rider_id=? AND program=?)"),
        (wechat::FORGET.into(), "INDEX wechat_identities_unbound (last_login_at<?)"),
        (wechat::WILLING, "i USING INDEX wechat_identities_rider (app_id=? AND rider_id=? AND program=?)"),
        (wechat::DUE.into(), "INDEX wechat_messages_due (due_at>? AND due_at<?)"),
        (wechat::FILE.into(), "INDEX wechat_messages_rider (app_id=? AND rider_id=?)"),
        (
            aging::DELETE_MESSAGES.into(),
            "INDEX wechat_messages_ended (app_id=? AND ended_at>? AND ended_at<?)",
        ),
    ]
}

/// Tables that grow with what happens: nothing may walk them.
const GROWING: [&str; 11] = [
    "alerts",
    "deliveries",
    "events",
    "orders",
    "riders",
    "notices",
    "calls",
    "callbacks",
    "callback_attempts",
    "hook_deliveries",
    "wechat_messages",
];

/// The tables of a statement that grow, by their names and by those that the statement gives them.
pub(in crate::store) fn grown_in(statement: &'static str) -> BTreeSet<&'static str> {
    let words = statement.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let mut grown = BTreeSet::new();
    for (place, table) in words.iter().enumerate().filter(|(_, word)| GROWING.contains(word)) {
        grown.insert(*table);
        if words.get(place + 1) == Some(&"AS") {
            grown.extend(words.get(place + 2));
        }
    }
    grown
}
