// Colours of frames, by kind. Hues are far apart for every common kind of colour blindness (blue, orange, green of other
// lightness, purple), and the kind is also said in words wherever a frame is described. Within a kind, modules differ a
// little, so that neighbours can be told apart.

// [lightness, chroma, hue] in OKLCH.
const KIND_COLOURS = {
  light: [[0.81, 0.075, 252], [0.82, 0.095, 66], [0.88, 0.085, 160], [0.78, 0.085, 318], [0.77, 0.115, 25],
          [0.83, 0.08, 285], [0.85, 0.07, 205], [0.84, 0.09, 110], [0.92, 0, 0], [0.9, 0.008, 260]],
  dark: [[0.49, 0.092, 255], [0.55, 0.095, 60], [0.56, 0.085, 165], [0.48, 0.1, 318], [0.5, 0.125, 25],
         [0.52, 0.1, 285], [0.53, 0.08, 205], [0.54, 0.085, 110], [0.33, 0, 0], [0.34, 0.012, 260]],
};

function hashOf(text) {
  let hash = 2166136261;  // FNV-1a, 32 bits
  for (let i = 0; i < text.length; ++i) hash = Math.imul(hash ^ text.charCodeAt(i), 16777619);
  return hash >>> 0;
}

function kindColour(theme, kind) {
  const [lightness, chroma, hue] = KIND_COLOURS[theme][kind];
  return `oklch(${lightness} ${chroma} ${hue})`;
}

function frameColour(theme, entity) {
  const cached = entity[theme];
  if (cached !== undefined) return cached;
  const [lightness, chroma, hue] = KIND_COLOURS[theme][entity.kind];
  const hash = hashOf(`${entity.module ?? ''}/${isInterpreted(entity.kind) ? entity.file : ''}`);
  const nudge = entity.kind >= MARKER ? 0 : ((hash & 0xff) / 255 - 0.5) * 0.06;
  const fine = entity.kind >= MARKER ? 0 : ((hashOf(entity.name) & 0xff) / 255 - 0.5) * 0.035;
  const turn = entity.kind >= MARKER ? 0 : (((hash >> 8) & 0xff) / 255 - 0.5) * 16;
  entity[theme] = `oklch(${(lightness + nudge + fine).toFixed(3)} ${chroma} ${(hue + turn).toFixed(1)})`;
  return entity[theme];
}

const INK = {
  light: {text: '#1c1f24', faint: '#5b616b', ring: '#1c1f24', page: '#ffffff', hatch: 'rgb(0 0 0 / 13%)', glow: 'rgb(255 255 255 / 38%)'},
  dark: {text: '#f3f4f6', faint: '#aab0ba', ring: '#ffffff', page: '#15181d', hatch: 'rgb(255 255 255 / 13%)', glow: 'rgb(255 255 255 / 14%)'},
};
