import { samplesPerCheck, type CheckResult } from '../audit.ts';

/** Counts the differences that a check finds, and keeps the first few as sentences. */
export class Differences {
  readonly #check: string;
  readonly #samples: string[] = [];
  #violations = 0;

  constructor(check: string) {
    this.#check = check;
  }

  add(detail: string): void {
    this.#violations += 1;
    if (this.#samples.length < samplesPerCheck) this.#samples.push(detail);
  }

  get result(): CheckResult {
    return { check: this.#check, violations: this.#violations, samples: [...this.#samples] };
  }
}
