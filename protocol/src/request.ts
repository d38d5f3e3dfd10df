import * as v from 'valibot'
import { type Bytes, copy, equal, sha256, uint32, utf8 } from './bytes.ts'
import { bytesOf, decodeCbor, encodeCbor } from './cbor.ts'
import { CocoonError } from './errors.ts'
import { type Exporter, hpkeOpen, hpkeSeal, ENCAPSULATION_BYTES, type Prekey } from './hpke.ts'
import { limits, PROTOCOL_VERSION } from './network.ts'
import { pad, requestBucket, unpad } from './padding.ts'
import { modelId } from './statement.ts'

/** `private`: only a node whose whole stack is measured and attested may open it. */
export const Policy = v.picklist(['private', 'open'])
export type Policy = v.InferOutput<typeof Policy>

/** The part of a request that broker and node read before anything is opened. */
export const Header = v.strictObject({
  version: v.number(),
  network: v.pipe(v.number(), v.safeInteger()),
  model: modelId,
  policy: Policy,
  /** Commits to the content key: AES-GCM alone lets one ciphertext open under two keys. */
  commit: bytesOf(32),
})
export type Header = v.InferOutput<typeof Header>

export const Wrap = v.strictObject({ enc: bytesOf(ENCAPSULATION_BYTES), ciphertext: bytesOf(32 + 16) })
export type Wrap = v.InferOutput<typeof Wrap>

/** A request sealed once. A retry on another node sends these same bytes with a new wrap. */
export interface SealedRequest {
  readonly jobId: Bytes
  readonly header: Bytes
  readonly body: Bytes
}

/** Randomness, injected. Must be cryptographically secure outside vectors. */
export type Random = (length: number) => Bytes
export const secureRandom: Random = (length) => crypto.getRandomValues(new Uint8Array(length))

const ZERO_NONCE = new Uint8Array(12)

async function deriveFrom(contentKey: Bytes, label: string): Promise<Bytes> {
  const key = await crypto.subtle.importKey('raw', contentKey, 'HKDF', false, ['deriveBits'])
  const parameters = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(0), info: utf8(label) }
  return new Uint8Array(await crypto.subtle.deriveBits(parameters, key, 256))
}

async function bodyCipher(contentKey: Bytes, use: 'encrypt' | 'decrypt'): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', await deriveFrom(contentKey, 'cocoon/1 body'), 'AES-GCM', false, [use])
}

/** SHA-256("cocoon/1 job" | uint32 header length | header | sealed body). */
export function jobIdOf(header: Bytes, body: Bytes): Promise<Bytes> {
  return sha256(utf8('cocoon/1 job'), uint32(header.length), header, body)
}

/**
 * Seals `content` under a fresh content key, which is returned only so that it can be wrapped; it must never be used
 * for a second body.
 * @throws CocoonError `too-large`
 */
export async function sealRequest(
  request: { network: number; model: string; policy: Policy; content: Bytes },
  random: Random = secureRandom,
): Promise<{ sealed: SealedRequest; contentKey: Bytes }> {
  const padded = pad(request.content, requestBucket)
  if (padded.length + 16 > limits.request)
    throw new CocoonError('too-large', `a request has at most ${limits.request} bytes`)
  const contentKey = random(32)
  const header = encodeCbor({
    version: PROTOCOL_VERSION,
    network: request.network,
    model: request.model,
    policy: request.policy,
    commit: await deriveFrom(contentKey, 'cocoon/1 commit'),
  } satisfies Header)
  const key = await bodyCipher(contentKey, 'encrypt')
  // The zero nonce is safe: the key encrypts exactly this one body (SPEC.md, Request).
  const body = new Uint8Array(
    await crypto.subtle.encrypt({ name: 'AES-GCM', iv: ZERO_NONCE, additionalData: header }, key, padded),
  )
  return { sealed: { jobId: await jobIdOf(header, body), header, body }, contentKey }
}

/** What a wrap is bound to: the request, the prekey, the money. `voucher` is SHA-256 of nothing when none is paid. */
export interface WrapBinding {
  readonly jobId: Bytes
  readonly statement: Bytes
  readonly voucher: Bytes
}

export function noVoucher(): Promise<Bytes> {
  return sha256()
}

function infoOf(binding: WrapBinding): Bytes {
  return encodeCbor(['cocoon/1 request', binding.jobId, binding.statement, binding.voucher])
}

export async function wrapContentKey(
  contentKey: Bytes,
  prekey: Bytes,
  binding: WrapBinding,
  random: Random = secureRandom,
): Promise<{ wrap: Wrap; exporter: Exporter }> {
  const { enc, ciphertext, exporter } = await hpkeSeal(prekey, infoOf(binding), copy(contentKey), random)
  return { wrap: { enc, ciphertext }, exporter }
}

/** @throws CocoonError `broken-encoding`, `wrong-version`, `wrong-network` */
export function readHeader(header: Bytes, network: number): Header {
  const decoded = decodeCbor(Header, header, limits.object)
  if (decoded.version !== PROTOCOL_VERSION) throw new CocoonError('wrong-version', 'another protocol version')
  if (decoded.network !== network) throw new CocoonError('wrong-network', 'request is for another network')
  return decoded
}

/**
 * Opens a request at the node. The cheap checks (sizes, statement, job id, unseen, money, slot) are the caller's and
 * come first; the job id is compared once more, so that no caller can forget it. The commitment is compared after
 * unwrapping and before decrypting.
 * @throws CocoonError `wrong-job-id`, `cannot-open`, `wrong-commit`, `bad-padding`
 */
export async function openRequest(
  request: { header: Bytes; body: Bytes; wrap: Wrap; commit: Bytes },
  prekey: Prekey,
  binding: WrapBinding,
): Promise<{ content: Bytes; exporter: Exporter }> {
  if (!equal(await jobIdOf(request.header, request.body), binding.jobId)) {
    throw new CocoonError('wrong-job-id', 'the job id is not the digest of header and body')
  }
  const { plaintext: contentKey, exporter } = await hpkeOpen(
    prekey,
    infoOf(binding),
    request.wrap.enc,
    request.wrap.ciphertext,
  )
  if (!equal(await deriveFrom(contentKey, 'cocoon/1 commit'), request.commit)) {
    throw new CocoonError('wrong-commit', 'the content key is not the one the header commits to')
  }
  const key = await bodyCipher(contentKey, 'decrypt')
  let padded: Bytes
  try {
    padded = new Uint8Array(
      await crypto.subtle.decrypt(
        { name: 'AES-GCM', iv: ZERO_NONCE, additionalData: request.header },
        key,
        request.body,
      ),
    )
  } catch (cause) {
    throw new CocoonError('cannot-open', 'the sealed body does not open', { cause })
  }
  return { content: unpad(padded, requestBucket), exporter }
}
