import * as v from 'valibot'
import { type Bytes, concat, copy, uint64, utf8 } from './bytes.ts'
import { bytesOf, bytesUpTo, decodeCbor, encodeCbor, uint } from './cbor.ts'
import { CocoonError, type FailureCode, failureCodes } from './errors.ts'
import { type Frame, FRAME_UNIT, NODE_NONCE_BYTES } from './frame.ts'
import type { Exporter } from './hpke.ts'
import { limits } from './network.ts'
import { pad, padme, unpad } from './padding.ts'
import { Usage } from './price.ts'
import type { Random } from './request.ts'

/** How a job ended: the content of the one final frame. */
export const Final = v.pipe(
  v.strictObject({
    status: v.picklist(['done', 'failed', 'cancelled']),
    /** Why it failed; null otherwise. */
    code: v.nullable(v.picklist(Object.keys(failureCodes) as FailureCode[])),
    /** The engine's own word; null when it never got to say one. */
    finishReason: v.nullable(v.picklist(['stop', 'length', 'tool_calls', 'content_filter'])),
    /** Exact: it travels inside the seal only. */
    usage: Usage,
    /** The signed receipt; null for a job that is not paid by voucher. */
    receipt: v.nullable(bytesUpTo(limits.object)),
  }),
  v.check((final) => (final.status === 'failed') === (final.code !== null), 'a code exactly when failed'),
)
export type Final = v.InferOutput<typeof Final>

const frameBucket = (length: number): number => Math.ceil(length / FRAME_UNIT) * FRAME_UNIT
/** Most content one frame holds. */
export const MAX_FRAME_CONTENT = limits.frame - 4

interface ResponseKeys {
  readonly key: CryptoKey
  readonly baseNonce: Bytes
}

/** The secret both ends export from the wrap; frames and the cancel token come from it. */
export function responseSecret(exporter: Exporter): Promise<Bytes> {
  return exporter(utf8('cocoon/1 response'), 32)
}

/** Whoever knows it may cancel the job: 32 bytes only client and node can compute. Using it twice is harmless. */
export function cancelToken(exporter: Exporter): Promise<Bytes> {
  return exporter(utf8('cocoon/1 cancel'), 32)
}

/** HKDF-SHA256 with salt = encapsulation | node nonce, as RFC 9458 section 4.4 does for Oblivious HTTP. */
async function deriveKeys(
  secret: Bytes,
  enc: Bytes,
  nodeNonce: Bytes,
  use: 'encrypt' | 'decrypt',
): Promise<ResponseKeys> {
  const material = await crypto.subtle.importKey('raw', secret, 'HKDF', false, ['deriveBits', 'deriveKey'])
  const salt = concat(enc, nodeNonce)
  const from = (label: string) => ({ name: 'HKDF', hash: 'SHA-256', salt, info: utf8(label) })
  const [key, baseNonce] = await Promise.all([
    crypto.subtle.deriveKey(from('cocoon/1 response key'), material, { name: 'AES-GCM', length: 256 }, false, [use]),
    crypto.subtle.deriveBits(from('cocoon/1 response nonce'), material, 96),
  ])
  return { key, baseNonce: new Uint8Array(baseNonce) }
}

function gcmParameters(keys: ResponseKeys, jobId: Bytes, sequence: number, final: boolean) {
  const counter = uint64(sequence)
  const iv = copy(keys.baseNonce)
  for (let i = 0; i < 8; i++) iv[4 + i] = (iv[4 + i] ?? 0) ^ (counter[i] ?? 0)
  return { name: 'AES-GCM', iv, additionalData: concat(jobId, counter, Uint8Array.of(final ? 1 : 0)) }
}

/** Seals one answer at the node. A sequence number is taken before anything is awaited, so no nonce can serve twice. */
export class ResponseSealer {
  readonly #jobId: Bytes
  readonly #nodeNonce: Bytes
  readonly #keys: Promise<ResponseKeys>
  #next = 0
  #content = 0
  #finished = false

  private constructor(jobId: Bytes, nodeNonce: Bytes, keys: Promise<ResponseKeys>) {
    this.#jobId = jobId
    this.#nodeNonce = nodeNonce
    this.#keys = keys
  }

  static create(jobId: Bytes, enc: Bytes, secret: Bytes, random: Random): ResponseSealer {
    const nodeNonce = copy(random(NODE_NONCE_BYTES))
    return new ResponseSealer(jobId, nodeNonce, deriveKeys(secret, enc, nodeNonce, 'encrypt'))
  }

  /**
   * @throws CocoonError `answer-too-large` when the answer outgrows its limit; the job must then end with a final frame.
   * @throws RangeError for a frame that is too large or comes after the final one: the caller's mistake.
   */
  seal(content: Bytes): Promise<Frame> {
    // Room for the final frame and its dummies stays free, so that an answer that grew too large can still end properly.
    if (this.#content + content.length > limits.answer || padme(this.#next + 2) > limits.frames) {
      throw new CocoonError('answer-too-large', `an answer has at most ${limits.answer} bytes`)
    }
    this.#content += content.length
    return this.#seal(content, false)
  }

  /** The last frames: as many empty ones as bring the count to the next Padmé value, then the final one. */
  finish(final: Final): Promise<Frame[]> {
    const content = encodeCbor(final)
    const dummies = padme(this.#next + 1) - this.#next - 1
    const frames = Array.from({ length: dummies }, () => this.#seal(new Uint8Array(0), false))
    frames.push(this.#seal(content, true))
    this.#finished = true
    return Promise.all(frames)
  }

  #seal(content: Bytes, final: boolean): Promise<Frame> {
    if (this.#finished) throw new RangeError('the final frame was sealed already')
    if (content.length > MAX_FRAME_CONTENT) throw new RangeError(`a frame holds at most ${MAX_FRAME_CONTENT} bytes`)
    const sequence = this.#next++
    // Padding copies the content before anything is awaited, so that the caller may use its buffer again.
    return this.#encrypt(pad(content, frameBucket), sequence, final)
  }

  async #encrypt(padded: Bytes, sequence: number, final: boolean): Promise<Frame> {
    const keys = await this.#keys
    const ciphertext = await crypto.subtle.encrypt(gcmParameters(keys, this.#jobId, sequence, final), keys.key, padded)
    return {
      sequence,
      final,
      nodeNonce: sequence === 0 ? this.#nodeNonce : null,
      ciphertext: new Uint8Array(ciphertext),
    }
  }
}

/** What a client keeps, encrypted at rest, to go on with an answer after a reload. */
export const ResponseState = v.strictObject({
  jobId: bytesOf(32),
  enc: bytesUpTo(2048),
  secret: bytesOf(32),
  nodeNonce: v.nullable(bytesOf(NODE_NONCE_BYTES)),
  next: uint,
  received: uint,
  final: v.boolean(),
})
export type ResponseState = v.InferOutput<typeof ResponseState>

export type Opened =
  | { readonly kind: 'content'; readonly content: Bytes }
  | { readonly kind: 'final'; readonly final: Final }
  /** Seen before, or after the end: ignored. */
  | { readonly kind: 'duplicate' }

/** Opens one answer at the client, one frame after another however they are handed in. */
export class ResponseOpener {
  #state: ResponseState
  #keys: ResponseKeys | undefined
  #last: Promise<unknown> = Promise.resolve()

  constructor(state: ResponseState) {
    this.#state = state
  }

  static start(jobId: Bytes, enc: Bytes, secret: Bytes): ResponseOpener {
    return new ResponseOpener({ jobId, enc, secret, nodeNonce: null, next: 0, received: 0, final: false })
  }

  get state(): ResponseState {
    return this.#state
  }

  /** True once the authentic final frame was opened; whatever ends without it is an error, never a short answer. */
  get finished(): boolean {
    return this.#state.final
  }

  /**
   * @throws CocoonError `frame-gap` when frames before this one are missing: ask again from `state.next`.
   * @throws CocoonError `forged-frame` when it does not open, which changes nothing here.
   */
  open(frame: Frame): Promise<Opened> {
    // In line, or a frame that comes twice within a moment would be delivered twice.
    const opened = this.#last.then(() => this.#open(frame))
    this.#last = opened.catch(() => undefined)
    return opened
  }

  async #open(frame: Frame): Promise<Opened> {
    const { jobId, enc, secret, next, final } = this.#state
    if (final || frame.sequence < next) return { kind: 'duplicate' }
    if (frame.sequence > next) throw new CocoonError('frame-gap', `frame ${next} is missing`)
    const nodeNonce = this.#state.nodeNonce ?? frame.nodeNonce
    if (!nodeNonce) throw new CocoonError('forged-frame', 'first frame without a node nonce')
    const keys = this.#keys ?? (await deriveKeys(secret, enc, nodeNonce, 'decrypt'))
    const content = await this.#decrypt(keys, jobId, frame)
    const received = this.#state.received + (frame.final ? 0 : content.length)
    if (received > limits.answer) throw new CocoonError('forged-frame', 'answer larger than its limit')
    const opened: Opened = frame.final
      ? { kind: 'final', final: decodeCbor(Final, content, limits.object) }
      : { kind: 'content', content }
    this.#keys = keys
    this.#state = { ...this.#state, nodeNonce, next: next + 1, received, final: frame.final }
    return opened
  }

  async #decrypt(keys: ResponseKeys, jobId: Bytes, frame: Frame): Promise<Bytes> {
    try {
      const parameters = gcmParameters(keys, jobId, frame.sequence, frame.final)
      return unpad(new Uint8Array(await crypto.subtle.decrypt(parameters, keys.key, frame.ciphertext)), frameBucket)
    } catch (cause) {
      throw new CocoonError('forged-frame', `frame ${frame.sequence} does not open`, { cause })
    }
  }
}
