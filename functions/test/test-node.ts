import {
  type Bytes,
  concat,
  createPrekey,
  createSigner,
  encodeChunk,
  encodeFrame,
  type Final,
  type Frame,
  linkChallenge,
  type MessageOf,
  networks,
  nodeIdOf,
  noVoucher,
  openRequest,
  type Prekey,
  readHeader,
  type RefusalCode,
  ResponseSealer,
  responseSecret,
  secureRandom,
  signFor,
  signRefusal,
  signStatement,
  type SignedStatement,
  type Signer,
  type Statement,
  statementDigest,
  SUBPROTOCOL,
} from '@cocoon/protocol'
import { env } from 'cloudflare:workers'
import type { NodeRelay } from '../src/index.ts'
import { Wire } from './wire.ts'

export const MODEL = 'cocoon-demo'
const PRICE = { prompt: 1_000n, cached: 100n, completion: 4_000n, reasoning: 4_000n }

export const DONE: Final = {
  status: 'done',
  code: null,
  finishReason: 'stop',
  usage: { prompt: 12, cached: 0, completion: 7, reasoning: 0 },
  receipt: null,
}

/** A provider's node: a real identity, prekey and statement, and a real socket to the relay. */
export class TestNode {
  readonly id: string
  readonly signer: Signer
  readonly prekey: Prekey
  statement: SignedStatement
  wire!: Wire

  private constructor(id: string, signer: Signer, prekey: Prekey, statement: SignedStatement) {
    this.id = id
    this.signer = signer
    this.prekey = prekey
    this.statement = statement
  }

  static async create(changes: Partial<Statement> = {}): Promise<TestNode> {
    const [signer, prekey] = await Promise.all([createSigner(), createPrekey()])
    const signed = await signStatement(statementOf(signer, prekey, changes), signer)
    return new TestNode(await nodeIdOf(signer.publicKey), signer, prekey, signed)
  }

  static async joined(changes: Partial<Statement> = {}, slots = 4): Promise<TestNode> {
    const node = await TestNode.create(changes)
    await node.join({ slots, free: slots })
    return node
  }

  /** The relay that bears this node's name. */
  get relay(): DurableObjectStub<NodeRelay> {
    return env.NODE_RELAY.getByName(this.id) as DurableObjectStub<NodeRelay>
  }

  newStatement(changes: Partial<Statement> = {}): Promise<SignedStatement> {
    return signStatement(statementOf(this.signer, this.prekey, changes), this.signer)
  }

  dial(): Promise<Wire> {
    return Wire.open(`/api/nodes/${this.id}/link`, SUBPROTOCOL)
  }

  /** A hello as it should be, for this challenge. */
  async hello(
    challenge: MessageOf<'challenge'>,
    changes: Partial<MessageOf<'hello'>> = {},
  ): Promise<MessageOf<'hello'>> {
    const signature = await signFor(
      'cocoon/1 link challenge',
      this.signer,
      linkChallenge(challenge.nonce, 'broker.test'),
    )
    return { kind: 'hello', signature, statement: this.statement, slots: 4, free: 4, jobs: [], ...changes }
  }

  async join(changes: Partial<MessageOf<'hello'>> = {}): Promise<void> {
    this.wire = await this.dial()
    this.wire.send(await this.hello(await this.wire.next('challenge'), changes))
    await this.wire.next('joined')
  }

  /** Waits for a job and its chunks, checks and opens it. */
  async takeJob(): Promise<TakenJob> {
    return this.open(await this.wire.next('job'))
  }

  async open(job: MessageOf<'job'>): Promise<TakenJob> {
    let body = job.body
    while (body.length < job.bodyLength) body = concat(body, (await this.wire.next('chunk')).body)
    const { commit } = readHeader(job.header, networks.localnet)
    const statement = await statementDigest(this.statement.body)
    const binding = { jobId: job.jobId, statement, voucher: await noVoucher() }
    const { content, exporter } = await openRequest({ ...job, body, commit }, this.prekey, binding)
    const sealer = ResponseSealer.create(job.jobId, job.wrap.enc, await responseSecret(exporter), secureRandom)
    return new TakenJob(this, job.jobId, content, sealer)
  }

  /** Says how many of its slots are free. */
  load(free: number, slots = 4, draining = false): void {
    this.wire.send({ kind: 'load', slots, free, draining })
  }

  async refuse(job: MessageOf<'job'>, code: RefusalCode): Promise<void> {
    const binding = { jobId: job.jobId, statement: job.statement, voucher: await noVoucher() }
    this.wire.send({ kind: 'refusal', ...(await signRefusal(binding, code, this.signer)) })
  }
}

/** A job the node opened: seals frames, and keeps every one until it is acknowledged, as a node must. */
export class TakenJob {
  readonly jobId: Bytes
  readonly content: Bytes
  readonly #node: TestNode
  readonly #sealer: ResponseSealer
  readonly #kept: Frame[] = []

  constructor(node: TestNode, jobId: Bytes, content: Bytes, sealer: ResponseSealer) {
    this.#node = node
    this.jobId = jobId
    this.content = content
    this.#sealer = sealer
  }

  async seal(text: string): Promise<Frame> {
    const chunk = encodeChunk({ choices: [{ index: 0, delta: { content: text } }] })
    const frame = await this.#sealer.seal(chunk)
    this.#kept.push(frame)
    return frame
  }

  async say(...texts: string[]): Promise<void> {
    for (const text of texts) this.send(await this.seal(text))
  }

  async finish(final: Final = DONE): Promise<void> {
    const frames = await this.#sealer.finish(final)
    this.#kept.push(...frames)
    for (const frame of frames) this.send(frame)
  }

  send(frame: Frame): void {
    this.#node.wire.send({ kind: 'frame', jobId: this.jobId, frame: encodeFrame(frame) })
  }

  /** Sends one frame again. */
  sendAgain(sequence: number): void {
    for (const frame of this.#kept) if (frame.sequence === sequence) this.send(frame)
  }

  /** Sends again what is kept from `next` on. */
  resend(next: number): void {
    for (const frame of this.#kept) if (frame.sequence >= next) this.send(frame)
  }

  /** Waits until the relay says it stored everything before `next`. */
  async acknowledged(next: number): Promise<void> {
    while ((await this.#node.wire.next('ack')).next < next) continue
  }
}

function statementOf(signer: Signer, prekey: Prekey, changes: Partial<Statement>): Statement {
  const now = Math.floor(Date.now() / 1000)
  return {
    version: 1,
    network: networks.localnet,
    identity: signer.publicKey,
    prekey: prekey.publicKey,
    notBefore: now,
    useBy: now + 600,
    evidence: null,
    payee: null,
    offers: [{ model: MODEL, context: 2048, maxOutput: 512, price: PRICE }],
    limits: { request: 8 * 1024 * 1024, seconds: 60 },
    ...changes,
  }
}
