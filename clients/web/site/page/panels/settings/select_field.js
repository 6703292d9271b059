import { html } from "../../../vendor/preact/standalone.mjs";

/**
 * A list of options with a label.
 * @param {object} props
 * @param {string} props.id
 * @param {string} props.label
 * @param {string} props.value
 * @param {{value: string, text: string}[]} props.options
 * @param {(value: string) => void} props.onChange
 */
export function SelectField({ id, label, value, options, onChange }) {
  return html`<div class="field">
    <label for=${id}>${label}</label>
    <select
      id=${id}
      class="input"
      value=${value}
      onChange=${(/** @type {{target: HTMLSelectElement}} */ { target }) => onChange(target.value)}
    >
      ${options.map(
        (option) => html`<option
          key=${option.value}
          value=${option.value}
          selected=${option.value === value}
        >
          ${option.text}
        </option>`,
      )}
    </select>
  </div>`;
}
