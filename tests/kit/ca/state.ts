/** What a scripted CA has in mind, and how a test wants it to be. */
import { type Content, type Issuer, makeRoot } from "../issuer.ts";
import { type Answer, type Call, type Fault, refusal } from "./answers.ts";
import type { Account, Authorization, Issued, Order, RequestKind, Revocation } from "./objects.ts";
import { type Validator, webRoot } from "./validation.ts";

/** Something that a real CA does differently: stands before what the CA does by itself. */
export interface Behaviour {
  /** Answers in its place, or with what `next` answers; throws a {@link Refusal}. */
  answer?(call: Call, next: () => Promise<Answer>): Answer | Promise<Answer>;
  /** Is told of each certificate, */
  issued?(certificate: Issued): void;
  /** and of each authorization that failed or was passed. */
  validated?(authorization: Authorization): void;
}

const day = 86_400_000;

/** See above. */
export class State {
  readonly directory: string;
  readonly caFile: string;
  readonly challengeDir: string;
  readonly accounts = new Map<string, Account>();
  readonly orders = new Map<string, Order>();
  readonly authorizations = new Map<string, Authorization>();
  readonly certificates = new Map<string, Issued>();
  readonly revocations: Revocation[] = [];
  /** SHA-256 of the keys that the CA will never certify again, hex. */
  readonly blockedKeys = new Set<string>();
  readonly nonces = new Set<string>();
  /** Every request, in order. */
  readonly requests: { kind: RequestKind; url: string; begin: number; end: number }[] = [];
  /** What a client did wrong: empty, or the client has a bug. */
  readonly violations: string[] = [];
  readonly behaviours: Behaviour[] = [];

  fault?: Fault;
  /** Whether a request is answered without being looked at, so that it changes nothing here. */
  intercepts?: (kind: RequestKind) => boolean;
  /** Changes what a certificate says, before it is issued. */
  content?: (content: Content) => Content;
  /** Changes the chain that is sent. */
  chain?: (pem: string[]) => string;
  /** Milliseconds from the answer to a challenge until it is judged, and from finalize to the certificate. */
  patience = 0;
  /** Names that an account needs no challenge for. */
  known: readonly string[] = [];
  /** Makes the token for a name; random unless a test needs the same file names each time. */
  token: (name: string) => string = () => this.id();
  /** The time in which the CA lives. */
  now: () => Date = () => new Date();
  /** How long certificates live, milliseconds. */
  lifetime = 30 * day;
  /** What the directory advertises: how long certificates of each profile live. */
  profiles?: Record<string, { lifetime: number; description?: string }>;
  /** How long an authorization that was passed serves for later orders, milliseconds. */
  authorizationReuse = 0;
  /** What RFC 9773 is answered with; absent: the CA has no renewal information. */
  renewalInfo?: (certificate: Issued, state: State) => Answer;
  /** The types of challenge that are offered, and how each is looked at. */
  validators: Record<string, Validator>;

  private constructor(
    readonly base: string,
    readonly folder: string,
    readonly rootCa: Issuer,
    readonly issuer: Issuer,
  ) {
    this.directory = `${base}/directory`;
    this.caFile = `${folder}/ca.crt`;
    this.challengeDir = `${folder}/challenges`;
    this.validators = { "http-01": webRoot(this.challengeDir) };
  }

  /** Makes a CA that knows nobody.
   *
   * @param base what its URLs begin with
   * @param folder everything of it lies there
   */
  static async make(base: string, folder: string): Promise<State> {
    const root = await makeRoot("scripted root");
    return new State(base, folder, root, await root.intermediate("scripted intermediate"));
  }

  /** How many certificates there are. */
  get issued(): number {
    return this.certificates.size;
  }

  /** Has the CA behave so from now on; what is given last stands before the others. */
  use(...behaviours: Behaviour[]): void {
    this.behaviours.unshift(...behaviours);
  }

  id(): string {
    return crypto.getRandomValues(new Uint8Array(18)).toBase64({ alphabet: "base64url" });
  }

  /** Refuses a request that no correct client sends, and remembers that. */
  wrong(what: string): Error {
    this.violations.push(what);
    return refusal(400, "malformed", what);
  }

  /** What a URL names; 404 where there is nothing. */
  find<T>(map: ReadonlyMap<string, T>, url: string): T {
    const found = map.get(url);
    if (!found) throw refusal(404, "malformed", `nothing at ${url}`);
    return found;
  }

  /** Does something after the CA's patience, or at once; never, if that is without end. */
  later(act: () => Promise<void>): Promise<void> | void {
    if (this.patience === 0) return act();
    if (this.patience < Infinity) setTimeout(() => act().catch((error) => this.failed(error)), this.patience);
  }

  /** A bug of the CA itself fails the test. */
  failed(error: unknown): void {
    this.violations.push(`the CA itself failed: ${error}`);
  }
}
