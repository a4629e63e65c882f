// What a search finds. The text is a regular expression without regard to case; one that is none is taken literally.
// Names, whole frame texts (with "_[k]") and modules are looked at. A matcher answers per entity and remembers.
function makeMatcher(text) {
  if (text === '') return null;
  let pattern;
  let literal = false;
  try {
    pattern = new RegExp(text, 'iu');
  } catch {
    literal = true;
    pattern = new RegExp(text.replace(/[.*+?^${}()|[\]\\\/]/g, '\\$&'), 'iu');
  }
  const known = new Map();
  const matches = (entity) => {
    let answer = known.get(entity);
    if (answer === undefined) {
      answer = [entity.name, entity.full, entity.module, entity.file].some((part) => part && pattern.test(part));
      known.set(entity, answer);
    }
    return answer;
  };
  matches.literal = literal;
  return matches;
}

// Outermost matching nodes inside `top`, heaviest first, and the samples they hold.
function findMatches(tree, entities, top, matches) {
  const nodes = [];
  let samples = 0;
  for (let node = top; node < tree.end[top];) {
    if (node > 0 && matches(entities[tree.entity[node]])) {
      nodes.push(node);
      samples += tree.total[node];
      node = tree.end[node];
    } else {
      ++node;
    }
  }
  nodes.sort((a, b) => tree.total[b] - tree.total[a] || a - b);
  return {nodes, samples};
}
