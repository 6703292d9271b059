/**
 * Returns what the drawer saves: frames, timelines and diagnostics, without audio and tokens.
 * @param {object} parts
 * @param {import("./call_recorder.js").CallRecorder} parts.recorder
 * @param {Record<string, unknown> | null} parts.diagnostics of the audio
 * @param {{sessionId: string | null, conversationId: string | null}} parts.call
 * @param {string} parts.browser
 * @param {number} parts.nowMs
 */
export function recording({ recorder, diagnostics, call, browser, nowMs }) {
  const { log, timelines } = recorder;
  return {
    version: 1,
    saved_at: new Date(nowMs).toISOString(),
    browser,
    session_id: call.sessionId,
    conversation_id: call.conversationId,
    audio: diagnostics,
    dropped_frames: log.dropped,
    turns: timelines.turns,
    frames: log.entries.map(({ number, direction, at_ms, frame }) => ({
      number, direction, at_ms, frame,
    })),
  };
}
