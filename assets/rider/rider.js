// The rider's page: what the client knows, shown as it is. Nothing here decides whether an alert sounds.
'use strict';

(function () {
  // What a proxy puts before our paths: nothing at `/rider`, `/bell` at `/bell/rider`.
  const BASE = window.location.pathname.replace(/\/rider\/?$/, '');
  const TICK_MS = 250; // a countdown that is looked at every second runs up to a second late
  const LOOK_MS = 2000; // what changes by time alone: a token that ends, an order that waited and is over

  const words = window.RiderWords;
  const account = window.RiderAccount;
  const phone = window.RiderPhone;
  const $ = (id) => document.getElementById(id);
  let rider = null;
  let unread = 0;
  let lookedAt = 0;
  let refusal = null; // the word for why the rider is not signed in

  const cards = new window.RiderCards({
    box: $('cards'), template: $('card'), empty: $('empty'),
    answer: (id, answer) => rider && rider.answer(id, answer),
    now: () => (rider ? rider.state().server_now : Date.now()),
    audio: () => (rider ? rider.state().audio : 'off'),
  });
  const tones = new window.RiderTones();
  const lamp = new window.RiderLamp(redraw);
  const headset = new window.RiderHeadset({
    alerts: () => cards.answerable(),
    answer: (id, answer) => rider !== null && rider.answer(id, answer),
    line: $('headset-said'), tones, changed: redraw,
  });
  const settings = new window.RiderSettings({ call, headset, expiresAt: () => account.expiresAt() });
  const check = new window.RiderSelfCheck({ call, rider: () => rider });

  /** A request to the server, as this rider. */
  function call(method, path, body) {
    const headers = { Authorization: `Bearer ${account.token()}` };
    if (body) headers['Content-Type'] = 'application/json';
    return window.fetch(BASE + path, { method, headers, body: body && JSON.stringify(body) });
  }

  // ---- signing in ------------------------------------------------------------------------------

  function signIn(token) {
    account.signIn(token);
    $('token').value = '';
    begin();
  }

  function begin() {
    refuse(null);
    show('duty');
    const secure = window.location.protocol === 'https:' ? 'wss://' : 'ws://';
    rider = window.Orderbell.createRider({
      url: secure + window.location.host + BASE + '/v1/rider/socket',
      getToken: () => account.token() || '',
      player: $('player'),
      audio: { title: words.say('app.name'), epname: 'Orderbell', singer: 'Orderbell', coverImgUrl: new URL('rider/icon-192.png', document.baseURI).href },
      onAlert, onState, onEvent,
    });
    window.orderbell = rider;
    rider.connect();
    settings.load();
    onState(rider.state());
  }

  function signOut(why) {
    if (rider) rider.close();
    rider = null;
    window.orderbell = null;
    account.signOut();
    cards.clear();
    headset.clear();
    check.clear();
    lamp.want(false);
    unread = 0;
    show('signin');
    refuse(why);
  }

  function refuse(why) {
    refusal = why;
    say($('signin-error'), why ? words.say(why) : '', 'bad');
    if (why) $('signin-error').scrollIntoView({ block: 'nearest' }); // the button that was pressed may stand far below
  }

  function show(view) {
    if (document.body.dataset.view !== view) window.scrollTo(0, 0);
    document.body.dataset.view = view;
    $('signin-view').hidden = view !== 'signin';
    $('duty-view').hidden = view !== 'duty';
    $('signout').hidden = view !== 'duty';
    $('language-other').hidden = view !== 'signin';
    $('remember').checked = account.remembers();
  }

  /** Text is set when it changes: what is read aloud must not be read again. */
  function say(node, text, tone) {
    if (node.textContent !== text) node.textContent = text;
    node.hidden = !text;
    node.dataset.tone = tone || '';
  }

  // ---- the two facts and the button ------------------------------------------------------------

  function onState(state) {
    if (!rider) return;
    fact($('connection'), 'connection', state.connection);
    fact($('audio-state'), 'audio', state.audio);
    headset.hear(state.sounding);
    const { fatal } = state;
    if (fatal && (fatal.reason === 'bad_token' || fatal.reason === 'token_expired')) {
      signOut(`fatal.${fatal.reason}`);
      return;
    }
    const onDuty = state.on_duty === true && !fatal;
    const told = window.riderNotice(state, { unheard: cards.unheard(), expires_at: account.expiresAt() });
    say($('notice'), told ? words.say(told.word, told.values) : '', told && told.tone);
    $('resume').hidden = !(told && told.resume);
    $('start').hidden = onDuty;
    $('stop').hidden = !onDuty;
    $('duty-hint').hidden = onDuty || !!fatal;
    $('ios-notice').hidden = onDuty || !phone.ios();
    lamp.want(onDuty);
    hints(onDuty);
    $('empty-text').textContent = words.say(onDuty ? 'duty.waiting' : 'duty.none');
  }

  function hints(onDuty) {
    $('hints').hidden = !onDuty;
    $('headset-hint').hidden = !headset.on();
    const hint = $('lamp-hint');
    hint.hidden = lamp.state === 'off';
    hint.dataset.state = lamp.state;
    hint.textContent = lamp.state === 'off' ? '' : words.say(lamp.state === 'lit' ? 'hint.awake' : 'hint.asleep');
  }

  function fact(node, group, state) {
    node.dataset.state = state;
    node.querySelector('.value').textContent = words.say(`${group}.${state}`);
  }

  function redraw() {
    if (rider) onState(rider.state());
  }

  function onEvent(event) {
    if (event.type === 'next') headset.next(event.id);
    if (event.type === 'error' && event.where !== 'server') window.console.warn('orderbell', event.where, event.message);
  }

  // ---- alerts ----------------------------------------------------------------------------------

  function onAlert(alert) {
    const fresh = cards.show(alert);
    const hidden = document.visibilityState === 'hidden';
    if (fresh && hidden) unread += 1;
    // A phone in a hand or on a handlebar is felt before it is heard.
    if (fresh && !hidden && alert.urgency > 1 && alert.state === 'queued' && window.navigator.vibrate) window.navigator.vibrate([400, 200, 400]);
    headset.tell(alert);
    redraw();
  }

  function tick() {
    cards.tick();
    headset.tick();
    if (Date.now() - lookedAt > LOOK_MS || Date.now() < lookedAt) {
      lookedAt = Date.now();
      redraw();
    }
    if (document.visibilityState === 'visible') unread = 0;
    badge();
  }

  function badge() {
    const flash = unread > 0 && Math.floor(Date.now() / 1000) % 2 === 0;
    document.title = flash ? words.say('app.unread', { n: unread }) + words.say('app.title') : words.say('app.title');
    if (badge.shown === unread || !window.navigator.setAppBadge) return;
    badge.shown = unread;
    window.navigator.setAppBadge(unread).catch(() => {}); // only an installed page has one
  }

  // ---- beginning -------------------------------------------------------------------------------

  $('signin-form').addEventListener('submit', (event) => {
    event.preventDefault();
    const pasted = $('token').value.trim();
    const token = account.fromPaste(pasted);
    if (token) signIn(token);
    else refuse(pasted ? 'signin.not_a_code' : 'signin.empty');
  });
  $('remember').addEventListener('change', (event) => account.remember(event.target.checked));
  $('start').addEventListener('click', () => {
    if (!rider) return;
    rider.start(); // in the click itself: this is what unlocks the sound
    tones.unlock();
  });
  $('resume').addEventListener('click', () => {
    if (!rider) return;
    rider.start();
    tones.unlock();
  });
  $('stop').addEventListener('click', () => rider && rider.stop());
  $('signout').addEventListener('click', () => signOut(null));
  words.onChange(() => {
    refuse(refusal);
    cards.redraw();
    redraw();
    badge();
  });
  window.setInterval(tick, TICK_MS);
  window.addEventListener('hashchange', () => {
    const fresh = account.fromAddress();
    if (!fresh) return;
    if (rider) signOut(null);
    signIn(fresh);
  });

  document.querySelectorAll('.ios').forEach((node) => { node.hidden = !phone.ios(); });
  $('install-ios').hidden = !phone.ios() || phone.installed();
  window.riderInstall($('install'));
  badge();
  const linked = account.fromAddress();
  if (linked) signIn(linked);
  else if (account.token()) begin();
  else show('signin');
}());
