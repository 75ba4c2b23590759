// What the rider has answered, and what became of it. An answer is over with a final outcome and with nothing
// else: until then every new session is asked again, and its alert does not ring on this device any more.

/** @returns {boolean} false when this alert cannot be answered any more */
const answer = (id, word) => {
  if (!/^(accept|decline|confirm)$/.test(word)) throw TypeError('answer?');
  const alert = alerts[id];
  if (!alert || alert.state === STOPPED || isSaid(alert)) return false;
  hearOut();
  cut(alert); // it must not ring on while the answer travels
  const late = sure && server() >= (alert.answer_by || Infinity);
  if (late) {
    alert.outcome = 'gone'; // nobody was asked, because there is only one thing to be told
    become(alert, EXPIRED, EXPIRED);
  } else {
    awaited[id] = { answer: word, frame: assign({}, alert) };
    trim(awaited, AWAITED_MAX);
    hear(alert, ANY_RING, CLOSED);
    sendReceipt({ op: 'answer', id, answer: word });
    awaitOutcome(alert, word);
  }
  touch();
  return !late;
};

const awaitOutcome = (alert, word) => {
  alert.answer = word;
  become(alert, ANSWERING);
};

/** Those that do not come any more, because the server waits for nothing but a verdict. */
const restoreAnswers = () => keys(awaited).forEach((id) => {
  if (alerts[id]) return;
  alerts[id] = makeAlert(awaited[id].frame);
  awaitOutcome(alerts[id], awaited[id].answer);
});

/** `answered{n,id,outcome}`. After `pending` another one follows, with the same n or with none that we know. */
const takeOutcome = (
  { n, id, outcome },
  link,
  pending = outcome === 'pending',
  alert = alerts[id],
  news = alert ? alert.state !== ANSWERED : awaited[id],
) => {
  if (!pending) delete awaited[id];
  forget((receipt) => receipt.n === n);
  if (!news) return; // said twice, or the words of before: an outcome does not change
  if (alert) {
    cut(alert);
    alert.outcome = outcome;
    become(alert, pending ? ANSWERING : ANSWERED, alert.reason);
  }
  note(ANSWERED, { id, n, outcome });
};

/** What was `pending` is asked again. What was never confirmed is in the outbox, and is sent from there. */
const askAgain = () => keys(awaited).forEach((id) => {
  if (!outbox.some((receipt) => receipt.op === 'answer' && receipt.id === id)) sendReceipt({ op: 'answer', id, answer: awaited[id].answer });
});
