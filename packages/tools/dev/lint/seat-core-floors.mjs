import { posix } from 'node:path';

/**
 * The floors of packages/seat-core/src, top to bottom; a name with a slash is a folder. A file imports from its own room
 * and from lower floors, so the rooms of one floor do not import each other. Types count, too.
 */
const floors = [
  [['index.ts', 'clients.ts']],
  [['open-seat-core.ts']],
  [['seat-core.ts']],
  [
    ['health.ts'],
    ['check-installation.ts'],
    ['hold/'],
    ['bookings/'],
    ['expiry/'],
    ['events/'],
    ['seats/'],
    ['live/'],
    ['admin/'],
  ],
  [['idempotency/']],
  [['announce/']],
  [['states/']],
  [['records/']],
  [['queue/'], ['postgres/']],
  [['redis/']],
  // The ground is one room.
  [
    [
      'resilience/',
      'options.ts',
      'types.ts',
      'currencies.ts',
      'errors.ts',
      'installation.ts',
      'validation.ts',
      'names.ts',
      'ids.ts',
      'instants.ts',
      'metrics.ts',
      'group-by.ts',
      'failpoint.ts',
    ],
  ],
];

const rooms = floors.flatMap((floor, depth) => floor.map((names) => ({ names, depth })));

/** @param {string} path below src */
const roomOf = (path) =>
  rooms.find(({ names }) =>
    names.some((name) => (name.endsWith('/') ? path.startsWith(name) : path === name)),
  );

/** oxlint's rule `seat-core/floors`. */
const floorsRule = {
  create(context) {
    const [, path] = /packages\/seat-core\/src\/(.*)$/.exec(context.filename.replaceAll('\\', '/')) ?? [];
    if (path === undefined) return {};
    const from = roomOf(path);
    const check = (node) => {
      const source = node.source?.value;
      if (typeof source !== 'string' || !source.startsWith('.')) return;
      const target = posix.join(posix.dirname(path), source);
      const to = roomOf(target);
      if (from === to && from !== undefined) return;
      const lost = from === undefined ? path : to === undefined ? target : undefined;
      if (lost !== undefined)
        context.report({ node, message: `${lost} stands on no floor; give it one in seat-core-floors.mjs.` });
      else if (to.depth < from.depth)
        context.report({ node, message: `${path} imports ${target}, which stands above it.` });
      else if (to.depth === from.depth)
        context.report({
          node,
          message: `${path} imports ${target}, which stands beside it on the same floor.`,
        });
    };
    return {
      ImportDeclaration: check,
      ImportExpression: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
    };
  },
};

// oxlint wants a default export.
export default { meta: { name: 'seat-core' }, rules: { floors: floorsRule } };
