/** Finds a microphone that delivers no sound, although it is open. */

import { toDbfs } from "../levels.js";

import { FRAME_MS } from "./frame_cutter.js";

/** A pause of a user who listens has noise in it; a muted or wrong device has none. */
const SILENT_AFTER_MS = 3_000;
/**
 * The peaks of a device with its level at 0 are below this. The noise of a quiet room is not, even
 * after noise suppression.
 */
const QUIET_DBFS = -80;

/**
 * Reports a microphone that is silent for 3 s, and when it is heard again.
 *
 * Once a microphone was heard, only exact zeros count as silence.
 */
export class SilenceWatch {
  #onChange;
  #silentFrames = 0;
  #isSilent = false;
  #wasHeard = false;

  /** @param {(isSilent: boolean) => void} onChange */
  constructor(onChange) {
    this.#onChange = onChange;
  }

  /**
   * Processes the peak of the next frame.
   * @param {number} peak 0 to 1
   */
  push(peak) {
    const isAudible = toDbfs(peak) >= QUIET_DBFS;
    if (isAudible || (peak > 0 && this.#wasHeard && !this.#isSilent)) {
      this.#wasHeard ||= isAudible;
      this.#silentFrames = 0;
      this.#change(false);
      return;
    }
    this.#silentFrames += 1;
    if (this.#silentFrames * FRAME_MS >= SILENT_AFTER_MS) {
      this.#change(true);
    }
  }

  /**
   * Starts again, for another microphone or after a mute.
   * @param {boolean} isKnownSilent whether the silence was reported to the application
   */
  restart(isKnownSilent) {
    this.#silentFrames = 0;
    this.#wasHeard = false;
    this.#isSilent = isKnownSilent;
  }

  /** @param {boolean} isSilent */
  #change(isSilent) {
    if (isSilent !== this.#isSilent) {
      this.#isSilent = isSilent;
      this.#onChange(isSilent);
    }
  }
}
