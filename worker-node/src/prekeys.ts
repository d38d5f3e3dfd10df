import {
  type Bytes,
  createPrekey,
  hex,
  type Prekey,
  PROTOCOL_VERSION,
  type Signer,
  type SignedStatement,
  signStatement,
  type Statement,
  statementDigest,
} from '@cocoon/protocol'

/** A prekey is offered for so long, and accepted for twice as long. Milliseconds. */
export const PREKEY_ROTATION = 5 * 60_000
export const PREKEY_LIFETIME = 10 * 60_000

/** Two clocks: the wall's for what others read, a monotonic one for what is enforced here. Milliseconds. */
export interface Clock {
  now(): number
  monotonic(): number
}

export const systemClock: Clock = { now: () => Date.now(), monotonic: () => performance.now() }

/** What a statement says beside keys and dates. */
export type Terms = Pick<Statement, 'network' | 'evidence' | 'payee' | 'offers' | 'limits'>

interface Published {
  readonly digest: Bytes
  readonly prekey: Prekey
  readonly statement: Statement
  /** On the monotonic clock. */
  readonly expires: number
}

/** The node's prekeys: one that is offered, and those before it until their time is over. They live in memory only. */
export class PrekeyRing {
  readonly #signer: Signer
  readonly #terms: Terms
  readonly #clock: Clock
  readonly #published = new Map<string, Published>()
  /** Digests of prekeys whose time is over, and until when they are remembered as ours. */
  readonly #over = new Map<string, number>()
  #current: SignedStatement | undefined

  constructor(signer: Signer, terms: Terms, clock: Clock) {
    this.#signer = signer
    this.#terms = terms
    this.#clock = clock
  }

  /** Makes a new prekey and the statement that offers it; forgets those whose time is over. */
  async rotate(): Promise<SignedStatement> {
    const prekey = await createPrekey()
    const notBefore = Math.floor(this.#clock.now() / 1000)
    const statement: Statement = {
      version: PROTOCOL_VERSION,
      ...this.#terms,
      identity: this.#signer.publicKey,
      prekey: prekey.publicKey,
      notBefore,
      useBy: notBefore + PREKEY_LIFETIME / 1000,
    }
    const signed = await signStatement(statement, this.#signer)
    const digest = await statementDigest(signed.body)
    this.forgetExpired()
    this.#published.set(hex(digest), { digest, prekey, statement, expires: this.#clock.monotonic() + PREKEY_LIFETIME })
    this.#current = signed
    return signed
  }

  /** The statement offered now; `rotate` must have been called. */
  get current(): SignedStatement {
    if (!this.#current) throw new Error('no prekey was made yet')
    return this.#current
  }

  /** The prekey a wrap was made for. `expired`: it was ours, and its time is over. */
  find(digest: Bytes): Published | 'expired' | undefined {
    this.forgetExpired()
    const id = hex(digest)
    return this.#published.get(id) ?? (this.#over.has(id) ? 'expired' : undefined)
  }

  /** Drops every private key whose time is over: it opens nothing any more. Its digest is remembered one lifetime longer. */
  forgetExpired(): void {
    const now = this.#clock.monotonic()
    for (const [id, { expires }] of this.#published) {
      if (expires > now) continue
      this.#published.delete(id)
      this.#over.set(id, expires + PREKEY_LIFETIME)
    }
    for (const [id, until] of this.#over) if (until <= now) this.#over.delete(id)
  }
}
