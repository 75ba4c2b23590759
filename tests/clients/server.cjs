// The server under test, as scripts of node talk to it, and how they tell what they have found.
const { BELL_URL, BELL_KEY } = process.env;

const bearer = { authorization: `Bearer ${BELL_KEY}` };

async function answer(response) {
  return { status: response.status, ...(await response.json()) };
}

async function post(path, headers, body) {
  return answer(await fetch(BELL_URL + path, { method: "POST", headers, body }));
}

// The kind that an event was taken for.
async function kind(id) {
  const found = await answer(await fetch(`${BELL_URL}/v1/events/${encodeURIComponent(id)}`, { headers: bearer }));
  return found.data?.kind;
}

function check(what, found, expected) {
  const [left, right] = [JSON.stringify(found), JSON.stringify(expected)];
  console.log(left === right ? `ok      ${what}` : `FAILED  ${what}: ${left} is not ${right}`);
}

module.exports = { bearer, check, kind, post };
