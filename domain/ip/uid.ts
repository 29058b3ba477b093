/**
 * A version 7 UUID (RFC 9562): 48 bits of milliseconds since 1970, then version, variant and the random bits of `random`, a
 * version 4 UUID. The same two arguments give the same uid, so a workflow that replays mints what it minted.
 */
export function uuidV7(milliseconds: number, random: string): string {
  const time = Math.max(0, Math.trunc(milliseconds)).toString(16).padStart(12, '0').slice(-12);
  const bits = random.replaceAll('-', '');
  const rest = `7${bits.slice(13, 16)}-${bits.slice(16, 20)}-${bits.slice(20, 32)}`;
  return `${time.slice(0, 8)}-${time.slice(8, 12)}-${rest}`;
}

/** Members that a claim may have. */
const MOST_MEMBERS = 256;

/** One uid for each member of a claim whose input has not been checked yet; `random` answers version 4 UUIDs. */
export function mintUids(count: unknown, milliseconds: number, random: () => string): string[] {
  const members = typeof count === 'number' && count >= 1 && count <= MOST_MEMBERS ? Math.trunc(count) : 1;
  return Array.from({ length: members }, () => uuidV7(milliseconds, random()));
}
