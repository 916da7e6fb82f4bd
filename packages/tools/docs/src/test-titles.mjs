const quoted = String.raw`(['"\`])((?:\\.|(?!\1)[^\\])*)\1`;
const callPattern = /^([ \t]*)(describe|it|test)((?:\.\w+)*)(?=[<(])/gm;
const directTitle = new RegExp(String.raw`\(\s*${quoted}`, 'sy');
/** What an `each(…)` or a `skipIf(…)` returns is called with the title. */
const laterTitle = new RegExp(String.raw`\)\s*\(\s*${quoted}`, 'gs');

/**
 * The tests of a source as prettier writes it, where what belongs to a group stands further in. Those that are
 * left out or still to be written are none.
 *
 * @returns for each title how many tests have it, and the same for "group › title"
 */
export function testTitles(source) {
  const counts = new Map();
  const groups = [];
  for (const call of source.matchAll(callPattern)) {
    const [text, indent, kind, modifiers] = call;
    while (groups.length > 0 && groups.at(-1).indent >= indent.length) groups.pop();
    const title = titleOf(source, call.index + text.length, indent);
    if (title === undefined || /\.(skip|todo)\b/.test(modifiers)) continue;
    if (kind === 'describe') {
      groups.push({ indent: indent.length, title });
      continue;
    }
    const names = groups.length === 0 ? [title] : [title, `${groups.at(-1).title} › ${title}`];
    for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

function titleOf(source, start, indent) {
  directTitle.lastIndex = start;
  const direct = directTitle.exec(source);
  if (direct !== null) return unescape(direct[2]);
  laterTitle.lastIndex = start;
  for (let later = laterTitle.exec(source); later !== null; later = laterTitle.exec(source)) {
    const line = source.slice(source.lastIndexOf('\n', later.index) + 1, later.index + 1);
    if (/^\s*/.exec(line)[0] === indent) return unescape(later[2]);
  }
  return undefined;
}

function unescape(literal) {
  return literal.replace(/\\(.)/gs, '$1');
}
