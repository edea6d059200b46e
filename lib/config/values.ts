/** The kinds of values: each makes something of an entry, or says what it must be. */
import type { Entry } from "./entry.ts";

/** An absolute path, without a slash at its end. */
export function path(entry: Entry): string {
  const { value } = entry;
  if (!value.startsWith("/")) {
    entry.mustBe("an absolute path (a relative one would depend on the working directory)");
  }
  if (/[\0\n]/.test(value)) entry.mustBe("one path on one line");
  if (/\/\.\.?(\/|$)/.test(value)) entry.mustBe('a path without "." and ".."');
  return value.length > 1 ? value.replace(/\/{2,}/g, "/").replace(/(?<=.)\/$/, "") : value;
}

/** The path of a program. White space in its name can only be meant to begin an argument. */
export function program(entry: Entry): string {
  if (/[^\S\n](?:[-/]|[^/\n]*$)/.test(entry.value)) {
    entry.mustBe("a program without arguments (write a script that gives them)");
  }
  return path(entry);
}

/** The name of a file within a directory. */
export function fileName(entry: Entry): string {
  if (!/^[^/\s.][^/\s]*$/.test(entry.value)) {
    entry.mustBe('a file name without "/", white space or a dot in front');
  }
  return entry.value;
}

/** A number, times a unit. */
export const number = (minimum: number, maximum: number, unit = 1) => (entry: Entry): number => {
  const value = /^\d+(\.\d+)?$/.test(entry.value) ? Number(entry.value) : NaN;
  if (!(value >= minimum && value <= maximum)) entry.mustBe(`a number from ${minimum} to ${maximum}`);
  return value * unit;
};

/** One of a few. */
export const oneOf = <const T extends string | number>(...values: T[]) => (entry: Entry): T =>
  values.find((each) => String(each) === entry.value) ?? entry.mustBe(alternatives(values));

/** A URL that only TLS serves. */
export function httpsUrl(entry: Entry): string {
  if (URL.parse(entry.value)?.protocol !== "https:") entry.mustBe("a URL with https");
  return entry.value;
}

/** One word, whatever it is. */
export function word(entry: Entry): string {
  if (!/^[\x21-\x7e]+$/.test(entry.value)) entry.mustBe("one word");
  return entry.value;
}

/** One line, whatever it says. */
export function oneLine(entry: Entry): string {
  if (!/^[^\n]+$/.test(entry.value)) entry.mustBe("text on one line");
  return entry.value;
}

/** A switch. */
export const onOff = (entry: Entry): boolean => oneOf("on", "off")(entry) === "on";

/** An answer. */
export const yesNo = (entry: Entry): boolean => oneOf("yes", "no")(entry) === "yes";

/** E-mail addresses, as `mailto:` URLs. */
export const contacts = (entry: Entry): string[] =>
  entry.each((part) => {
    const [, address] = /^(?:mailto:)?([\w.!#$&'*+=^`{|}~-]+@[a-z\d-]+(?:\.[a-z\d-]+)+)$/i.exec(part.value) ??
      [];
    return address ? `mailto:${address}` : part.mustBe("an e-mail address such as mailto:admin@example.org");
  });

/** A list for a sentence. */
export const alternatives = (values: readonly (string | number)[]): string =>
  `${values.slice(0, -1).join(", ")} or ${values.at(-1)}`;
