import { isIP } from 'node:net';

/** The entries of a list of addresses and ranges: `10.0.0.0/8, fd00::/8, 192.0.2.7`. */
export function parseCidrList(text: string): string[] {
  return text.split(',').map((entry) => entry.trim());
}

/** Whether each entry is an address, or a range in CIDR notation; names such as `loopback` are not. */
export function isCidrList(text: string): boolean {
  return parseCidrList(text).every((entry) => {
    const [, address = '', prefix] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(entry) ?? [];
    const bits = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
    return bits >= 0 && Number(prefix ?? bits) <= bits;
  });
}
