/** The status for node_exporter's textfile collector, in Prometheus' text format. */
import { printable } from "../errors.ts";
import type { SlotName } from "../line/line.ts";
import type { Status } from "./status.ts";
import { verdicts } from "./verdict.ts";

/** A value with what it belongs to. */
type Sample = [labels: Record<string, string>, value: number];
interface Metric {
  name: string;
  help: string;
  samples(status: Status): Sample[];
}

const slots: SlotName[] = ["live", "staging"];
const seconds = (instant: string) => Date.parse(instant) / 1000;
const optional = (instant?: string): Sample[] => instant === undefined ? [] : [[{}, seconds(instant)]];

/** One sample for each slot that has a certificate. */
const certificates =
  (value: (certificate: NonNullable<Status["live"]["certificate"]>) => number) => (status: Status) =>
    slots.flatMap((slot): Sample[] => {
      const { certificate } = status[slot];
      return certificate ? [[{ slot }, value(certificate)]] : [];
    });

const metrics: Metric[] = [
  {
    name: "verdict",
    help: "0: ok, 1: waiting for what cron does when it is time, 2: needs a hand.",
    samples: ({ verdict }) => [[{}, verdicts.indexOf(verdict)]],
  },
  {
    name: "certificate_not_before_seconds",
    help: "From when the certificate is valid, seconds since 1970.",
    samples: certificates(({ notBefore }) => seconds(notBefore)),
  },
  {
    name: "certificate_not_after_seconds",
    help: "Until when the certificate is valid, seconds since 1970.",
    samples: certificates(({ notAfter }) => seconds(notAfter)),
  },
  {
    name: "certificate_renew_after_seconds",
    help: "After when the certificate is renewed, seconds since 1970.",
    samples: certificates(({ renewAfter }) => seconds(renewAfter)),
  },
  {
    name: "key_created_seconds",
    help: "When the private key was made, seconds since 1970.",
    samples: (status) =>
      slots.flatMap((slot): Sample[] => {
        const { key } = status[slot];
        return key ? [[{ slot }, seconds(key.created)]] : [];
      }),
  },
  {
    name: "unstage_after_seconds",
    help: "When the staging key goes live, seconds since 1970.",
    samples: ({ unstageAfter }) => optional(unstageAfter),
  },
  {
    name: "ca_wait_until_seconds",
    help: "Until when the CA is left alone after a failure, seconds since 1970.",
    samples: ({ notBefore }) => optional(notBefore),
  },
  {
    name: "hooks_due",
    help: "How many hooks have not succeeded yet with the present files.",
    samples: ({ hooksDue }) => [[{}, hooksDue.length]],
  },
  {
    name: "steps_due",
    help: "How many steps the next run of cron takes.",
    samples: ({ due }) => [[{}, due.length]],
  },
];

/** All lines in one text; each has the label `config`.
 *
 * @param all what there is to know of each
 * @param now the time
 * @returns lines
 */
export function formatMetrics(all: readonly Status[], now: Date): string[] {
  return [
    ...metrics.flatMap(({ name, help, samples }) => {
      const lines = all.flatMap((status) =>
        samples(status).map(([labels, value]) => sample(name, { config: status.config, ...labels }, value))
      );
      return lines.length > 0 ? [...head(name, help), ...lines] : [];
    }),
    ...head("status_seconds", "When this was written, seconds since 1970."),
    sample("status_seconds", {}, Math.floor(+now / 1000)),
  ];
}

const prefix = "letsencrypt_tiny_";
const head = (
  name: string,
  help: string,
) => [`# HELP ${prefix}${name} ${help}`, `# TYPE ${prefix}${name} gauge`];

function sample(name: string, labels: Record<string, string>, value: number): string {
  // Escaped for a person first: the format itself knows no way to write the other characters.
  const all = Object.entries(labels).map(([label, text]) =>
    `${label}="${printable(text, Infinity).replace(/[\\"]/g, "\\$&")}"`
  );
  return `${prefix}${name}${all.length > 0 ? `{${all.join()}}` : ""} ${value}`;
}
