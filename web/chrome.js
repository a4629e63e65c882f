// The parts of the page around the graph: header, theme, tabs, splitter, legend.

function fillHeader(profile) {
  const {meta} = profile;
  const seconds = profile.seconds(profile.total);
  const length = (meta.end_ms - meta.start_ms) / 1000;
  document.title = `${meta.host || 'profile'} · ${new Date(meta.end_ms).toISOString().slice(0, 19).replace('T', ' ')} · gprofiler`;
  byId('host').textContent = meta.host || 'unnamed host';
  byId('window').textContent = `${formatWindow(meta.start_ms, meta.end_ms)} · ${formatSeconds(length)}`;
  const figure = (value, name, title) => el('div', {title}, el('dt', {}, name), el('dd', {}, value));
  byId('figures').append(
    figure(formatCount(profile.total), profile.total === 1 ? 'sample' : 'samples', `One every ${formatSeconds(meta.period_ns / 1e9)} of each busy CPU`),
    figure(formatSeconds(seconds), 'on CPU', 'Samples times the sampling period'),
    figure(length > 0 ? (seconds / length).toFixed(2) : '–', 'CPUs busy', 'Time on CPU over the length of the window'),
    figure(`${meta.frequency} Hz`, meta.event, `Sampled by ${meta.event}, kernel ${meta.kernel}`));
  byId('quality').dataset.level = qualityLevel(profile.quality);
  byId('quality-text').textContent = qualityLine(profile.quality);
  byId('quality').title = `Data quality: ${meta.quality_summary}`;
}

// As the system wants it, until the button says otherwise; remembered where the browser lets a file remember.
class Theme {
  constructor(button, changed) {
    this.changed = changed;
    this.system = matchMedia('(prefers-color-scheme: dark)');
    this.chosen = this.recall();
    this.button = button;
    button.addEventListener('click', () => this.toggle());
    this.system.addEventListener('change', () => this.apply());
  }

  get name() { return this.chosen ?? (this.system.matches ? 'dark' : 'light'); }

  toggle() {
    this.chosen = this.name === 'dark' ? 'light' : 'dark';
    try { localStorage.setItem('gprofiler-theme', this.chosen); } catch { /* not remembered, still changed */ }
    this.apply();
  }

  recall() {
    try {
      const stored = localStorage.getItem('gprofiler-theme');
      return stored === 'dark' || stored === 'light' ? stored : null;
    } catch {
      return null;
    }
  }

  apply() {
    document.documentElement.dataset.theme = this.name;
    for (const kind of KINDS.keys()) {
      document.documentElement.style.setProperty(`--kind-${KINDS[kind]}`, kindColour(this.name, kind));
    }
    const next = this.name === 'dark' ? 'Light' : 'Dark';
    this.button.setAttribute('aria-label', `${next} colours`);
    this.button.title = `${next} colours (t)`;
    this.changed(this.name);
  }
}

const TABS = ['functions', 'processes', 'details'];

function showTab(name) {
  for (const tab of TABS) {
    byId(`tab-${tab}`).setAttribute('aria-selected', String(tab === name));
    byId(`tab-${tab}`).tabIndex = tab === name ? 0 : -1;
    byId(`panel-${tab}`).hidden = tab !== name;
  }
}

function wireTabs() {
  byId('tabs').addEventListener('keydown', (event) => {
    const step = {ArrowRight: 1, ArrowLeft: -1}[event.key];
    const at = TABS.findIndex((tab) => byId(`tab-${tab}`) === event.target);
    if (step === undefined || at < 0) return;
    const next = TABS[(at + step + TABS.length) % TABS.length];
    showTab(next);
    byId(`tab-${next}`).focus();
    event.stopPropagation();
  });
  for (const tab of TABS) byId(`tab-${tab}`).addEventListener('click', () => showTab(tab));
  showTab('functions');
}

function wireSplitter(splitter, main) {
  const set = (width) => main.style.setProperty('--side', `${Math.min(Math.max(width, 240), innerWidth - 320)}px`);
  splitter.addEventListener('pointerdown', (event) => {
    splitter.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  splitter.addEventListener('pointermove', (event) => {
    if (splitter.hasPointerCapture(event.pointerId)) set(innerWidth - event.clientX);
  });
  splitter.addEventListener('keydown', (event) => {
    const step = {ArrowLeft: 24, ArrowRight: -24}[event.key];
    if (step === undefined) return;
    set(byId('side').offsetWidth + step);
    event.preventDefault();
    event.stopPropagation();
  });
}

// Kinds of frames with their self time; a click leaves a kind's frames out, their time going to their callers.
class Legend {
  constructor(profile, box, changed) {
    this.profile = profile;
    this.box = box;
    this.changed = changed;
    this.hidden = new Set();
    this.present = [...new Set(profile.symbolOf.map((entity) => profile.entities[entity].kind))].sort();
    this.buttons = new Map(this.present.map((kind) => [kind, el('button', {type: 'button', class: 'kind', onclick: () => this.toggle(kind)})]));
    box.append(...this.buttons.values(), el('span', {class: 'hint'}, el('kbd', {}, '?'), ' keys'));
  }

  show(tree) {
    const self = new Float64Array(KINDS.length);
    for (let node = 0; node < tree.size; ++node) self[this.profile.entities[tree.entity[node]].kind] += tree.self[node];
    for (const [kind, button] of this.buttons) {
      const on = !this.hidden.has(kind);
      button.setAttribute('aria-pressed', String(on));
      button.title = `${KINDS[kind]} frames: ${formatCount(self[kind])} samples of their own. Click to ${on ? 'leave them out' : 'show them'}.`;
      button.replaceChildren(el('span', {class: `swatch ${KINDS[kind]}`}), KINDS[kind],
        el('span', {class: 'share'}, on ? formatPercent(self[kind], tree.total[0]) : 'left out'));
    }
  }

  toggle(kind) {
    if (!this.hidden.delete(kind)) this.hidden.add(kind);
    this.changed(this.hidden);
  }

  clear() {
    this.hidden.clear();
    this.changed(this.hidden);
  }
}
