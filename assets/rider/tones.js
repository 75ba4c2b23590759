// Short tones for a rider who does not look: a press was heard, it worked, it did not. They mix with the voice and take
// nothing from it, because they do not go through its player.
'use strict';

(function () {
  const TONES = { heard: [[880, 0]], yes: [[784, 0], [1175, 0.14]], no: [[330, 0], [247, 0.18]] }; // hertz, seconds after the first
  const LENGTH_S = 0.16;
  const LOUD = 0.35;

  class Tones {
    /** In a tap, or the browser will let nothing out. */
    unlock() {
      const Context = window.AudioContext || window.webkitAudioContext;
      if (!Context) return;
      if (!this.context) this.context = new Context();
      if (this.context.state !== 'running') this.context.resume().catch(() => {}); // silent, and the screen says the same
    }

    play(name) {
      const { context } = this;
      if (!context) return;
      const play = () => TONES[name].forEach(([hertz, after]) => this.tone(hertz, context.currentTime + after));
      // A phone puts it to sleep in the background.
      if (context.state === 'running') play();
      else context.resume().then(play, () => {});
    }

    tone(hertz, at) {
      const source = this.context.createOscillator();
      const gain = this.context.createGain();
      source.frequency.value = hertz;
      gain.gain.setValueAtTime(0, at);
      gain.gain.linearRampToValueAtTime(LOUD, at + 0.01);
      gain.gain.linearRampToValueAtTime(0, at + LENGTH_S);
      source.connect(gain).connect(this.context.destination);
      source.start(at);
      source.stop(at + LENGTH_S);
    }
  }

  window.RiderTones = Tones;
}());
