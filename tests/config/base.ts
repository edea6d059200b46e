/** A configuration for the tests of its reading, and what is wrong with a variant of it. */
import { type Config, parseConfig } from "../../lib/config/config.ts";
import { Failure } from "../../lib/errors.ts";
import { assertEquals, assertThrows } from "../kit/assert.ts";

/** What the Python original reads. */
export const base = `domains =
  example.org
  www.example.org
key-length = 4096
[timing]
max-key-age-days = 256
staging-hours = 0
renew-cert-before-expiry-days = 15
[hooks]
post-certchange = /root/cert-hook
[acme]
account-key = /etc/ssl/private/account.key
challenge-dir = /srv/acme-challenge/
[dirs]
certs = /etc/ssl/certs
keys = /etc/ssl/keys
backups = /etc/ssl/old
[files]
live = live
staging = staging
`;

/** Reads a configuration with all keys, those included that nothing acts upon yet. */
export const parseAll = (text: string): Config => parseConfig(text, "/c", new Set());

/** Asserts what all is wrong with a text. */
export function assertMistakes(text: string, ...mistakes: string[]): void {
  assertThrows(() => parseAll(text), (error: unknown) => {
    assertEquals(error instanceof Failure && error.about.mistakes, mistakes);
    return true;
  });
}
