import { faultOf, faults, type FaultCode } from './faults.ts';

/** Every fault as a Markdown table, for documentation that is generated and checked. */
export function faultTable(): string {
  const rows = (Object.keys(faults) as FaultCode[]).map((code) => {
    const { status, retryable, retryAfterSeconds, when, detail } = faultOf(code);
    const retry = retryAfterSeconds === undefined ? '' : `, \`Retry-After: ${retryAfterSeconds}\``;
    return [`\`${code}\``, String(status), (retryable ? 'yes' : 'no') + retry, when, detail.en, detail.id];
  });
  const header = ['code', 'status', 'retryable', 'when', 'detail (en)', 'detail (id)'];
  return [header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |\n`).join('');
}
