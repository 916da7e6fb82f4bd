import { describe, expect, it } from 'vitest';
import {
  checkManifests,
  hasKubectl,
  kustomize,
  parseManifests,
  readManifests,
} from '../src/check-kubernetes.ts';

describe('the manifests', () => {
  it('fit the schemas of Kubernetes, are unprivileged, probed, budgeted, and hold no secret', async () => {
    const manifests = await readManifests();
    expect(manifests.filter(({ kind }) => kind === 'Deployment')).toHaveLength(4);
    expect(checkManifests(manifests)).toEqual([]);
  });

  it('are put together by kustomize, where there is a kubectl, into what still fits', async ({ skip }) => {
    if (!(await hasKubectl())) return skip('there is no kubectl');
    for (const name of ['production', 'migration']) {
      const { code, output } = await kustomize(name);
      expect({ name, code }).toEqual({ name, code: 0 });
      expect(checkManifests(parseManifests(output))).toEqual([]);
      expect(output).not.toMatch(/image: ticketing\//);
    }
  });
});
