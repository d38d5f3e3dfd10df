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

export type StatementDates = Pick<Statement, 'notBefore' | 'useBy'>
export type StatementBinding = Pick<Statement, 'evidence' | 'useBy'>
/** Says what evidence a statement of these dates names, and when it must end. Throws where there is none for them. */
export type BindStatement = (wanted: StatementDates) => StatementBinding

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
  #terms: Terms
  readonly #clock: Clock
  readonly #bind: BindStatement
  readonly #published = new Map<string, Published>()
  /** Digests of prekeys whose time is over, and until when they are remembered as ours. */
  readonly #over = new Map<string, number>()
  #current: SignedStatement | undefined
  #evidence: Bytes | null = null

  constructor(
    signer: Signer,
    terms: Terms,
    clock: Clock,
    bind: BindStatement = ({ useBy }) => ({ evidence: terms.evidence, useBy }),
  ) {
    this.#bind = bind
    this.#signer = signer
    this.#terms = terms
    this.#clock = clock
  }

  /** Other offers, from the next statement on. Jobs under those before keep what they were promised. */
  offer(offers: Terms['offers']): void {
    this.#terms = { ...this.#terms, offers }
  }

  get offers(): Terms['offers'] {
    return this.#terms.offers
  }

  /** Makes a new prekey and the statement that offers it; forgets those whose time is over. */
  async rotate(): Promise<SignedStatement> {
    const prekey = await createPrekey()
    const notBefore = Math.floor(this.#clock.now() / 1000)
    const bound = this.#bind({ notBefore, useBy: notBefore + PREKEY_LIFETIME / 1000 })
    const statement: Statement = {
      version: PROTOCOL_VERSION,
      ...this.#terms,
      ...bound,
      identity: this.#signer.publicKey,
      prekey: prekey.publicKey,
      notBefore,
    }
    const signed = await signStatement(statement, this.#signer)
    const digest = await statementDigest(signed.body)
    this.forgetExpired()
    const expires = this.#clock.monotonic() + (bound.useBy - notBefore) * 1000
    this.#published.set(hex(digest), { digest, prekey, statement, expires })
    this.#current = signed
    this.#evidence = statement.evidence
    return signed
  }

  /** The statement offered now; `rotate` must have been called. */
  get current(): SignedStatement {
    if (!this.#current) throw new Error('no prekey was made yet')
    return this.#current
  }

  /** What the statement offered now names; null for a node that shows nothing. */
  get evidence(): Bytes | null {
    return this.#evidence
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
