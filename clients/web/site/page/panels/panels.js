/**
 * The panels of the side sheet, in the order of the menu. The sheet shows a panel's label as its
 * heading, and the panel below it.
 */

/**
 * What a panel gets as its props.
 *
 * @typedef {object} PanelProps
 * @property {import("../state/app_state.js").AppState} state
 * @property {import("../actions.js").Actions} actions
 */

/**
 * @typedef {object} Panel
 * @property {string} id
 * @property {string} label
 * @property {boolean} needsSignIn
 * @property {(props: PanelProps) => import("../../vendor/preact/standalone.mjs").VNode} view
 */

/** @type {Panel[]} */
export const PANELS = [];
