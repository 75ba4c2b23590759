// What a phone's decoder makes of a clip: how long it sounds, found in its bytes alone.
'use strict';

const KBIT = { 1: [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320], 2: [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160] };
const HZ = { 3: [44100, 48000, 32000], 2: [22050, 24000, 16000], 0: [11025, 12000, 8000] };
const MIME = { mp3: 'audio/mpeg', m4a: 'audio/mp4', wav: 'audio/wav' };

/** @returns {number} milliseconds; throws where a player would give up */
function lengthOf(bytes) {
  if (bytes.subarray(4, 8).toString('latin1') === 'ftyp') return mp4(bytes);
  if (bytes.subarray(0, 4).toString('latin1') === 'RIFF') return wav(bytes);
  return mp3(bytes);
}

/** Every frame, one after the other; the Xing header must count the same. */
function mp3(bytes) {
  let at = bytes.subarray(0, 3).toString('latin1') === 'ID3' ? 10 + id3(bytes) : 0;
  let frames = 0;
  let told = null;
  let ms = 0;
  while (at + 4 <= bytes.length) {
    const frame = header(bytes, at);
    const xing = frames === 0 && told === null ? counted(bytes.subarray(at, at + frame.bytes)) : null;
    if (xing !== null) {
      told = xing; // the frame that holds it is silent and is not played
    } else {
      frames += 1;
      ms += frame.ms;
    }
    at += frame.bytes;
  }
  if (at !== bytes.length) throw new Error(`the last frame ends ${at - bytes.length} bytes past the end`);
  if (told !== null && told !== frames) throw new Error(`Xing counts ${told} frames of ${frames}`);
  if (frames === 0) throw new Error('no frames');
  return ms;
}

function id3(bytes) {
  return [6, 7, 8, 9].reduce((sum, i) => sum * 128 + bytes[i], 0);
}

function header(bytes, at) {
  const version = (bytes[at + 1] >> 3) & 3; // 3: MPEG 1, 2: MPEG 2, 0: MPEG 2.5
  const kbit = KBIT[version === 3 ? 1 : 2][bytes[at + 2] >> 4];
  const hz = (HZ[version] || [])[(bytes[at + 2] >> 2) & 3];
  const layer3 = ((bytes[at + 1] >> 1) & 3) === 1;
  if (bytes[at] !== 0xff || bytes[at + 1] < 0xe0 || !layer3 || !kbit || !hz) throw new Error(`no MP3 frame at ${at}`);
  const samples = version === 3 ? 1152 : 576;
  return { bytes: Math.floor((samples / 8) * kbit * 1000 / hz) + ((bytes[at + 2] >> 1) & 1), ms: (samples * 1000) / hz };
}

/** The frames that a Xing or Info header counts; null in any other frame. */
function counted(frame) {
  const at = [13, 21, 36].find((offset) => /^(Xing|Info)$/.test(frame.subarray(offset, offset + 4).toString('latin1')));
  return at === undefined ? null : frame.readUInt32BE(at + 8);
}

/** What `mvhd` says; `moov` must stand before the sound, or a player fetches the end first. */
function mp4(bytes) {
  let ms = null;
  for (let at = 0; at + 8 <= bytes.length;) {
    const size = bytes.readUInt32BE(at);
    const name = bytes.subarray(at + 4, at + 8).toString('latin1');
    if (name === 'mdat' && ms === null) throw new Error('the sound stands before its index');
    if (size < 8 || at + size > bytes.length) throw new Error(`${name} has ${size} bytes, ${bytes.length - at} are left`);
    if (name === 'moov') {
      const mvhd = bytes.indexOf('mvhd', at) + 4;
      ms = (bytes.readUInt32BE(mvhd + 16) * 1000) / bytes.readUInt32BE(mvhd + 12);
    }
    at += size;
  }
  if (ms === null) throw new Error('no moov');
  return ms;
}

function wav(bytes) {
  const data = bytes.indexOf('data', 12);
  if (data < 0 || data + 8 + bytes.readUInt32LE(data + 4) > bytes.length) throw new Error('no data');
  return (bytes.readUInt32LE(data + 4) * 1000) / bytes.readUInt32LE(28);
}

module.exports = { lengthOf, MIME };
