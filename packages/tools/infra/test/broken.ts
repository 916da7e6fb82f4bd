/** The edit must change something, or it would prove nothing. */
export function broken(text: string, from: string | RegExp, to: string): string {
  const edited = text.replace(from, to);
  if (edited === text) throw new Error(`${String(from)} is not there to be broken`);
  return edited;
}
