/** The audio port of a call: what a call needs of it, and how it uses it. */

/** @typedef {import("./protocol/frames.js").Answer} Answer */
/** @typedef {import("./protocol/frames.js").Frame} Frame */
/** @typedef {import("./protocol/playback.js").Speaker} Speaker */
/** @typedef {import("./timers.js").Timers} Timers */
/** @typedef {"hands-free" | "push-to-talk"} TalkMode */

/**
 * What a port reports. Between `onSpeechStart` and `onSpeechEnd` the user speaks; a port without a
 * detector calls neither. `onAudio` gets PCM16 little-endian mono, 16 kHz, of any length.
 * `onLevels` gets loudness from 0 to 1, about 20 times a second. `onTick` is called as often, also
 * in a hidden tab, whose timers are slow.
 * @typedef {{onSpeechStart(): void, onAudio(pcm: Uint8Array): void, onSpeechEnd(): void,
 *   onLevels(levels: {input: number, output: number}): void,
 *   onProblem(code: string, detail: string): void, onTick(): void}} AudioListener
 */

/**
 * A microphone and a speaker, or a replacement for them. `BrowserAudio` is one.
 *
 * - `start` begins to record, and `end` releases the devices.
 * - `play` appends PCM16 little-endian mono, 24 kHz, `stop` stops at once and drops the queue, and
 *   `unplayedMs` returns the length of the queued audio that was not heard yet.
 * - `marksSpeech` says whether all audio lies between `onSpeechStart` and `onSpeechEnd`.
 *
 * The other methods serve the controls of a page, and a port may lack them.
 * @typedef {Speaker & {
 *   start(listener: AudioListener): Promise<void>,
 *   end(): Promise<void>,
 *   readonly marksSpeech?: boolean,
 *   duck?(isDucked: boolean): void,
 *   setMuted?(isMuted: boolean): void,
 *   setTalkMode?(mode: TalkMode): void,
 *   press?(): void,
 *   release?(): void,
 *   setDetector?(isOn: boolean): void | Promise<void>,
 *   setHalfDuplex?(isOn: boolean): void,
 *   setInputDevice?(id: string): void | Promise<void>,
 *   setOutputDevice?(id: string): void | Promise<void>,
 * }} AudioPort
 */

/**
 * What the audio of a call works with: the user's input, whether it may be sent now, and the
 * call's events.
 * @typedef {{input: import("./user_input.js").UserInput, canSend(): boolean,
 *   emit(name: "audio-level" | "microphone", detail: any): void}} AudioUser
 */

/** How long a reply stays quiet after speech that does not interrupt it. */
const DUCKED_AFTER_SPEECH_MS = 1_500;
const PLAYED_WITHIN_MS = 30_000;
const PLAYED_CHECK_MS = 100;

/** The audio of one call. Replies are quiet while the user speaks, and play to their end. */
export class CallAudio {
  #port;
  #timers;
  #isHungUp = false;
  #isEnded = false;
  #isDucked = false;
  #duckedTurn = 0;
  #turn = 0;
  #cancelRestore = () => {};

  /**
   * @param {AudioPort} port
   * @param {Timers} timers
   */
  constructor(port, timers) {
    this.#port = port;
    this.#timers = timers;
  }

  /**
   * The speaker for the session. After the user has hung up, it plays nothing.
   * @returns {Speaker}
   */
  get speaker() {
    return {
      play: (pcm) => {
        if (!this.#isHungUp) {
          this.#port.play(pcm);
        }
      },
      stop: () => this.#port.stop(),
      unplayedMs: () => this.#port.unplayedMs(),
    };
  }

  /**
   * Begins to record. Without a microphone the call goes on with typed text.
   * @param {AudioUser} user
   */
  async start({ input, canSend, emit }) {
    const whenOpen = (/** @type {() => void} */ act) => {
      if (canSend()) {
        act();
      }
    };
    /** @type {AudioListener} */
    const listener = {
      onSpeechStart: () => {
        this.#duck();
        whenOpen(() => input.speechStart());
      },
      onAudio: (pcm) => whenOpen(() => input.audio(pcm, this.#port.marksSpeech ?? false)),
      onSpeechEnd: () => {
        this.#restoreSoon();
        whenOpen(() => input.speechEnd());
      },
      onLevels: (levels) => emit("audio-level", levels),
      onProblem: (code, detail) => emit("microphone", { code, detail }),
      onTick: () => this.#timers.runDue(),
    };
    try {
      await this.#port.start(listener);
    } catch (error) {
      emit("microphone", { code: "no_microphone", detail: String(error) });
    }
  }

  /** @param {Frame | Answer} frame */
  observe(frame) {
    if (frame.type === "audio") {
      this.#turn = frame.turn;
      if (frame.turn > this.#duckedTurn) {
        this.#restore();
      }
    } else if (frame.type === "interrupted" || frame.type === "no_speech") {
      this.#restore();
    }
  }

  /** Ends the sound at once. */
  async hangUp() {
    this.#isHungUp = true;
    if (!this.#isEnded) {
      this.#port.stop();
      await this.#end();
    }
  }

  /** Plays the goodbye to its end, and then releases the devices. */
  async finish() {
    this.#restore();
    this.#port.setMuted?.(true);
    const latestMs = this.#timers.nowMs() + PLAYED_WITHIN_MS;
    while (this.#port.unplayedMs() > 0 && this.#timers.nowMs() < latestMs) {
      await this.#timers.wait(PLAYED_CHECK_MS);
    }
    await this.#end();
  }

  async #end() {
    if (!this.#isEnded) {
      this.#isEnded = true;
      this.#cancelRestore();
      await this.#port.end();
    }
  }

  /** The user may be interrupting. */
  #duck() {
    this.#cancelRestore();
    if (!this.#isDucked && this.#port.unplayedMs() > 0) {
      this.#isDucked = true;
      this.#duckedTurn = this.#turn;
      this.#port.duck?.(true);
    }
  }

  #restoreSoon() {
    this.#cancelRestore();
    this.#cancelRestore = this.#timers.start(DUCKED_AFTER_SPEECH_MS, () => this.#restore());
  }

  #restore() {
    this.#cancelRestore();
    if (this.#isDucked) {
      this.#isDucked = false;
      this.#port.duck?.(false);
    }
  }
}
