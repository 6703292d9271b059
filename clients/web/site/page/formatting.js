/** Writes money, lengths of time, moments and languages as the page shows them: in English. */

/**
 * @typedef {object} Place
 * @property {string} [locale] an English locale, which decides the order of day and month
 * @property {string} [timeZone] the time zone; the device's own by default
 */

const DAY_MS = 86_400_000;

/**
 * Returns the first English locale of a browser's list, British English if there is none.
 * @param {readonly string[]} languages
 */
export function englishLocale(languages) {
  return languages.find((tag) => /^en\b/i.test(tag)) ?? "en-GB";
}

const DEFAULT_LOCALE = englishLocale(globalThis.navigator?.languages ?? []);

/**
 * Writes an amount of money, with enough digits for a turn that costs a hundredth of a cent.
 * @param {number} usd
 */
export function formatUsd(usd) {
  const digits = usd === 0 || usd >= 1 ? 2 : usd < 0.01 ? 4 : 3;
  return `$${usd.toFixed(digits)}`;
}

/**
 * Writes a wait, such as "1.2 s".
 * @param {number} waitMs
 */
export function formatWait(waitMs) {
  return `${(waitMs / 1000).toFixed(1)} s`;
}

/**
 * Writes a length of time as a clock does, such as "2:05".
 * @param {number} lengthMs
 */
export function formatClock(lengthMs) {
  const total = Math.max(0, Math.floor(lengthMs / 1000));
  const [hours, minutes] = [Math.floor(total / 3600), Math.floor(total / 60) % 60];
  const padded = (/** @type {number} */ part) => String(part).padStart(2, "0");
  return `${hours ? `${hours}:${padded(minutes)}` : minutes}:${padded(total % 60)}`;
}

/**
 * Writes a length of time with at most two units, such as "3 min 20 s".
 * @param {number} lengthS
 */
export function formatSeconds(lengthS) {
  const whole = Math.round(lengthS);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (hours) return minutes ? `${hours} h ${minutes} min` : `${hours} h`;
  if (minutes) return rest ? `${minutes} min ${rest} s` : `${minutes} min`;
  return `${rest} s`;
}

/**
 * Writes a number with its noun, such as "1 turn" or "12 turns".
 * @param {number} count
 * @param {string} noun in the singular
 */
export function formatCount(count, noun) {
  const plural = /[^aeiou]y$/.test(noun) ? `${noun.slice(0, -1)}ies` : `${noun}s`;
  return `${count.toLocaleString("en-US")} ${count === 1 ? noun : plural}`;
}

/**
 * Writes a time of day, such as "14:05".
 * @param {string | number} moment RFC 3339, or Unix time in ms
 * @param {Place} [place]
 */
export function formatTime(moment, { locale = DEFAULT_LOCALE, timeZone } = {}) {
  return new Date(moment).toLocaleTimeString(locale, {
    hour: "numeric", minute: "2-digit", timeZone,
  });
}

/**
 * Writes a moment, with "Today" and "Yesterday" for recent ones, and the year for other years.
 * @param {string | number} moment RFC 3339, or Unix time in ms
 * @param {number} nowMs
 * @param {Place} [place]
 */
export function formatMoment(moment, nowMs, { locale = DEFAULT_LOCALE, timeZone } = {}) {
  const place = { locale, timeZone };
  const time = formatTime(moment, place);
  const day = dayOf(moment, timeZone);
  if (day === dayOf(nowMs, timeZone)) return `Today, ${time}`;
  if (day === dayOf(nowMs - DAY_MS, timeZone)) return `Yesterday, ${time}`;
  const year = day.slice(0, 4) === dayOf(nowMs, timeZone).slice(0, 4) ? undefined : "numeric";
  const date = new Date(moment).toLocaleDateString(locale, {
    weekday: "short", day: "numeric", month: "short", year, timeZone,
  });
  return `${date}, ${time}`;
}

/**
 * Writes when something will happen, such as "at 13:05", with the weekday unless it is today.
 * @param {number} atMs
 * @param {number} nowMs
 * @param {Place} [place]
 */
export function formatNext(atMs, nowMs, { locale = DEFAULT_LOCALE, timeZone } = {}) {
  const time = `at ${formatTime(atMs, { locale, timeZone })}`;
  if (isSameDay(atMs, nowMs, { timeZone })) return time;
  return `on ${new Date(atMs).toLocaleDateString(locale, { weekday: "long", timeZone })} ${time}`;
}

/**
 * Writes a calendar day of the API, such as "Fri 20 Nov".
 * @param {string} day such as "2026-11-20"
 * @param {Place} [place]
 */
export function formatDay(day, { locale = DEFAULT_LOCALE } = {}) {
  return new Date(`${day}T00:00:00Z`).toLocaleDateString(locale, {
    weekday: "short", day: "numeric", month: "short", timeZone: "UTC",
  });
}

/**
 * Writes the name of a language in English, and in the language itself where that differs.
 * @param {string} tag BCP 47
 */
export function formatLanguage(tag) {
  const english = languageName(tag, "en");
  const own = languageName(new Intl.Locale(tag).language, tag);
  return english.toLowerCase().startsWith(own.toLowerCase()) ? english : `${english} · ${own}`;
}

/**
 * @param {string} tag
 * @param {string} locale
 */
function languageName(tag, locale) {
  const names = new Intl.DisplayNames([locale], { type: "language", languageDisplay: "standard" });
  return names.of(tag) ?? tag;
}

/**
 * Returns whether two moments are on one local day.
 * @param {string | number} moment RFC 3339, or Unix time in ms
 * @param {string | number} other
 * @param {Place} [place]
 */
export function isSameDay(moment, other, { timeZone } = {}) {
  return dayOf(moment, timeZone) === dayOf(other, timeZone);
}

/**
 * Returns the local calendar day as "2026-11-20".
 * @param {string | number} moment
 * @param {string | undefined} timeZone
 */
function dayOf(moment, timeZone) {
  return new Date(moment).toLocaleDateString("en-CA", {
    year: "numeric", month: "2-digit", day: "2-digit", timeZone,
  });
}

/** @param {string} text */
export function capitalised(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
