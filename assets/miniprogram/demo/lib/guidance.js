// What a rider has to allow so that WeChat is not ended in the pocket, by maker of the phone. Menus move from version to
// version: the words to look for are given beside the way. No code can do any of this.

/**
 * @typedef {object} Maker
 * @property {string} id
 * @property {string} name
 * @property {RegExp} brand what WeChat calls it
 * @property {string[]} steps
 * @property {string} limit what stays out of reach
 */

const VOLUME = '把“媒体音量”调大：播报走的是音乐那一路，不是铃声。静音开关和勿扰模式也要看一下。';

/** @type {Maker[]} */
const MAKERS = [
  {
    id: 'huawei', name: '华为 / 荣耀', brand: /huawei|honor|hinova|nova/i,
    steps: [
      '自启动：设置 → 应用和服务 → 应用启动管理 → 微信 → 关掉“自动管理”，打开“允许自启动”“允许关联启动”“允许后台活动”。',
      '电池：设置 → 电池 → 更多电池设置，打开“休眠时始终保持网络连接”；不要用“省电模式”“超级省电”。',
      '锁定：打开多任务，按住微信的卡片往下拉，出现小锁。',
      '通知：设置 → 通知和状态栏 → 微信 → 允许通知，打开“锁屏通知”。',
      VOLUME,
    ],
    limit: '“一键清理”和“手机管家”的清理仍可能结束微信：请把微信加到清理白名单。',
  },
  {
    id: 'xiaomi', name: '小米 / Redmi', brand: /xiaomi|redmi|poco|blackshark/i,
    steps: [
      '自启动：设置 → 应用设置 → 应用管理 → 微信 → 打开“自启动”。',
      '电池：同一页 → 省电策略 → 选“无限制”。设置 → 省电与电池，关掉“省电模式”“锁屏后清理内存”。',
      '锁定：打开多任务，按住微信的卡片，点小锁。',
      '通知：设置 → 通知与控制中心 → 通知管理 → 微信 → 允许通知，打开“锁屏通知”。',
      VOLUME,
    ],
    limit: '温度高、内存不够时系统仍可能结束微信，锁定也挡不住。',
  },
  {
    id: 'oppo', name: 'OPPO / 一加 / realme', brand: /oppo|oneplus|realme/i,
    steps: [
      '自启动：设置 → 应用 → 自启动 → 打开微信；再进 应用管理 → 微信 → 耗电管理 → 打开“允许应用自启动”“允许应用关联启动”。',
      '电池：同一页打开“允许完全后台行为”；设置 → 电池 → 关掉“省电模式”“睡眠待机优化”。',
      '锁定：打开多任务，点微信卡片右上角的菜单 → 锁定。',
      '通知：设置 → 通知与状态栏 → 微信 → 允许通知，打开“锁屏”。',
      VOLUME,
    ],
    limit: '“睡眠待机优化”夜里会断网；夜班请务必关掉。',
  },
  {
    id: 'vivo', name: 'vivo / iQOO', brand: /vivo|iqoo/i,
    steps: [
      '自启动：i 管家 → 应用管理 → 权限管理 → 自启动 → 打开微信。',
      '电池：设置 → 电池 → 后台耗电管理 → 微信 → 选“允许后台高耗电”。',
      '锁定：打开多任务，按住微信的卡片往下拉，或点小锁。',
      '通知：设置 → 通知与状态栏 → 应用通知管理 → 微信 → 允许通知，打开“锁屏通知”。',
      VOLUME,
    ],
    limit: '“允许后台高耗电”在系统更新后可能被改回去：声音断过就再看一次。',
  },
  {
    id: 'samsung', name: '三星', brand: /samsung/i,
    steps: [
      '自启动：智能管理器 → 自动运行应用程序 → 打开微信。',
      '电池：设置 → 应用程序 → 微信 → 电池 → 选“不受限制”；设置 → 电池 → 后台使用限制，把微信加到“从不休眠的应用程序”。',
      '锁定：打开多任务，点微信卡片上方的图标 → 保持打开。',
      '通知：设置 → 通知 → 应用程序通知 → 打开微信。',
      VOLUME,
    ],
    limit: '几天没打开的应用会被放进“深度休眠”：休假回来先打开一次小程序。',
  },
  {
    id: 'iphone', name: 'iPhone', brand: /iphone|ipad|apple/i,
    steps: [
      '自启动：iPhone 没有这一项。开始接单后，不要在多任务里把微信往上划掉：划掉就听不到了。',
      '电池：设置 → 电池 → 关掉“低电量模式”。设置 → 通用 → 后台 App 刷新 → 打开微信。',
      '锁定：iPhone 不能锁定应用。内存不够时系统会先结束别的应用，请少开大游戏和拍视频的应用。',
      '通知：设置 → 通知 → 微信 → 允许通知，打开“锁定屏幕”和声音。勿扰和专注模式里允许微信。',
      '音量：用侧键在播报时调大；侧面的静音开关不影响播报，请以实际听到的为准。',
    ],
    limit: '来电话、用 Siri、看视频时播报会停。结束后请看一眼小程序，写着“恢复播报”就点一下。',
  },
  {
    id: 'other', name: '其他手机', brand: /^$/,
    steps: [
      '自启动：在手机设置里搜“自启动”，打开微信。',
      '电池：在设置里搜“电池优化”或“省电策略”，把微信设为“不优化”或“无限制”。',
      '锁定：打开多任务，把微信的卡片锁住，不要清理它。',
      '通知：设置 → 通知 → 微信 → 允许通知，打开“锁屏通知”。',
      VOLUME,
    ],
    limit: '不同手机的菜单名字不一样，找不到就问站点。',
  },
];

/** What nobody can promise. */
const LIMITS = [
  '小程序自己打不开这些开关，只能请您手动打开。',
  '划掉微信、关机、没电、没有信号时，谁也叫不响手机。回来后小程序会补上还有效的订单。',
  '别的应用放音乐、视频、语音消息会抢走声音。小程序在后台抢不回来，会马上告诉站点；您打开小程序点“恢复播报”就好。',
  '微信或系统升级后，设置可能变回去。声音断过，就再做一次自检。',
];

/** @param {string} brand as the phone gives it @returns {string} the id of a maker */
function makerOf(brand) {
  const found = MAKERS.find((maker) => maker.id !== 'other' && maker.brand.test(brand));
  return found ? found.id : 'other';
}

module.exports = { MAKERS, LIMITS, makerOf };
