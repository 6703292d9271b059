import { html, useRef } from "../../vendor/preact/standalone.mjs";
import { useFocusOnAppearing } from "../focus.js";
import { endingOf } from "../state/notices.js";

/**
 * Why the call is over, and the ways to go on.
 * @param {import("../panels/panels.js").PanelProps} props
 */
export function Ending({ state, actions }) {
  const { call, isSignedIn } = state;
  const heading = useRef(/** @type {HTMLElement | null} */ (null));
  useFocusOnAppearing(() => heading.current);
  const { title, text, again } = endingOf(call);
  const start = (/** @type {string | undefined} */ conversation) => () =>
    actions.control.start({
      mode: call.mode,
      conversation,
      keepsTurns: conversation !== "new",
    });
  const canStart = isSignedIn && again !== null;
  return html`<section class="ending" aria-label="End of the call">
    <div role="status">
      <h2 tabindex="-1" ref=${heading}>${title}</h2>
      <p class="soft">${text}</p>
    </div>
    <div class="ways">
      ${!isSignedIn &&
      html`<button type="button" class="button primary" onClick=${() => actions.signIn()}>
        Sign in
      </button>`}
      ${canStart &&
      html`<button
          type="button"
          class="button primary"
          onClick=${start(call.conversationId ?? undefined)}
        >
          ${again}
        </button>
        <button type="button" class="button" onClick=${start("new")}>New conversation</button>`}
      <button type="button" class="button" onClick=${() => actions.leaveCall()}>Done</button>
    </div>
  </section>`;
}
