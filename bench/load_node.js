// Burns CPU in recursion, sorting with a callback and JSON. Usage: node load_node.js SECONDS
const end = Date.now() + Number(process.argv[2]) * 1000;

function fib(n) {
  return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

function turn() {
  fib(20);
  const list = Array.from({ length: 2000 }, (_, i) => ({ key: (i * 7919) % 1000 }));
  list.sort((a, b) => a.key - b.key);
  JSON.parse(JSON.stringify(list));
  if (Date.now() < end) setImmediate(turn);
}

turn();
