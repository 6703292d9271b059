import { FrameLog } from "./frame_log.js";
import { TurnTimelines } from "./turn_timelines.js";

/** Keeps the latest frames of the calls of this page, and the timelines of their turns. */
export class CallRecorder {
  log = new FrameLog();
  timelines = new TurnTimelines();

  /** @type {EventTarget | null} */
  #call = null;
  #originMs;

  /** @param {number} [originMs] the Unix time at which the clock of calls is 0 */
  constructor(originMs = performance.timeOrigin) {
    this.#originMs = originMs;
  }

  /**
   * Records a call from now on, instead of the call before it.
   * @param {EventTarget | null} call
   */
  follow(call) {
    this.#call?.removeEventListener("frame", this.#take);
    this.#call = call;
    call?.addEventListener("frame", this.#take);
  }

  #take = (/** @type {Event} */ event) => {
    const { detail } = /** @type {CustomEvent} */ (event);
    const at_ms = Math.round(this.#originMs + detail.at_ms);
    this.log.add({ ...detail, at_ms });
    this.timelines.add({ ...detail, at_ms });
  };
}
