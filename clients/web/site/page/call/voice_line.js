import { html, useEffect, useRef } from "../../vendor/preact/standalone.mjs";
import { displacement, follow, heightOf, swell } from "./voice_curve.js";

/** @typedef {import("../state/phase.js").Phase | "idle"} Phase */
/** @typedef {{input: number, output: number}} Levels */

/** Each string leaves traces of where it was; the last one is the faintest. */
const TRACES = [1, 0.42, 0.24, 0.12];
const TRACE_S = 0.075;
const STEP_PX = 4;
const REST = 0.004;
const MAX_FRAME_S = 0.1;
const MAX_STROKE_PX = 6;

/**
 * The line between the two sides; it moves with their voices. With reduced motion it stays straight
 * and its strokes get thicker instead.
 * @param {object} props
 * @param {Phase} props.phase
 * @param {() => Levels} props.readLevels
 */
export function VoiceLine({ phase, readLevels }) {
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  const drawing = useRef(/** @type {LineDrawing | null} */ (null));
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (context === null || context === undefined) return;
    const made = new LineDrawing(context, readLevels);
    drawing.current = made;
    return () => made.end();
  }, [readLevels]);
  useEffect(() => drawing.current?.show(phase), [phase, readLevels]);
  return html`<canvas class="voice-line" aria-hidden="true" ref=${canvas}></canvas>`;
}

class LineDrawing {
  #context;
  #readLevels;
  /** @type {Phase} */
  #phase = "ready";
  #shown = { input: 0, output: 0, work: 0 };
  #lastMs = 0;
  #frame = 0;
  #size = { width: 0, height: 0 };
  #colours = { user: "", model: "", rest: "" };
  #motion = matchMedia("(prefers-reduced-motion: reduce)");
  #scheme = matchMedia("(prefers-color-scheme: dark)");
  #observer;
  #refresh = () => {
    this.#measure();
    this.#wake();
  };

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {() => Levels} readLevels
   */
  constructor(context, readLevels) {
    this.#context = context;
    this.#readLevels = readLevels;
    this.#observer = new ResizeObserver(this.#refresh);
    this.#observer.observe(context.canvas);
    this.#motion.addEventListener("change", this.#refresh);
    this.#scheme.addEventListener("change", this.#refresh);
    this.#refresh();
  }

  /** @param {Phase} phase */
  show(phase) {
    this.#phase = phase;
    this.#wake();
  }

  end() {
    cancelAnimationFrame(this.#frame);
    this.#observer.disconnect();
    this.#motion.removeEventListener("change", this.#refresh);
    this.#scheme.removeEventListener("change", this.#refresh);
  }

  #measure() {
    const { canvas } = this.#context;
    const { width, height } = canvas.getBoundingClientRect();
    const ratio = devicePixelRatio || 1;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    this.#context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.#size = { width, height };
    const style = getComputedStyle(canvas);
    this.#colours = {
      user: style.getPropertyValue("--ink"),
      model: style.getPropertyValue("--accent"),
      rest: style.getPropertyValue("--rule-strong"),
    };
  }

  #wake() {
    if (this.#frame === 0) this.#frame = requestAnimationFrame((nowMs) => this.#draw(nowMs));
  }

  /** @param {number} nowMs */
  #draw(nowMs) {
    this.#frame = 0;
    const elapsedS = Math.min(MAX_FRAME_S, Math.max(0, (nowMs - this.#lastMs) / 1000));
    this.#lastMs = nowMs;
    const isWorking = this.#phase === "thinking" || this.#phase === "looking-up";
    const { input, output } = this.#levelsOfPhase();
    const shown = this.#shown;
    shown.input = follow(shown.input, input, elapsedS);
    shown.output = follow(shown.output, output, elapsedS);
    shown.work = follow(shown.work, isWorking ? 1 : 0, elapsedS / 3);
    this.#paint(nowMs / 1000);
    const isLive = !["over", "limit"].includes(this.#phase);
    if (isLive || Math.max(shown.input, shown.output, shown.work) > REST) this.#wake();
  }

  #levelsOfPhase() {
    const { input, output } = this.#readLevels();
    const isOpen = !["over", "connecting", "reconnecting"].includes(this.#phase);
    const hears = isOpen && !["muted", "holding", "ready", "limit"].includes(this.#phase);
    return { input: hears ? heightOf(input) : 0, output: isOpen ? heightOf(output) : 0 };
  }

  /** @param {number} atS */
  #paint(atS) {
    const context = this.#context;
    context.clearRect(0, 0, this.#size.width, this.#size.height);
    context.lineCap = context.lineJoin = "round";
    const isBroken = this.#phase === "reconnecting" || this.#phase === "connecting";
    context.setLineDash(isBroken ? [2, 10] : []);
    context.lineDashOffset = isBroken && !this.#motion.matches ? -atS * 14 : 0;
    const { input, output } = this.#shown;
    this.#paintRest(isBroken);
    if (isBroken) return;
    const sides = /** @type {const} */ ([
      ["user", input],
      ["model", output],
    ]);
    // The louder side lies on top.
    for (const [side, level] of input > output ? sides.toReversed() : sides) {
      if (level > REST) this.#paintString(side, level, atS);
    }
    this.#paintWork(atS);
  }

  /** @param {boolean} isBroken */
  #paintRest(isBroken) {
    const isQuiet = Math.max(this.#shown.input, this.#shown.output) < 0.02;
    this.#context.globalAlpha = isQuiet || isBroken ? 1 : 0.35;
    this.#context.strokeStyle = this.#colours.rest;
    this.#context.lineWidth = isBroken ? 2.5 : 1.25;
    this.#stroke(() => 0);
  }

  /**
   * @param {"user" | "model"} side
   * @param {number} level
   * @param {number} atS
   */
  #paintString(side, level, atS) {
    const context = this.#context;
    context.strokeStyle = this.#colours[side];
    if (this.#motion.matches) {
      const half = side === "user" ? [0, 0.5] : [0.5, 1];
      context.globalAlpha = 1;
      context.lineWidth = 1.25 + level * (MAX_STROKE_PX - 1.25);
      this.#stroke(() => 0, half[0], half[1]);
      return;
    }
    const heightPx = (this.#size.height / 2 - 4) * level;
    TRACES.forEach((alpha, at) => {
      context.globalAlpha = alpha;
      context.lineWidth = at === 0 ? 2 : 1.25;
      const traceS = atS - at * TRACE_S;
      const scale = heightPx * (1 - 0.12 * at);
      this.#stroke((place) => scale * displacement(side, place, traceS));
    });
  }

  /** @param {number} atS */
  #paintWork(atS) {
    const { work } = this.#shown;
    if (work < 0.02 || this.#motion.matches) return;
    const isLooking = this.#phase === "looking-up";
    this.#context.globalAlpha = work;
    this.#context.strokeStyle = this.#colours.model;
    this.#context.lineWidth = 2;
    const heightPx = 10 * work;
    this.#stroke((place) => heightPx * swell(place, atS, isLooking ? 1.6 : 2.4));
  }

  /**
   * @param {(place: number) => number} shape the displacement in px at a place from 0 to 1
   * @param {number} [from]
   * @param {number} [to]
   */
  #stroke(shape, from = 0, to = 1) {
    const { width, height } = this.#size;
    const margin = MAX_STROKE_PX;
    const length = width - 2 * margin;
    const context = this.#context;
    context.beginPath();
    const steps = Math.max(2, Math.ceil((length * (to - from)) / STEP_PX));
    for (let step = 0; step <= steps; step++) {
      const place = from + ((to - from) * step) / steps;
      context.lineTo(margin + place * length, height / 2 - shape(place));
    }
    context.stroke();
  }
}
