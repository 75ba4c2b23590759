// The one judge of what was lost and what came twice: the server's own record of each alert, beside what the ears had.
'use strict';

const SLACK_MS = 400; // of the clip: what a timer may miss of a sentence's end
const TAIL_MS = 45000; // speech.tail as it comes: silence behind each sentence
const CHIME = /\/any-chime/; // of an offer that another rider has: nobody posted it, and it may be left for something more urgent

/** What a rider was to get of an alert that was posted for them. */
const HEARD = 'heard'; // it has sounded, and ended as played
const ANSWERED = 'answered'; // the rider has answered, in time or too late, and the server has it
const SILENCED = 'silenced'; // taken back while it waited or sounded

/**
 * @param {Array<{id: string, rider: string, expect: string, count: number}>} posted
 * @param {Map<string, object>} records alert id -> what `GET /v1/alerts/{id}` says
 * @param {Map<string, Array<{path: string, at: number, ms: number, length: number}>>} ears rider -> what was spoken there
 * @returns {{lost: string[], double: string[]}}
 */
function judge(posted, records, ears) {
  const lost = [];
  const double = [];
  posted.forEach((post) => {
    const record = records.get(post.id);
    const delivery = record && record.deliveries.find((d) => d.rider === post.rider);
    if (!delivery) {
      lost.push(`${post.id} has no delivery for ${post.rider}`);
      return;
    }
    const missing = missed(post, delivery);
    if (missing) lost.push(`${post.id} for ${post.rider}: ${missing}`);
    if (delivery.plays > post.count) double.push(`${post.id} was told as played ${delivery.plays} times of ${post.count}`);
    const ends = delivery.timeline.filter((step) => step.step === 'ended').length;
    if (ends > 1) double.push(`${post.id} for ${post.rider} has ended ${ends} times`);
  });
  ears.forEach((spoken, rider) => listen(rider, spoken, posted, records, { lost, double }));
  return { lost, double };
}

function missed({ expect, count }, delivery) {
  const { state, reason, plays, answer, late_answer: late, timeline } = delivery;
  const steps = new Set(timeline.map((step) => step.step));
  const needed = { [HEARD]: ['sent', 'received', 'playing', 'played', 'ended'], [ANSWERED]: ['sent', 'received', 'ended'], [SILENCED]: ['ended'] };
  const absent = needed[expect].filter((step) => !steps.has(step));
  if (absent.length) return `never ${absent.join(', ')} (${state}, ${reason})`;
  if (expect === HEARD && (reason !== 'played' || plays < 1)) return `${reason} after ${plays} of ${count}`;
  if (expect === ANSWERED && !answer && !late) return `${reason} without an answer`;
  return null;
}

/** A rider's ears: each sentence as often as it was meant, and no more. Sentences are unique; canned clips are counted together. */
function listen(rider, spoken, posted, records, { lost, double }) {
  const delivered = ({ id }) => (records.get(id) || { deliveries: [] }).deliveries.find((d) => d.rider === rider);
  const mine = posted.filter((post) => post.rider === rider && delivered(post));
  const sentences = spoken.filter((clip) => !CHIME.test(clip.path));
  const whole = (clip) => !clip.died && clip.ms >= clip.length - TAIL_MS - SLACK_MS;
  let told = 0;
  let most = 0;
  mine.forEach((post) => {
    const { id, count } = post;
    const { audio } = records.get(id);
    const heard = sentences.filter((clip) => clip.path.endsWith(audio.path) && whole(clip)).length;
    if (heard > count && !audio.canned) double.push(`${rider} heard ${id} ${heard} times of ${count}`);
    told += delivered(post).plays;
    most += count;
  });
  const wholes = sentences.filter(whole).length;
  const died = sentences.filter((clip) => clip.died).length; // with its app, before or after it was told
  if (told > wholes + died) lost.push(`${rider}: ${told} sentences are told as played, ${wholes} were heard`);
  if (wholes > most) double.push(`${rider}: ${wholes} sentences were heard, ${most} were meant`);
}

module.exports = { judge, HEARD, ANSWERED, SILENCED };
