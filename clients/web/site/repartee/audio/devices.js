/** Lists microphones and speakers. */

/** @typedef {{id: string, label: string}} Device */
/** @typedef {{inputs: Device[], outputs: Device[]}} Devices */

/**
 * Returns the devices; the lists are empty or without labels until the microphone is permitted.
 * @returns {Promise<Devices>}
 */
export async function listDevices() {
  const found = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  /** @param {MediaDeviceKind} kind */
  const ofKind = (kind) =>
    found
      .filter((one) => one.kind === kind && one.deviceId)
      .map(({ deviceId, label }) => ({ id: deviceId, label }));
  return {
    inputs: ofKind("audioinput"),
    outputs: canSelectOutput() ? ofKind("audiooutput") : [],
  };
}

/**
 * Returns whether this browser can play on a speaker that is not the default.
 * @returns {boolean}
 */
export function canSelectOutput() {
  return "setSinkId" in AudioContext.prototype || "setSinkId" in HTMLMediaElement.prototype;
}

/**
 * Returns whether this is an iPhone or an iPad, whose device ids do not last.
 * @returns {boolean}
 */
export function isIos() {
  const { userAgent, maxTouchPoints } = navigator;
  return /iPhone|iPad|iPod/.test(userAgent) || (/Macintosh/.test(userAgent) && maxTouchPoints > 1);
}
