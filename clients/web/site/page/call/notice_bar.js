import { html } from "../../vendor/preact/standalone.mjs";
import { Icon } from "../icons.js";

/**
 * What is wrong in an open call. The region exists before its first notice, so that screen readers
 * announce it.
 * @param {object} props
 * @param {import("../state/notices.js").Notice | null} props.notice
 * @param {import("../call_control.js").CallControl} props.control
 */
export function NoticeBar({ notice, control }) {
  return html`<div class="notice-region" role="status">
    ${notice !== null &&
    html`<div class="notice">
      <${Icon} name="notice" />
      <div>
        <p class="notice-title">${notice.title}</p>
        ${notice.text && html`<p class="soft small">${notice.text}</p>`}
      </div>
      ${notice.action === "unlock" &&
      html`<button type="button" class="button primary" onClick=${() => control.unlockAudio()}>
        Tap to continue
      </button>`}
      ${notice.action === "close" &&
      html`<button
        type="button"
        class="button plain icon"
        aria-label="Close this notice"
        onClick=${() => control.closeProblem()}
      >
        <${Icon} name="close" />
      </button>`}
    </div>`}
  </div>`;
}
