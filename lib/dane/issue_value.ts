/** The text that names an issuer and what it is told, RFC 8659 §4.2: of CAA records and of persistent validation. Pure. */

/** What such a text says. */
export interface IssueValue {
  /** A domain name, lower case; empty: nobody. */
  issuer: string;
  /** Tags in lower case, with their values, in their order. */
  parameters: [tag: string, value: string][];
}

/** Reads it.
 *
 * @param text such as `letsencrypt.org; validationmethods=dns-01`
 * @returns undefined: it doesn't keep to the grammar
 */
export function readIssueValue(text: string): IssueValue | undefined {
  const [issuer, ...rest] = text.split(";").map((each) => each.replace(/^[ \t]+|[ \t]+$/g, ""));
  if (issuer !== "" && !/^[a-z\d](-*[a-z\d])*(\.[a-z\d](-*[a-z\d])*)*$/i.test(issuer)) return undefined;
  const parameters: IssueValue["parameters"] = [];
  // One semicolon with nothing behind it may end the name, but not a parameter.
  for (const each of rest.length === 1 && rest[0] === "" ? [] : rest) {
    const [, tag, value] = /^([a-z\d](?:-*[a-z\d])*)[ \t]*=[ \t]*([\x21-\x3a\x3c-\x7e]*)$/i.exec(each) ?? [];
    if (tag === undefined) return undefined;
    parameters.push([tag.toLowerCase(), value]);
  }
  return { issuer: issuer.toLowerCase(), parameters };
}

/** The values of a parameter. */
export const valuesOf = ({ parameters }: IssueValue, tag: string): string[] =>
  parameters.filter(([name]) => name === tag).map(([, value]) => value);
