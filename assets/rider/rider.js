// The rider's page: what the client knows, shown as it is. Nothing here decides whether an alert sounds.
'use strict';

(function () {
  const TOKEN_KEY = 'orderbell.token';
  // What a proxy puts before our paths: nothing at `/rider`, `/bell` at `/bell/rider`.
  const BASE = window.location.pathname.replace(/\/rider\/?$/, '');
  const TICK_MS = 250; // a countdown that is looked at every second runs up to a second late

  const CONNECTION = {
    idle: '未连接', connecting: '正在连接', ready: '已连接', draining: '切换线路', backoff: '正在重连', offline: '没有网络', fatal: '已断开',
  };
  const AUDIO = {
    off: '未开启', loading: '正在打开', playing: '声音已就绪', sounding: '正在播报', paused: '已暂停', interrupted: '被来电打断',
    stolen: '被占用', blocked: '没有声音',
  };
  const FATAL = {
    bad_token: '接单码无效，请向站点要一个新的。', token_expired: '接单码已过期，请向站点要一个新的。',
    replaced: '您已在另一台设备上接单，这里不再播报。', banned: '账号已停用，请联系站点。', refused: '服务器拒绝了连接，请联系站点。',
  };
  const TROUBLE = {
    paused: '声音被暂停了，听不到新订单。', interrupted: '正在通话或有其他声音，结束后自动恢复。',
    stolen: '声音被其他应用占用，听不到新订单。', blocked: '手机没有放出声音，听不到新订单。',
  };
  const $ = (id) => document.getElementById(id);
  let rider = null;
  let unread = 0;
  let check = null;
  let screenLock = null;
  const cards = new window.RiderCards({
    box: $('cards'), template: $('card'), empty: $('empty'),
    answer: (id, answer) => rider && rider.answer(id, answer),
    now: () => (rider ? rider.state().server_now : Date.now()),
    audio: () => (rider ? rider.state().audio : 'off'),
  });

  // ---- signing in ------------------------------------------------------------------------------

  /** A link from the site may carry the token; the address bar, its history and screenshots must not. */
  function tokenFromAddress() {
    const found = /[#&]token=([^&]+)/.exec(window.location.hash);
    if (!found) return null;
    window.history.replaceState(null, '', window.location.pathname + window.location.search);
    try {
      return decodeURIComponent(found[1]);
    } catch (e) {
      return found[1];
    }
  }

  function signIn(token) {
    window.sessionStorage.setItem(TOKEN_KEY, token);
    $('token').value = '';
    show('duty');
    const secure = window.location.protocol === 'https:' ? 'wss://' : 'ws://';
    rider = window.Orderbell.createRider({
      url: secure + window.location.host + BASE + '/v1/rider/socket',
      getToken: () => window.sessionStorage.getItem(TOKEN_KEY) || '',
      player: $('player'),
      audio: { title: '接单中', epname: '订单语音播报', singer: 'Orderbell', coverImgUrl: '' },
      onAlert, onState, onEvent,
    });
    window.orderbell = rider;
    rider.connect();
    onState(rider.state());
  }

  function signOut(why) {
    if (rider) rider.close();
    rider = null;
    window.orderbell = null;
    window.sessionStorage.removeItem(TOKEN_KEY);
    cards.clear();
    wakeLock(false);
    say($('signin-error'), why || '', 'bad');
    show('signin');
  }

  function show(view) {
    document.body.dataset.view = view;
    $('signin-view').hidden = view !== 'signin';
    $('duty-view').hidden = view !== 'duty';
    $('signout').hidden = view !== 'duty';
  }

  function say(node, text, tone) {
    node.textContent = text;
    node.hidden = !text;
    node.dataset.tone = tone || '';
  }

  // ---- the two facts and the button ------------------------------------------------------------

  function onState(state) {
    if (!rider) return;
    fact($('connection'), state.connection, CONNECTION);
    fact($('audio-state'), state.audio, AUDIO);
    const { fatal } = state;
    if (fatal && (fatal.reason === 'bad_token' || fatal.reason === 'token_expired')) {
      signOut(FATAL[fatal.reason]);
      return;
    }
    const onDuty = state.on_duty === true && !fatal;
    const trouble = onDuty ? TROUBLE[state.audio] : '';
    $('start').hidden = onDuty;
    $('stop').hidden = !onDuty;
    $('resume').hidden = !trouble || state.audio === 'interrupted';
    $('duty-hint').hidden = onDuty || !!fatal;
    if (fatal) say($('notice'), FATAL[fatal.reason] || FATAL.refused, 'bad');
    else if (trouble) say($('notice'), trouble, 'bad');
    else if (onDuty && state.connection !== 'ready' && state.connection !== 'draining') say($('notice'), '连接断开了，正在重连。这时收不到新订单。', 'warn');
    else say($('notice'), '');
    if (fatal) wakeLock(false);
    $('empty-text').textContent = onDuty ? '正在等待新订单' : '还没有订单';
  }

  function fact(node, state, words) {
    node.dataset.state = state;
    node.querySelector('.value').textContent = words[state] || state;
  }

  function onEvent(event) {
    if (event.type === 'error' && event.where !== 'server') window.console.warn('orderbell', event.where, event.message);
  }

  /** A phone on the handlebar should stay lit while its rider waits. */
  function wakeLock(on) {
    if (!on) {
      if (screenLock) screenLock.release().catch(() => {});
      screenLock = null;
    } else if (window.navigator.wakeLock && document.visibilityState === 'visible') {
      window.navigator.wakeLock.request('screen').then((lock) => { screenLock = lock; }).catch(() => {});
    }
  }

  // ---- alerts ----------------------------------------------------------------------------------

  function onAlert(alert) {
    if (cards.show(alert) && document.visibilityState === 'hidden') unread += 1;
  }

  function tick() {
    cards.tick();
    if (document.visibilityState === 'visible') unread = 0;
    const plain = '骑手接单 · Orderbell';
    const flash = unread > 0 && Math.floor(Date.now() / 1000) % 2 === 0;
    document.title = flash ? `【${unread} 条新通知】` : plain;
  }

  // ---- the self-check --------------------------------------------------------------------------

  function startCheck() {
    if (!rider) return;
    if (check) {
      check.cancel();
      return;
    }
    if (rider.state().on_duty !== true) {
      $('check-status').textContent = '请先点“开始接单”，再开始自检。';
      return;
    }
    const minutes = Number($('check-minutes').value);
    $('check-result').hidden = true;
    $('check-start').textContent = '提前结束';
    $('check-status').textContent = `自检中，共 ${minutes} 分钟。现在请锁屏或切到别的应用。`;
    check = rider.selfTest({ duration_ms: minutes * 60000 });
    check.done.then((result) => {
      check = null;
      $('check-start').textContent = '再测一次';
      showCheck(result);
      return upload(result);
    });
  }

  function showCheck(result) {
    const bad = result.denials + result.suspends + result.gaps;
    if (/cancelled/.test(result.notes)) $('check-status').textContent = '提前结束了，时间太短，结果仅供参考。';
    else $('check-status').textContent = bad ? '这台手机在后台会断声，请把浏览器设为不受省电限制后再测。' : '通过：这台手机一直听得到。';
    const ms = (value) => (value === null ? '没有测到' : `${value} 毫秒`);
    const rows = [
      ['声音中断', `${result.gaps} 次`], ['最长中断', `${(result.gap_ms_max / 1000).toFixed(1)} 秒`], ['拒绝播放', `${result.denials} 次`],
      ['被系统冻结', `${result.suspends} 次`], ['重新连接', `${result.reconnects} 次`], ['网络往返', ms(result.rtt_ms_p50)], ['较慢时', ms(result.rtt_ms_p95)],
    ];
    const list = $('check-result');
    list.textContent = '';
    rows.forEach((row) => ['dt', 'dd'].forEach((name, i) => {
      const cell = document.createElement(name);
      cell.textContent = row[i];
      list.append(cell);
    }));
    list.hidden = false;
  }

  function upload(result) {
    const failed = () => { $('check-status').textContent += ' 结果没有传到站点。'; };
    return window.fetch(BASE + '/v1/rider/checks', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: 'Bearer ' + window.sessionStorage.getItem(TOKEN_KEY) },
      body: JSON.stringify(result),
    }).then((response) => { if (!response.ok) failed(); }, failed);
  }

  // ---- beginning -------------------------------------------------------------------------------

  $('signin-form').addEventListener('submit', (event) => {
    event.preventDefault();
    const token = $('token').value.trim();
    if (!token) {
      say($('signin-error'), '请先粘贴接单码。', 'bad');
      return;
    }
    say($('signin-error'), '');
    signIn(token);
  });
  $('start').addEventListener('click', () => {
    if (!rider) return;
    rider.start(); // in the click itself: this is what unlocks the sound
    wakeLock(true);
  });
  $('resume').addEventListener('click', () => rider && rider.start());
  $('stop').addEventListener('click', () => {
    if (rider) rider.stop();
    wakeLock(false);
  });
  $('signout').addEventListener('click', () => signOut(''));
  $('check-start').addEventListener('click', startCheck);
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible' && rider && rider.state().on_duty) wakeLock(true);
  });
  window.setInterval(tick, TICK_MS);
  window.addEventListener('hashchange', () => {
    const fresh = tokenFromAddress();
    if (!fresh) return;
    if (rider) signOut('');
    signIn(fresh);
  });

  const token = tokenFromAddress() || window.sessionStorage.getItem(TOKEN_KEY);
  if (token) signIn(token);
  else show('signin');
}());
