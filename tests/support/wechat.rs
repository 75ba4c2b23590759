//! WeChat's API as its documentation describes it, on a port of its own: codes that are good once, access tokens, consents
//! and messages whose every field is judged. What a test wants to go wrong is said beforehand.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};

use crate::fake::{Answer, Fake, Request};

/// The calls that there are.
pub(crate) const LOGIN: &str = "/sns/jscode2session";
pub(crate) const TOKEN: &str = "/cgi-bin/stable_token";
pub(crate) const SEND: &str = "/cgi-bin/message/subscribe/send";

/// The session key that comes with every sign-in: it must be nowhere afterwards.
pub(crate) const SESSION_KEY: &str = "c2Vzc2lvbi1rZXktbm9ib2R5";

/// WeChat, until it is dropped.
pub(crate) struct Wechat {
    fake: Fake,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// Secrets by appid.
    programs: HashMap<String, String>,
    /// Who stands behind a code: program, openid, unionid.
    codes: HashMap<String, Person>,
    used: HashSet<String>,
    /// The token of each program that is good now, and those that were.
    tokens: HashMap<String, String>,
    expired: HashSet<String>,
    tokens_made: u32,
    /// The fields of each template.
    templates: HashMap<String, Vec<String>>,
    /// Openids that there are, and what they agreed to: openid and template.
    people: HashSet<String>,
    consents: HashMap<(String, String), u32>,
    /// Messages taken, in order.
    messages: Vec<Value>,
    /// What is answered next to a path instead of the right answer.
    instead: BTreeMap<&'static str, VecDeque<Answer>>,
}

#[derive(Clone)]
struct Person {
    appid: String,
    openid: String,
    unionid: Option<String>,
}

impl Wechat {
    /// One that knows this program.
    pub(crate) async fn with(appid: &str, secret: &str) -> Self {
        let state = Arc::<Mutex<State>>::default();
        let answering = Arc::clone(&state);
        let fake = Fake::start(move |request| locked(&answering).answer(request)).await;
        let wechat = Self { fake, state };
        wechat.add_program(appid, secret);
        wechat
    }

    /// Where it is, as `wechat.api_url`.
    pub(crate) fn url(&self) -> String {
        self.fake.url()
    }

    pub(crate) fn add_program(&self, appid: &str, secret: &str) {
        self.state().programs.insert(appid.to_owned(), secret.to_owned());
    }

    /// A code that `wx.login` has given this person.
    pub(crate) fn add_code(&self, code: &str, appid: &str, openid: &str, unionid: Option<&str>) {
        let (appid, openid) = (appid.to_owned(), openid.to_owned());
        let mut state = self.state();
        state.people.insert(openid.clone());
        state.codes.insert(code.to_owned(), Person { appid, openid, unionid: unionid.map(str::to_owned) });
    }

    /// A template and its fields.
    pub(crate) fn add_template(&self, template: &str, fields: &[&str]) {
        let fields = fields.iter().map(|field| (*field).to_owned()).collect();
        self.state().templates.insert(template.to_owned(), fields);
    }

    /// The person has tapped "allow" so often.
    pub(crate) fn consent(&self, openid: &str, template: &str, times: u32) {
        let mut state = self.state();
        state.people.insert(openid.to_owned());
        *state.consents.entry((openid.to_owned(), template.to_owned())).or_default() += times;
    }

    /// Answers the next request to this path so, instead of rightly.
    pub(crate) fn instead(&self, path: &'static str, answer: Answer) {
        self.state().instead.entry(path).or_default().push_back(answer);
    }

    /// Answers the next request to this path with this code.
    pub(crate) fn refuse(&self, path: &'static str, code: i64) {
        self.instead(path, error(code, "as the test wants it, rid: 6543-21"));
    }

    /// Ends the tokens that are good now.
    pub(crate) fn expire_tokens(&self) {
        let mut state = self.state();
        let old: Vec<String> = state.tokens.drain().map(|(_, token)| token).collect();
        state.expired.extend(old);
    }

    /// The messages that it has taken.
    pub(crate) fn messages(&self) -> Vec<Value> {
        self.state().messages.clone()
    }

    /// How often this path was asked for.
    pub(crate) fn asked(&self, path: &str) -> usize {
        self.requests(path).len()
    }

    /// What was sent to this path.
    pub(crate) fn requests(&self, path: &str) -> Vec<Request> {
        self.fake.requests().into_iter().filter(|request| path_of(request) == path).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        locked(&self.state)
    }
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap()
}

impl State {
    fn answer(&mut self, request: &Request) -> Answer {
        let path = path_of(request);
        if let Some(answer) = self.instead.get_mut(path).and_then(VecDeque::pop_front) {
            return answer;
        }
        match path {
            LOGIN => self.login(request),
            TOKEN => self.token(request),
            SEND => self.send(request),
            _ => Answer::with(404, "text/html", "<html><body>404</body></html>"),
        }
    }

    fn login(&mut self, request: &Request) -> Answer {
        if request.method != "GET" {
            return error(43001, "require GET method");
        }
        let query = query_of(request);
        let value = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
        if value("grant_type") != "authorization_code" {
            return error(40002, "invalid grant_type");
        }
        if let Some(refused) = self.judge_program(value("appid"), value("secret")) {
            return refused;
        }
        let code = value("js_code");
        if code.is_empty() {
            return error(41008, "missing code");
        }
        if self.used.contains(code) {
            return error(40163, &format!("code been used: {code}, rid: 6543-21"));
        }
        let Some(person) = self.codes.remove(code).filter(|person| person.appid == value("appid")) else {
            return error(40029, &format!("invalid code: {code}, rid: 6543-21"));
        };
        self.used.insert(code.to_owned());
        let mut told = json!({"session_key": SESSION_KEY, "openid": person.openid});
        if let Some(unionid) = person.unionid {
            told["unionid"] = json!(unionid);
        }
        text(&told)
    }

    fn token(&mut self, request: &Request) -> Answer {
        if request.method != "POST" {
            return error(43002, "require POST method");
        }
        let body = request.json();
        let value = |name: &str| body[name].as_str().unwrap_or_default();
        if value("grant_type") != "client_credential" {
            return error(40002, "invalid grant_type");
        }
        if let Some(refused) = self.judge_program(value("appid"), value("secret")) {
            return refused;
        }
        assert_eq!(body["force_refresh"], false, "that ends the tokens of the backend's other programs");
        let made = self.tokens.get(value("appid")).cloned().unwrap_or_else(|| {
            self.tokens_made += 1;
            format!("64_access-token_{}", self.tokens_made)
        });
        self.tokens.insert(value("appid").to_owned(), made.clone());
        Answer::json(200, &json!({"access_token": made, "expires_in": 7200}))
    }

    fn send(&mut self, request: &Request) -> Answer {
        if request.method != "POST" {
            return error(43002, "require POST method");
        }
        let query = query_of(request);
        let token = query.get("access_token").map(String::as_str).unwrap_or_default();
        if self.expired.contains(token) {
            return error(42001, "access_token expired");
        }
        if !self.tokens.values().any(|good| good == token) {
            return error(40001, "invalid credential, access_token is invalid or not latest");
        }
        let message = request.json();
        let value = |name: &str| message[name].as_str().unwrap_or_default();
        let openid = value("touser").to_owned();
        if !self.people.contains(&openid) {
            return error(40003, "invalid openid");
        }
        let template = value("template_id").to_owned();
        let Some(fields) = self.templates.get(&template) else {
            return error(40037, "invalid template_id");
        };
        if value("page").starts_with('/') {
            return error(41030, "invalid page");
        }
        for field in fields {
            let filled = message["data"][field]["value"].as_str().unwrap_or_default();
            if !may_stand(field, filled) {
                return error(47003, &format!("argument invalid! data.{field}.value invalid, rid: 6543-21"));
            }
        }
        match self.consents.get_mut(&(openid, template)) {
            Some(left) if *left > 0 => *left -= 1,
            Some(_) | None => return error(43101, "user refuse to accept the msg"),
        }
        self.messages.push(message);
        text(&json!({"errcode": 0, "errmsg": "ok", "msgid": self.messages.len()}))
    }

    fn judge_program(&self, appid: &str, secret: &str) -> Option<Answer> {
        match self.programs.get(appid) {
            None => Some(error(40013, "invalid appid")),
            Some(known) if known != secret => Some(error(40125, "invalid appsecret")),
            Some(_) => None,
        }
    }
}

/// Whether WeChat takes this in a field, as its documentation of subscribe messages says.
fn may_stand(field: &str, text: &str) -> bool {
    let chars = text.chars().count();
    let all = |may: fn(char) -> bool| text.chars().all(may);
    let is_moment = |c: char| c.is_ascii_digit() || "年月日: -/.~".contains(c);
    let plain = chars > 0 && all(|c| !c.is_control());
    plain
        && match field.trim_end_matches(|c: char| c.is_ascii_digit()) {
            "thing" => chars <= 20,
            "number" => chars <= 32 && all(|c| c.is_ascii_digit() || c == '.'),
            "letter" => chars <= 32 && all(|c| c.is_ascii_alphabetic()),
            "symbol" => chars <= 5 && all(|c| !c.is_alphanumeric()),
            "character_string" => chars <= 32 && all(|c| c.is_ascii_graphic()),
            "time" => text.contains(':') && text.chars().all(is_moment),
            "date" => text.contains(['日', '-', '/', '.']) && text.chars().all(is_moment),
            "name" => chars <= if text.is_ascii() { 20 } else { 10 },
            "phrase" => chars <= 5 && all(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)),
            _ => false,
        }
}

fn path_of(request: &Request) -> &str {
    request.target.split('?').next().unwrap_or_default()
}

fn query_of(request: &Request) -> HashMap<String, String> {
    let query = request.target.split_once('?').map_or("", |(_, query)| query);
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// JSON, called plain text as the API does.
fn text(body: &Value) -> Answer {
    Answer::ok("text/plain", body.to_string())
}

fn error(code: i64, words: &str) -> Answer {
    text(&json!({"errcode": code, "errmsg": words}))
}
