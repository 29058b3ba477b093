/** What is wrong with the name of a sandbox, or undefined. It names a folder, and must not lead out of the one above. */
export function sandboxNameProblem(name: string): string | undefined {
  if (/^[A-Za-z0-9][\w.-]{0,40}$/.test(name)) return undefined;
  return 'must be 1 to 41 letters, digits, "-", "." and "_", beginning with a letter or digit';
}
