/** The parts of a browser that the audio modules use, without sound. */

/** A microphone's track. */
class FakeTrack extends EventTarget {
  readyState = "live";
  muted = false;

  constructor(settings) {
    super();
    this.settings = settings;
  }

  getSettings() {
    return this.settings;
  }

  stop() {
    this.readyState = "ended";
  }

  /** The system ends the recording. */
  lose() {
    this.stop();
    this.dispatchEvent(new Event("ended"));
  }

  mute() {
    this.muted = true;
    this.dispatchEvent(new Event("mute"));
  }
}

class FakeContext extends EventTarget {
  state = "running";
  currentTime = 0;
  outputLatency = 0;
  destination = {};
  audioWorklet = { addModule: () => this.#load() };
  #closing = new AbortController();

  constructor({ sampleRate }, { loadsModules }) {
    super();
    this.sampleRate = sampleRate ?? 48_000;
    this.loadsModules = loadsModules;
  }

  change(state) {
    this.state = state;
    this.dispatchEvent(new Event("statechange"));
  }

  async resume() {}

  async close() {
    this.state = "closed";
    this.#closing.abort();
  }

  createBuffer() {}

  createBufferSource() {
    return { connect() {}, start() {} };
  }

  /** Chromium rejects the modules that load while the context closes. */
  #load() {
    if (this.loadsModules) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const refuse = () => reject(new DOMException("Unable to load a worklet's module.", "AbortError"));
      this.#closing.signal.addEventListener("abort", refuse);
    });
  }
}

/**
 * Replace the globals of a browser for one test; return what the test controls.
 *
 * `problem` is thrown by `getUserMedia`, `refusedRateHz` is a rate whose contexts take no
 * microphone, and `devices` lists the ids of the microphones. Without `loadsModules` a worklet's
 * module loads until its context closes.
 */
export function fakeBrowser(test) {
  const browser = {
    tracks: [],
    requests: [],
    nodes: [],
    problem: null,
    refusedRateHz: 0,
    loadsModules: true,
    devices: ["built-in"],
    mediaDevices: new EventTarget(),
    get track() {
      return this.tracks.at(-1);
    },
  };
  browser.mediaDevices.getUserMedia = async ({ audio }) => {
    browser.requests.push(audio);
    const id = audio.deviceId?.exact;
    if (browser.problem || (id && !browser.devices.includes(id))) {
      throw new DOMException("refused", browser.problem ?? "OverconstrainedError");
    }
    browser.tracks.push(new FakeTrack({ deviceId: id ?? browser.devices[0] }));
    return { getAudioTracks: () => [browser.track] };
  };
  browser.mediaDevices.enumerateDevices = async () =>
    browser.devices.map((deviceId) => ({ kind: "audioinput", deviceId, label: deviceId }));
  const globals = {
    navigator: { mediaDevices: browser.mediaDevices, userAgent: "", maxTouchPoints: 0 },
    MediaStream: class {},
    HTMLMediaElement: class {},
    AudioContext: class extends FakeContext {
      constructor(options) {
        super(options, browser);
      }

      createMediaStreamSource() {
        if (this.sampleRate === browser.refusedRateHz) {
          throw new DOMException("another rate", "NotSupportedError");
        }
        return { connect() {}, disconnect() {} };
      }
    },
    AudioWorkletNode: class {
      port = { sent: [], onmessage: null, postMessage: (one) => this.port.sent.push(one) };

      constructor(context) {
        this.context = context;
        browser.nodes.push(this);
      }

      connect() {}
    },
  };
  globals.window = { ...globals, isSecureContext: true };
  for (const [name, value] of Object.entries(globals)) {
    const usual = Object.getOwnPropertyDescriptor(globalThis, name);
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
    test.after(() =>
      usual ? Object.defineProperty(globalThis, name, usual) : delete globalThis[name],
    );
  }
  test.mock.timers.enable({ apis: ["setTimeout"] });
  return browser;
}

/** Let promises that are due settle. */
export async function settled() {
  for (let turn = 0; turn < 20; turn += 1) {
    await Promise.resolve();
  }
}
