/** What each exit status means, for the README and the manual. */
export const exitStatuses: [status: string, meaning: string][] = [
  ["0", "done, or nothing to do"],
  [
    "1",
    "the CA refused, or what it sent is not usable; what servers use has not changed; tried again later; " +
    "`check`: a warning",
  ],
  ["2", "command line or configuration wrong; `check`: something critical"],
  [
    "3",
    "a hook failed, or a server did not take the new key; it will be run again; the certificate is in place, " +
    "unless it was the DNS hook",
  ],
  [
    "4",
    "files: no space, no permission, a damaged or missing key, something that somebody else could change; " +
    "or a Deno that is too old",
  ],
  [
    "75",
    "temporary: another run is active, the CA can't be reached or asks to wait, the ledger holds an order back, " +
    "a compromised key still has to be live",
  ],
  ["129, 130, 143", "ended by a signal; the next run goes on"],
  ["70", "a bug: please report it with the output of `--debug`"],
];
