// Follows how loud the microphone is, once per painted frame.

/**
 * Report the loudness of a session's sound in [0, 1] until the signal aborts.
 * @param {import('./media.js').Media} media
 * @param {AbortSignal} signal
 * @param {(level: number) => void} show
 */
export function followLevel(media, signal, show) {
  let context;
  try {
    context = new AudioContext();
  } catch {
    return; // Too many are open: a meter less is no reason to end a session.
  }
  const analyser = new AnalyserNode(context, { fftSize: 1024 });
  const samples = new Float32Array(analyser.fftSize);
  context.resume().catch(() => {}); // Closed before it ran: there is no level to show any more.

  let source = null;
  let listenedTo = null;
  function listen() {
    const track = media.track('audio');
    if (track === listenedTo) return;
    source?.disconnect();
    listenedTo = track;
    source = track && sourceOf(context, track);
    source?.connect(analyser);
  }
  listen();
  media.addEventListener('change', listen, { signal });

  let level = 0;
  let frame = requestAnimationFrame(function step() {
    if (source) analyser.getFloatTimeDomainData(samples);
    level = smoothed(level, source ? loudness(samples) : 0);
    show(level);
    frame = requestAnimationFrame(step);
  });
  signal.addEventListener('abort', () => {
    cancelAnimationFrame(frame);
    context.close();
    show(0);
  });
}

function sourceOf(context, track) {
  try {
    return context.createMediaStreamSource(new MediaStream([track]));
  } catch {
    return null; // Some browsers cannot when the microphone has another sample rate.
  }
}

function loudness(samples) {
  let power = 0;
  for (const sample of samples) power += sample * sample;
  return levelOf(power / samples.length);
}

/** A mean square in decibels, with -60 dB as 0 and -10 dB as 1. */
export function levelOf(power) {
  const decibels = 10 * Math.log10(power + 1e-12);
  return Math.min(1, Math.max(0, (decibels + 60) / 50));
}

/** Rise with the voice, fall slowly, so that the glow breathes instead of flickering. */
function smoothed(level, next) {
  return level + (next - level) * (next > level ? 0.35 : 0.08);
}
