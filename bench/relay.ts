import { DEMO_MODEL, startSystem } from '@cocoon/localnet'
import {
  base64url,
  type Bytes,
  createPrekey,
  createSigner,
  decodeMessage,
  encodeFrame,
  encodeMessage,
  hex,
  linkChallenge,
  type MatchResponse,
  type Message,
  networks,
  nodeIdOf,
  noVoucher,
  sealRequest,
  signFor,
  signInMessage,
  type SignInResponse,
  signStatement,
  statementFromText,
  SUBPROTOCOL,
  utf8,
  verifyStatement,
  wrapContentKey,
} from '@cocoon/protocol'
import { untilListed } from './peers.ts'
import { descendant, processorMs } from './process-cost.ts'
import { rounded } from './statistics.ts'

const JOBS = 8
/** 512 bytes of padded content and the tag: the commonest frame. */
const FRAMES = 4_000
const FRAME_BYTES = 528
/** Frames a job may have on their way, as a node's outbox allows. */
const WINDOW = 512

/** A socket that speaks the protocol's messages and nothing more: neither end's sealing is measured here. */
class Peer {
  readonly #socket: WebSocket
  readonly opened: Promise<unknown>
  /** Resolves with the reason when the socket closes. */
  readonly closed: Promise<string>

  constructor(url: string, protocols: string[], receive: (message: Message) => void) {
    this.#socket = new WebSocket(url.replace(/^http/, 'ws'), protocols)
    this.#socket.binaryType = 'arraybuffer'
    this.opened = new Promise((resolve, reject) => {
      this.#socket.addEventListener('open', resolve, { once: true })
      this.#socket.addEventListener('error', () => reject(new Error('a socket did not open')), { once: true })
    })
    this.closed = new Promise((resolve) => {
      this.#socket.addEventListener('close', ({ code, reason }) => resolve(`${code} ${reason}`), { once: true })
    })
    this.#socket.addEventListener('message', ({ data }: MessageEvent<string | ArrayBuffer>) => {
      if (typeof data !== 'string') receive(decodeMessage(new Uint8Array(data)))
    })
  }

  send(message: Message): void {
    this.#socket.send(encodeMessage(message))
  }

  close(): void {
    this.#socket.close()
  }
}

/** Joins as a node that answers every job with frames as fast as the relay stores them. */
async function joinNode(origin: string): Promise<Peer> {
  const [signer, prekey] = await Promise.all([createSigner(), createPrekey()])
  const now = Math.floor(Date.now() / 1000)
  const price = { prompt: 1n, cached: 1n, completion: 1n, reasoning: 1n }
  const statement = await signStatement(
    {
      version: 1,
      network: networks.localnet,
      identity: signer.publicKey,
      prekey: prekey.publicKey,
      notBefore: now,
      useBy: now + 600,
      evidence: null,
      payee: null,
      offers: [{ model: DEMO_MODEL.id, context: 4096, maxOutput: 4096, price }],
      limits: { request: 1024 * 1024, seconds: 300 },
    },
    signer,
  )
  const nonce = new Uint8Array(32)
  const ciphertext = new Uint8Array(FRAME_BYTES).fill(7)
  const sent = new Map<string, number>()
  const pump = (jobId: Bytes, stored: number): void => {
    const id = hex(jobId)
    let next = sent.get(id) ?? 0
    for (; next < Math.min(FRAMES, stored + WINDOW); next++) {
      const frame = { sequence: next, final: next === FRAMES - 1, nodeNonce: next === 0 ? nonce : null, ciphertext }
      node.send({ kind: 'frame', jobId, frame: encodeFrame(frame) })
    }
    sent.set(id, next)
  }
  const joined = Promise.withResolvers<void>()
  const url = new URL(`/api/nodes/${await nodeIdOf(signer.publicKey)}/link`, origin)
  const node: Peer = new Peer(url.href, [SUBPROTOCOL], (message) => {
    if (message.kind === 'challenge') {
      const signed = signFor('cocoon/1 link challenge', signer, linkChallenge(message.nonce, url.host))
      void signed.then((signature) =>
        node.send({ kind: 'hello', signature, statement, slots: 4 * JOBS, free: 4 * JOBS, jobs: [] }),
      )
    } else if (message.kind === 'joined') joined.resolve()
    else if (message.kind === 'job') pump(message.jobId, 0)
    else if (message.kind === 'ack') pump(message.jobId, message.next)
  })
  await joined.promise
  return node
}

async function post<T>(origin: string, path: string, body: unknown, token?: string): Promise<T> {
  const headers = { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) }
  const response = await fetch(`${origin}/api${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  if (!response.ok) throw new Error(`${path}: ${await response.text()}`)
  return (await response.json()) as T
}

async function signIn(origin: string): Promise<string> {
  const signer = await createSigner()
  const time = Math.floor(Date.now() / 1000)
  const signature = await signFor('cocoon/1 sign-in', signer, utf8(signInMessage(origin, time)))
  const request = { method: 'key', key: base64url(signer.publicKey), time, signature: base64url(signature) }
  return (await post<SignInResponse>(origin, '/sign-in', request)).token
}

/** Sends one job and reads its frames to the end. */
async function readJob(origin: string, token: string): Promise<void> {
  const match = await post<MatchResponse>(origin, '/match', { model: DEMO_MODEL.id, policy: 'open' }, token)
  const { statement, digest } = await verifyStatement(statementFromText(match.statement), networks.localnet)
  const content = utf8('{}')
  const request = { network: networks.localnet, model: DEMO_MODEL.id, policy: 'open', content } as const
  const { sealed, contentKey } = await sealRequest(request)
  const { jobId, header, body } = sealed
  const binding = { jobId, statement: digest, voucher: await noVoucher() }
  const { wrap } = await wrapContentKey(contentKey, statement.prekey, binding)
  const ended = Promise.withResolvers<void>()
  let next = 0
  const asker = new Peer(`${origin}/api/nodes/${match.node}/jobs`, [SUBPROTOCOL, token], (message) => {
    if (message.kind === 'stopped') ended.reject(new Error(message.code))
    if (message.kind !== 'frame') return
    next += 1
    if (next % 200 === 0) asker.send({ kind: 'read', jobId, next })
    if (next < FRAMES) return
    asker.send({ kind: 'ack', jobId, next })
    ended.resolve()
  })
  await asker.opened
  const { lease } = match
  const fields = { header, bodyLength: body.length, body, statement: digest, wrap, money: ['none'] as ['none'] }
  asker.send({ kind: 'open', jobId, lease, ...fields })
  void asker.closed.then((why) => ended.reject(new Error(`the socket closed: ${why}`)))
  await ended.promise
  asker.close()
}

/** What a frame costs the broker from the node's socket through storage to the reader's, in workerd's processor time. */
export async function measureRelay() {
  const system = await startSystem({ build: false, nodes: 0 })
  try {
    const node = await joinNode(system.origin)
    await untilListed(system.origin, 1)
    const token = await signIn(system.origin)
    await readJob(system.origin, token)
    const workerd = descendant('workerd')
    const [began, before] = [performance.now(), processorMs(workerd)]
    await Promise.all(Array.from({ length: JOBS }, () => readJob(system.origin, token)))
    const seconds = (performance.now() - began) / 1000
    const processor = processorMs(workerd) - before
    node.close()
    const frames = JOBS * FRAMES
    return {
      frames,
      frameBytes: FRAME_BYTES,
      processorMicrosecondsPerFrame: rounded((processor * 1000) / frames),
      framesPerSecond: Math.round(frames / seconds),
    }
  } finally {
    await system.stop()
  }
}
