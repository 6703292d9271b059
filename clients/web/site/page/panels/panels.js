/**
 * The panels of the side sheet for a signed-in user, in the order of the menu. The sheet shows a
 * panel's label as its heading, and the panel below it.
 */

import { agentName } from "../state/app_state.js";
import { endedTurns } from "../state/phase.js";
import { lazyPanel } from "./lazy_panel.js";

/**
 * What a panel gets as its props.
 * @typedef {object} PanelProps
 * @property {import("../state/app_state.js").AppState} state
 * @property {import("../actions.js").Actions} actions
 */

/**
 * @typedef {object} Panel
 * @property {string} id
 * @property {string} label
 * @property {(props: PanelProps) => import("../../vendor/preact/standalone.mjs").VNode} view
 */

/** @type {Panel[]} */
export const PANELS = [
  {
    id: "conversations",
    label: "Past conversations",
    view: lazyPanel(
      async () => (await import("./conversations/conversations_panel.js")).ConversationsPanel,
      ({ state, actions }) => ({
        api: actions.api,
        current: isInCall(state) ? state.call.conversationId : null,
        agent: agentName(state),
        onContinue: (/** @type {string} */ id) => actions.continueConversation(id),
      }),
    ),
  },
  {
    id: "notes",
    label: "Remembered notes",
    view: lazyPanel(
      async () => (await import("./notes_panel.js")).NotesPanel,
      ({ state, actions }) => ({ api: actions.api, revision: endedTurns(state.call) }),
    ),
  },
  {
    id: "usage",
    label: "Usage",
    view: lazyPanel(
      async () => (await import("./usage/usage_panel.js")).UsagePanel,
      ({ state, actions }) => ({ api: actions.api, revision: endedTurns(state.call) }),
    ),
  },
  {
    id: "settings",
    label: "Settings",
    view: lazyPanel(
      async () => (await import("./settings/settings_panel.js")).SettingsPanel,
      ({ state, actions }) => ({
        api: actions.api,
        settings: state.settings,
        choices: actions.choices,
        call: isInCall(state) ? actions.call : null,
        onTalkMode: (/** @type {import("../../repartee/call_audio.js").TalkMode} */ talkMode) =>
          actions.control.setTalkMode(talkMode),
        isInCall: isInCall(state),
        revision: endedTurns(state.call),
      }),
    ),
  },
  {
    id: "data",
    label: "Your data",
    view: lazyPanel(
      async () => (await import("./your_data_panel.js")).YourDataPanel,
      ({ state, actions }) => ({
        api: actions.api,
        isInCall: isInCall(state),
        onErased: () => actions.signOut(),
      }),
    ),
  },
];

/** @param {import("../state/app_state.js").AppState} state */
function isInCall({ call }) {
  return call.stage === "open" || call.stage === "starting";
}
