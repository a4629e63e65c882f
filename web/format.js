// Numbers and times as people read them. Digits stay few: a sampled figure is not exact.

const thousands = new Intl.NumberFormat('en-US');
const formatCount = (count) => thousands.format(count);

function formatPercent(part, whole) {
  if (whole === 0 || part === 0) return '0 %';
  const percent = (100 * part) / whole;
  if (percent > 0 && percent < 0.01) return '< 0.01 %';
  if (percent < 100 && percent >= 99.95) return percent < 99.995 ? `${percent.toFixed(2)} %` : '> 99.99 %';
  return `${percent.toFixed(percent < 1 ? 2 : 1)} %`;
}

function formatSeconds(seconds) {
  if (seconds === 0) return '0 s';
  if (seconds < 0.9995) return `${(seconds * 1000).toPrecision(3).replace(/\.?0+$/, '')} ms`;
  if (seconds < 1000) return `${seconds.toPrecision(3)} s`;
  return `${formatCount(Math.round(seconds))} s`;
}

// "2026-08-05 10:15:00 – 10:15:30 UTC"
function formatWindow(startMs, endMs) {
  const parts = (ms) => new Date(ms).toISOString().slice(0, 19).split('T');
  const [startDay, startTime] = parts(startMs);
  const [endDay, endTime] = parts(endMs);
  return `${startDay} ${startTime} – ${startDay === endDay ? '' : `${endDay} `}${endTime} UTC`;
}
