// A microphone that speaks on request: `instruments.say` plays samples into the page's stream.
// The browser still grants the permission and applies the constraints, on its own fake device.
(() => {
  const instruments = (globalThis.instruments ??= {});
  const devices = navigator.mediaDevices;
  if (!devices) return;
  const getUserMedia = devices.getUserMedia.bind(devices);
  const RATE_HZ = 48_000;
  const ROOM_NOISE = 0.005; // about -55 dBFS at 16 kHz: a room, not a broken device
  const connect = AudioNode.prototype.connect;
  let microphone = null;
  let isRecorded = false;
  let saying = 0;

  // The page records the stream from the moment at which it connects it.
  AudioNode.prototype.connect = function (...rest) {
    isRecorded ||= this instanceof MediaStreamAudioSourceNode;
    return connect.apply(this, rest);
  };

  devices.getUserMedia = async (constraints) => {
    const real = await getUserMedia(constraints);
    const context = new AudioContext({ sampleRate: RATE_HZ });
    const output = context.createMediaStreamDestination();
    const noise = context.createBuffer(1, RATE_HZ, RATE_HZ);
    noise.getChannelData(0).forEach((_, index, samples) => {
      samples[index] = (Math.random() * 2 - 1) * ROOM_NOISE;
    });
    const room = new AudioBufferSourceNode(context, { buffer: noise, loop: true });
    room.connect(output);
    room.start();
    const [track] = output.stream.getAudioTracks();
    const [device] = real.getAudioTracks();
    const stop = track.stop.bind(track);
    track.getSettings = () => device.getSettings();
    track.getCapabilities = () => device.getCapabilities();
    track.stop = () => {
      stop();
      device.stop();
      void context.close();
    };
    device.addEventListener("ended", () => track.dispatchEvent(new Event("ended")));
    microphone = { context, output, room };
    return output.stream;
  };

  const decoded = (base64) => {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    return Float32Array.from(new Int16Array(bytes.buffer), (sample) => sample / 32_768);
  };

  // Plays PCM16, once the page records.
  instruments.say = (base64, rateHz) => {
    const { context, output } = microphone;
    const samples = decoded(base64);
    const buffer = context.createBuffer(1, samples.length, rateHz);
    buffer.copyToChannel(samples, 0);
    const source = new AudioBufferSourceNode(context, { buffer });
    source.addEventListener("ended", () => {
      saying -= 1;
    });
    source.connect(output);
    source.start();
    saying += 1;
  };

  instruments.hasSaid = () => saying === 0;

  // Lets the microphone send zeros, as a broken device does, or the noise of the room again.
  instruments.silenceMicrophone = (isSilent) => {
    const { output, room } = microphone;
    isSilent ? room.disconnect() : room.connect(output);
  };

  instruments.hasMicrophone = () => microphone !== null;
  instruments.isRecorded = () => isRecorded;
})();
