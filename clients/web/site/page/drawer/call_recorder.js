import { FrameLog } from "./frame_log.js";
import { TurnTimelines } from "./turn_timelines.js";

/** Keeps the latest frames of the calls of this page, and the timelines of their turns. */
export class CallRecorder {
  log = new FrameLog();
  timelines = new TurnTimelines();

  /** @type {EventTarget | null} */
  #call = null;
  #onChange;

  /** @param {() => void} [onChange] is called after each frame. */
  constructor(onChange = () => {}) {
    this.#onChange = onChange;
  }

  /**
   * Records a call from now on, instead of the call before it.
   *
   * @param {EventTarget | null} call
   */
  follow(call) {
    this.#call?.removeEventListener("frame", this.#take);
    this.#call = call;
    call?.addEventListener("frame", this.#take);
  }

  /** Forgets all frames and turns. */
  clear() {
    this.log.clear();
    this.timelines = new TurnTimelines();
    this.#onChange();
  }

  #take = (/** @type {Event} */ event) => {
    const { detail } = /** @type {CustomEvent} */ (event);
    this.log.add(detail);
    this.timelines.add(detail);
    this.#onChange();
  };
}
