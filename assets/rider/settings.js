// What a rider may choose: language, headset button, and the sound of the voice where this server lets riders choose it.
'use strict';

(function () {
  const words = window.RiderWords;
  const $ = (id) => document.getElementById(id);

  class Settings {
    /** @param {object} parts call(method, path, body) -> Promise of a Response, headset, expiresAt() */
    constructor(parts) {
      this.parts = parts;
      this.signedIn = 0; // counts sign-ins: an answer for the rider before must not be shown to this one
      this.kept = '';
      this.told = '';
      $('language').addEventListener('change', (event) => words.use(event.target.value));
      $('language-other').addEventListener('click', () => words.use(words.lang === 'zh' ? 'en' : 'zh'));
      $('headset-on').addEventListener('change', (event) => parts.headset.turn(event.target.checked));
      $('sound').addEventListener('change', (event) => this.choose(event.target.value));
      words.onChange(() => this.draw());
    }

    /** Asks the server what is set. One that does not know the question has nothing to choose. */
    load() {
      this.signedIn += 1;
      const mine = this.signedIn;
      this.told = '';
      $('sound-row').hidden = true;
      this.draw();
      this.ask('GET').then((data) => {
        if (mine !== this.signedIn || !data) return;
        this.show(data);
      }, () => {}); // no network now: the setting comes with the next sign-in
    }

    choose(value) {
      const mine = this.signedIn;
      $('sound').disabled = true;
      const done = (data) => {
        if (mine !== this.signedIn) return;
        $('sound').disabled = false;
        this.told = data ? 'settings.sound_later' : 'settings.sound_failed';
        if (data) this.show(data);
        $('sound').value = this.kept;
        this.draw();
      };
      this.ask('PUT', { sound_profile: value || null }).then(done, () => done(null));
    }

    ask(method, body) {
      return this.parts.call(method, '/v1/rider/settings', body)
        .then((response) => (response.ok ? response.json().then((answer) => answer.data) : null));
    }

    show(data) {
      this.kept = data.sound_profile || '';
      $('sound').value = this.kept;
      $('sound').disabled = false;
      $('sound-row').hidden = false;
    }

    draw() {
      const { headset, expiresAt } = this.parts;
      const ends = expiresAt();
      $('language').value = words.lang;
      $('headset-on').checked = headset.on();
      $('headset-row').hidden = !window.RiderPhone.hasHeadset();
      $('headset-none').hidden = window.RiderPhone.hasHeadset();
      $('sound-told').textContent = this.told ? words.say(this.told) : '';
      const time = ends && new Date(ends).toLocaleString(document.documentElement.lang, { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' });
      $('token-ends').textContent = time ? words.say('settings.token', { time }) : '';
    }
  }

  window.RiderSettings = Settings;
}());
