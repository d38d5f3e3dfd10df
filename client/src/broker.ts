import {
  AccountResponse,
  type BrokerCode,
  type Bytes,
  CocoonError,
  CollateralResponse,
  ErrorResponse,
  type MatchRequest,
  MatchResponse,
  type ModelInfo,
  ModelsResponse,
  SignInResponse,
  SUBPROTOCOL,
  type Trial,
} from '@cocoon/protocol'
import * as v from 'valibot'
import type { Environment } from './environment.ts'
import type { SignIn } from './sign-in.ts'
import type { ClientSocket } from './socket.ts'

/** Seconds before its end at which a session is not used for anything new. */
const SESSION_MARGIN = 60
/** A call that takes longer than this is given up: a dead network would hold it for minutes. Milliseconds. */
const CALL_TIMEOUT = 30_000
/** Seconds by which signatures may run ahead of the clock, where several are made within one second. */
const SIGNED_JUST = 5
/** By how much this device's clock may be wrong before the broker's counts instead. Milliseconds. */
const CLOCK_TOLERANCE = 30_000

/** The broker's HTTP doors, and the session that opens them. Nothing it answers is believed, only used. */
export class Broker {
  readonly origin: string
  readonly #environment: Environment
  readonly #signIn: SignIn
  #session: Promise<SignInResponse> | undefined
  #expires = 0
  #renewal: string | undefined
  /**
   * How far the broker's clock is ahead of this device's, in milliseconds. Sessions are the broker's affair and live by
   * its clock, so that a phone whose clock is an hour off can ask too; nothing that protects the person uses it.
   */
  #ahead = 0
  /** Unix seconds of the last sign-in. */
  #signedFor = 0
  /** Whether that sign-in was for a time: a signature is, Telegram's init data is not. */
  #timed = false

  constructor(origin: string, signIn: SignIn, environment: Environment) {
    this.origin = origin
    this.#signIn = signIn
    this.#renewal = signIn.renewal
    this.#environment = environment
  }

  async models(): Promise<{ network: number; models: ModelInfo[] }> {
    return this.#call(ModelsResponse, 'GET', '/models')
  }

  async trial(): Promise<Trial> {
    return (await this.#withSession((token) => this.#call(AccountResponse, 'GET', '/account', undefined, token))).trial
  }

  async match(request: MatchRequest): Promise<MatchResponse> {
    return this.#withSession((token) => this.#call(MatchResponse, 'POST', '/match', request, token))
  }

  /** Digests of the collateral that is carried for a node, hex. */
  async collateral(nodeId: string): Promise<string[]> {
    return (await this.#call(CollateralResponse, 'GET', `/nodes/${nodeId}/collateral`)).collateral
  }

  /** What a door answers in bytes, at most `most` of them. @throws CocoonError the broker's own code, `unreachable` */
  async bytes(path: string, most: number): Promise<Bytes> {
    let response: Response
    let bytes: Bytes
    try {
      response = await this.#environment.fetch(`${this.origin}/api${path}`, {
        method: 'GET',
        signal: AbortSignal.timeout(CALL_TIMEOUT),
      })
      bytes = new Uint8Array(await response.arrayBuffer())
    } catch (cause) {
      throw new CocoonError('unreachable', 'the broker does not answer', { cause })
    }
    if (!response.ok) throw errorOf(parsed(bytes))
    if (bytes.length > most) throw new CocoonError('wrong-broker', `the broker's answer to ${path} is too large`)
    return bytes
  }

  /** Opens the socket to one node's relay. Resolves when it is open. */
  async connect(nodeId: string): Promise<ClientSocket> {
    const url = `${this.origin.replace(/^http/, 'ws')}/api/nodes/${nodeId}/jobs`
    const { token } = await this.#freshSession()
    try {
      return await this.#environment.connect(url, [SUBPROTOCOL, token])
    } catch (error) {
      // A socket does not say why it stays closed. A door does: this one signs in again where the session is forgotten.
      await this.trial().catch(() => undefined)
      const renewed = (await this.#freshSession().catch(() => undefined))?.token
      if (renewed === undefined || renewed === token) throw error
      return this.#environment.connect(url, [SUBPROTOCOL, renewed])
    }
  }

  /** The broker's time in Unix seconds, as far as it is known. Good for its own leases, and for nothing that protects. */
  get seconds(): number {
    return this.#now() / 1000
  }

  /** Signs in again and tries once more when the broker has forgotten the session. */
  async #withSession<T>(call: (token: string) => Promise<T>): Promise<T> {
    const session = this.#freshSession()
    try {
      return await call((await session).token)
    } catch (error) {
      if (!(error instanceof CocoonError) || error.code !== 'signed-out') throw error
      // Another call may have signed in again meanwhile.
      if (this.#session === session) this.#session = undefined
      return call((await this.#freshSession()).token)
    }
  }

  #freshSession(): Promise<SignInResponse> {
    const now = this.#now() / 1000
    if (this.#session && (this.#expires === 0 || now < this.#expires - SESSION_MARGIN)) return this.#session
    this.#expires = 0
    const session = this.#beginSession()
    this.#session = session
    // A failed sign-in is not kept: the next question tries again.
    session.catch(() => {
      if (this.#session === session) this.#session = undefined
    })
    return session
  }

  async #beginSession(): Promise<SignInResponse> {
    const renewal = this.#renewal
    try {
      return await this.#signInWith(renewal)
    } catch (error) {
      // A renewal that is not taken any more is worth nothing: begin anew, as if there had been none.
      if (renewal === undefined || !(error instanceof CocoonError) || error.action !== 'sign-in') throw error
      return this.#signInWith(undefined)
    }
  }

  async #signInWith(renewal: string | undefined): Promise<SignInResponse> {
    const before = this.#ahead
    try {
      return await this.#signInOnce(renewal)
    } catch (error) {
      if (!(error instanceof CocoonError) || !this.#timed) throw error
      // A signature with a wrong time is refused; the refusal came with the right one.
      const learned = error.code === 'sign-in-refused' && Math.abs(this.#ahead - before) > CLOCK_TOLERANCE
      // Another window with the same key signed in this very second: the next second is another signature.
      if (!learned && error.code !== 'sign-in-replayed') throw error
      return this.#signInOnce(renewal)
    }
  }

  async #signInOnce(renewal: string | undefined): Promise<SignInResponse> {
    const now = Math.floor(this.#now() / 1000)
    // The same second signed twice is the same signature, which a broker takes for a recorded one.
    const signedJust = now <= this.#signedFor && this.#signedFor - now < SIGNED_JUST
    this.#signedFor = signedJust ? this.#signedFor + 1 : now
    const request = await this.#signIn.begin(this.origin, this.#signedFor, renewal)
    this.#timed = 'time' in request
    const session = await this.#call(SignInResponse, 'POST', '/sign-in', request)
    // A session that seems over when it begins says that a clock is wrong: the broker's word ends it then.
    const lasts = session.expires - this.#now() / 1000 > SESSION_MARGIN
    this.#expires = lasts ? session.expires : Infinity
    this.#renewal = session.renewal
    this.#signIn.remember?.(session.renewal)
    return session
  }

  /** The broker's time, as far as it is known. */
  #now(): number {
    return this.#environment.now() + this.#ahead
  }

  #compareClocks(date: string | null): void {
    const ahead = Date.parse(date ?? '') - this.#environment.now()
    if (!Number.isNaN(ahead)) this.#ahead = Math.abs(ahead) > CLOCK_TOLERANCE ? ahead : 0
  }

  async #call<Schema extends v.GenericSchema>(
    schema: Schema,
    method: 'GET' | 'POST',
    path: string,
    body?: unknown,
    token?: string,
  ): Promise<v.InferOutput<Schema>> {
    const headers: Record<string, string> = {}
    if (body !== undefined) headers['content-type'] = 'application/json'
    if (token !== undefined) headers['authorization'] = `Bearer ${token}`
    let response: Response
    let answer: unknown
    try {
      const signal = AbortSignal.timeout(CALL_TIMEOUT)
      const init = { method, headers, signal, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }
      response = await this.#environment.fetch(`${this.origin}/api${path}`, init)
      this.#compareClocks(response.headers.get('date'))
      answer = await response.json()
    } catch (cause) {
      throw new CocoonError('unreachable', 'the broker does not answer', { cause })
    }
    if (!response.ok) throw errorOf(answer)
    const result = v.safeParse(schema, answer)
    if (!result.success)
      throw new CocoonError('wrong-broker', `the broker's answer to ${path} is not what it should be`)
    return result.output
  }
}

function parsed(bytes: Bytes): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return undefined
  }
}

/** The broker's text goes nowhere: a terminal or a screen would show it as ours. Its code alone counts. */
function errorOf(answer: unknown): CocoonError {
  const result = v.safeParse(ErrorResponse, answer)
  if (!result.success) return new CocoonError('unreachable', 'the broker failed without saying how')
  const { code, retryAfterMs } = result.output.error
  return new CocoonError(code satisfies BrokerCode, 'the broker refused the call', { retryAfterMs })
}
