// The rider's token: asked of the app, renewed before it ends, and once more when the server refuses it.

const RENEW_MS = 600000; // so long before its end a new one is asked for: several tries
const RENEW_MIN_MS = 5000; // and no more often than this

let renewed = false; // asked for another since the last welcome
let renewAt;

const askToken = (refresh, then, otherwise) => {
  const fail = (e) => enter('getToken', () => {
    otherwise();
    throw e;
  });
  new Promise((done) => done(getToken({ refresh }))).then((fresh) => {
    if (fresh && typeof fresh === 'string') enter('getToken', then, fresh);
    else fail('no token');
  }, fail);
};

/** Takes it up, and what is stored of the rider it speaks for. */
const useToken = (fresh, { app, sub } = claimsOf(fresh), name = 'orderbell.rider.' + [app, sub]) => {
  token = fresh;
  mustRenew = 0;
  if (name !== scope) take(readStored(name));
  scope = name;
};

/** Once the server's time is known. */
const planRenewal = (left = claimsOf(token).exp * 1000 - server()) => {
  renewAt = left > 0 && later(max(RENEW_MIN_MS, left - RENEW_MS, left / 2));
};

const renew = () => {
  renewAt = 0;
  askToken(true, (fresh) => {
    if (fresh !== token) send({ op: 'refresh', token: fresh });
    useToken(fresh);
    planRenewal();
  }, planRenewal);
};
