// A backend that is told what became of its alerts, and decides offers when the test lets it.
'use strict';

const http = require('node:http');

class Backend {
  /** @param {function(object): (string|Promise<string>)} [verdict] the outcome of an accept, as late as the test likes */
  static async open(verdict = () => 'won') {
    const backend = new Backend();
    backend.told = []; // callbacks as they came, each with its id
    backend.questions = [];
    backend.server = http.createServer(async (request, response) => {
      let text = '';
      for await (const part of request) text += part;
      const body = JSON.parse(text);
      if (body.type !== 'offer.accept') {
        backend.told.push({ key: request.headers['webhook-id'], ...body });
        response.end();
        return;
      }
      backend.questions.push(body);
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify({ outcome: await verdict(body) }));
    });
    await new Promise((resolve) => { backend.server.listen(0, '127.0.0.1', resolve); });
    backend.url = `http://127.0.0.1:${backend.server.address().port}/orderbell`;
    return backend;
  }

  /** What was told about an alert, by type, each once. */
  about(id, type) {
    const keys = new Set();
    return this.told.filter((one) => one.type === type && one.data.alert_id === id && !keys.has(one.key) && keys.add(one.key));
  }

  remove() {
    this.server.closeAllConnections();
    this.server.close();
  }
}

module.exports = { Backend };
