// The profile as it lies in this file: base64 of gzip of the JSON that src/output/html.cc writes, in columns.
//
// What a frame of the graph stands for is an *entity*: a function over all its lines (a *symbol*), a function at one
// line, or a group (program, process, thread, container). Entity 0 is the root.

const KINDS = ['native', 'kernel', 'python', 'jit', 'ruby', 'php', 'perl', 'lua', 'marker', 'group'];
const [NATIVE, KERNEL, PYTHON, JIT, RUBY, PHP, PERL, LUA, MARKER, GROUP] = KINDS.keys();
const SUFFIXES = ['', '_[k]', '_[p]', '', '_[rb]', '_[php]', '_[pl]', '_[lua]', '', ''];
const isInterpreted = (kind) => kind === PYTHON || (kind >= RUBY && kind <= LUA);
const FLAG_NAMED = 1;
const FLAG_INLINED = 2;

async function readProfile() {
  const text = byId('profile').textContent;
  const packed = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'));
  return decodeProfile(await new Response(unpacked).json());
}

function decodeProfile(raw) {
  const profile = {
    meta: raw.meta,
    quality: raw.quality,
    nodeParent: Int32Array.from(raw.nodes.up, (distance, node) => node - distance),
    nodeFunction: Int32Array.from(raw.nodes.function),
    sampleThread: Int32Array.from(raw.samples.thread),
    sampleStack: Int32Array.from(raw.samples.stack),
    sampleCount: Float64Array.from(raw.samples.count),
    threads: [],
    processes: [],
    entities: [{text: 'all', name: 'all', kind: GROUP, symbol: -1}],
  };
  addFunctions(profile, raw);
  addProcesses(profile, raw);
  profile.total = profile.sampleCount.reduce((sum, count) => sum + count, 0);
  profile.seconds = (count) => (count * profile.meta.period_ns) / 1e9;
  return profile;
}

// Entities of symbols and, where a symbol has several lines, of each line.
function addFunctions(profile, raw) {
  const {name, file, module, line, kind, flags} = raw.functions;
  const known = new Map();
  profile.symbolOf = new Int32Array(name.length);  // function → entity of its symbol
  profile.lineOf = new Int32Array(name.length);    // function → entity of itself
  const entityOf = (i) => ({
    name: raw.strings[name[i]],
    file: raw.strings[file[i]],
    module: raw.strings[module[i]],
    line: line[i],
    kind: kind[i],
    named: (flags[i] & FLAG_NAMED) !== 0,
    inlined: (flags[i] & FLAG_INLINED) !== 0,
  });
  for (let i = 0; i < name.length; ++i) {
    const key = `${name[i]},${file[i]},${module[i]},${kind[i]}`;
    let symbol = known.get(key);
    if (symbol === undefined) {
      symbol = profile.entities.length;
      known.set(key, symbol);
      profile.entities.push({...entityOf(i), symbol, lines: []});
    }
    profile.symbolOf[i] = symbol;
    profile.entities[symbol].lines.push(i);
  }
  profile.hasLines = false;
  for (const symbol of known.values()) {
    const entity = profile.entities[symbol];
    entity.inlined = entity.lines.every((i) => flags[i] & FLAG_INLINED);
    if (entity.lines.length === 1) {
      profile.lineOf[entity.lines[0]] = symbol;
    } else {
      profile.hasLines = true;
      entity.line = 0;
      for (const i of entity.lines) {
        profile.lineOf[i] = profile.entities.length;
        profile.entities.push(withText({...entityOf(i), symbol}));
      }
    }
    withText(entity);
  }
}

const placeOf = (entity) => (entity.file ? entity.file + (entity.line ? `:${entity.line}` : '') : '');

// text: what stands in the frame. Python names mean little without their file; others show it in the tooltip.
function withText(entity) {
  const packaged = isInterpreted(entity.kind) && entity.file && entity.module ? ` [${entity.module}]` : '';
  const place = placeOf(entity) + packaged;
  const wanted = place && (isInterpreted(entity.kind) || entity.lines === undefined);
  entity.text = wanted ? `${entity.name} (${place})` : entity.name;
  entity.full = `${place && (isInterpreted(entity.kind) || entity.line) ? `${entity.name} (${place})` : entity.name}${SUFFIXES[entity.kind]}`;
  return entity;
}

function addProcesses(profile, raw) {
  const {pid, comm, executable, container, runtime} = raw.processes;
  const groups = new Map();
  const group = (key, text, more) => {
    if (!groups.has(key)) {
      groups.set(key, profile.entities.length);
      profile.entities.push({text, name: text, full: text, kind: GROUP, symbol: -1, ...more});
    }
    return groups.get(key);
  };
  const name = (index) => raw.strings[index];
  pid.forEach((number, i) => {
    const id = name(container[i]);
    profile.processes.push({
      pid: number,
      comm: name(comm[i]),
      executable: name(executable[i]),
      container: id,
      runtime: name(runtime[i]),
      threads: [],
      total: 0,
      program: group(`c${comm[i]}`, name(comm[i]) || '(no name)'),
      entity: group(`p${i}`, `${name(comm[i])} ${number}`, {executable: name(executable[i])}),
      containerGroup: group(`i${id}`, id ? `container ${id.slice(0, 12)}` : 'outside containers'),
    });
  });
  raw.threads.process.forEach((process, i) => {
    const tid = raw.threads.tid[i];
    profile.processes[process].threads.push(i);
    profile.threads.push({
      process,
      tid,
      name: name(raw.threads.name[i]),
      total: 0,
      entity: group(`t${i}`, `${name(raw.threads.name[i])} ${tid}`),
    });
  });
  profile.sampleThread.forEach((thread, i) => {
    profile.threads[thread].total += profile.sampleCount[i];
    profile.processes[profile.threads[thread].process].total += profile.sampleCount[i];
  });
  profile.hasContainers = profile.processes.some((process) => process.container !== '');
}

// The groups a thread's stacks stand under, outermost first.
const GROUPINGS = {
  program: {label: 'Program', path: (process) => [process.program]},
  process: {label: 'Process', path: (process) => [process.entity]},
  thread: {label: 'Thread', path: (process, thread) => [process.entity, thread.entity]},
  container: {label: 'Container', path: (process) => [process.containerGroup, process.program]},
  none: {label: 'Nothing', path: () => []},
};
