import {
  AccountResponse,
  type BrokerCode,
  CocoonError,
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
import type { ClientSocket, Environment } from './environment.ts'
import type { SignIn } from './sign-in.ts'

/** Seconds before its end at which a session is not used for anything new. */
const SESSION_MARGIN = 60

/** The broker's HTTP doors, and the session that opens them. Nothing it answers is believed, only used. */
export class Broker {
  readonly origin: string
  readonly #environment: Environment
  readonly #signIn: SignIn
  #session: Promise<SignInResponse> | undefined
  #expires = 0
  #renewal: string | undefined

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

  /** Opens the socket to one node's relay. Resolves when it is open. */
  async connect(nodeId: string): Promise<ClientSocket> {
    const url = `${this.origin.replace(/^http/, 'ws')}/api/nodes/${nodeId}/jobs`
    const { token } = await this.#freshSession()
    return this.#environment.connect(url, [SUBPROTOCOL, token])
  }

  /** Signs in again and tries once more when the broker has forgotten the session. */
  async #withSession<T>(call: (token: string) => Promise<T>): Promise<T> {
    try {
      return await call((await this.#freshSession()).token)
    } catch (error) {
      if (!(error instanceof CocoonError) || error.code !== 'signed-out') throw error
      this.#session = undefined
      return call((await this.#freshSession()).token)
    }
  }

  #freshSession(): Promise<SignInResponse> {
    const now = this.#environment.now() / 1000
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
    const nowSeconds = Math.floor(this.#environment.now() / 1000)
    const request = await this.#signIn.begin(this.origin, nowSeconds, renewal)
    const session = await this.#call(SignInResponse, 'POST', '/sign-in', request)
    this.#expires = session.expires
    this.#renewal = session.renewal
    this.#signIn.remember?.(session.renewal)
    return session
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
      const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }
      response = await this.#environment.fetch(`${this.origin}/api${path}`, init)
      answer = await response.json()
    } catch (cause) {
      throw new CocoonError('unreachable', 'the broker does not answer', { cause })
    }
    if (!response.ok) throw errorOf(answer)
    const result = v.safeParse(schema, answer)
    if (!result.success) throw new CocoonError('wrong-broker', `the broker's answer to ${path} is not what it should be`)
    return result.output
  }
}

/** The broker's text is never shown; its code alone counts. */
function errorOf(answer: unknown): CocoonError {
  const result = v.safeParse(ErrorResponse, answer)
  if (!result.success) return new CocoonError('unreachable', 'the broker failed without saying how')
  const { code, message, retryAfterMs } = result.output.error
  return new CocoonError(code satisfies BrokerCode, message, { retryAfterMs })
}
