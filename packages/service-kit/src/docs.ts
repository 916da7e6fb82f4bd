/** The facts that documents are generated from. */
export { environmentExample, environmentTable } from './config/environment-docs.ts';
export { problems, problemTable } from './problems/problem-table.ts';
export { sentences } from './problems/sentences.ts';
