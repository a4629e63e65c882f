// The filter by process and thread: a searchable list with shares. Nothing ticked means everything is shown.
class ProcessFilter {
  // on: {change(threads or null)}
  constructor(profile, panel, on) {
    this.profile = profile;
    this.on = on;
    this.ticked = new Set();  // threads
    this.unfolded = new Set();  // processes
    this.search = el('input', {type: 'search', placeholder: 'Find a process, thread, pid, container', 'aria-label': 'Find a process or thread',
      spellcheck: 'false', oninput: () => this.update()});
    this.clearButton = el('button', {type: 'button', class: 'plain', onclick: () => this.clear()}, 'Show all');
    this.state = el('p', {class: 'scope'});
    this.list = new VirtualList('Processes and threads', 34, (i) => this.row(this.rows[i]), {
      pick: (i) => this.toggle(this.rows[i]),
      open: (i) => this.toggle(this.rows[i]),
    });
    this.list.root.id = 'processes';
    this.list.root.setAttribute('aria-multiselectable', 'true');
    this.list.root.addEventListener('keydown', (event) => this.foldKey(event));
    this.nothing = el('div', {class: 'nothing', hidden: true}, 'No process matches.');
    panel.append(el('div', {class: 'filter-head'}, this.search, this.clearButton), this.state, this.list.root, this.nothing);
    this.update();
  }

  // A thread has a row of its own where its process has several.
  update() {
    const wanted = this.search.value.toLowerCase();
    const has = (text) => String(text).toLowerCase().includes(wanted);
    this.rows = [];
    const order = [...this.profile.processes.keys()].sort((a, b) => this.profile.processes[b].total - this.profile.processes[a].total);
    for (const index of order) {
      const process = this.profile.processes[index];
      const threads = process.threads.filter((t) => has(this.profile.threads[t].name) || has(this.profile.threads[t].tid));
      const self = [process.comm, process.pid, process.executable, process.runtime, process.container].some(has);
      if (!self && threads.length === 0) continue;
      this.rows.push({process: index});
      const open = this.unfolded.has(index) || (wanted !== '' && !self);
      if (!open || process.threads.length < 2) continue;
      const shown = wanted === '' || self ? [...process.threads] : threads;
      shown.sort((a, b) => this.profile.threads[b].total - this.profile.threads[a].total);
      for (const thread of shown) this.rows.push({process: index, thread});
    }
    this.nothing.hidden = this.rows.length > 0;
    this.list.root.hidden = this.rows.length === 0;
    this.list.setCount(this.rows.length);
    this.tell();
  }

  tell() {
    const processes = new Set([...this.ticked].map((thread) => this.profile.threads[thread].process));
    const all = this.profile.processes.length;
    this.state.textContent = this.ticked.size === 0 ? `${formatCount(all)} ${all === 1 ? 'process' : 'processes'}, all shown`
      : `${formatCount(processes.size)} of ${formatCount(all)} processes shown (${formatCount(this.ticked.size)} ${this.ticked.size === 1 ? 'thread' : 'threads'})`;
    this.clearButton.hidden = this.ticked.size === 0;
    const badge = byId('filter-count');
    badge.hidden = this.ticked.size === 0;
    badge.textContent = processes.size;
  }

  threadsOf(row) { return row.thread === undefined ? this.profile.processes[row.process].threads : [row.thread]; }

  toggle(row) {
    const threads = this.threadsOf(row);
    const all = threads.every((thread) => this.ticked.has(thread));
    for (const thread of threads) {
      if (all) this.ticked.delete(thread);
      else this.ticked.add(thread);
    }
    this.changed();
  }

  only(row) {
    this.ticked = new Set(this.threadsOf(row));
    this.changed();
  }

  clear() {
    this.ticked.clear();
    this.changed();
  }

  changed() {
    this.list.refresh();
    this.tell();
    this.on.change(this.ticked.size === 0 ? null : this.ticked);
  }

  fold(process, open = !this.unfolded.has(process)) {
    if (open) this.unfolded.add(process);
    else this.unfolded.delete(process);
    this.update();
  }

  foldKey(event) {
    if (event.key !== 'ArrowRight' && event.key !== 'ArrowLeft') return;
    const row = this.rows[this.list.current];
    if (row === undefined) return;
    this.fold(row.process, event.key === 'ArrowRight');
    this.list.go(this.rows.findIndex((other) => other.process === row.process && other.thread === undefined));
    event.preventDefault();
    event.stopPropagation();
  }

  row(row) {
    const process = this.profile.processes[row.process];
    const thread = row.thread === undefined ? null : this.profile.threads[row.thread];
    const threads = this.threadsOf(row);
    const ticks = threads.filter((each) => this.ticked.has(each)).length;
    const state = ticks === 0 ? 'false' : ticks === threads.length ? 'true' : 'mixed';
    const total = thread ? thread.total : process.total;
    const unfolds = thread === null && process.threads.length > 1;
    const tags = thread ? [] : [process.runtime, process.container && process.container.slice(0, 12)].filter(Boolean);
    return el('div', {
      class: `row process${thread ? ' thread' : ''}`,
      'aria-selected': state === 'true' ? 'true' : 'false',
      title: thread ? `thread ${thread.tid} of ${process.comm} ${process.pid}` : process.executable || process.comm,
      onclick: () => this.toggle(row),
    },
    unfolds ? el('button', {type: 'button', tabindex: '-1', class: `twist${this.unfolded.has(row.process) ? ' open' : ''}`,
      'aria-label': `Threads of ${process.comm} ${process.pid}`,
      onclick: (event) => { event.stopPropagation(); this.fold(row.process); }}, '›') : el('span', {class: 'twist'}),
    el('span', {class: 'tick', 'data-state': state, 'aria-hidden': 'true'}),
    el('span', {class: 'label'},
      el('span', {class: 'name'}, (thread ? thread.name : process.comm) || '(no name)'),
      el('span', {class: 'place'}, String(thread ? thread.tid : process.pid)),
      ...tags.map((tag) => el('span', {class: 'tag'}, tag))),
    el('button', {type: 'button', tabindex: '-1', class: 'only', onclick: (event) => { event.stopPropagation(); this.only(row); }}, 'only'),
    el('span', {class: 'figure', title: `${formatCount(total)} samples`}, formatPercent(total, this.profile.total)),
    bar(total / (this.profile.total || 1), 'total'));
  }
}
