import { serviceHeapMb } from '@ticketing/testkit';

/** Beside its heap Node has buffers, code and the young generation. */
const besideHeapMb = 100;

/**
 * Whether a service collects garbage before its container is killed for memory.
 *
 * @param limit as docker-compose ("512m") and Kubernetes ("512Mi") write it
 */
export function leavesRoom(limit: string): boolean {
  const [, amount, unit] = /^(\d+)([mg])i?$/i.exec(limit) ?? [];
  return Number(amount) * (unit?.toLowerCase() === 'g' ? 1024 : 1) >= serviceHeapMb + besideHeapMb;
}
