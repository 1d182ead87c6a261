/** As whom the workers of a region log in at the databases of others. */
export function peerRole(region: string): string {
  return `meridian_peer_${region}`;
}

/** The same database, for the workers of `reader`. Without a password: as it was. */
export function asPeer(directUrl: string, reader: string, password: string | null): string {
  if (password === null) return directUrl;
  const url = new URL(directUrl);
  url.username = encodeURIComponent(peerRole(reader));
  url.password = encodeURIComponent(password);
  return url.href;
}
