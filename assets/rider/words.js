// Every word the page says, in each of its languages, and the language in use. What an alert says comes from the server.
'use strict';

(function () {
  const LANG_KEY = 'orderbell.lang';
  const TAGS = { zh: 'zh-CN', en: 'en' };

  const ZH = {
    'app.name': '骑手接单', 'app.title': '骑手接单 · Orderbell', 'app.unread': '【{n} 条新通知】', 'app.signout': '退出', 'app.other': 'English',
    'signin.title': '登录', 'signin.hint': '粘贴站点发给您的接单码，或者直接打开站点发的链接。', 'signin.label': '接单码', 'signin.submit': '登录',
    'signin.remember': '在这台手机上记住，直到过期', 'signin.empty': '请先粘贴接单码。',
    'signin.not_a_code': '这不是完整的接单码。请在消息里长按整段复制，再粘贴到这里。',

    'connection': '连接', 'connection.idle': '未连接', 'connection.connecting': '正在连接', 'connection.ready': '已连接',
    'connection.draining': '切换线路', 'connection.backoff': '正在重连', 'connection.offline': '没有网络', 'connection.fatal': '已断开',
    'audio': '播报', 'audio.off': '未开启', 'audio.loading': '正在打开', 'audio.playing': '声音已就绪', 'audio.sounding': '正在播报',
    'audio.paused': '已暂停', 'audio.interrupted': '被来电打断', 'audio.stolen': '被占用', 'audio.blocked': '没有声音',

    'duty.label': '接单状态', 'duty.start': '开始接单', 'duty.stop': '停止接单', 'duty.resume': '恢复播报',
    'duty.hint': '点一下，打开声音并上线。请把媒体音量调到最大。', 'duty.waiting': '正在等待新订单', 'duty.none': '还没有订单',

    'fatal.bad_token': '接单码不对，或者已被站点停用。请向站点要一个新的。', 'fatal.token_expired': '接单码已过期，现在收不到订单。请向站点要一个新的。',
    'fatal.replaced': '您已在另一台设备上接单，这里不再播报。', 'fatal.banned': '账号已停用，请联系站点。', 'fatal.refused': '服务器拒绝了连接，请联系站点。',
    'trouble.paused': '声音被暂停了，听不到新订单。', 'trouble.interrupted': '正在通话或有其他声音，结束后自动恢复。',
    'trouble.stolen': '声音被其他应用占用，听不到新订单。', 'trouble.blocked': '浏览器没有放出声音，听不到新订单。点“恢复播报”才能听到。',
    'notice.line': '连接断开，正在重连。这时收不到新订单。', 'notice.slow_line': '网络不好，正用备用线路接收，新订单可能晚十几秒。',
    'notice.tap_to_hear': '有新通知。点“开始接单”才能听到。', 'notice.token_soon': '接单码 {n} 分钟后过期，请先向站点要一个新的。',
    'notice.ios': 'iPhone 锁屏或切到别的应用后，这个页面会停下，听不到新订单；添加到主屏幕也一样。要放进口袋听单，请用微信小程序。',

    'hint.volume': '听不清？用音量键把媒体音量调到最大，并关掉静音。', 'hint.headset': '耳机“下一曲”键 = 接正在播报的单（没在播报时，接最近播报过的）。',
    'hint.awake': '接单时屏幕保持常亮。', 'hint.asleep': '手机不让屏幕保持常亮。请在系统设置里把自动锁屏调长，并关掉省电模式。',

    'state.queued': '等待播报', 'state.sounding': '正在播报', 'state.waiting': '稍后重播', 'state.played': '已播报', 'state.failed': '播报失败，请看屏幕',
    'state.expired': '已过期', 'state.answering': '正在提交', 'state.pending': '处理中，请稍等', 'state.asked': '已播报，等您回复',
    'state.not_on': '开始接单后播报', 'state.done': '已处理', 'state.over': '已结束', 'state.won': '抢单成功',
    'reason.cancelled': '已取消', 'reason.taken': '已被抢', 'reason.superseded': '有更新的通知', 'reason.merged': '已合并', 'reason.expired': '已失效',
    'reason.answered_elsewhere': '已在另一台设备处理', 'reason.off_duty': '已停止接单', 'reason.logout': '已退出', 'reason.not_open': '已失效',
    'reason.replaced': '已换到另一台设备',
    'done.accept': '已接单', 'done.decline': '已拒绝', 'done.confirm': '已确认',
    'button.accept': '接单', 'button.decline': '拒绝', 'button.confirm': '确认', 'button.grab': '抢单', 'button.sending': '正在提交', 'button.pending': '处理中',
    'card.alert': '通知', 'card.to': '送到', 'card.distance': '距离', 'card.fee': '配送费', 'card.note': '备注', 'card.left': '剩余时间',
    'card.play': '第 {n} / {of} 遍', 'card.plays': '共 {of} 遍', 'card.seconds': '{n} 秒', 'card.metres': '{n} 米', 'card.kilometres': '{n} 公里',

    'headset.sending': '耳机：正在接单 {order}', 'headset.confirming': '耳机：正在确认 {order}', 'headset.accept': '耳机：已接单 {order}',
    'headset.won': '耳机：抢单成功 {order}', 'headset.confirm': '耳机：已确认 {order}', 'headset.lost': '耳机：已被抢 {order}',
    'headset.gone': '耳机：已失效 {order}', 'headset.nothing': '耳机：现在没有可接的单。',

    'settings.title': '设置', 'settings.language': '语言', 'settings.headset': '耳机“下一曲”键接单',
    'settings.headset_none': '这个浏览器不给耳机按键，只能点屏幕接单。', 'settings.sound': '播报音色', 'settings.sound_default': '站点默认', 'settings.sound_plain': '普通',
    'settings.sound_street': '街头：更响更亮，适合路上', 'settings.sound_later': '已保存，下次连接起生效。', 'settings.sound_failed': '没有保存，请稍后再试。',
    'settings.token': '接单码有效到 {time}。', 'settings.install': '安装到桌面', 'settings.install_ios': '安装：点“分享”，再点“添加到主屏幕”。锁屏后仍然听不到。',

    'check.title': '手机自检', 'check.hint': '检查这台手机在后台能不能一直响。开始后请锁屏或切到别的应用，时间到了再回来看结果。需要先开始接单。',
    'check.length': '时长', 'check.minutes': '{n} 分钟', 'check.start': '开始自检', 'check.again': '再测一次', 'check.stop': '提前结束',
    'check.duty_first': '请先点“开始接单”，再开始自检。', 'check.running': '自检中，共 {n} 分钟。现在请锁屏或切到别的应用。',
    'check.short': '提前结束了，时间太短，结果仅供参考。', 'check.bad': '这台手机在后台会断声，请把浏览器设为不受省电限制后再测。',
    'check.good': '通过：这台手机一直听得到。', 'check.not_sent': '结果没有传到站点。', 'check.unmeasured': '没有测到',
    'check.times': '{n} 次', 'check.seconds': '{n} 秒', 'check.ms': '{n} 毫秒', 'check.gaps': '声音中断', 'check.gap_ms_max': '最长中断',
    'check.denials': '拒绝播放', 'check.suspends': '被系统冻结', 'check.suspend_ms_max': '最长冻结', 'check.hidden_ms': '在后台的时间',
    'check.reconnects': '重新连接', 'check.rtt_ms_p50': '网络往返', 'check.rtt_ms_p95': '网络往返，较慢时', 'check.load_ms_p50': '声音加载',
    'check.load_ms_p95': '声音加载，较慢时', 'check.timer_late_ms_max': '计时最多迟到', 'check.ended_lost': '漏掉的播完通知',
    'check.ended_denied': '播完后换声被拒',
  };

  const EN = {
    'app.name': 'Rider', 'app.title': 'Rider · Orderbell', 'app.unread': '({n} new)', 'app.signout': 'Sign out', 'app.other': '中文',
    'signin.title': 'Sign in', 'signin.hint': 'Paste the code your station sent you, or open the link it came in.', 'signin.label': 'Rider code', 'signin.submit': 'Sign in',
    'signin.remember': 'Remember on this phone until it expires', 'signin.empty': 'Paste your rider code first.',
    'signin.not_a_code': 'This is not a whole rider code. Copy all of it from the message, then paste it here.',

    'connection': 'Line', 'connection.idle': 'Not connected', 'connection.connecting': 'Connecting', 'connection.ready': 'Connected',
    'connection.draining': 'Changing lines', 'connection.backoff': 'Reconnecting', 'connection.offline': 'No network', 'connection.fatal': 'Disconnected',
    'audio': 'Voice', 'audio.off': 'Off', 'audio.loading': 'Opening', 'audio.playing': 'Ready', 'audio.sounding': 'Speaking',
    'audio.paused': 'Paused', 'audio.interrupted': 'Call in progress', 'audio.stolen': 'In use', 'audio.blocked': 'No sound',

    'duty.label': 'Duty', 'duty.start': 'Go on duty', 'duty.stop': 'Go off duty', 'duty.resume': 'Tap to hear again',
    'duty.hint': 'One tap turns the sound on and puts you on duty. Turn the media volume all the way up.', 'duty.waiting': 'Waiting for orders', 'duty.none': 'No orders yet',

    'fatal.bad_token': 'This rider code is wrong, or your station has withdrawn it. Ask your station for a new one.',
    'fatal.token_expired': 'Your rider code has expired: no orders reach you now. Ask your station for a new one.',
    'fatal.replaced': 'You are on duty on another device. This one stays silent.', 'fatal.banned': 'Your account is closed. Ask your station.',
    'fatal.refused': 'The server refused the connection. Ask your station.',
    'trouble.paused': 'The sound was paused. You cannot hear new orders.', 'trouble.interrupted': 'A call or another sound is on. The voice comes back by itself after it.',
    'trouble.stolen': 'Another app has the sound. You cannot hear new orders.', 'trouble.blocked': 'The browser lets no sound out. Tap the button to hear new orders.',
    'notice.line': 'The connection is lost and being restored. No orders reach you meanwhile.',
    'notice.slow_line': 'The network is poor: on the slow line now, orders may come ten seconds late.',
    'notice.tap_to_hear': 'Something new is waiting. Tap “Go on duty” to hear it.', 'notice.token_soon': 'Your rider code expires in {n} min. Ask your station for a new one first.',
    'notice.ios': 'On an iPhone this page stops when the screen is locked or another app is in front: no order is heard. Adding it to the home screen changes nothing. With the phone in a pocket, use the WeChat mini-program.',

    'hint.volume': 'Too quiet? Turn the media volume up with the volume keys, and mute off.', 'hint.headset': 'Headset: “next track” accepts the offer that sounds, or the one that sounded last.',
    'hint.awake': 'The screen stays on while you are on duty.', 'hint.asleep': 'The phone does not let the screen stay on. Set a longer auto-lock and turn battery saving off.',

    'state.queued': 'Waiting to be spoken', 'state.sounding': 'Speaking', 'state.waiting': 'Will repeat', 'state.played': 'Spoken', 'state.failed': 'Not spoken: read it here',
    'state.expired': 'Expired', 'state.answering': 'Sending', 'state.pending': 'Being decided', 'state.asked': 'Spoken, waiting for you',
    'state.not_on': 'Spoken once you are on duty', 'state.done': 'Done', 'state.over': 'Over', 'state.won': 'It is yours',
    'reason.cancelled': 'Cancelled', 'reason.taken': 'Taken by another rider', 'reason.superseded': 'There is newer news', 'reason.merged': 'Joined with others',
    'reason.expired': 'Too late', 'reason.answered_elsewhere': 'Answered on another device', 'reason.off_duty': 'Off duty', 'reason.logout': 'Signed out',
    'reason.not_open': 'Too late', 'reason.replaced': 'Moved to another device',
    'done.accept': 'Accepted', 'done.decline': 'Declined', 'done.confirm': 'Confirmed',
    'button.accept': 'Accept', 'button.decline': 'Decline', 'button.confirm': 'Confirm', 'button.grab': 'Grab', 'button.sending': 'Sending', 'button.pending': 'Being decided',
    'card.alert': 'Notice', 'card.to': 'To', 'card.distance': 'Distance', 'card.fee': 'Fee', 'card.note': 'Note', 'card.left': 'Time left',
    'card.play': '{n} of {of}', 'card.plays': '{of} times', 'card.seconds': '{n} s', 'card.metres': '{n} m', 'card.kilometres': '{n} km',

    'headset.sending': 'Headset: accepting {order}', 'headset.confirming': 'Headset: confirming {order}', 'headset.accept': 'Headset: accepted {order}',
    'headset.won': 'Headset: yours now, {order}', 'headset.confirm': 'Headset: confirmed {order}', 'headset.lost': 'Headset: another rider was faster, {order}',
    'headset.gone': 'Headset: too late for {order}', 'headset.nothing': 'Headset: nothing to accept now.',

    'settings.title': 'Settings', 'settings.language': 'Language', 'settings.headset': 'Headset “next track” accepts',
    'settings.headset_none': 'This browser does not pass headset buttons on: accept on the screen.', 'settings.sound': 'Sound of the voice', 'settings.sound_default': 'As the station has it',
    'settings.sound_plain': 'Plain', 'settings.sound_street': 'Street: louder, brighter', 'settings.sound_later': 'Saved. It holds from the next connection on.',
    'settings.sound_failed': 'Not saved. Try again later.', 'settings.token': 'Your rider code is good until {time}.', 'settings.install': 'Install on this device',
    'settings.install_ios': 'To install: tap Share, then Add to Home Screen. Locked, it stays silent all the same.',

    'check.title': 'Phone check', 'check.hint': 'Finds out whether this phone keeps sounding in the background. Start it, lock the screen or open another app, and come back when the time is up. Go on duty first.',
    'check.length': 'Length', 'check.minutes': '{n} min', 'check.start': 'Start the check', 'check.again': 'Check again', 'check.stop': 'End it now',
    'check.duty_first': 'Go on duty first, then start the check.', 'check.running': 'Checking for {n} min. Lock the screen now, or open another app.',
    'check.short': 'Ended early: too short to be sure.', 'check.bad': 'This phone falls silent in the background. Lift the battery limits of the browser and check again.',
    'check.good': 'Passed: this phone can be heard all the time.', 'check.not_sent': 'The result did not reach your station.', 'check.unmeasured': 'not measured',
    'check.times': '{n}', 'check.seconds': '{n} s', 'check.ms': '{n} ms', 'check.gaps': 'Silences', 'check.gap_ms_max': 'Longest silence',
    'check.denials': 'Sound refused', 'check.suspends': 'Frozen by the phone', 'check.suspend_ms_max': 'Longest freeze', 'check.hidden_ms': 'Time in the background',
    'check.reconnects': 'Reconnections', 'check.rtt_ms_p50': 'Network, there and back', 'check.rtt_ms_p95': 'Network, when slow', 'check.load_ms_p50': 'Sound loaded in',
    'check.load_ms_p95': 'Sound loaded in, when slow', 'check.timer_late_ms_max': 'Latest timer', 'check.ended_lost': 'Ends of clips not told',
    'check.ended_denied': 'Next clip refused at an end',
  };

  const WORDS = { zh: ZH, en: EN };

  class Words {
    constructor() {
      const kept = window.RiderKeep.get(LANG_KEY);
      this.lang = WORDS[kept] ? kept : first(window.navigator.languages || [window.navigator.language]);
      this.listeners = [];
      this.apply();
    }

    /** The word of this key, with `{name}` replaced; the key itself, so that a hole is seen, if there is none. */
    say(key, values = {}) {
      const word = WORDS[this.lang][key];
      return word === undefined ? key : word.replace(/\{(\w+)\}/g, (all, name) => (name in values ? String(values[name]) : all));
    }

    /** The word of this key, or of the other where there is none: states come from a client that may be newer. */
    either(key, other) {
      return this.say(WORDS[this.lang][key] === undefined ? other : key);
    }

    use(lang) {
      if (!WORDS[lang] || lang === this.lang) return;
      this.lang = lang;
      window.RiderKeep.set(LANG_KEY, lang);
      this.apply();
      this.listeners.forEach((listener) => listener());
    }

    /** All words, by language: for who looks whether one is missing. */
    tables() {
      return WORDS;
    }

    onChange(listener) {
      this.listeners.push(listener);
    }

    /** Fills the elements that name their word, and their labels. */
    apply() {
      document.documentElement.lang = TAGS[this.lang];
      document.querySelectorAll('[data-word]').forEach((node) => { node.textContent = this.say(node.dataset.word); });
      document.querySelectorAll('[data-label]').forEach((node) => node.setAttribute('aria-label', this.say(node.dataset.label)));
    }
  }

  /** Chinese where the phone speaks any Chinese first, else English. */
  function first(languages) {
    return /^zh\b/i.test(languages[0] || 'zh') ? 'zh' : 'en';
  }

  window.RiderWords = new Words();
}());
