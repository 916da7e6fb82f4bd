/* What the built services say about themselves: their variables, their problems, their OpenAPI. */

/** Until every package has these entries, the build is opened by its path. */
async function open(name, ...paths) {
  try {
    return await import(name);
  } catch (error) {
    if (error.code !== 'ERR_PACKAGE_PATH_NOT_EXPORTED') throw error;
    const modules = paths.map((path) => import(new URL(`../../../../${path}`, import.meta.url).href));
    return Object.assign({}, ...(await Promise.all(modules)));
  }
}

const app = (name) =>
  open(
    `@ticketing/${name}/describe`,
    `apps/${name}/dist/config-schema.js`,
    ...(name === 'expiry-worker' ? [] : [`apps/${name}/dist/describe-api.js`]),
  );

export const services = {
  'booking-api': await app('booking-api'),
  'payment-api': await app('payment-api'),
  'expiry-worker': await app('expiry-worker'),
};

const kit = await open(
  '@ticketing/service-kit/docs',
  'packages/service-kit/dist/index.js',
  'packages/service-kit/dist/faults/faults.js',
  'packages/service-kit/dist/faults/sentences.js',
);
export const { environmentExample, environmentTable, sentences } = kit;
export const { problemTable = kit.faultTable, problems = kit.faults } = kit;
