/** Opens the microphone, and opens it again when it is lost or the devices change. */

import { isIos, listDevices } from "../devices.js";
import { nameOf } from "../problems.js";

import { Recorder } from "./recorder.js";

/** Several events come when one headset is plugged in. */
const DEVICES_SETTLE_MS = 300;
/** A phone call mutes the microphone for longer; then another attempt may help. */
const MUTED_FOR_MS = 2_000;
const RETRY_EVERY_MS = 3_000;

/**
 * @typedef {object} MicrophoneListener
 * @property {(frame: Int16Array) => void} onFrame 20 ms, 16 kHz
 * @property {(reason: string) => void} onLost the recording has ended, and is tried again
 * @property {(error: unknown) => void} onRefused the microphone cannot be opened
 * @property {() => void} onStateChange
 */

/** The microphone. */
export class Microphone {
  #listener;
  #processing;
  #recorder;
  #deviceId = "";
  #isStarted = false;
  /** @type {MediaStreamTrack | null} */
  #track = null;
  #attempt = 0;
  /** The reason of the last attempts, which is reported once. */
  #refusal = "";
  #knownDevices = "";
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {MicrophoneListener} listener
   * @param {boolean} processing whether the browser removes echo and noise
   */
  constructor(listener, processing) {
    this.#listener = listener;
    this.#processing = processing;
    this.#recorder = new Recorder(listener.onFrame, listener.onStateChange);
  }

  /** Whether a device is open. */
  get isOpen() {
    return this.#track?.readyState === "live";
  }

  /** The state of the audio context. */
  get state() {
    return this.#recorder.state;
  }

  /** Lets the browser record; iOS needs this inside a click, before any `await`. */
  unlock() {
    this.#recorder.unlock();
  }

  /**
   * Asks for the microphone, and records it.
   * @param {string} deviceId "" for the default
   */
  async start(deviceId) {
    this.#isStarted = true;
    this.#deviceId = deviceId;
    navigator.mediaDevices.addEventListener("devicechange", this.#onDeviceChange);
    await this.#open();
  }

  /**
   * Records another device from now on.
   * @param {string} deviceId "" for the default
   */
  async setDevice(deviceId) {
    this.#deviceId = deviceId;
    if (this.#isStarted) {
      this.#refusal = "";
      await this.#open();
    }
  }

  /** Returns what the browser does with the sound; null where it does not say. */
  diagnostics() {
    const settings = this.#track?.getSettings();
    return {
      inputRateHz: this.#recorder.rateHz,
      inputState: this.state,
      deviceRateHz: settings?.sampleRate ?? null,
      echoCancellation: settings?.echoCancellation ?? null,
      noiseSuppression: settings?.noiseSuppression ?? null,
      autoGainControl: settings?.autoGainControl ?? null,
    };
  }

  /** Stops recording and releases the device. */
  async end() {
    this.#isStarted = false;
    clearTimeout(this.#timer);
    navigator.mediaDevices?.removeEventListener("devicechange", this.#onDeviceChange);
    this.#release();
    await this.#recorder.end();
  }

  /** Opens the wanted device, then closes the one before. */
  async #open() {
    this.#attempt += 1;
    const attempt = this.#attempt;
    const isNewest = () => attempt === this.#attempt && this.#isStarted;
    clearTimeout(this.#timer);
    try {
      const track = await this.#request();
      if (!isNewest()) {
        track.stop();
        return;
      }
      this.#release();
      this.#track = track;
      track.addEventListener("ended", this.#onEnded);
      track.addEventListener("mute", this.#onMute);
      await this.#recorder.record(track);
      this.#refusal = "";
      this.#knownDevices = await inputs();
    } catch (error) {
      if (isNewest()) {
        this.#refused(error);
      }
    }
  }

  /** @returns {Promise<MediaStreamTrack>} */
  async #request() {
    const wish = isIos() ? { ideal: this.#deviceId } : { exact: this.#deviceId };
    try {
      return await this.#getTrack(this.#deviceId ? { deviceId: wish } : {});
    } catch (error) {
      const isGone = ["OverconstrainedError", "NotFoundError"].includes(nameOf(error));
      if (!this.#deviceId || !isGone) {
        throw error;
      }
      // The chosen device is unplugged: the default one until it is back.
      return await this.#getTrack({});
    }
  }

  /** @param {MediaTrackConstraints} device */
  async #getTrack(device) {
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: {
        echoCancellation: this.#processing,
        noiseSuppression: this.#processing,
        autoGainControl: this.#processing,
        channelCount: { ideal: 1 },
        ...device,
      },
    });
    return stream.getAudioTracks()[0];
  }

  #release() {
    this.#recorder.disconnect();
    this.#track?.removeEventListener("ended", this.#onEnded);
    this.#track?.removeEventListener("mute", this.#onMute);
    this.#track?.stop();
    this.#track = null;
  }

  /** @param {unknown} error */
  #refused(error) {
    if (nameOf(error) !== this.#refusal) {
      this.#refusal = nameOf(error);
      this.#listener.onRefused(error);
    }
    // Only the user can permit the microphone, and chooses a device or reloads the page then.
    if (nameOf(error) !== "NotAllowedError") {
      this.#timer = setTimeout(() => void this.#open(), RETRY_EVERY_MS);
    }
  }

  #onEnded = () => {
    this.#listener.onLost("ended");
    void this.#open();
  };

  #onMute = () => {
    this.#listener.onLost("muted");
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (this.#track?.muted) {
        void this.#open();
      }
    }, MUTED_FOR_MS);
  };

  #onDeviceChange = () => {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(async () => {
      if (!this.isOpen || (await inputs()) !== this.#knownDevices) {
        await this.#open();
      }
    }, DEVICES_SETTLE_MS);
  };
}

/** Returns a text that changes when a microphone is plugged in or out. */
async function inputs() {
  return (await listDevices()).inputs.map(({ id, label }) => `${id} ${label}`).join();
}
