// Records what each audio context of the page really plays, in a worklet beside its graph.
(() => {
  const instruments = (globalThis.instruments ??= {});
  const MODULE = "/instruments/recorder_worklet.js"; // the tests' gateway serves it
  const RATE_HZ = 24_000; // of the page's playback; capture has another
  const connect = AudioNode.prototype.connect;
  const recorders = new Map(); // by context
  instruments.recordings = [];

  // A call may end, and close its context, while the module still loads.
  const addModule = async (context) => {
    try {
      await context.audioWorklet.addModule(MODULE);
    } catch (error) {
      if (context.state !== "closed") throw error;
    }
    return context.state !== "closed";
  };

  const recorderOf = (context) => {
    const known = recorders.get(context);
    if (known) return known;
    const recording = { context, firstFrame: null, lastSoundFrame: 0, chunks: [] };
    const made = addModule(context).then((isLoaded) => {
      if (!isLoaded) return null;
      const node = new AudioWorkletNode(context, "recorder", { numberOfOutputs: 1 });
      node.port.onmessage = ({ data }) => {
        recording.firstFrame ??= data.frame;
        recording.chunks.push(data);
        if (data.samples.some((sample) => sample !== 0)) {
          recording.lastSoundFrame = data.frame + data.samples.length;
        }
      };
      connect.call(node, context.destination); // silent: a node without a way out is not run
      return node;
    });
    recorders.set(context, made);
    instruments.recordings.push(recording);
    return made;
  };

  AudioNode.prototype.connect = function (target, ...rest) {
    const isHeard =
      target instanceof AudioDestinationNode || target instanceof MediaStreamAudioDestinationNode;
    if (isHeard && this.context.sampleRate === RATE_HZ) {
      void recorderOf(this.context).then((node) => node && connect.call(this, node));
    }
    return connect.call(this, target, ...rest);
  };

  // The frame of the context that plays at this moment.
  instruments.playedFrame = () => {
    const recording = instruments.recordings.at(-1);
    return recording ? Math.round(recording.context.currentTime * RATE_HZ) : null;
  };

  instruments.isRecording = () => instruments.recordings.at(-1).firstFrame !== null;

  // Whether something was played, and silence followed for so long.
  instruments.hasPlayed = (silenceMs) => {
    const sound = instruments.recordings.at(-1)?.lastSoundFrame ?? 0;
    return sound > 0 && instruments.playedFrame() - sound > (silenceMs / 1000) * RATE_HZ;
  };

  instruments.readRecording = (index) => {
    const { firstFrame, chunks } = instruments.recordings.at(index);
    // A busy browser leaves out quanta of the recorder, so each chunk says where it belongs.
    const last = chunks.at(-1);
    const length = last ? last.frame + last.samples.length - firstFrame : 0;
    const samples = new Int16Array(length);
    for (const chunk of chunks) samples.set(chunk.samples, chunk.frame - firstFrame);
    const bytes = new Uint8Array(samples.buffer);
    let text = "";
    for (let start = 0; start < bytes.length; start += 32_768) {
      text += String.fromCharCode(...bytes.subarray(start, start + 32_768));
    }
    return { firstFrame: firstFrame ?? 0, pcm: btoa(text) };
  };
})();
