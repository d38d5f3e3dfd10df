import {
  base64url,
  type Bytes,
  cancelToken,
  ChunkDecoder,
  createSigner,
  decodeFrame,
  type Final,
  hex,
  limits,
  type MatchRequest,
  type MatchResponse,
  type MessageOf,
  networks,
  noVoucher,
  ResponseOpener,
  responseSecret,
  sealRequest,
  signFor,
  signInMessage,
  type SignInResponse,
  statementFromText,
  SUBPROTOCOL,
  utf8,
  verifyStatement,
  wrapContentKey,
} from '@cocoon/protocol'
import { exports } from 'cloudflare:workers'
import { issueToken } from '../src/token.ts'
import { MODEL, type TestNode } from './test-node.ts'
import { ORIGIN, Wire } from './wire.ts'

/** A reader says how far it is at least this often (SPEC.md, section 11). Bytes. */
const READ_EVERY = 128 * 1024

export const SESSION_SECRET = 'a secret of the tests, and of nobody else'
export const nowSeconds = (): number => Math.floor(Date.now() / 1000)

export function post(path: string, body: unknown, token?: string): Promise<Response> {
  const headers = { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) }
  return exports.default.fetch(`${ORIGIN}/api${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
}

/** Someone who asks, signed in with a key of their own. */
export class TestUser {
  /** As the broker names them. */
  readonly name: string
  readonly token: string

  private constructor(name: string, token: string) {
    this.name = name
    this.token = token
  }

  static async signIn(): Promise<TestUser> {
    const signer = await createSigner()
    const time = nowSeconds()
    const signature = await signFor('cocoon/1 sign-in', signer, utf8(signInMessage(ORIGIN, time)))
    const key = base64url(signer.publicKey)
    const response = await post('/sign-in', { method: 'key', key, time, signature: base64url(signature) })
    const { token } = (await response.json()) as SignInResponse
    return new TestUser(`key:${hex(signer.publicKey)}`, token)
  }

  /** With a session made here, as for someone whose trial the test wants to choose. */
  static async named(name: string): Promise<TestUser> {
    const token = await issueToken(SESSION_SECRET, { purpose: 'session', user: name, expires: nowSeconds() + 600 })
    return new TestUser(name, token)
  }

  async match(request: Partial<MatchRequest> = {}): Promise<MatchResponse> {
    const response = await post('/match', { model: MODEL, policy: 'open', ...request }, this.token)
    if (!response.ok) throw new Error(`no match: ${await response.text()}`)
    return (await response.json()) as MatchResponse
  }

  /** A lease for a node the test chose, made as the matcher would. */
  lease(
    node: TestNode,
    changes: Partial<Parameters<typeof issueToken>[1] & { purpose: 'lease' }> = {},
  ): Promise<string> {
    const claims = { user: this.name, node: node.id, model: MODEL, region: 'world', expires: nowSeconds() + 30 }
    const kind = { id: crypto.randomUUID(), reserved: true, moved: false, queued: 0 }
    return issueToken(SESSION_SECRET, { purpose: 'lease', ...kind, ...claims, ...changes })
  }

  connect(node: string): Promise<Wire> {
    return Wire.open(`/api/nodes/${node}/jobs`, `${SUBPROTOCOL}, ${this.token}`)
  }

  /** Seals a question for one node; nothing is sent yet. */
  async prepare(node: TestNode, content: Bytes = utf8('{"messages":[]}'), lease?: string): Promise<Question> {
    const { body, signature } = node.statement
    const statement = { body: base64url(body), signature: base64url(signature) }
    return Question.seal({ statement, lease: lease ?? (await this.lease(node)) }, content)
  }
}

type Sealed = Awaited<ReturnType<typeof sealRequest>>

/** One sealed question, its messages, and the reader of its answer. */
export class Question {
  readonly jobId: Bytes
  readonly open: MessageOf<'open'>
  readonly chunks: readonly MessageOf<'chunk'>[]
  readonly cancel: MessageOf<'cancel'>
  readonly #opener: ResponseOpener
  readonly #decoder = new ChunkDecoder()
  text = ''
  /** Bytes of frames it has read and not said so. */
  #unsaid = 0
  /** Every sequence number that arrived, in order, duplicates included. */
  readonly arrived: number[] = []

  readonly #sealed: Sealed

  private constructor(messages: Pick<Question, 'open' | 'chunks' | 'cancel'>, opener: ResponseOpener, sealed: Sealed) {
    this.#sealed = sealed
    this.jobId = messages.open.jobId
    this.open = messages.open
    this.chunks = messages.chunks
    this.cancel = messages.cancel
    this.#opener = opener
  }

  static async seal(
    match: Pick<MatchResponse, 'statement' | 'lease'>,
    content: Bytes,
    model = MODEL,
  ): Promise<Question> {
    const sealed = await sealRequest({ network: networks.localnet, model, policy: 'open', content })
    return Question.#wrapped(match, sealed)
  }

  /** The same sealed bytes for another node, under a new wrap. */
  again(match: Pick<MatchResponse, 'statement' | 'lease'>): Promise<Question> {
    return Question.#wrapped(match, this.#sealed)
  }

  static async #wrapped(match: Pick<MatchResponse, 'statement' | 'lease'>, { sealed, contentKey }: Sealed) {
    const { statement, digest } = await verifyStatement(statementFromText(match.statement), networks.localnet)
    const { jobId, header, body } = sealed
    const binding = { jobId, statement: digest, voucher: await noVoucher() }
    const { wrap, exporter } = await wrapContentKey(contentKey, statement.prekey, binding)
    const pieces: Bytes[] = []
    for (let at = 0; at < body.length; at += limits.chunk) pieces.push(body.slice(at, at + limits.chunk))
    const [first = new Uint8Array(0), ...rest] = pieces
    const { lease } = match
    const common = { jobId, lease, header, statement: digest, wrap, money: ['none'] } as const
    const messages = {
      open: { kind: 'open', ...common, bodyLength: body.length, body: first } as MessageOf<'open'>,
      chunks: rest.map((piece) => ({ kind: 'chunk', jobId, body: piece }) as const),
      cancel: { kind: 'cancel', jobId, token: await cancelToken(exporter) } as const,
    }
    const opener = ResponseOpener.start(jobId, wrap.enc, await responseSecret(exporter))
    return new Question(messages, opener, { sealed, contentKey })
  }

  send(wire: Wire): void {
    wire.send(this.open)
    for (const chunk of this.chunks) wire.send(chunk)
  }

  /** The next frame this reader has not opened yet. */
  get next(): number {
    return this.#opener.state.next
  }

  resume(wire: Wire, from = this.next): void {
    wire.send({ kind: 'resume', jobId: this.jobId, from })
  }

  acknowledge(wire: Wire, next = this.next): void {
    wire.send({ kind: 'ack', jobId: this.jobId, next })
  }

  /** Opens frames until `count` new ones were opened, or the answer ended: its final frame. Gaps and forgeries throw. */
  async read(wire: Wire, count = Infinity): Promise<Final | undefined> {
    for (let opened = 0; opened < count;) {
      const { frame } = await wire.next('frame')
      const decoded = decodeFrame(frame)
      this.arrived.push(decoded.sequence)
      const part = await this.#opener.open(decoded)
      if (part.kind === 'duplicate') continue
      opened += 1
      this.#unsaid += frame.length
      if (this.#unsaid >= READ_EVERY) {
        this.#unsaid = 0
        wire.send({ kind: 'read', jobId: this.jobId, next: this.next })
      }
      if (part.kind === 'final') return part.final
      for (const { choices } of this.#decoder.push(part.content)) this.text += choices[0]?.delta.content ?? ''
    }
    return undefined
  }
}
