//! The error catalogue: every word that stands in `error`, with its status, its meaning and what a caller does about it.
//! A test holds it to the source, to docs/errors.md and to the document of the API; a new word is one entry here.

use serde::Serialize;

/// One word.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Entry {
    /// The word in `error`.
    pub error: &'static str,
    /// The HTTP status it comes with.
    pub status: u16,
    /// When it is given.
    pub when: &'static str,
    /// What the caller does.
    pub remedy: &'static str,
}

/// The entry of a word.
#[must_use]
pub fn entry(error: &str) -> Option<&'static Entry> {
    CATALOGUE.iter().find(|entry| entry.error == error)
}

const fn entry_of(status: u16, error: &'static str, when: &'static str, remedy: &'static str) -> Entry {
    Entry { error, status, when, remedy }
}

const MEND: &str = "Mend the request; the same again is refused again.";
const MEND_MEMBER: &str = "Mend the member at `pointer`; the same again is refused again.";
const AGAIN: &str = "Send the same again after `Retry-After`.";

/// All of them, by status.
pub const CATALOGUE: &[Entry] = &[
    entry_of(400, "malformed_json", "The body is not JSON, not UTF-8, or something stands behind it.", MEND),
    entry_of(
        400,
        "duplicate_member",
        "A member appears twice: two parsers could read it differently.",
        MEND_MEMBER,
    ),
    entry_of(
        400,
        "control_character",
        "A text holds control characters other than tab and line breaks.",
        MEND_MEMBER,
    ),
    entry_of(400, "number_too_large", "A number so large that it would be rounded.", "Send it as text."),
    entry_of(400, "too_deep", "Nested more than 16 levels deep.", MEND_MEMBER),
    entry_of(400, "wrong_type", "A member is of another type.", MEND_MEMBER),
    entry_of(400, "missing_member", "A member that must be there is not.", MEND_MEMBER),
    entry_of(400, "unknown_member", "There is no such member.", MEND_MEMBER),
    entry_of(400, "unknown_value", "A word that is none of those that may stand there.", MEND_MEMBER),
    entry_of(400, "out_of_range", "A number outside its bounds.", MEND_MEMBER),
    entry_of(400, "too_long", "A text or an object longer than it may be.", MEND_MEMBER),
    entry_of(400, "too_many", "A list or an object of more than it may have.", MEND_MEMBER),
    entry_of(400, "bad_value", "A text that is not written as it must be.", MEND_MEMBER),
    entry_of(
        400,
        "bad_id",
        "An id that is empty, over 128 characters, or holds white space or control characters.",
        MEND_MEMBER,
    ),
    entry_of(
        400,
        "bad_time",
        "Neither RFC 3339 with an offset nor epoch seconds or milliseconds; or too far ahead.",
        MEND_MEMBER,
    ),
    entry_of(400, "bad_url", "Not an http(s) URL.", MEND_MEMBER),
    entry_of(400, "bad_text", "A text that cannot be spoken.", MEND_MEMBER),
    entry_of(
        400,
        "bad_phrase",
        "A phrase that does not compile, or that could never be said; the detail tells why.",
        MEND_MEMBER,
    ),
    entry_of(
        400,
        "bad_expression",
        "An expression or a template of a hook's profile that does not compile; the detail tells where and why.",
        MEND_MEMBER,
    ),
    entry_of(
        400,
        "unknown_preset",
        "There is no preset of this name for hooks.",
        "Take one of `GET /v1/hooks/presets`.",
    ),
    entry_of(400, "bad_lexicon", "A word of a lexicon that no voice could read so.", MEND_MEMBER),
    entry_of(400, "unknown_voice", "There is no voice of this name.", MEND_MEMBER),
    entry_of(400, "not_together", "Two members that exclude each other.", MEND_MEMBER),
    entry_of(400, "unknown_step", "A ladder step that does nothing we know.", MEND_MEMBER),
    entry_of(400, "out_of_order", "Ladder steps that are not in the order of `after_s`.", MEND_MEMBER),
    entry_of(400, "no_candidates", "The step `next` in an event without `offer.candidates`.", MEND_MEMBER),
    entry_of(
        400,
        "bad_call",
        "A ladder's `http` call that cannot be made or filled in; the detail says why.",
        MEND_MEMBER,
    ),
    entry_of(
        400,
        "url_not_allowed",
        "A URL that may not be called: not https, or not a public address.",
        MEND_MEMBER,
    ),
    entry_of(
        400,
        "bad_recurrence",
        "No cron expression of five fields, or one that never comes.",
        MEND_MEMBER,
    ),
    entry_of(400, "not_offered", "A settlement for a rider who was not offered the alert.", MEND_MEMBER),
    entry_of(400, "bad_query", "A parameter of the query that is not as described.", MEND),
    entry_of(
        400,
        "bad_cursor",
        "A cursor that this list has not given, or not with these parameters.",
        "Begin again without one.",
    ),
    entry_of(400, "bad_period", "`since` is not before `until`.", MEND),
    entry_of(
        400,
        "too_wide",
        "The report would look at more deliveries, have more rows, or span more time than it may; the detail says which.",
        "Ask for less time, one station, rider or kind; or group by less.",
    ),
    entry_of(400, "bad_path", "The path is not UTF-8, percent-encoded.", MEND),
    entry_of(400, "unknown_kind", "There is no such kind, or it has no phrase.", MEND_MEMBER),
    entry_of(
        400,
        "unknown_callback_kind",
        "There is no such kind of callbacks, and no such family.",
        MEND_MEMBER,
    ),
    entry_of(400, "empty_target", "The event names no rider and no group, and is no broadcast.", MEND_MEMBER),
    entry_of(400, "not_supported", "A member that this server does not offer.", MEND_MEMBER),
    entry_of(400, "bad_length", "Silence of less than a second or more than an hour.", MEND),
    entry_of(400, "bad_kind", "A kind of silence that there is not, or not in this format.", MEND),
    entry_of(400, "bad_handshake", "Not the key of a WebSocket handshake.", MEND),
    entry_of(400, "unknown_protocol", "A WebSocket subprotocol other than `orderbell.v1`.", MEND),
    entry_of(400, "bad_frame", "Not a report or an answer.", MEND_MEMBER),
    entry_of(
        400,
        "unreadable",
        "A hook cannot read the body: not as its profile says, in another charset, or nested too deep.",
        MEND,
    ),
    entry_of(
        400,
        "wechat_code",
        "WeChat does not take the code of a sign-in: invalid, older than five minutes, or used.",
        "Call `wx.login` and sign in with the fresh code.",
    ),
    entry_of(400, "broken_body", "The body broke off.", "Send the same again."),
    entry_of(
        400,
        "bad_cloudevent",
        "An attribute of a CloudEvent is missing or cannot be; of a header the name stands in the detail.",
        MEND,
    ),
    entry_of(400, "bad_request_line", "The request does not begin with `METHOD /path HTTP/1.1`.", MEND),
    entry_of(400, "bad_header", "A header line is not `name: value`.", MEND),
    entry_of(400, "bad_host", "Not one `Host` with a name or an address.", MEND),
    entry_of(400, "bad_framing", "Two lengths, or chunked with a length, or trailers.", MEND),
    entry_of(
        401,
        "bad_key",
        "No live API key: missing, unknown, revoked and malformed are the same.",
        "Use a live key.",
    ),
    entry_of(
        401,
        "bad_signature",
        "A header of a signed request is missing, doubled or malformed, or no live key has signed it; at a hook, its sender's \
            own signature or token is missing or wrong.",
        "Sign the body as it is sent, with a live secret.",
    ),
    entry_of(
        401,
        "signature_expired",
        "`webhook-timestamp` is too far off our clock.",
        "Set your clock, and sign each attempt anew.",
    ),
    entry_of(401, "bad_token", "The rider's token is missing or not good.", "Get a fresh token."),
    entry_of(401, "token_expired", "The rider's token has expired.", "Get a fresh token."),
    entry_of(
        403,
        "missing_scope",
        "The key is good, but not for this.",
        "Use a key with the scope in the detail.",
    ),
    entry_of(
        403,
        "bad_url_signature",
        "The URL of a clip is not signed by this server, or was changed.",
        "Take the URL as it was given.",
    ),
    entry_of(403, "url_expired", "The URL of a clip was good until its `exp`.", "Ask for the alert again."),
    entry_of(
        403,
        "not_allowed",
        "A hook does not take requests from this sender or address.",
        "Its owner says who may send.",
    ),
    entry_of(
        403,
        "wechat_refused",
        "WeChat does not let this account sign in: it holds it to be at risk.",
        "The rider sorts it out with WeChat; give them a token another way.",
    ),
    entry_of(403, "test_key", "A key for tests would change what real riders hear.", "Use a live key."),
    entry_of(404, "not_found", "There is none, or it belongs to another app.", MEND),
    entry_of(
        404,
        "not_configured",
        "The operator has set up no WeChat mini-program, or none of this id or this app.",
        "Set it up: `[wechat.programs]` of the configuration.",
    ),
    entry_of(
        404,
        "unknown_link",
        "Nobody was shown this link code, or it was used or is too old.",
        "The rider signs in again and shows the fresh one.",
    ),
    entry_of(405, "method_not_allowed", "The address takes other methods; `Allow` lists them.", MEND),
    entry_of(408, "too_slow", "The body did not arrive in time.", "Send the same again."),
    entry_of(
        409,
        "event_id_conflict",
        "The id was used for another event within 7 days.",
        "Give the event an id of its own.",
    ),
    entry_of(
        409,
        "not_a_test_rider",
        "A key for tests writes a rider, or asks for a token of one, who is real.",
        "Use a test rider, or a live key.",
    ),
    entry_of(
        409,
        "version_conflict",
        "It was changed since the version in `if_version`; nothing was done.",
        "Look at it, and save on top of the newest version.",
    ),
    entry_of(409, "already_warming", "A job of the app that makes speech is running.", "Wait for its end."),
    entry_of(409, "taken", "A name that must be unique is taken.", "Choose another."),
    entry_of(409, "no_offer", "A settlement of an alert that is no offer.", MEND),
    entry_of(
        409,
        "already_settled",
        "The offer was decided otherwise, or is void.",
        "Look at the alert: what it says stays.",
    ),
    entry_of(
        409,
        "too_many_targets",
        "The app has as many targets of callbacks as it may.",
        "Change one, or delete one first.",
    ),
    entry_of(
        409,
        "too_many_hooks",
        "The app has as many hooks as it may.",
        "Change one, or delete one first.",
    ),
    entry_of(
        409,
        "not_kept",
        "A request to a hook was too large to be kept whole, and cannot be done once more.",
        "Have its sender send it again.",
    ),
    entry_of(409, "target_stopped", "The target of callbacks is stopped.", "Resume it first."),
    entry_of(409, "target_gone", "The target that a callback was for was deleted.", MEND),
    entry_of(
        409,
        "callback_waiting",
        "The callback has not ended: it is sent anyway.",
        "Look at its `due_at`; there is nothing to do.",
    ),
    entry_of(
        409,
        "wechat_taken",
        "Whoever this is in WeChat is linked to another rider.",
        "Unlink that one first: `DELETE /v1/riders/{id}/wechat`.",
    ),
    entry_of(
        413,
        "too_large",
        "The body is larger than is taken; the detail says how much is.",
        "Send less at once.",
    ),
    entry_of(414, "uri_too_long", "Path and query are too long.", MEND),
    entry_of(
        415,
        "unsupported_media_type",
        "Not `application/json` in UTF-8 (events: any `application/*+json`), or compressed.",
        MEND,
    ),
    entry_of(416, "bad_range", "There are no such bytes; `Content-Range` tells how many there are.", MEND),
    entry_of(426, "upgrade_required", "The address speaks WebSocket, version 13.", MEND),
    entry_of(
        429,
        "too_many_requests",
        "More events than the app may post, requests than a hook takes, or sign-ins of an address or a person, now; nothing was done.",
        AGAIN,
    ),
    entry_of(429, "speech_budget", "The app's speech budget of the day is used up.", AGAIN),
    entry_of(429, "byte_budget", "This address has fetched its hour's silence.", AGAIN),
    entry_of(
        429,
        "too_many_connections",
        "Too many rider sockets are open from this address, or of this app.",
        AGAIN,
    ),
    entry_of(431, "headers_too_large", "Too many header lines, or too long ones.", MEND),
    entry_of(
        500,
        "internal",
        "Our fault; the log tells more under the same `request_id`.",
        "Send the same again, with the same id; tell us.",
    ),
    entry_of(
        503,
        "outcome_unknown",
        "The disk failed during the commit: it may be done or not.",
        "Send the same again, with the same id.",
    ),
    entry_of(503, "unavailable", "Nothing was done.", AGAIN),
    entry_of(
        503,
        "wechat_unavailable",
        "WeChat does not answer, or not as it should; nothing was done.",
        AGAIN,
    ),
    entry_of(505, "http_version", "Neither HTTP/1.1 nor 1.0.", "Speak HTTP/1.1."),
];
