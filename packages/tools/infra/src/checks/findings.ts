import { serviceHeapMb } from '@ticketing/testkit';

/** @returns the sentences that are true of a file */
export function findings(sentences: Readonly<Record<string, boolean>>): string[] {
  return Object.keys(sentences).filter((sentence) => sentences[sentence]);
}

/** Node has buffers, code and the young generation beside its heap. */
const besideHeapMb = 100;

/**
 * Whether a service collects garbage before its container is killed for memory.
 *
 * @param limit as Compose ("512m") or Kubernetes ("512Mi") writes it
 */
export function hasHeapRoom(limit: unknown): boolean {
  const [, amount, unit] = /^(\d+)([mg])i?$/i.exec(String(limit)) ?? [];
  return Number(amount) * (unit?.toLowerCase() === 'g' ? 1024 : 1) >= serviceHeapMb + besideHeapMb;
}
