// The rider's page: what the client knows, shown as it is. Nothing here decides whether an alert sounds.
'use strict';

(function () {
  const TOKEN_KEY = 'orderbell.token';
  const CARDS_MAX = 40; // a screen nobody scrolls further than
  const OVER = ['expired', 'stopped', 'answered'];

  const KINDS = {
    'order.offered': '新派单', 'order.available': '可抢单', 'order.assigned': '新订单', 'order.cancelled': '订单取消',
    'order.reassigned_away': '已改派', 'order.changed': '信息变更', 'order.urged': '催单', 'order.timeout_soon': '即将超时',
    'order.overdue': '已超时', 'order.ready': '已出餐', 'order.delayed_by_store': '出餐慢', 'order.taken': '已被抢',
    'order.grabbed': '抢单成功', 'transfer.requested': '转单请求', 'delivery.exception': '配送异常', 'income.received': '到账',
    'shift.reminder': '班次提醒', 'rider.forced_offline': '已下线', announcement: '公告', safety: '安全提醒',
    'device.test': '语音测试', merge: '多个新单', 'order.new': '新订单', 'order.created': '新订单', 'order.paid': '已付款',
    'order.confirmed': '商家已接单', 'order.unassigned': '取消指派', 'order.picked_up': '已取餐', 'order.started': '配送中',
    'order.delivered': '已送达', 'order.returned': '已退回', 'order.expired': '订单过期', 'order.updated': '订单更新',
    'order.cancel_requested': '申请取消', 'order.cancel_withdrawn': '撤回取消', 'rider.arriving_store': '即将到店',
    'rider.arrived_store': '已到店', 'rider.duty': '上下线',
  };
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
  const STATES = { queued: '等待播报', sounding: '正在播报', waiting: '稍后重播', played: '已播报', failed: '播报失败，请看屏幕', expired: '已过期', answering: '正在提交' };
  const REASONS = {
    cancelled: '订单已取消', taken: '已被其他骑手接走', superseded: '有更新的通知', merged: '已合并', expired: '已过期',
    answered_elsewhere: '已在另一台设备处理', off_duty: '已停止接单', logout: '已退出', not_open: '已失效',
  };
  const OUTCOMES = { lost: '被其他骑手抢先了', gone: '订单已失效', pending: '处理中，请稍等' };
  const DONE = { accept: '接单成功', decline: '已拒单', confirm: '已确认' };

  const $ = (id) => document.getElementById(id);
  const alerts = new Map(); // id -> the alert as last told
  const nodes = new Map(); // id -> its article
  let rider = null;
  let unread = 0;
  let check = null;
  let screenLock = null;

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
      url: secure + window.location.host + '/v1/rider/socket',
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
    alerts.clear();
    nodes.clear();
    $('cards').textContent = '';
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

  // ---- cards -----------------------------------------------------------------------------------

  function onAlert(alert) {
    if (!alerts.has(alert.id) && document.visibilityState === 'hidden') unread += 1;
    alerts.set(alert.id, alert);
    draw(alert);
    arrange();
  }

  function isOver(alert) {
    if (OVER.indexOf(alert.state) >= 0) return true;
    return alert.state === 'played' && alert.need === 'none';
  }

  function draw(alert) {
    let node = nodes.get(alert.id);
    if (!node) {
      node = $('card').content.firstElementChild.cloneNode(true);
      node.dataset.id = alert.id;
      nodes.set(alert.id, node);
    }
    const set = (name, text) => {
      const part = node.querySelector(name);
      part.textContent = text;
      part.hidden = !text;
    };
    const card = alert.card || {};
    const title = alert.title || card.title || alert.text || KINDS[alert.kind] || '通知';
    node.dataset.state = alert.state;
    node.dataset.urgency = String(alert.urgency);
    node.dataset.over = String(isOver(alert));
    node.dataset.outcome = alert.outcome || '';
    set('.kind', KINDS[alert.kind] || '通知');
    set('.no', card.short_no ? '#' + card.short_no : '');
    set('.title', title);
    set('.text', alert.text && alert.text !== title ? alert.text : '');
    set('.state-text', stateText(alert));
    set('.plays', plays(alert));
    facts(node.querySelector('.facts-of-order'), card, title);
    actions(node.querySelector('.actions'), alert);
    tick(alert, node);
  }

  function stateText(alert) {
    if (alert.state === 'answered' || alert.outcome === 'pending') return OUTCOMES[alert.outcome] || DONE[alert.answer] || '已处理';
    if (alert.state === 'stopped') return REASONS[alert.reason] || '已结束';
    if (alert.state === 'played' && alert.need !== 'none') return '已播报，等您回复';
    if (alert.state === 'queued' && rider && rider.state().audio === 'off') return '开始接单后播报';
    return STATES[alert.state] || alert.state;
  }

  function plays(alert) {
    if (alert.count < 2 || isOver(alert)) return '';
    const now = alert.plays + (alert.state === 'sounding' ? 1 : 0);
    return now > 0 ? `第 ${Math.min(now, alert.count)} / ${alert.count} 遍` : `共 ${alert.count} 遍`;
  }

  function facts(list, card, title) {
    const merchant = card.merchant && card.merchant.name ? card.merchant.name : card.merchant;
    const rows = [
      ['商家', merchant === title ? '' : merchant], ['送到', card.area], ['距离', kilometres(card.distance_m)], ['配送费', yuan(card.fee_cents)],
      ['备注', card.note],
    ].filter((row) => row[1]);
    list.textContent = '';
    rows.forEach((row) => {
      const pair = document.createElement('div');
      pair.append(element('dt', row[0]), element('dd', String(row[1])));
      list.append(pair);
    });
    list.hidden = !rows.length;
  }

  function actions(box, alert) {
    const wanted = { confirm: ['confirm'], accept: ['accept', 'decline'] }[alert.need] || [];
    const words = { confirm: '确认收到', accept: '接单', decline: '拒单' };
    const names = isOver(alert) ? [] : wanted;
    if (box.dataset.names !== names.join()) {
      // Rebuilt only when the choice changes: a button must not vanish under a thumb.
      box.dataset.names = names.join();
      box.textContent = '';
      box.classList.toggle('pair', names.length > 1);
      names.forEach((name) => {
        const button = element('button', words[name]);
        button.type = 'button';
        button.dataset.action = name;
        button.addEventListener('click', () => rider && rider.answer(alert.id, name));
        box.append(button);
      });
    }
    Array.from(box.children).forEach((button) => { button.disabled = alert.state === 'answering'; });
  }

  function element(name, text) {
    const node = document.createElement(name);
    node.textContent = text;
    return node;
  }

  const kilometres = (m) => (m > 0 ? (m < 1000 ? `${Math.round(m)} 米` : `${(m / 1000).toFixed(1)} 公里`) : '');
  const yuan = (cents) => (cents > 0 ? `¥${(cents / 100).toFixed(2).replace(/\.?0+$/, '')}` : '');

  /** Open ones first, the urgent above the rest, then what ends soonest; what is over sinks. */
  function arrange() {
    const ends = (a) => a.expires_at || Infinity;
    const order = Array.from(alerts.values()).sort((a, b) => {
      if (isOver(a) !== isOver(b)) return isOver(a) - isOver(b);
      if (isOver(a)) return b.seq - a.seq;
      return b.urgency - a.urgency || (ends(a) < ends(b) ? -1 : 1);
    });
    order.splice(CARDS_MAX).forEach((a) => {
      alerts.delete(a.id);
      nodes.get(a.id).remove();
      nodes.delete(a.id);
    });
    const box = $('cards');
    order.forEach((a, i) => {
      const node = nodes.get(a.id);
      if (box.children[i] !== node) box.insertBefore(node, box.children[i] || null);
    });
    $('empty').hidden = order.length > 0;
  }

  /** Time left, by the server's clock: a phone that is two minutes off must not show two minutes more. */
  function tick(alert, node) {
    const left = node.querySelector('.left');
    const bar = node.querySelector('.bar');
    const ends = alert.expires_at;
    const remaining = ends && rider ? ends - rider.state().server_now : 0;
    const running = !isOver(alert) && remaining > 0;
    left.hidden = !running;
    bar.hidden = !running || !(alert.ttl_ms > 0);
    if (!running) return;
    const seconds = Math.ceil(remaining / 1000);
    left.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
    left.dataset.soon = String(seconds <= 10);
    if (alert.ttl_ms > 0) bar.value = Math.min(1, remaining / alert.ttl_ms);
  }

  function everySecond() {
    alerts.forEach((alert) => tick(alert, nodes.get(alert.id)));
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
    rows.forEach((row) => list.append(element('dt', row[0]), element('dd', row[1])));
    list.hidden = false;
  }

  function upload(result) {
    const failed = () => { $('check-status').textContent += ' 结果没有传到站点。'; };
    return window.fetch('/v1/rider/checks', {
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
  window.setInterval(everySecond, 1000);
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
