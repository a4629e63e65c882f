// How good the data is: one line in the header, every counter in a dialog.

function qualityLevel({taken, reported, whole, lost, sums_hold: sumsHold}) {
  if (!sumsHold) return 'bad';
  if (taken === 0) return 'none';
  const good = whole / Math.max(1, reported);
  if (good >= 0.98 && lost <= 0.01 * taken) return 'good';
  return good >= 0.9 && lost <= 0.05 * taken ? 'fair' : 'bad';
}

function qualityLine(quality) {
  if (quality.taken === 0) return 'no samples';
  return `${formatPercent(quality.whole, quality.reported)} of stacks whole · ${quality.lost === 0 ? 'none' : formatCount(quality.lost)} lost`;
}

function fillQualityDialog(dialog, profile) {
  const {quality} = profile;
  const row = (name, count, of, remark, inner) => el('tr', {class: inner ? 'inner' : ''}, el('th', {scope: 'row'}, name),
    el('td', {}, formatCount(count)), el('td', {}, of > 0 ? formatPercent(count, of) : '–'), el('td', {class: 'remark'}, remark));
  const reasons = (counters, of) => Object.entries(counters).filter(([, count]) => count > 0)
    .map(([name, count]) => row(name, count, of, '', true));
  dialog.replaceChildren(
    el('h2', {id: 'quality-title'}, 'Data quality'),
    el('p', {}, profile.meta.quality_summary),
    el('table', {class: 'counters'},
      el('thead', {}, el('tr', {}, el('th'), el('th', {}, 'samples'), el('th', {}, 'share'), el('th'))),
      el('tbody', {},
        row('Taken', quality.taken, quality.taken, 'came due on a busy CPU'),
        row('Whole', quality.whole, quality.taken, 'walked to the root by unwind rules alone'),
        row('Guessed', quality.guessed, quality.taken, 'to the root, some frame by frame pointer'),
        row('Truncated', quality.truncated, quality.taken, 'user frames, but not to the root'),
        row('Unwalked', quality.unwalked, quality.taken, 'no user frame at all'),
        ...reasons(quality.ends, quality.taken),
        row('Lost', quality.lost, quality.taken, 'in no stack'),
        ...reasons(quality.losses, quality.taken),
        row('Deferred', quality.deferred, quality.taken, 'finished from a copy of the stack'),
        row('Unnamed', quality.unnamed, quality.taken, 'hold a frame without a name')),
      el('tbody', {},
        row('Frames', quality.frames, 0, ''),
        row('without a name', quality.unnamed_frames, quality.frames, '', true))),
    el('p', {class: `sums ${quality.sums_hold ? 'good' : 'bad'}`}, quality.sums_hold
      ? '✓ The sums hold: taken = whole + guessed + truncated + unwalked + lost.'
      : '✗ The sums do not hold: these counters cannot be trusted.'),
    el('form', {method: 'dialog'}, el('button', {class: 'plain'}, 'Close')));
}

const KEYS = [
  ['/', 'search'], ['n  N', 'next, previous match'], ['Esc', 'step back: search, highlight, zoom'],
  ['← → ↑ ↓', 'move between frames'], ['Enter', 'zoom to the frame'], ['0', 'reset the zoom'],
  ['f  i  s', 'flame, icicle, sandwich'], ['1  2  3', 'functions, processes, details'], ['l', 'frames by line'],
  ['c  C', 'copy name, copy stack'], ['t', 'light or dark'], ['?', 'this list'],
];
const GESTURES = [
  ['Click', 'zoom to the frame'], ['Right click', 'what can be done with it'], ['Drag', 'move around'],
  ['Ctrl + wheel', 'zoom at the pointer'], ['Double click', 'on a function: its sandwich'],
];

function fillHelpDialog(dialog, profile) {
  const list = (pairs) => el('dl', {class: 'keys'}, ...pairs.flatMap(([keys, does]) => [
    el('dt', {}, ...keys.split('  ').flatMap((key) => [el('kbd', {}, key), ' '])), el('dd', {}, does)]));
  dialog.replaceChildren(
    el('h2', {id: 'help-title'}, 'Keyboard and mouse'),
    el('div', {class: 'columns'}, list(KEYS), list(GESTURES)),
    el('p', {class: 'faint'}, 'A frame is as wide as its share of the samples: its own and those of all it called. '
      + 'The picture shows no order in time. ', `Made by gprofiler ${profile.meta.agent}.`),
    el('form', {method: 'dialog'}, el('button', {class: 'plain'}, 'Close')));
}
