import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runPromtool } from './start-prometheus.ts';
import type { ToolVerdict } from './tools.ts';

/** `promtool check config`, which also reads the rules that the file names. @param folder like infra/prometheus */
export function checkConfig(folder: string, file = 'prometheus.yml'): Promise<ToolVerdict> {
  return runPromtool(['check', 'config', join(folder, file)]);
}

/** Whom prometheus.yml asks beside itself: "payment-api:3002". */
export async function readTargets(folder: string): Promise<string[]> {
  const text = await readFile(join(folder, 'prometheus.yml'), 'utf8');
  const targets = [...text.matchAll(/targets: \[([^\]]*)\]/g)].flatMap(([, list = '']) => list.split(', '));
  return targets.filter((target) => !target.startsWith('localhost:'));
}

/** `promtool test rules`. */
export function testRules(folder: string): Promise<ToolVerdict> {
  return runPromtool(['test', 'rules', join(folder, 'tests/alerts.test.yml')]);
}

/**
 * What only a reader would miss: an alert that no test sees firing, or whose link leads nowhere, and a section that no
 * alert leads to.
 */
export async function checkAlertLinks(folder: string, runbook: string): Promise<string[]> {
  const rules = await readFile(join(folder, 'rules/alerts.yml'), 'utf8');
  const tests = await readFile(join(folder, 'tests/alerts.test.yml'), 'utf8');
  const alerts = rules
    .split(/^ {6}- alert: /m)
    .slice(1)
    .map((text) => ({ name: text.split('\n')[0]!.trim(), link: /runbook: (\S+)/.exec(text)?.[1] }));
  const sections = [...runbook.matchAll(/^## (\w+)$/gm)].map(([, name]) => name!);
  const faults: string[] = [];
  for (const { name, link } of alerts) {
    if (!sections.includes(name)) faults.push(`docs/runbook.md has no section ${name}`);
    if (link !== `docs/runbook.md#${name.toLowerCase()}`) faults.push(`${name} links ${link ?? 'nothing'}`);
    const fires = new RegExp(String.raw`alertname: ${name}\s+exp_alerts:\s+- exp_labels`);
    if (!fires.test(tests)) faults.push(`no unit test sees ${name} fire`);
  }
  const known = new Set(alerts.map(({ name }) => name));
  for (const name of sections) if (!known.has(name)) faults.push(`no alert leads to the section ${name}`);
  if (alerts.length === 0) faults.push('there are no alerts');
  return faults;
}
