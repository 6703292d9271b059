/** The choices that belong to a device and not to the user: they stay in the browser. */

/**
 * They are the options of `BrowserAudio`.
 * @typedef {object} Choices
 * @property {string} inputDevice the id of a microphone; empty for that of the system
 * @property {string} outputDevice the id of a speaker; empty for that of the system
 * @property {boolean} detector whether only speech is sent
 * @property {boolean} halfDuplex whether the microphone waits while a reply plays
 * @property {import("../repartee/call_audio.js").TalkMode} talkMode how a call begins
 */

/** @type {Readonly<Choices>} */
export const DEFAULT_CHOICES = {
  inputDevice: "",
  outputDevice: "",
  detector: true,
  halfDuplex: false,
  talkMode: "hands-free",
};
const KEY = "repartee.device";

/** The choices of this device, kept in a storage. */
export class DeviceChoices {
  #storage;
  #choices;

  /** @param {Pick<Storage, "getItem" | "setItem"> | null} storage such as `localStorage` */
  constructor(storage) {
    this.#storage = storage;
    this.#choices = { ...DEFAULT_CHOICES, ...kept(storage) };
  }

  /** @returns {Readonly<Choices>} */
  get current() {
    return this.#choices;
  }

  /**
   * Keeps some changed choices.
   * @param {Partial<Choices>} changes
   */
  change(changes) {
    this.#choices = { ...this.#choices, ...changes };
    try {
      this.#storage?.setItem(KEY, JSON.stringify(this.#choices));
    } catch {
      // A full or forbidden storage keeps nothing: the choices last until the page is closed.
    }
  }
}

/**
 * Returns the kept choices whose names and types are known.
 * @param {Pick<Storage, "getItem"> | null} storage
 * @returns {Partial<Choices>}
 */
function kept(storage) {
  try {
    const found = JSON.parse(storage?.getItem(KEY) ?? "{}");
    const known = Object.entries(DEFAULT_CHOICES).filter(
      ([name, value]) => typeof found[name] === typeof value,
    );
    return Object.fromEntries(known.map(([name]) => [name, found[name]]));
  } catch {
    return {};
  }
}
