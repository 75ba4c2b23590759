// A backend that decides who gets an order: it is asked at its `url` and answers when the test lets it.
'use strict';

const http = require('node:http');

class Backend {
  /** @param {(question: object) => Promise<string>} verdict the outcome, as late as the test likes */
  static async open(verdict) {
    const backend = new Backend();
    backend.questions = []; // as they came, each with its key
    backend.server = http.createServer(async (request, response) => {
      let body = '';
      for await (const part of request) body += part;
      const question = { key: request.headers['idempotency-key'], ...JSON.parse(body) };
      // The same URL is told what becomes of the alert; nothing waits for that.
      if (question.type !== 'offer.accept') {
        response.end();
        return;
      }
      backend.questions.push(question);
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify({ outcome: await verdict(question) }));
    });
    await new Promise((resolve) => { backend.server.listen(0, '127.0.0.1', resolve); });
    backend.url = `http://127.0.0.1:${backend.server.address().port}/accepts`;
    return backend;
  }

  close() {
    this.server.closeAllConnections();
    this.server.close();
  }
}

module.exports = { Backend };
