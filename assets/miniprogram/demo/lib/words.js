// Words for riders: what is the matter, and what to do about it. No code, no English, no blame.

const CONNECTION = {
  idle: '未连接', connecting: '正在连接', ready: '已连接', draining: '切换线路', backoff: '正在重连', offline: '没有网络', fatal: '已断开',
};
const AUDIO = {
  off: '未开启', loading: '正在打开', playing: '声音已就绪', sounding: '正在播报', paused: '已暂停，听不到新订单', interrupted: '被来电打断',
  stolen: '被其他应用占用，听不到新订单', blocked: '没有声音，听不到新订单',
};
const TROUBLE = {
  paused: '播报被暂停了，听不到新订单。', interrupted: '正在通话或有别的声音，结束后自动恢复。',
  stolen: '声音被别的应用占用，听不到新订单。请先关掉那边的音乐或视频。', blocked: '手机没有放出声音，听不到新订单。',
};
const FATAL = {
  bad_token: '登录失效了，请重新登录。', token_expired: '登录过期了，请重新登录。', replaced: '您已在另一台手机上接单，这台不再播报。',
  banned: '账号已停用，请联系站点。', refused: '服务器拒绝了连接，请联系站点。',
};
const FATAL_CODES = { 4000: 'bad_token', 4001: 'replaced', 4002: 'banned', 4105: 'token_expired' };

/** Of a login that failed, and of a token that must be pasted. */
const LOGIN = {
  unreachable: '连不上站点的服务器。请检查网络，再试一次。',
  busy: '站点的服务器正忙。请过一会儿再试。',
  too_many: '试得太频繁了。请等一分钟再试。',
  wechat_login: '微信没有给出登录凭证。请检查网络，再试一次。',
  wechat_code: '微信登录没有通过。请再试一次；还不行就关掉小程序重新打开。',
  wechat_refused: '微信认为这个账号有风险，不让登录。请联系站点，用别的办法接单。',
  not_orderbell: '这个地址不是接单服务器。请向站点核对服务器地址。',
  refused: '服务器不接受这次登录。请联系站点。',
  bad_token: '接单码无效。可能没有复制完整，或站点已经把它作废。请向站点要一个新的。',
  token_expired: '接单码过期了。请向站点要一个新的。',
  not_configured: '站点没有开通微信登录。请向站点要一个接单码，粘贴在这里。',
  tourist: '开发者工具的游客模式不能用微信登录。请粘贴一个接单码。',
};
const REFUSED_LOGIN = {
  bad_token: '登录失效了：可能在别处退出了，或站点换了密钥。请重新登录。', token_expired: '登录过期了。请重新登录。',
};

/** @param {any} table @param {any} key @param {any} otherwise the table has no word for it */
const word = (table, key, otherwise) => (Object.prototype.hasOwnProperty.call(table, key) ? table[key] : otherwise);

/** Why a connection ended for good. @param {{code: number, reason: string}} fatal */
function reasonOf(fatal) {
  return word(FATAL_CODES, fatal.code, word(FATAL, fatal.reason, '') ? fatal.reason : 'refused');
}

/**
 * The one line a rider reads: is everything all right, and if not, what now?
 * @param {any} state of the client
 * @returns {{tone: string, text: string, button: string}} tone: good, warn, bad, calm; button: of a tap that calls start(); '' for none
 */
function banner(state) {
  if (state.fatal) {
    const reason = reasonOf(state.fatal);
    return { tone: 'bad', text: word(FATAL, reason, FATAL.refused), button: reason === 'replaced' ? '改在这台手机接单' : '' };
  }
  if (state.on_duty !== true) return { tone: 'calm', text: '还没有开始接单，新订单不会播报。', button: '' };
  const trouble = word(TROUBLE, state.audio, '');
  if (trouble) {
    const waits = state.audio === 'interrupted';
    return { tone: waits ? 'warn' : 'bad', text: trouble, button: waits ? '' : '恢复播报' };
  }
  if (state.connection === 'offline' || state.online === false) return { tone: 'bad', text: '手机没有网络，收不到新订单。请检查流量或 Wi-Fi。', button: '' };
  if (state.via === 'http') return { tone: 'warn', text: '网络不好，正在用备用线路收单，会慢十几秒。', button: '' };
  if (state.connection !== 'ready' && state.connection !== 'draining') {
    return { tone: 'warn', text: '正在连接服务器，连上之前收不到新订单。', button: '' };
  }
  if (state.audio === 'off' || state.audio === 'loading') return { tone: 'warn', text: '正在打开声音。', button: '' };
  return { tone: 'good', text: '一切正常，有新订单会播报。', button: '' };
}

/**
 * @param {InstanceType<typeof import('./login.js').Login>} login
 * @returns {{title: string, text: string, button: string}}
 */
function loginWords(login) {
  switch (login.status) {
    case 'server': return { title: '填写服务器', text: '第一次使用，请填写站点给您的服务器地址。', button: '保存' };
    case 'asking': return { title: '正在登录', text: '正在用微信登录，请稍等。', button: '' };
    case 'unbound': return login.linkIsOld()
      ? { title: '绑定码过期了', text: '请换一个绑定码，再告诉站点。', button: '换一个绑定码' }
      : {
        title: '把绑定码告诉站点', button: '站点已绑定，再试一次',
        text: login.relinked ? '站点还没有绑定。绑定码换了，请告诉站点新的，旧的不能用了。' : '站点绑定以后，您就不用再登录。绑定码 15 分钟内有效。',
      };
    case 'paste': return { title: '粘贴接单码', text: word(LOGIN, login.why, LOGIN.not_configured), button: '登录' };
    case 'out': return { title: '已退出登录', text: '退出后听不到新订单。', button: '登录' };
    case 'failed': return { title: '没有登录', text: word(REFUSED_LOGIN, login.why, word(LOGIN, login.why, LOGIN.refused)), button: '再试一次' };
    default: return { title: '', text: '', button: '' };
  }
}

/** Why a request was not done. @param {import('./server.js').Answer} answer */
function failure(answer) {
  if (answer.status === 0) return '网络不通，请稍后再试。';
  if (answer.status === 401 || answer.status === 403) return '登录失效了，请重新登录。';
  if (answer.status === 404) return '站点的服务器不支持这一项。';
  if (answer.status === 429) return '太频繁了，请等一分钟再试。';
  return answer.status >= 500 ? '服务器正忙，请稍后再试。' : '服务器没有接受，请联系站点。';
}

/** What the client reports beside its state. @param {any} event @returns {string} '' when it is nothing to a rider */
function noticeOf(event) {
  if (event.type === 'storage') return '手机存储满了：播报不受影响，但关掉小程序后可能要重新登录。请清理存储空间。';
  if (event.type === 'error' && event.where === 'start') return '后台定位没有打开：没有授权，或小程序没有开通。播报不受影响；可在设置里关掉它。';
  return '';
}

module.exports = { CONNECTION, AUDIO, banner, loginWords, failure, noticeOf, reasonOf, word };
