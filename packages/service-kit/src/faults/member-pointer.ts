/** The JSON Pointer (RFC 6901) step to a member. */
export function memberPointer(member: string): string {
  return `/${member.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
